// One request on an HTTP/1.1 connection as an exchange: its head and body for the pipeline, and the answer as bytes behind the
// ones before. What is answered after the client has gone goes nowhere.

import type { Duplex } from 'node:stream'
import type { Fields } from '../protocols/fields.ts'
import type { Http1ServerEvent, RequestHead } from '../protocols/http1/events.ts'
import type { Refusal } from './decision.ts'
import type { Exchange, ExchangeOwner } from './exchange.ts'
import type { Http1Session } from './http1-session.ts'
import { RequestBody } from './request-body.ts'

export class Http1Exchange implements Exchange {
  readonly #session: Http1Session
  readonly #head: RequestHead
  readonly #expectContinue: boolean
  readonly upgrade: string | undefined
  readonly body: RequestBody
  owner: ExchangeOwner | undefined
  user = ''
  streaming = false
  isGone = false
  /** The pipeline has not yet come to the end of its work on the request. */
  isWorkedOn = true
  begun = false

  constructor(session: Http1Session, event: Http1ServerEvent & { type: 'request' }) {
    this.#session = session
    this.#head = event.head
    this.#expectContinue = event.expectContinue
    this.upgrade = event.upgrade
    this.body = new RequestBody(
      event.framing === 'chunked' ? undefined : event.framing,
      session.deadlines,
      session.bodies,
    )
  }

  get method(): string {
    return this.#head.method
  }

  get target(): string {
    return this.#head.target
  }

  get fields(): Fields {
    return this.#head.fields
  }

  readBody(limit: number): Promise<Uint8Array | Refusal | undefined> | Uint8Array | Refusal | undefined {
    if (this.body.length === 0) return undefined
    const body = this.body.read(limit)
    if (this.#expectContinue && body instanceof Promise) {
      this.#session.machine.send({ type: 'continue' })
      this.#session.flushSoon()
    }
    return body
  }

  respond(status: number, reason: string, fields: Fields, length: number | undefined): void {
    if (this.isGone) return
    this.#begin(status, reason, fields, length, this.#session.draining)
  }

  write(bytes: Uint8Array): boolean {
    if (this.isGone) return true
    this.#session.machine.send({ type: 'data', bytes })
    this.#session.flushSoon()
    if (this.#session.takesBytes) return true
    if (!this.streaming) this.#session.waitForReader()
    return false
  }

  end(trailers: Fields): void {
    if (this.isGone) return
    this.#session.machine.send({ type: 'end', trailers })
    this.#session.flushNow()
    this.#over()
    this.#session.finished()
  }

  abort(): void {
    if (this.isGone) return
    this.#over()
    this.#session.flushNow()
    this.#session.destroy()
  }

  answer(status: number, fields: Fields, body: Uint8Array, close: boolean): void {
    if (this.isGone) return
    this.#begin(status, '', fields, body.length, close || this.#session.draining)
    if (this.#head.method !== 'HEAD') this.write(body)
    this.end([])
  }

  #begin(status: number, reason: string, fields: Fields, length: number | undefined, close: boolean): void {
    this.begun = true
    this.#session.machine.send({ type: 'response', status, reason, fields, framing: length ?? 'chunked', close })
    this.#session.flushSoon()
  }

  switch(fields: Fields): { socket: Duplex; trailing: Uint8Array } {
    const machine = this.#session.machine
    machine.send({ type: 'switch', fields })
    this.#over()
    const socket = this.#session.detach()
    return { socket, trailing: machine.takeTrailing() }
  }

  /** The session tells: the socket is gone. */
  clientGone(): void {
    if (this.isGone) return
    const owner = this.owner
    this.#over()
    owner?.gone()
  }

  #over(): void {
    this.isGone = true
    this.owner = undefined
    this.body.discard()
    this.#session.over(this)
  }
}
