// One HTTP/2 stream as an exchange: a request that the pipeline handles, and its answer as frames.

import type { Duplex } from 'node:stream'
import { MisuseError } from '../protocols/errors.ts'
import { type Fields, field } from '../protocols/fields.ts'
import { ERROR_CODE } from '../protocols/http2/errors.ts'
import type { Http2RequestHead, Http2ServerEvent } from '../protocols/http2/events.ts'
import type { Refusal } from './decision.ts'
import type { Exchange, ExchangeOwner } from './exchange.ts'
import type { Http2Session } from './http2-session.ts'
import { RequestBody } from './request-body.ts'

export class Http2Exchange implements Exchange {
  readonly stream: number
  /** HTTP/2 has no Upgrade (RFC 9113 section 8.6), and extended CONNECT is not offered. */
  readonly upgrade = undefined
  readonly body: RequestBody
  readonly #session: Http2Session
  readonly #head: Http2RequestHead
  owner: ExchangeOwner | undefined
  user = ''
  streaming = false
  isGone = false
  /** The pipeline has not yet come to the end of its work on the request. */
  isWorkedOn = true
  /** The client has said all it had to say. */
  #whole: boolean
  /** Body bytes whose credit the client has not got back. */
  #owed = 0
  #isRead = false
  /** Bytes of the answer's body that are still to come, where its length is known. */
  #left = Number.POSITIVE_INFINITY
  /** The answer's last frame has been given to the machine. */
  #answered = false

  constructor(session: Http2Session, event: Http2ServerEvent & { type: 'request' }) {
    this.#session = session
    this.stream = event.stream
    this.#head = event.head
    this.#whole = event.end
    this.body = new RequestBody(event.end ? 0 : event.length, session.deadlines, session.bodies)
  }

  /** The answer is whole, and the request is not. */
  get isAnsweredEarly(): boolean {
    return this.#answered && !this.#whole
  }

  get method(): string {
    return this.#head.method
  }

  get target(): string {
    return this.#head.path
  }

  get fields(): Fields {
    return this.#head.fields
  }

  // -- from the session

  /** Credit goes back only once somebody reads the body: a stranger's request gets no more than its first window. */
  received(bytes: Uint8Array): void {
    this.body.add(bytes)
    this.#owed += bytes.length
    if (this.#isRead) this.#giveCredit()
  }

  completed(): void {
    this.#whole = true
    this.body.complete()
  }

  /** The stream or the connection is gone. */
  clientGone(): void {
    if (this.isGone) return
    const owner = this.owner
    this.#over()
    owner?.gone()
  }

  // -- from the pipeline

  readBody(limit: number): Promise<Uint8Array | Refusal | undefined> | Uint8Array | Refusal | undefined {
    if (this.#whole && this.body.length === 0) return undefined
    const body = this.body.read(limit)
    if (!(body instanceof Promise)) return body
    this.#isRead = true
    this.#giveCredit()
    if (field(this.fields, 'expect') !== undefined) {
      this.#session.machine.send({ type: 'continue', stream: this.stream })
      this.#session.flushSoon()
    }
    return body
  }

  respond(status: number, _reason: string, fields: Fields, length: number | undefined): void {
    if (this.isGone) return
    const lines: string[] = []
    for (let at = 0; at < fields.length; at += 2) {
      lines.push((fields[at] as string).toLowerCase(), fields[at + 1] as string)
    }
    if (length !== undefined) lines.push('content-length', String(length))
    const end = length === 0 || this.method === 'HEAD' || status === 204 || status === 304
    this.#answered = end
    if (length !== undefined) this.#left = length
    this.#session.machine.send({ type: 'response', stream: this.stream, status, fields: lines, end })
    this.#session.flushSoon()
  }

  write(bytes: Uint8Array): boolean {
    if (this.isGone || this.#answered) return true
    const { machine } = this.#session
    this.#left -= bytes.length
    // The last frame of a body whose length is known carries the end: one frame less for every answer.
    this.#answered = this.#left === 0
    machine.send({ type: 'data', stream: this.stream, bytes, end: this.#answered })
    this.#session.flushSoon()
    return this.#session.takesBytes && !machine.blocked(this.stream)
  }

  end(trailers: Fields): void {
    if (this.isGone) return
    const { machine } = this.#session
    if (!this.#answered) machine.send({ type: 'end', stream: this.stream, trailers })
    this.#answered = true
    this.#over()
    this.#session.flushSoon()
  }

  abort(): void {
    if (this.isGone) return
    this.#session.machine.send({ type: 'reset', stream: this.stream, code: ERROR_CODE.INTERNAL_ERROR })
    this.#over()
    this.#session.flushSoon()
  }

  answer(status: number, fields: Fields, body: Uint8Array, _close: boolean): void {
    if (this.isGone) return
    this.respond(status, '', fields, body.length)
    this.write(body)
    this.end([])
  }

  switch(): { socket: Duplex; trailing: Uint8Array } {
    throw new MisuseError('an HTTP/2 stream has no upgrade to take')
  }

  #giveCredit(): void {
    if (this.#owed === 0) return
    this.#session.machine.send({ type: 'consumed', stream: this.stream, bytes: this.#owed })
    this.#owed = 0
    this.#session.flushSoon()
  }

  #over(): void {
    this.isGone = true
    this.owner = undefined
    this.body.discard()
    this.#session.over(this)
  }
}
