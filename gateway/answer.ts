// The cluster's answer on its way to the client: each piece is masked, taped, then passed, in one synchronous callback.
// Under `strict` a piece waits until it is on disk. A slow client or a tape that is behind pauses the cluster's connection.

import { PeerError } from '../protocols/errors.ts'
import { type Fields, field } from '../protocols/fields.ts'
import type { ResponseHead } from '../protocols/http1/events.ts'
import { limits } from '../protocols/limits.ts'
import type { Meter } from './budget.ts'
import type { Deadlines, Waiting } from './deadlines.ts'
import type { Durability, Refusal } from './decision.ts'
import type { Exchange, ExchangeOwner } from './exchange.ts'
import { answerable } from './hop-by-hop.ts'
import { Lull, type Lulled } from './lull.ts'
import type { AnswerMask, Piece } from './mask/answer-mask.ts'
import { BodyRecorder, maskedBody, originalBody, redacted } from './recording.ts'
import { type Tape, TapeFailed, type TapeStore } from './tape/tape.ts'
import { type UpstreamCall, UpstreamFailed, type UpstreamHandler } from './upstream/upstream.ts'

export interface AnswerOptions {
  readonly exchange: Exchange
  readonly tape: Tape
  /** The exchange's number on its tape. */
  readonly number: number
  readonly store: TapeStore
  readonly durability: Durability
  readonly deadlines: Deadlines
  /** When the caller's token ends; an answer that is still streaming is broken off then. */
  readonly expiresAt: number
  /** Bytes of the body to keep on the tape. */
  readonly bodyBytes: number
  /** How the answer is masked, by its head; a refusal if it has to be and cannot. */
  mask(status: number, fields: Fields): AnswerMask | Refusal
  /** Counts what the answer holds, where a budget does. */
  readonly meter: Meter | undefined
  /** The answer may not pass, and none has begun: the caller gets this instead. */
  refused(refusal: Refusal): void
  /** The cluster gave no answer: the caller gets this instead. */
  failed(error: UpstreamFailed): void
  /** The tape takes nothing more and no answer has begun. */
  unrecorded(): void
  /** Called once, last: the status that the client saw, or 0, and why the answer broke off, or "". */
  ended(status: number, broken: string): void
}

/** What waits for the disk under `strict`: the head of an answer, a piece, or its end. */
type Held =
  | { readonly head: ResponseHead; readonly fields: Fields; readonly length: number | undefined }
  | { readonly bytes: Uint8Array }
  | { readonly trailers: Fields }

export class Answer implements UpstreamHandler, ExchangeOwner, Waiting, Lulled {
  readonly #options: AnswerOptions
  readonly #body: BodyRecorder
  readonly #strict: boolean
  readonly deadline: number
  #call: UpstreamCall | undefined
  #status = 0
  /** Set with the head. */
  #mask: AnswerMask | undefined
  /** Lets go of what the mask holds back; made when it first does. */
  #lull: Lull | undefined
  /** Nothing has come since the lull was last looked for. */
  #isQuiet = false
  /** The head of a masked answer, until the first of its body can be masked: then a fault can still be said properly. */
  #kept: ResponseHead | undefined
  /** The client has been told a status; before that a failure can still be said properly. */
  #begun = false
  #over = false
  #paused = false
  #held: Held[] = []
  #waiting = false
  #unlisten: (() => void) | undefined

  constructor(options: AnswerOptions) {
    this.#options = options
    this.#strict = options.durability === 'strict'
    this.#body = new BodyRecorder(options.tape, options.number, options.bodyBytes)
    this.deadline = options.expiresAt
    options.exchange.owner = this
    options.deadlines.watch(this)
  }

  /** The call that this answers; set before its first callback. */
  begin(call: UpstreamCall): void {
    this.#call = call
    if (this.#over) call.abort()
  }

  // -- from the cluster

  onResponse(head: ResponseHead): void {
    if (this.#over) return
    const mask = this.#options.mask(head.status, head.fields)
    if ('rule' in mask) {
      this.#unmaskable(mask.rule, mask.message)
      return
    }
    const over = this.#options.meter?.answered(head.status, mediaType(head), contentLength(head))
    if (over !== undefined) {
      this.#overBudget(over)
      return
    }
    this.#mask = mask
    if (mask.isStream) this.#answer(mask, head)
    else this.#kept = head
  }

  onData(bytes: Uint8Array): void {
    const mask = this.#mask
    if (this.#over || mask === undefined) return
    let piece: Piece
    try {
      piece = mask.receive(bytes)
    } catch (error) {
      this.#unreadable(error)
      return
    }
    this.#shown(mask, piece)
    this.#isQuiet = false
    if (mask.isHolding && !this.#over) {
      this.#lull ??= new Lull(this, limits.mask.quietMillis)
      this.#lull.holding()
    }
    if (!this.#over && this.#options.store.congested) this.#waitForStore()
  }

  onEnd(trailers: Fields): void {
    const mask = this.#mask
    if (this.#over || mask === undefined) return
    let piece: Piece
    try {
      piece = mask.end()
    } catch (error) {
      this.#unreadable(error)
      return
    }
    // What comes all at once has a length that can be said.
    this.#shown(mask, piece, piece.passed.length)
    if (this.#kept !== undefined) this.#answer(mask, this.#kept)
    if (this.#over) return
    const { taped, passed } = mask.head(answerable(trailers))
    try {
      this.#keepOriginals(mask, true)
      this.#body.end(false)
      if (taped.length > 0) this.#options.tape.append('note', { code: 'answer.trailers', text: lines(redacted(taped)) })
    } catch (error) {
      this.#tapeFailed(error)
      return
    }
    if (this.#strict) {
      this.#hold({ trailers: passed })
      return
    }
    this.#options.exchange.end(passed)
    this.#end('')
  }

  /** Nothing has come for a while: what is held of the answer's text passes. */
  lull(): boolean {
    const mask = this.#mask
    if (this.#over || mask === undefined) return false
    if (!this.#isQuiet) {
      this.#isQuiet = true
      return mask.isHolding
    }
    this.#shown(mask, mask.flush())
    return false
  }

  /** The head is on the tape, and passes. */
  #answer(mask: AnswerMask, head: ResponseHead, length = mask.keepsLength ? contentLength(head) : undefined): void {
    this.#kept = undefined
    const { taped, passed } = mask.head(answerable(head.fields))
    const { tape, number } = this.#options
    try {
      tape.append('response', { exchange: number, status: head.status, fields: redacted(taped), by: 'cluster' })
    } catch (error) {
      this.#tapeFailed(error)
      return
    }
    this.#status = head.status
    if (this.#strict) this.#hold({ head, fields: passed, length })
    else this.#respond(head, passed, length)
  }

  /** What the mask has let go; the tape is told what is masked in it before it passes. */
  #shown(mask: AnswerMask, { taped, passed }: Piece, length?: number): void {
    if ((taped.length === 0 && passed.length === 0) || !this.#hasRoom(passed)) return
    if (this.#kept !== undefined) this.#answer(mask, this.#kept, length)
    if (this.#over) return
    const { tape, number, exchange } = this.#options
    try {
      for (const masked of mask.masked()) tape.append('masked', maskedBody(number, masked))
      this.#keepOriginals(mask, false)
      if (taped.length > 0) this.#body.add(taped)
    } catch (error) {
      this.#tapeFailed(error)
      return
    }
    if (passed.length === 0) return
    if (this.#strict) {
      this.#hold({ bytes: passed })
      this.#pause()
    } else if (!exchange.write(passed)) {
      this.#pause()
    }
  }

  #keepOriginals(mask: AnswerMask, isOver: boolean): void {
    const { tape, number } = this.#options
    for (const original of mask.originals(isOver)) {
      tape.append('original', originalBody('responseBody', number, original))
    }
  }

  /** What the rewriters cannot read goes no further. */
  #unreadable(error: unknown): void {
    if (!(error instanceof PeerError)) throw error
    this.#unmaskable(error.rule, 'the cluster answered with a body that cannot be masked, so it was not passed on')
  }

  /** Whether the budgets have room for bytes of the body. */
  #hasRoom(bytes: Uint8Array): boolean {
    const over = this.#options.meter?.passes(bytes)
    if (over !== undefined) this.#overBudget(over)
    return over === undefined
  }

  #overBudget(refusal: Refusal): void {
    this.#call?.abort()
    if (this.#status !== 0) {
      this.#breakOff(refusal.rule, refusal.message)
      return
    }
    this.#end(refusal.rule)
    try {
      this.#options.refused(refusal)
    } catch (fault) {
      if (!(fault instanceof TapeFailed)) throw fault
      this.#options.unrecorded()
    }
  }

  #unmaskable(rule: string, message: string): void {
    this.#call?.abort()
    if (this.#status === 0) this.onFailed(new UpstreamFailed(502, rule, message))
    else this.#breakOff(rule)
  }

  onFailed(error: UpstreamFailed): void {
    if (this.#over) return
    if (this.#status === 0) {
      this.#end(error.rule)
      try {
        this.#options.failed(error)
      } catch (fault) {
        if (!(fault instanceof TapeFailed)) throw fault
        this.#options.unrecorded()
      }
      return
    }
    this.#breakOff('cluster gone')
  }

  // -- from the client

  drained(): void {
    this.#resume()
  }

  gone(): void {
    this.#breakOff('client gone')
  }

  // -- from the clock

  expired(): void {
    this.#breakOff('token expired')
  }

  /** The gateway ends a streaming answer: it drains, or the caller was locked out. */
  cut(cut: { readonly reason: string }): void {
    this.#breakOff(cut.reason)
  }

  #respond(head: ResponseHead, fields: Fields, length: number | undefined): void {
    this.#begun = true
    this.#options.exchange.respond(head.status, head.reason, fields, length)
  }

  // -- back-pressure and the end

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#call?.pause()
  }

  #resume(): void {
    if (!this.#paused || this.#over || this.#waiting || this.#options.store.congested) return
    this.#paused = false
    this.#call?.resume()
  }

  #waitForStore(): void {
    this.#pause()
    this.#unlisten ??= this.#options.store.onChange(() => {
      if (this.#options.store.failed !== undefined) this.#breakOff('tape failed')
      else this.#resume()
    })
  }

  #hold(held: Held): void {
    this.#held.push(held)
    if (this.#waiting) return
    this.#waiting = true
    process.nextTick(releaseWhenDurable, this)
  }

  /** Under `strict`: passes what is held by now, once the tape up to here is on disk. */
  async release(): Promise<void> {
    const turn = this.#held
    this.#held = []
    try {
      await this.#options.tape.durable()
    } catch (error) {
      this.#tapeFailed(error)
      return
    }
    if (this.#over) return
    const exchange = this.#options.exchange
    let flowing = true
    for (const held of turn) {
      // What cannot become messages ends the exchange as it is written.
      if (this.#over) return
      if ('head' in held) this.#respond(held.head, held.fields, held.length)
      else if ('bytes' in held) flowing = exchange.write(held.bytes)
      else {
        exchange.end(held.trailers)
        this.#end('')
        return
      }
    }
    this.#waiting = false
    if (this.#held.length > 0) {
      this.#waiting = true
      void this.release()
    } else if (flowing) {
      this.#resume()
    }
  }

  #tapeFailed(error: unknown): void {
    if (!(error instanceof TapeFailed)) throw error
    if (this.#over) return
    this.#end('tape failed')
    this.#call?.abort()
    if (this.#begun) this.#options.exchange.abort()
    else this.#options.unrecorded()
  }

  #breakOff(reason: string, why = ''): void {
    if (this.#over) return
    this.#end(reason)
    this.#call?.abort()
    try {
      if (this.#mask !== undefined) this.#keepOriginals(this.#mask, true)
      this.#body.end(true)
      if (why !== '') this.#options.tape.append('note', { code: reason, text: why })
      this.#options.tape.append('note', { code: 'answer.broken', text: reason })
    } catch (error) {
      if (!(error instanceof TapeFailed)) throw error
    }
    this.#options.exchange.abort()
  }

  #end(broken: string): void {
    this.#over = true
    this.#held = []
    this.#lull?.stop()
    this.#unlisten?.()
    this.#options.deadlines.forget(this)
    this.#options.exchange.owner = undefined
    this.#options.ended(this.#status, broken)
  }
}

function releaseWhenDurable(answer: Answer): void {
  void answer.release()
}

/** Field lines as text. */
function lines(fields: Fields): string {
  let text = ''
  for (let at = 0; at < fields.length; at += 2) text += `${fields[at]}: ${fields[at + 1]}\n`
  return text
}

/** Lower-cased, without parameters. */
function mediaType(head: ResponseHead): string {
  return (field(head.fields, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** The length that the answer states, where it states one; the machine has checked its form. */
function contentLength(head: ResponseHead): number | undefined {
  const value = field(head.fields, 'content-length')
  return value === undefined ? undefined : Number(value)
}
