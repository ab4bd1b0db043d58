// A kept connection to a cluster: carries one call at a time, and may carry another only after an answer that left
// nothing in doubt. Whatever comes that no request asked for ends it, so that no caller ever gets another's answer.

import type { TLSSocket } from 'node:tls'
import type { Connection } from '../../protocols/connection.ts'
import type { Fields } from '../../protocols/fields.ts'
import { Http1Client } from '../../protocols/http1/client.ts'
import type { Http1ClientCommand, Http1ClientEvent } from '../../protocols/http1/events.ts'
import { limits } from '../../protocols/limits.ts'
import type { Deadlines, Waiting } from '../deadlines.ts'
import { type Driven, drive, flush } from '../drive.ts'
import type { Call, Carrier } from './call.ts'
import { closedEarly, protocolFailed, timedOut } from './failure.ts'
import type { ClientCertificate } from './kubeconfig.ts'
import type { UpstreamFailed } from './upstream.ts'

/** The pool, as its connections see it. */
export interface ConnectionOwner {
  readonly name: string
  readonly deadlines: Deadlines
  /** Host, and what comes before every path. */
  readonly authority: string
  readonly basePath: string
  /** The connection is idle and sound. */
  released(connection: PooledConnection): void
  /** The connection is gone. */
  lost(connection: PooledConnection): void
  /** A kept connection was dead before a byte of the answer came; the call may be sent once more. */
  repeat(call: Call): void
  /** The cluster answered 401. */
  unauthorized(): void
}

const NO_EVENTS: readonly Http1ClientEvent[] = []

/** Stands between `drive` and the HTTP machine, so as to know whether a byte of the answer has come. */
export class PooledConnection
  implements Connection<Http1ClientEvent, Http1ClientCommand>, Driven<Http1ClientEvent>, Waiting, Carrier
{
  /** While an answer is awaited: until when. While idle: until when it is kept. */
  deadline = Number.POSITIVE_INFINITY
  /** The gateway's certificate, which it was made with. */
  readonly certificate: ClientCertificate | undefined
  readonly #owner: ConnectionOwner
  readonly #socket: TLSSocket
  readonly #machine = new Http1Client(limits.http1)
  #call: Call | undefined
  /** It has carried a call before the present one. */
  #kept = false
  /** A byte has come since the request was sent. */
  #heard = false
  #atEnd = false
  /** Something was odd: never to be used again. */
  #spoilt = false
  /** The trailers of an answer that is complete, until the turn in which it became so is over. */
  #trailers: Fields | undefined

  constructor(owner: ConnectionOwner, socket: TLSSocket, certificate: ClientCertificate | undefined) {
    this.#owner = owner
    this.#socket = socket
    this.certificate = certificate
    owner.deadlines.watch(this)
    drive(socket, this, this)
  }

  /** Still open, with nothing unread. */
  get usable(): boolean {
    return !this.#spoilt && !this.#socket.destroyed && this.#socket.readable && !this.#atEnd
  }

  /** Sends a call's request. Never calls back in the same turn. */
  carry(call: Call): void {
    const { method, target, fields, body, longRunning } = call.request
    const { authority, basePath, deadlines } = this.#owner
    this.#call = call
    this.#heard = false
    this.#trailers = undefined
    this.deadline = longRunning ? Number.POSITIVE_INFINITY : deadlines.now() + limits.gateway.answerMillis
    call.uses(this)
    const framing = body === undefined ? 0 : body.length
    try {
      this.#machine.send({
        type: 'request',
        method,
        target: basePath + target,
        fields: ['Host', authority].concat(fields),
        framing,
      })
      if (body !== undefined && framing > 0) this.#machine.send({ type: 'data', bytes: body })
      this.#machine.send({ type: 'end' })
    } catch (error) {
      // A request that cannot be written is our bug; it must fail the call, not the process.
      const cause = error instanceof Error ? error : undefined
      const failure = protocolFailed(this.#owner.name, 'was not asked: the request cannot be written', cause)
      this.abandon()
      process.nextTick(() => call.failed(failure))
      return
    }
    flush(this.#socket, this.#machine)
    if (call.isPaused) this.#socket.pause()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Ends the connection and, if there is one, its call. Idempotent. */
  fail(error: UpstreamFailed): void {
    const call = this.#call
    this.#call = undefined
    this.destroy()
    call?.failed(error)
  }

  /** The call's client has gone; what is still to come of the answer is nobody's. */
  abandon(): void {
    this.#call = undefined
    this.destroy()
  }

  destroy(): void {
    this.#spoilt = true
    this.#socket.destroy()
    this.#gone()
  }

  // -- Connection: the machine, overheard

  receive(bytes: Uint8Array): readonly Http1ClientEvent[] {
    this.#heard = true
    return this.#machine.receive(bytes)
  }

  receiveEnd(): readonly Http1ClientEvent[] {
    this.#atEnd = true
    if (this.#call !== undefined && this.#heard) return this.#machine.receiveEnd()
    // The end of an idle connection is no fault; before an answer's first byte `closed` decides what becomes of the call.
    this.#socket.destroy()
    return NO_EVENTS
  }

  send(command: Http1ClientCommand): void {
    this.#machine.send(command)
  }

  takeOutput(): readonly Uint8Array[] {
    return this.#machine.takeOutput()
  }

  // -- Driven

  event(event: Http1ClientEvent): void {
    switch (event.type) {
      case 'data':
        this.#call?.received(event.bytes)
        return
      case 'response':
        this.deadline = Number.POSITIVE_INFINITY
        if (event.head.status === 401) this.#owner.unauthorized()
        this.#call?.responded(event.head)
        return
      case 'end':
        if (!event.reusable) this.#spoilt = true
        this.#trailers = event.trailers
        return
      case 'informational':
        return
      case 'switched':
      case 'failed':
        this.#broken(event)
        return
    }
  }

  /** Only after all events of a chunk: bytes behind an answer must not become the next caller's. */
  turn(): void {
    const trailers = this.#trailers
    if (trailers === undefined) return
    this.#trailers = undefined
    const call = this.#call
    this.#call = undefined
    // An answer that overtook its request is sound HTTP, but a poor basis for another request.
    if (this.usable && this.#socket.writableLength === 0) {
      this.#kept = true
      this.deadline = this.#owner.deadlines.now() + limits.gateway.pooledMillis
      if (call?.isPaused === true) this.#socket.resume()
      this.#owner.released(this)
    } else {
      this.destroy()
    }
    call?.ended(trailers)
  }

  closed(error: Error | undefined): void {
    this.#spoilt = true
    const call = this.#call
    this.#call = undefined
    this.#gone()
    if (call === undefined || call.isOver) return
    if (this.#kept && !this.#heard && call.repeatable) this.#owner.repeat(call)
    else call.failed(closedEarly(this.#owner.name, error))
  }

  // -- Waiting

  expired(): void {
    this.fail(timedOut(this.#owner.name, 'answer'))
  }

  #broken(event: Http1ClientEvent & { type: 'failed' | 'switched' }): void {
    this.#spoilt = true
    // Bytes behind a complete answer: the answer stands, `turn` delivers it and ends the connection.
    if (this.#trailers !== undefined) return
    const cause = event.type === 'failed' ? event.error : undefined
    if (this.#atEnd) this.fail(closedEarly(this.#owner.name, undefined))
    else this.fail(protocolFailed(this.#owner.name, 'answered with something that is not sound HTTP', cause))
  }

  #gone(): void {
    this.deadline = Number.POSITIVE_INFINITY
    this.#owner.deadlines.forget(this)
    this.#owner.lost(this)
  }
}
