// A client connection that speaks HTTP/1.1: turns its requests into exchanges, one after another, and their answers into
// bytes. Framing faults are answered with a Status and the connection closed; deadlines are kept for head and idling.

import type { Duplex } from 'node:stream'
import type { PeerError } from '../protocols/errors.ts'
import type { Http1ServerEvent } from '../protocols/http1/events.ts'
import { Http1Server } from '../protocols/http1/server.ts'
import { limits } from '../protocols/limits.ts'
import { closeDeaf, closeSoon } from './closing.ts'
import type { Deadlines, Waiting } from './deadlines.ts'
import { type Driven, drive, flush } from './drive.ts'
import { Http1Exchange } from './http1-exchange.ts'
import type { BodyBudget } from './request-body.ts'
import type { Session, SessionOwner } from './session.ts'

const NOTHING = new Uint8Array(0)

export class Http1Session implements Session, Driven<Http1ServerEvent>, Waiting {
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
        void this.#work(exchange)
        return
      }
      case 'data':
        this.#exchange?.body.add(event.bytes)
        return
      case 'end':
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
    // No request, half a head, or an answer that nobody takes: there is nobody to tell, so the connection just ends.
    const reason = this.#exchange === undefined ? 'idle' : 'stalled'
    this.#socket.destroy()
    this.#end(reason)
  }

  drain(): void {
    this.#draining = true
    if (this.#exchange === undefined) closeSoon(this.#socket, this.#deadlines)
  }

  get draining(): boolean {
    return this.#draining
  }

  identified(): void {}

  // -- for the exchange

  over(exchange: Http1Exchange): void {
    if (!exchange.isWorkedOn) this.#owner.finished(exchange)
  }

  get deadlines(): Deadlines {
    return this.#deadlines
  }

  get bodies(): BodyBudget {
    return this.#owner.bodies
  }

  get machine(): Http1Server {
    return this.#machine
  }

  get takesBytes(): boolean {
    return !this.#socket.writableNeedDrain
  }

  /** The client takes nothing of an answer that has an end: it holds the answer's memory only for so long. */
  waitForReader(): void {
    this.deadline = this.#deadlines.now() + limits.gateway.stalledMillis
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
      closeSoon(this.#socket, this.#deadlines)
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

  async #work(exchange: Http1Exchange): Promise<void> {
    await this.#owner.request(exchange)
    exchange.isWorkedOn = false
    if (exchange.isGone) this.#owner.finished(exchange)
  }

  #drained = (): void => {
    if (this.#exchange !== undefined) this.deadline = Number.POSITIVE_INFINITY
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
    closeDeaf(this.#socket, this.#deadlines)
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
