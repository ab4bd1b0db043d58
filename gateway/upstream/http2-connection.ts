// An HTTP/2 connection to a cluster: carries many calls at once. A cluster that falls silent is asked with a PING and
// found dead within a minute; one that says GOAWAY gets no more calls, and what it did not process goes elsewhere.

import type { TLSSocket } from 'node:tls'
import type { Fields } from '../../protocols/fields.ts'
import { Http2Client } from '../../protocols/http2/client.ts'
import { ERROR_CODE } from '../../protocols/http2/errors.ts'
import type { Http2ClientEvent, Http2ResponseHead } from '../../protocols/http2/events.ts'
import { limits } from '../../protocols/limits.ts'
import type { Deadlines, Waiting } from '../deadlines.ts'
import { type Driven, drive, flush } from '../drive.ts'
import type { Call, Carrier } from './call.ts'
import { closedEarly, protocolFailed, timedOut } from './failure.ts'
import type { ClientCertificate } from './kubeconfig.ts'
import type { UpstreamFailed } from './upstream.ts'

/** The pool, as its HTTP/2 connections see it. */
export interface Http2ConnectionOwner {
  readonly name: string
  readonly deadlines: Deadlines
  readonly authority: string
  readonly basePath: string
  /** The connection takes no more calls. Said once. */
  retired(connection: Http2Connection): void
  /** The connection is gone; it was retired before. Said once. */
  lost(connection: Http2Connection): void
  /** The cluster did not process the call (RFC 9113 section 8.7): it may be sent once more, whatever its method. */
  repeat(call: Call): void
  /** The cluster answered 401. */
  unauthorized(): void
}

/** One call on its stream. */
interface Carried {
  readonly call: Call
  /** Bytes that came while the call was paused: their credit is the cluster's again once it goes on. */
  owed: number
  /** Until when the head of the answer must have come. */
  deadline: number
  responded: boolean
}

export class Http2Connection implements Driven<Http2ClientEvent>, Waiting, Carrier {
  /** The gateway's certificate, which it was made with. */
  readonly certificate: ClientCertificate | undefined
  readonly #owner: Http2ConnectionOwner
  readonly #socket: TLSSocket
  readonly #machine = new Http2Client(limits)
  readonly #streams = new Map<number, Carried>()
  readonly #numbers = new Map<Call, number>()
  #flushing = false
  #retired = false
  #gone = false
  /** When the cluster was last heard, or asked. */
  #heardAt: number
  #pinged = false
  /** Since when no call is under way. */
  #idleSince: number
  deadline: number

  constructor(owner: Http2ConnectionOwner, socket: TLSSocket, certificate: ClientCertificate | undefined) {
    this.#owner = owner
    this.#socket = socket
    this.certificate = certificate
    this.#heardAt = owner.deadlines.now()
    this.#idleSince = this.#heardAt
    this.deadline = this.#heardAt + LOOK_MILLIS
    owner.deadlines.watch(this)
    drive(socket, this.#machine, this)
    this.#flushSoon()
  }

  /** How many more calls it may carry now. */
  get room(): number {
    return this.#retired ? 0 : this.#machine.room
  }

  /** Sends a call's request; there must be room. Never calls back in the same turn. */
  carry(call: Call): void {
    const { method, target, fields, body, longRunning } = call.request
    const { authority, basePath, deadlines } = this.#owner
    const stream = this.#machine.nextStream
    const end = body === undefined || body.length === 0
    try {
      const path = basePath + target
      this.#machine.send({ type: 'request', method, path, authority, fields: requestFields(fields, body), end })
      if (!end) this.#machine.send({ type: 'data', stream, bytes: body, end: true })
    } catch (error) {
      // A request that cannot be written is our bug; it must fail the call, not the process.
      const cause = error instanceof Error ? error : undefined
      const failure = protocolFailed(this.#owner.name, 'was not asked: the request cannot be written', cause)
      process.nextTick(() => call.failed(failure))
      return
    }
    const deadline = longRunning ? Number.POSITIVE_INFINITY : deadlines.now() + limits.gateway.answerMillis
    this.#streams.set(stream, { call, owed: 0, deadline, responded: false })
    this.#numbers.set(call, stream)
    call.uses(this)
    this.#flushSoon()
  }

  // -- Carrier

  /** Without credit the cluster stops by itself: what is under way of this call still comes, and no more. */
  pause(): void {}

  resume(call: Call): void {
    const stream = this.#numbers.get(call)
    const carried = stream === undefined ? undefined : this.#streams.get(stream)
    if (stream === undefined || carried === undefined || carried.owed === 0) return
    this.#machine.send({ type: 'consumed', stream, bytes: carried.owed })
    carried.owed = 0
    this.#flushSoon()
  }

  /** The call's client has gone. */
  abandon(call: Call): void {
    const stream = this.#numbers.get(call)
    if (stream === undefined) return
    this.#machine.send({ type: 'reset', stream, code: ERROR_CODE.CANCEL })
    this.#forget(stream)
    this.#flushSoon()
  }

  // -- Driven

  event(event: Http2ClientEvent): void {
    switch (event.type) {
      case 'data':
        this.#data(event.stream, event.bytes)
        return
      case 'response':
        this.#response(event.stream, event.head, event.end)
        return
      case 'end':
        this.#end(event.stream, event.trailers)
        return
      case 'reset':
        this.#reset(event)
        return
      case 'goaway':
        this.retire()
        return
      case 'failed':
        this.fail(protocolFailed(this.#owner.name, 'answered with something that is not sound HTTP/2', event.error))
        return
      case 'informational':
      case 'drained':
      case 'pong':
        return
    }
  }

  turn(): void {
    this.#heardAt = this.#owner.deadlines.now()
    this.#pinged = false
    this.#closeIfDone()
  }

  closed(error: Error | undefined): void {
    this.fail(closedEarly(this.#owner.name, error), true)
  }

  // -- Waiting

  expired(): void {
    const now = this.#owner.deadlines.now()
    this.deadline = now + LOOK_MILLIS
    if (this.#streams.size === 0 && now - this.#idleSince >= limits.gateway.pooledMillis) {
      this.retire()
      return
    }
    if (this.#pinged && now - this.#heardAt >= limits.http2.pingMillis + limits.http2.pongMillis) {
      this.fail(timedOut(this.#owner.name, 'answer a PING'))
      return
    }
    if (!this.#pinged && now - this.#heardAt >= limits.http2.pingMillis) {
      this.#pinged = true
      this.#machine.send({ type: 'ping' })
    }
    for (const [stream, { call, deadline }] of this.#streams) {
      if (deadline > now) continue
      this.#machine.send({ type: 'reset', stream, code: ERROR_CODE.CANCEL })
      this.#forget(stream)
      call.failed(timedOut(this.#owner.name, 'answer'))
    }
    this.#machine.send({ type: 'interval' })
    this.#flushSoon()
  }

  /** Takes no more calls, and ends behind the last one. Idempotent. */
  retire(): void {
    if (this.#retired) return
    this.#retired = true
    this.#owner.retired(this)
    this.#closeIfDone()
  }

  /**
   * Ends the connection and all its calls. Idempotent. `repeatable`: safe calls that have heard nothing yet may be sent
   * once more elsewhere (RFC 9110 section 9.2.2).
   */
  fail(error: UpstreamFailed, repeatable = false): void {
    if (this.#gone) return
    this.#gone = true
    this.retire()
    flush(this.#socket, this.#machine)
    this.#socket.destroy()
    this.#owner.deadlines.forget(this)
    const all = [...this.#streams.values()]
    this.#streams.clear()
    this.#numbers.clear()
    for (const { call, responded } of all) {
      if (repeatable && !responded && call.repeatable) this.#owner.repeat(call)
      else call.failed(error)
    }
    // Only now: what is sent again is the owner's already when it looks whether anything is left.
    this.#owner.lost(this)
  }

  #data(stream: number, bytes: Uint8Array): void {
    const carried = this.#streams.get(stream)
    if (carried === undefined) return
    carried.call.received(bytes)
    if (carried.call.isPaused) carried.owed += bytes.length
    else this.#machine.send({ type: 'consumed', stream, bytes: bytes.length })
  }

  #response(stream: number, head: Http2ResponseHead, end: boolean): void {
    const carried = this.#streams.get(stream)
    if (carried === undefined) return
    carried.responded = true
    carried.deadline = Number.POSITIVE_INFINITY
    if (head.status === 401) this.#owner.unauthorized()
    carried.call.responded({ status: head.status, reason: '', minor: 1, fields: head.fields })
    if (end) this.#end(stream, NO_FIELDS)
  }

  #end(stream: number, trailers: Fields): void {
    const carried = this.#streams.get(stream)
    if (carried === undefined) return
    this.#forget(stream)
    carried.call.ended(trailers)
  }

  #reset(event: Http2ClientEvent & { type: 'reset' }): void {
    const carried = this.#streams.get(event.stream)
    if (carried === undefined) return
    this.#forget(event.stream)
    const { call, responded } = carried
    if (event.code === ERROR_CODE.REFUSED_STREAM && event.error === undefined && !responded) this.#owner.repeat(call)
    else call.failed(resetBy(this.#owner.name, event))
  }

  #forget(stream: number): void {
    const carried = this.#streams.get(stream)
    if (carried === undefined) return
    this.#streams.delete(stream)
    this.#numbers.delete(carried.call)
    if (this.#streams.size === 0) this.#idleSince = this.#owner.deadlines.now()
  }

  #closeIfDone(): void {
    if (!this.#retired || this.#streams.size > 0 || this.#gone) return
    this.#gone = true
    this.#machine.send({ type: 'goaway', code: ERROR_CODE.NO_ERROR })
    flush(this.#socket, this.#machine)
    // Nothing more is wanted of the cluster: not even its end of the connection, which nobody would watch for.
    this.#socket.destroySoon()
    this.#owner.deadlines.forget(this)
    this.#owner.lost(this)
  }

  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    process.nextTick(flushConnection, this)
  }

  flushNow(): void {
    this.#flushing = false
    flush(this.#socket, this.#machine)
    // The last call of a retired connection may have been given up by our side.
    this.#closeIfDone()
  }
}

/** How often deadlines and silence are looked at: a tenth of the shortest of them. */
const LOOK_MILLIS = 1_500
const NO_FIELDS: Fields = []

function flushConnection(connection: Http2Connection): void {
  connection.flushNow()
}

/** Names in lower case (RFC 9113 section 8.2.1), and the body's length. */
function requestFields(fields: Fields, body: Uint8Array | undefined): Fields {
  const lines: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    lines.push((fields[at] as string).toLowerCase(), fields[at + 1] as string)
  }
  if (body !== undefined) lines.push('content-length', String(body.length))
  return lines
}

function resetBy(cluster: string, event: Http2ClientEvent & { type: 'reset' }): UpstreamFailed {
  if (event.error === undefined) return closedEarly(cluster, undefined)
  return protocolFailed(cluster, 'answered with something that is not sound HTTP/2', event.error)
}
