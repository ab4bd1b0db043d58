// The cluster's answer on its way to the client: each piece is masked, taped, then passed, in one synchronous callback. What
// cannot be masked or recorded, or has no room in a budget, goes no further: a refusal before it has begun, broken off after.

import { PeerError } from '../protocols/errors.ts'
import { type Fields, field } from '../protocols/fields.ts'
import type { ResponseHead } from '../protocols/http1/events.ts'
import { limits } from '../protocols/limits.ts'
import { AnswerOutlet, type OutletOptions, type OutletOwner } from './answer-outlet.ts'
import { AnswerRecord } from './answer-record.ts'
import type { Meter } from './budget.ts'
import type { Deadlines, Waiting } from './deadlines.ts'
import type { Refusal } from './decision.ts'
import type { ExchangeOwner } from './exchange.ts'
import { answerable } from './hop-by-hop.ts'
import { Lull, type Lulled } from './lull.ts'
import type { AnswerMask, Piece } from './mask/answer-mask.ts'
import { TapeFailed } from './tape/tape.ts'
import { type UpstreamCall, UpstreamFailed, type UpstreamHandler } from './upstream/upstream.ts'

export interface AnswerOptions extends OutletOptions {
  /** The exchange's number on its tape. */
  readonly number: number
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

export class Answer implements UpstreamHandler, ExchangeOwner, OutletOwner, Waiting, Lulled {
  readonly #options: AnswerOptions
  readonly #record: AnswerRecord
  readonly #outlet: AnswerOutlet
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
  #over = false

  constructor(options: AnswerOptions) {
    this.#options = options
    this.#record = new AnswerRecord(options.tape, options.number, options.bodyBytes)
    this.#outlet = new AnswerOutlet(options, this)
    this.deadline = options.expiresAt
    options.exchange.owner = this
    options.deadlines.watch(this)
  }

  /** The call that this answers; set before its first callback. */
  begin(call: UpstreamCall): void {
    this.#call = call
    this.#outlet.from(call)
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
    if (!this.#over) this.#outlet.heedStore()
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
      this.#record.end(mask, taped)
    } catch (error) {
      this.#tapeFailed(error)
      return
    }
    this.#outlet.end(passed)
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
    try {
      this.#record.head(head.status, taped)
    } catch (error) {
      this.#tapeFailed(error)
      return
    }
    this.#status = head.status
    this.#outlet.respond(head, passed, length)
  }

  /** What the mask has let go; the tape is told what is masked in it before it passes. */
  #shown(mask: AnswerMask, { taped, passed }: Piece, length?: number): void {
    if ((taped.length === 0 && passed.length === 0) || !this.#hasRoom(passed)) return
    if (this.#kept !== undefined) this.#answer(mask, this.#kept, length)
    if (this.#over) return
    try {
      this.#record.piece(mask, taped)
    } catch (error) {
      this.#tapeFailed(error)
      return
    }
    if (passed.length > 0) this.#outlet.write(passed)
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
    this.#outlet.resume()
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

  // -- from the outlet

  passed(): void {
    this.#end('')
  }

  unheld(error: unknown): void {
    this.#tapeFailed(error)
  }

  storeFailed(): void {
    this.#breakOff('tape failed')
  }

  // -- the end

  #tapeFailed(error: unknown): void {
    if (!(error instanceof TapeFailed)) throw error
    if (this.#over) return
    this.#end('tape failed')
    this.#call?.abort()
    if (this.#outlet.begun) this.#options.exchange.abort()
    else this.#options.unrecorded()
  }

  #breakOff(reason: string, why = ''): void {
    if (this.#over) return
    this.#end(reason)
    this.#call?.abort()
    try {
      this.#record.broken(this.#mask, reason, why)
    } catch (error) {
      if (!(error instanceof TapeFailed)) throw error
    }
    this.#options.exchange.abort()
  }

  #end(broken: string): void {
    this.#over = true
    this.#outlet.close()
    this.#lull?.stop()
    this.#options.deadlines.forget(this)
    this.#options.exchange.owner = undefined
    this.#options.ended(this.#status, broken)
  }
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
