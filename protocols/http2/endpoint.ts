// What an endpoint of HTTP/2 knows and does apart from reading frames (RFC 9113): its streams and how they begin and end,
// the commands that both roles know, and the events that its owner has not yet heard.

import type { Limits } from '../limits.ts'
import { Budgets } from './budgets.ts'
import { ClosedStreams } from './closed-streams.ts'
import { Credit } from './credit.ts'
import { ERROR_CODE, type Http2Error } from './errors.ts'
import type { Http2Command, Http2Event } from './events.ts'
import { FRAME, writeFrame, writeGoaway, writeNumber } from './frames.ts'
import { Outgoing, type OutgoingOwner } from './outgoing.ts'
import { initialSettings } from './settings.ts'
import { Stream } from './stream.ts'

export interface Http2Limits {
  readonly hpack: Limits['hpack']
  readonly http1: Limits['http1']
  readonly http2: Limits['http2']
}

export interface Role {
  readonly isServer: boolean
  /** What the peer may send on a stream before it gets credit, octets. */
  readonly streamWindow: number
  /** The longest payload that is taken. */
  readonly maxFrame: number
}

const BY_US = true
const BY_PEER = false

export abstract class Http2Endpoint<Event, Command> implements OutgoingOwner {
  protected readonly limits: Http2Limits
  protected readonly role: Role
  protected readonly peer = initialSettings()
  protected readonly outgoing: Outgoing
  protected readonly credit: Credit
  protected readonly budgets: Budgets
  protected readonly streams = new Map<number, Stream>()
  protected readonly closedStreams = new ClosedStreams()
  /** No new stream of the peer's is processed. */
  protected goingAway = false
  protected isFailed = false
  /** PINGs of ours whose answers have not come. */
  protected unanswered = 0
  #events: (Event | Http2Event)[] = []

  constructor(limits: Http2Limits, role: Role) {
    this.limits = limits
    this.role = role
    this.outgoing = new Outgoing(this, this.peer, limits)
    this.credit = new Credit(role.streamWindow, role.isServer)
    this.budgets = new Budgets(limits.http2)
  }

  get openStreams(): number {
    return this.streams.size
  }

  /** GOAWAY has gone out, and no stream is left: the socket may be closed once the output is written. */
  get isClosing(): boolean {
    return this.isFailed || (this.goingAway && this.streams.size === 0)
  }

  /** Bytes that wait for window, on all streams. */
  get heldBytes(): number {
    return this.outgoing.heldBytes
  }

  /** True while earlier data of the stream waits for window. */
  blocked(stream: number): boolean {
    return this.streams.get(stream)?.isBlocked ?? false
  }

  /** The streams for which that is so. */
  blockedStreams(): readonly number[] {
    return [...this.outgoing.blocked].map(({ id }) => id)
  }

  send(command: Command | Http2Command): void {
    if (!this.isFailed) this.act(command)
  }

  protected abstract act(command: Command | Http2Command): void
  /** The highest stream of the peer's that was processed, for GOAWAY. */
  protected abstract readonly lastStream: number
  /** A stream has closed on both sides, or was reset. */
  protected abstract closed(stream: Stream): void

  // -- for the roles

  /** Commands that both know. */
  protected common(command: Http2Command): void {
    const stream = 'stream' in command ? this.streams.get(command.stream) : undefined
    switch (command.type) {
      case 'data':
        if (stream === undefined || this.outgoing.data(stream, command.bytes, command.end === true)) return
        // Whoever goes on after `blocked` said stop: the stream cannot be whole any more.
        this.reset(stream, ERROR_CODE.INTERNAL_ERROR)
        this.emit({ type: 'reset', stream: stream.id, code: ERROR_CODE.INTERNAL_ERROR, error: undefined })
        return
      case 'end':
        if (stream !== undefined) this.outgoing.end(stream, command.trailers)
        return
      case 'consumed':
        if (stream !== undefined) this.credit.consumed(stream, command.bytes)
        return
      case 'reset':
        if (stream !== undefined) this.reset(stream, command.code)
        return
      case 'ping':
        this.unanswered += 1
        writeFrame(this.outgoing.output, FRAME.PING, 0, 0, OUR_PING)
        return
      case 'goaway':
        this.goingAway = true
        writeGoaway(this.outgoing.output, this.lastStream, command.code)
        return
      case 'interval':
        this.budgets.renew()
    }
  }

  protected emit(event: Event | Http2Event): void {
    this.#events.push(event)
  }

  protected open(id: number): Stream {
    const stream = new Stream(id, this.budgets.interval, this.role.streamWindow, this.peer.initialWindow)
    this.streams.set(id, stream)
    return stream
  }

  /** Raises the connection's receive window to `window` octets. */
  protected raiseWindow(window: number): void {
    this.credit.raise(window, this.outgoing.output)
  }

  /** The peer's side of a stream has ended. */
  protected remoteEnd(stream: Stream): void {
    stream.isRemoteClosed = true
    if (stream.isLocalClosed) this.#close(stream, BY_PEER)
  }

  /** RST_STREAM of ours, not for a fault. */
  protected reset(stream: Stream, code: number): void {
    writeNumber(this.outgoing.output, FRAME.RST_STREAM, stream.id, code)
    this.#close(stream, BY_US)
  }

  /** The peer's fault on one stream: RST_STREAM, told to the owner, and counted (CVE-2025-8671). Throws past the budget. */
  protected fault(id: number, error: Http2Error): void {
    const stream = this.streams.get(id)
    writeNumber(this.outgoing.output, FRAME.RST_STREAM, id, error.code)
    if (stream === undefined) this.closedStreams.add(id, BY_US)
    else this.#close(stream, BY_US)
    this.emit({ type: 'reset', stream: id, code: error.code, error })
    this.budgets.reset()
  }

  /** The peer has reset a stream, or says that it was not processed. */
  protected lost(stream: Stream, code: number): void {
    this.#close(stream, BY_PEER)
    this.emit({ type: 'reset', stream: stream.id, code, error: undefined })
  }

  /** Whether the body that Content-Length announces may still come; sets what is left of it. */
  protected expectBody(stream: Stream, length: number | undefined, end: boolean): boolean {
    if (length === undefined) return true
    stream.contentLeft = length
    return !end || length === 0
  }

  /** What the owner has not yet heard. */
  protected takeEvents(): readonly (Event | Http2Event)[] {
    const events = this.#events
    this.#events = []
    return events
  }

  // -- OutgoingOwner

  localEnd(stream: Stream): void {
    stream.isLocalClosed = true
    if (stream.isRemoteClosed) this.#close(stream, BY_PEER)
  }

  drained({ id }: Stream): void {
    this.emit({ type: 'drained', stream: id })
  }

  /** A stream has ended on both sides or was reset. `by`: whether by our RST_STREAM. */
  #close(stream: Stream, by: boolean): void {
    this.streams.delete(stream.id)
    stream.isGone = true
    this.credit.closed(stream)
    this.outgoing.drop(stream)
    this.closedStreams.add(stream.id, by)
    this.closed(stream)
  }
}

const OUR_PING = new Uint8Array(8)
