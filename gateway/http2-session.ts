// A client connection that speaks HTTP/2: turns its streams into exchanges, many at once, and their answers into frames.
// Faults end the stream or the connection as RFC 9113 says; deadlines are kept for preface, idling and stalled readers.

import type { Duplex } from 'node:stream'
import { ERROR_CODE } from '../protocols/http2/errors.ts'
import type { Http2ServerEvent } from '../protocols/http2/events.ts'
import { Http2Server } from '../protocols/http2/server.ts'
import { limits } from '../protocols/limits.ts'
import { closeDeaf, closeSoon } from './closing.ts'
import type { Deadlines, Waiting } from './deadlines.ts'
import { type Driven, drive, flush } from './drive.ts'
import { Http2Exchange } from './http2-exchange.ts'
import type { BodyBudget } from './request-body.ts'
import type { Session, SessionOwner } from './session.ts'

export class Http2Session implements Session, Driven<Http2ServerEvent>, Waiting {
  readonly #socket: Duplex
  readonly machine: Http2Server
  readonly deadlines: Deadlines
  readonly #owner: SessionOwner
  readonly #exchanges = new Map<number, Http2Exchange>()
  #isIdentified = false
  #flushing = false
  #ended = false
  #draining = false
  /** Since when no stream is open. */
  #idleSince: number
  /** Since when each stream has had something to send that its reader has not taken, by stream; looked at once an interval. */
  #stalled = new Map<number, number>()
  /** Bodies that nobody waits for any more, by stream: how much of each has come since its request was answered. */
  readonly #unwanted = new Map<number, number>()
  /** Those of them that were there at the last look. */
  #unwantedBefore = new Set<number>()
  /** Since when the socket has taken nothing; Infinity while it does. */
  #blockedSince = Number.POSITIVE_INFINITY
  /** The next look at what is counted by the interval. */
  deadline: number

  constructor(socket: Duplex, deadlines: Deadlines, owner: SessionOwner) {
    this.#socket = socket
    this.machine = new Http2Server(limits)
    this.deadlines = deadlines
    this.#owner = owner
    this.#idleSince = deadlines.now()
    this.deadline = this.#idleSince + limits.http2.prefaceMillis
    deadlines.watch(this)
    socket.on('drain', this.#drained)
    drive(socket, this.machine, this)
    this.flushSoon()
  }

  // -- from the socket

  event(event: Http2ServerEvent): void {
    switch (event.type) {
      case 'request': {
        const exchange = new Http2Exchange(this, event)
        this.#exchanges.set(event.stream, exchange)
        void this.#work(exchange)
        return
      }
      case 'data':
        this.#data(event.stream, event.bytes)
        return
      case 'end':
        this.#exchanges.get(event.stream)?.completed()
        this.#unwanted.delete(event.stream)
        return
      case 'drained':
        this.#stalled.delete(event.stream)
        this.#resume(event.stream)
        return
      case 'reset':
        if (event.error !== undefined) this.#owner.malformed(event.error)
        this.#exchanges.get(event.stream)?.clientGone()
        this.#unwanted.delete(event.stream)
        return
      case 'failed':
        this.#owner.malformed(event.error)
        flush(this.#socket, this.machine)
        closeDeaf(this.#socket, this.deadlines)
        this.#end('fault')
        return
      case 'goaway':
      case 'pong':
        return
    }
  }

  turn(): void {
    this.#closeIfDone()
  }

  closed(error: Error | undefined): void {
    this.#end(error === undefined ? 'closed' : 'client gone')
  }

  /** Once an interval: budgets are renewed; who is idle or takes nothing for too long is cut off. */
  expired(): void {
    const now = this.deadlines.now()
    if (!this.machine.isReady) {
      this.#cutOff('idle')
      return
    }
    this.deadline = now + limits.http2.intervalMillis
    this.machine.send({ type: 'interval' })
    this.#lookForStalls(now)
    // As for HTTP/1.1: a stranger has no longer for its first request than for a head.
    const patience = this.#isIdentified ? limits.gateway.idleMillis : limits.gateway.headMillis
    if (this.machine.openStreams === 0 && this.#exchanges.size === 0 && now - this.#idleSince >= patience) this.drain()
  }

  drain(): void {
    if (!this.#draining) this.machine.send({ type: 'goaway', code: ERROR_CODE.NO_ERROR })
    this.#draining = true
    this.flushNow()
    this.#closeIfDone()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** A stranger may send little before it is known who calls; then the connection's window is widened. */
  identified(): void {
    if (this.#isIdentified) return
    this.#isIdentified = true
    this.machine.send({ type: 'widen' })
    this.flushSoon()
  }

  // -- for the exchanges

  get bodies(): BodyBudget {
    return this.#owner.bodies
  }

  get takesBytes(): boolean {
    return !this.#socket.writableNeedDrain
  }

  /** Output is written once, at the end of this turn, however many exchanges it came from. */
  flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    process.nextTick(flushSession, this)
  }

  flushNow(): void {
    this.#flushing = false
    flush(this.#socket, this.machine)
  }

  /** The exchange is over; its stream number stays taken while work on it goes on (CVE-2023-44487). */
  over(exchange: Http2Exchange): void {
    this.#exchanges.delete(exchange.stream)
    if (exchange.isAnsweredEarly) this.#unwanted.set(exchange.stream, 0)
    if (!exchange.isWorkedOn) this.#release(exchange)
  }

  async #work(exchange: Http2Exchange): Promise<void> {
    await this.#owner.request(exchange)
    exchange.isWorkedOn = false
    if (exchange.isGone) this.#release(exchange)
  }

  #release(exchange: Http2Exchange): void {
    this.machine.send({ type: 'release', stream: exchange.stream })
    this.#owner.finished(exchange)
    if (this.#exchanges.size > 0) return
    this.#idleSince = this.deadlines.now()
    this.#closeIfDone()
  }

  /**
   * Behind an answer that did not wait for it, a body is nobody's. A little of it is let come, so that the client hears
   * the answer and not a reset; then it is told to keep the rest (RFC 9113 section 8.1). No credit is given.
   */
  #data(stream: number, bytes: Uint8Array): void {
    const exchange = this.#exchanges.get(stream)
    if (exchange !== undefined) {
      exchange.received(bytes)
      return
    }
    const come = (this.#unwanted.get(stream) ?? 0) + bytes.length
    this.#unwanted.set(stream, come)
    if (come > limits.http2.unwantedBytes) this.#keepTheRest(stream)
  }

  #keepTheRest(stream: number): void {
    this.#unwanted.delete(stream)
    this.machine.send({ type: 'reset', stream, code: ERROR_CODE.NO_ERROR })
  }

  #resume(stream: number): void {
    if (this.takesBytes) this.#exchanges.get(stream)?.owner?.drained()
  }

  #drained = (): void => {
    this.#blockedSince = Number.POSITIVE_INFINITY
    for (const exchange of this.#exchanges.values()) {
      if (!this.machine.blocked(exchange.stream)) exchange.owner?.drained()
    }
  }

  /**
   * A reader that has stalled holds an answer's memory (CVE-2019-9517, CVE-2026-49975). It is waited for without end
   * only where it may have its reasons (`kubectl logs -f | less`), and what it holds is little.
   */
  #lookForStalls(now: number): void {
    for (const stream of this.#unwantedBefore) if (this.#unwanted.has(stream)) this.#keepTheRest(stream)
    this.#unwantedBefore = new Set(this.#unwanted.keys())
    const patient = this.machine.heldBytes <= limits.http2.stalledBytes
    const stalled = new Map<number, number>()
    for (const stream of this.machine.blockedStreams()) {
      const since = this.#stalled.get(stream) ?? now
      const exchange = this.#exchanges.get(stream)
      if (now - since < limits.gateway.stalledMillis || (patient && exchange?.streaming === true)) {
        stalled.set(stream, since)
        continue
      }
      this.machine.send({ type: 'reset', stream, code: ERROR_CODE.ENHANCE_YOUR_CALM })
      exchange?.clientGone()
    }
    this.#stalled = stalled
    if (this.takesBytes) this.#blockedSince = Number.POSITIVE_INFINITY
    else if (this.#blockedSince === Number.POSITIVE_INFINITY) this.#blockedSince = now
    else if (now - this.#blockedSince >= limits.gateway.stalledMillis && !(patient && this.#isStreaming())) {
      this.#cutOff('stalled')
    }
    this.flushSoon()
    this.#closeIfDone()
  }

  #isStreaming(): boolean {
    for (const exchange of this.#exchanges.values()) if (exchange.streaming) return true
    return false
  }

  #cutOff(reason: string): void {
    this.#socket.destroy()
    this.#end(reason)
  }

  /** Behind the last answer, whose last frames may still be in the machine. */
  #closeIfDone(): void {
    if (!this.machine.isClosing || this.#exchanges.size > 0 || this.#ended) return
    this.flushNow()
    closeSoon(this.#socket, this.deadlines)
  }

  #end(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.deadline = Number.POSITIVE_INFINITY
    this.deadlines.forget(this)
    for (const exchange of [...this.#exchanges.values()]) exchange.clientGone()
    this.#owner.ended(reason)
  }
}

function flushSession(session: Http2Session): void {
  session.flushNow()
}
