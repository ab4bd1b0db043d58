// A client connection that speaks HTTP/1.1: turns its requests into exchanges, one after another, and their answers into
// bytes. Framing faults are answered with a Status and the connection closed; deadlines are kept for head, body and idling.

import type { Duplex } from 'node:stream'
import type { PeerError } from '../protocols/errors.ts'
import type { Fields } from '../protocols/fields.ts'
import type { Http1ServerEvent, RequestHead } from '../protocols/http1/events.ts'
import { Http1Server } from '../protocols/http1/server.ts'
import { limits } from '../protocols/limits.ts'
import type { Deadlines, Waiting } from './deadlines.ts'
import { type Refusal, refuse } from './decision.ts'
import { type Driven, drive, flush } from './drive.ts'
import { ClientGone, type Exchange, type ExchangeOwner } from './exchange.ts'

/** What a session's owner does: the pipeline's entrance. */
export interface SessionOwner {
  /** A whole request head. Must not throw or reject. */
  request(exchange: Exchange): void
  /** The client broke HTTP. The answer's body, with the status that the session sends. */
  malformed(error: PeerError): { status: number; fields: Fields; body: Uint8Array }
  /** The connection is over, or has become a stream that someone else owns. Called once. */
  ended(reason: string): void
}

const NOTHING = new Uint8Array(0)

export class Http1Session implements Driven<Http1ServerEvent>, Waiting {
  readonly #socket: Duplex
  readonly #machine: Http1Server
  readonly #deadlines: Deadlines
  readonly #owner: SessionOwner
  readonly #release: () => void
  #exchange: Http1Exchange | undefined
  #flushing = false
  #ended = false
  #draining = false
  deadline: number

  constructor(socket: Duplex, deadlines: Deadlines, owner: SessionOwner) {
    this.#socket = socket
    this.#machine = new Http1Server(limits.http1)
    this.#deadlines = deadlines
    this.#owner = owner
    this.deadline = deadlines.now() + limits.gateway.headMillis
    deadlines.watch(this)
    socket.on('drain', this.#drained)
    this.#release = drive(socket, this.#machine, this)
  }

  // -- from the socket

  event(event: Http1ServerEvent): void {
    switch (event.type) {
      case 'request': {
        this.deadline = Number.POSITIVE_INFINITY
        const exchange = new Http1Exchange(this, event)
        this.#exchange = exchange
        this.#owner.request(exchange)
        return
      }
      case 'data':
        this.#exchange?.body.add(event.bytes)
        return
      case 'end':
        this.deadline = Number.POSITIVE_INFINITY
        this.#exchange?.body.complete()
        return
      case 'failed':
        this.#failed(event.error)
        return
    }
  }

  turn(): void {
    if (!this.#machine.wantsInput) this.#socket.pause()
  }

  closed(error: Error | undefined): void {
    this.#end(error === undefined ? 'closed' : 'client gone')
  }

  expired(): void {
    const exchange = this.#exchange
    if (exchange?.body.waiting) {
      this.deadline = Number.POSITIVE_INFINITY
      exchange.body.refuse(
        refuse(408, 'Timeout', 'http1.body.slow', 'the request body did not arrive in time; send it again, faster'),
      )
      return
    }
    // No request, or half a head: nothing was promised, so the connection just ends.
    this.#socket.destroy()
    this.#end('idle')
  }

  /** After this no further request is taken: at once if none is under way, else behind its answer. */
  drain(): void {
    this.#draining = true
    if (this.#exchange === undefined) this.#socket.end()
  }

  get draining(): boolean {
    return this.#draining
  }

  // -- for the exchange

  waitForBody(length: number | 'chunked'): void {
    const now = this.#deadlines.now()
    const size = length === 'chunked' ? limits.gateway.requestBody : length
    this.deadline = now + limits.gateway.headMillis + (size / limits.gateway.requestBodyRate) * 1000
  }

  get machine(): Http1Server {
    return this.#machine
  }

  get takesBytes(): boolean {
    return !this.#socket.writableNeedDrain
  }

  /** Output is written once, at the end of this turn, however many commands it came from. */
  flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    process.nextTick(flushSession, this)
  }

  flushNow(): void {
    this.#flushing = false
    flush(this.#socket, this.#machine)
  }

  /** The answer is complete: the next request, held or new, may be parsed. */
  finished(): void {
    this.#exchange = undefined
    if (this.#machine.isClosing || this.#draining) {
      this.flushNow()
      this.#socket.end()
      return
    }
    this.deadline = this.#deadlines.now() + limits.gateway.idleMillis
    this.#socket.resume()
    // In a turn of its own, so that a pipelining client cannot grow the stack.
    setImmediate(resumeSession, this)
  }

  resume(): void {
    if (this.#ended || this.#exchange !== undefined) return
    const events = this.#machine.receive(NOTHING)
    for (let at = 0; at < events.length; at++) this.event(events[at] as Http1ServerEvent)
    this.flushNow()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Gives the socket away: from here on this session hears nothing of it. */
  detach(): Duplex {
    this.flushNow()
    this.#release()
    this.#socket.off('drain', this.#drained)
    this.#exchange = undefined
    this.#end('switched')
    return this.#socket
  }

  #drained = (): void => {
    this.#exchange?.owner?.drained()
  }

  #failed(error: PeerError): void {
    const exchange = this.#exchange
    if (exchange === undefined || !exchange.begun) {
      const { status, fields, body } = this.#owner.malformed(error)
      this.#machine.send({ type: 'response', status, reason: '', fields, framing: body.length, close: true })
      this.#machine.send({ type: 'data', bytes: body })
      this.#machine.send({ type: 'end' })
      this.flushNow()
    }
    this.#socket.end()
    this.#end('fault')
  }

  #end(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.deadline = Number.POSITIVE_INFINITY
    this.#deadlines.forget(this)
    this.#exchange?.clientGone()
    this.#exchange = undefined
    this.#owner.ended(reason)
  }
}

function flushSession(session: Http1Session): void {
  session.flushNow()
}

function resumeSession(session: Http1Session): void {
  session.resume()
}

/** A request body on its way in: collected whole, or refused. */
class BodyReader {
  readonly #session: Http1Session
  readonly framing: number | 'chunked'
  #pieces: Uint8Array[] = []
  #length = 0
  #limit: number = limits.gateway.requestBody
  #complete: boolean
  #refusal: Refusal | undefined
  #settle: { resolve(body: Uint8Array | Refusal): void; reject(error: Error): void } | undefined

  constructor(session: Http1Session, framing: number | 'chunked') {
    this.#session = session
    this.framing = framing
    this.#complete = framing === 0
  }

  get waiting(): boolean {
    return this.#settle !== undefined
  }

  add(bytes: Uint8Array): void {
    this.#length += bytes.length
    if (this.#length > this.#limit) this.refuse(tooLarge(this.#limit))
    else if (this.#refusal === undefined) this.#pieces.push(bytes.slice()) // kept past this chunk, so copied
  }

  complete(): void {
    this.#complete = true
    this.#settle?.resolve(this.#refusal ?? this.#whole())
    this.#settle = undefined
  }

  refuse(refusal: Refusal): void {
    if (this.#refusal !== undefined) return
    this.#refusal = refusal
    this.#pieces = []
    this.#settle?.resolve(refusal)
    this.#settle = undefined
  }

  fail(error: Error): void {
    this.#settle?.reject(error)
    this.#settle = undefined
  }

  read(limit: number): Promise<Uint8Array | Refusal> | Uint8Array | Refusal {
    this.#limit = limit
    if (typeof this.framing === 'number' && this.framing > limit) this.refuse(tooLarge(limit))
    if (this.#length > limit) this.refuse(tooLarge(limit))
    if (this.#refusal !== undefined) return this.#refusal
    if (this.#complete) return this.#whole()
    this.#session.waitForBody(this.framing)
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  #whole(): Uint8Array {
    const pieces = this.#pieces
    this.#pieces = []
    return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces)
  }
}

function tooLarge(limit: number): Refusal {
  const message = `the request body is longer than the API server's own limit of ${limit} bytes`
  return refuse(413, 'RequestEntityTooLarge', 'http1.body.too_large', message)
}

class Http1Exchange implements Exchange {
  readonly #session: Http1Session
  readonly #head: RequestHead
  readonly #expectContinue: boolean
  readonly upgrade: string | undefined
  readonly body: BodyReader
  owner: ExchangeOwner | undefined
  isGone = false
  begun = false

  constructor(session: Http1Session, event: Http1ServerEvent & { type: 'request' }) {
    this.#session = session
    this.#head = event.head
    this.#expectContinue = event.expectContinue
    this.upgrade = event.upgrade
    this.body = new BodyReader(session, event.framing)
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
    if (this.body.framing === 0) return undefined
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
    return this.#session.takesBytes
  }

  end(trailers: Fields): void {
    if (this.isGone) return
    this.#session.machine.send({ type: 'end', trailers })
    this.#session.flushNow()
    this.isGone = true
    this.owner = undefined
    this.#session.finished()
  }

  abort(): void {
    if (this.isGone) return
    this.isGone = true
    this.owner = undefined
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
    this.isGone = true
    this.owner = undefined
    const socket = this.#session.detach()
    return { socket, trailing: machine.takeTrailing() }
  }

  /** The session tells: the socket is gone. */
  clientGone(): void {
    if (this.isGone) return
    this.isGone = true
    this.body.fail(new ClientGone('the client closed the connection'))
    const owner = this.owner
    this.owner = undefined
    owner?.gone()
  }
}
