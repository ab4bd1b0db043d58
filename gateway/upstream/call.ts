// One request to a cluster and the callbacks of its answer: waits for a connection, holds it while it is answered, and
// reports exactly once how it ended. Nothing is reported after the client has gone.

import type { Fields } from '../../protocols/fields.ts'
import type { ResponseHead } from '../../protocols/http1/events.ts'
import type { Pending } from './dial.ts'
import type { UpstreamCall, UpstreamFailed, UpstreamHandler, UpstreamRequest } from './upstream.ts'

/** The connection that carries a call. */
export interface Carrier {
  pause(call: Call): void
  resume(call: Call): void
  /** The call's client has gone; what is still to come of the answer is nobody's. */
  abandon(call: Call): void
}

export class Call implements UpstreamCall {
  readonly request: UpstreamRequest
  /** How often it has been sent. */
  tries = 1
  readonly #handler: UpstreamHandler
  #dialling: Pending | undefined
  #carrier: Carrier | undefined
  #paused = false
  #over = false

  constructor(request: UpstreamRequest, handler: UpstreamHandler) {
    this.request = request
    this.#handler = handler
  }

  /** May be sent a second time when a kept connection turns out to be dead: safe and without a body (RFC 9110 section 9.2.2). */
  get repeatable(): boolean {
    const { method, body } = this.request
    return (method === 'GET' || method === 'HEAD') && (body === undefined || body.length === 0)
  }

  get isPaused(): boolean {
    return this.#paused
  }

  get isOver(): boolean {
    return this.#over
  }

  // -- from the pool

  awaits(dialling: Pending): void {
    this.#dialling = dialling
  }

  uses(carrier: Carrier): void {
    this.#dialling = undefined
    this.#carrier = carrier
  }

  responded(head: ResponseHead): void {
    if (!this.#over) this.#handler.onResponse(head)
  }

  received(bytes: Uint8Array): void {
    if (!this.#over) this.#handler.onData(bytes)
  }

  ended(trailers: Fields): void {
    if (this.#finish()) this.#handler.onEnd(trailers)
  }

  failed(error: UpstreamFailed): void {
    if (this.#finish()) this.#handler.onFailed(error)
  }

  // -- from the pipeline

  pause(): void {
    this.#paused = true
    this.#carrier?.pause(this)
  }

  resume(): void {
    this.#paused = false
    this.#carrier?.resume(this)
  }

  abort(): void {
    const carrier = this.#carrier
    const dialling = this.#dialling
    if (!this.#finish()) return
    dialling?.cancel()
    carrier?.abandon(this)
  }

  #finish(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#dialling = undefined
    this.#carrier = undefined
    return true
  }
}
