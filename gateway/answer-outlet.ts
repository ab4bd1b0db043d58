// What is on the tape of an answer -> the client: at once, or under `strict` when it is on disk. A slow client, what waits for
// the disk and a store that is behind pause the cluster's connection, so that nothing queues without a bound.

import type { Fields } from '../protocols/fields.ts'
import type { ResponseHead } from '../protocols/http1/events.ts'
import type { Durability } from './decision.ts'
import type { Exchange } from './exchange.ts'
import type { Tape, TapeStore } from './tape/tape.ts'
import type { UpstreamCall } from './upstream/upstream.ts'

export interface OutletOptions {
  readonly exchange: Exchange
  readonly tape: Tape
  readonly store: TapeStore
  readonly durability: Durability
}

/** What an outlet tells; synchronous. */
export interface OutletOwner {
  /** The client has been given all of the answer. */
  passed(): void
  /** What waits cannot come onto the disk: the tape's error, or a bug of ours. */
  unheld(error: unknown): void
  /** The store has failed, so nothing more can be recorded. */
  storeFailed(): void
}

/** What waits for the disk under `strict`: the head of an answer, a piece, or its end. */
type Held =
  | { readonly head: ResponseHead; readonly fields: Fields; readonly length: number | undefined }
  | { readonly bytes: Uint8Array }
  | { readonly trailers: Fields }

export class AnswerOutlet {
  readonly #options: OutletOptions
  readonly #owner: OutletOwner
  readonly #strict: boolean
  #call: UpstreamCall | undefined
  #begun = false
  #closed = false
  #paused = false
  /** Undefined: nothing. */
  #held: Held[] | undefined
  #waiting = false
  #unlisten: (() => void) | undefined

  constructor(options: OutletOptions, owner: OutletOwner) {
    this.#options = options
    this.#owner = owner
    this.#strict = options.durability === 'strict'
  }

  /** The call that brings the answer; set before anything passes. */
  from(call: UpstreamCall): void {
    this.#call = call
  }

  /** The client has been told a status; before that a failure can still be said properly. */
  get begun(): boolean {
    return this.#begun
  }

  respond(head: ResponseHead, fields: Fields, length: number | undefined): void {
    if (this.#strict) this.#hold({ head, fields, length })
    else this.#respond(head, fields, length)
  }

  write(bytes: Uint8Array): void {
    if (this.#strict) {
      this.#hold({ bytes })
      this.#pause()
    } else if (!this.#options.exchange.write(bytes)) {
      this.#pause()
    }
  }

  end(trailers: Fields): void {
    if (this.#strict) {
      this.#hold({ trailers })
      return
    }
    this.#options.exchange.end(trailers)
    this.#owner.passed()
  }

  /** The client takes bytes again, or the store has caught up. */
  resume(): void {
    if (!this.#paused || this.#closed || this.#waiting || this.#options.store.congested) return
    this.#paused = false
    this.#call?.resume()
  }

  /** Where the store is behind nothing more is to come until it is not. */
  heedStore(): void {
    if (!this.#options.store.congested) return
    this.#pause()
    this.#unlisten ??= this.#options.store.onChange(() => {
      if (this.#options.store.failed !== undefined) this.#owner.storeFailed()
      else this.resume()
    })
  }

  /** Nothing passes any more: what is held is forgotten. */
  close(): void {
    this.#closed = true
    this.#held = undefined
    this.#unlisten?.()
  }

  /** Under `strict`: passes what is held by now, once the tape up to here is on disk. */
  async release(): Promise<void> {
    const turn = this.#held
    this.#held = undefined
    try {
      await this.#options.tape.durable()
    } catch (error) {
      this.#owner.unheld(error)
      return
    }
    if (this.#closed || turn === undefined) return
    const { exchange } = this.#options
    let flowing = true
    for (const held of turn) {
      // What cannot become messages ends the exchange as it is written.
      if (this.#closed) return
      if ('head' in held) this.#respond(held.head, held.fields, held.length)
      else if ('bytes' in held) flowing = exchange.write(held.bytes)
      else {
        exchange.end(held.trailers)
        this.#owner.passed()
        return
      }
    }
    this.#waiting = false
    if (this.#held !== undefined) {
      this.#waiting = true
      void this.release()
    } else if (flowing) {
      this.resume()
    }
  }

  #respond(head: ResponseHead, fields: Fields, length: number | undefined): void {
    this.#begun = true
    this.#options.exchange.respond(head.status, head.reason, fields, length)
  }

  #hold(held: Held): void {
    this.#held ??= []
    this.#held.push(held)
    if (this.#waiting) return
    this.#waiting = true
    process.nextTick(releaseWhenDurable, this)
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#call?.pause()
  }
}

function releaseWhenDurable(outlet: AnswerOutlet): void {
  void outlet.release()
}
