// One request to a cluster and the callbacks of its answer: waits for a connection, holds it while it is answered, and
// reports exactly once how it ended. Nothing is reported after the client has gone.

import type { Fields } from '../../protocols/fields.ts'
import type { ResponseHead } from '../../protocols/http1/events.ts'
import type { Dialling } from './dial.ts'
import type { PooledConnection } from './pooled-connection.ts'
import type { UpstreamCall, UpstreamFailed, UpstreamHandler, UpstreamRequest } from './upstream.ts'

export class Call implements UpstreamCall {
  readonly request: UpstreamRequest
  readonly #handler: UpstreamHandler
  #dialling: Dialling | undefined
  #connection: PooledConnection | undefined
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

  awaits(dialling: Dialling): void {
    this.#dialling = dialling
  }

  uses(connection: PooledConnection): void {
    this.#dialling = undefined
    this.#connection = connection
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
    this.#connection?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#connection?.resume()
  }

  abort(): void {
    const connection = this.#connection
    const dialling = this.#dialling
    if (!this.#finish()) return
    dialling?.cancel()
    connection?.abandon()
  }

  #finish(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#dialling = undefined
    this.#connection = undefined
    return true
  }
}
