// One side of a SPDY/3.1 connection, in either role: frames in, events out; commands in, frames out. Refuses what its
// peer may not send by frame, stream and header rules, and ignores what comes behind GOAWAY or for a stream that is gone.

import type { Connection } from '../connection.ts'
import type { Fields } from '../fields.ts'
import type { Limits } from '../limits.ts'
import { readGoAway, readPing, readReset, readSettings, readStreamId, readWindowUpdate } from './control-frames.ts'
import { SpdyError, STATUS } from './errors.ts'
import type { SpdyCommand, SpdyEvent } from './events.ts'
import { FLAG, FrameReader, type FrameSink, HEADER_LENGTH, TYPE } from './frame-reader.ts'
import { parseHeaderBlock } from './header-block.ts'
import { HeaderInflater } from './header-compression.ts'
import { Outgoing } from './outgoing.ts'
import { PEER, type StreamFault, Streams, US } from './streams.ts'

// The body of a frame with headers: stream id, and for SYN_STREAM the associated stream, priority and slot.
const STREAM_ID = HEADER_LENGTH
const ASSOCIATED_ID = HEADER_LENGTH + 4
const PRIORITY = HEADER_LENGTH + 8
const SYN_STREAM_BLOCK = HEADER_LENGTH + 10
const BLOCK = HEADER_LENGTH + 4

/**
 * Pings are told as events and not answered: a gateway passes them on, and the far end answers. A fault is told as
 * `failed` and nothing is written for it: `send` still works, and the owner says GOAWAY when no frame is half-way.
 */
export class SpdyConnection implements Connection<SpdyEvent, SpdyCommand> {
  readonly #limits: Limits['spdy']
  readonly #streams: Streams
  readonly #outgoing: Outgoing
  readonly #inflater: HeaderInflater
  readonly #frames: FrameReader
  #events: SpdyEvent[] = []
  #blocks = 0
  /** The data frame being read is for a stream that is gone. */
  #ignoring = false
  #over = false
  #ignoredBytes = 0

  /** `role`: which side of the connection we are; the `client` opens the odd streams. */
  constructor(role: 'client' | 'server', limits: Limits['spdy']) {
    this.#limits = limits
    this.#streams = new Streams(role, limits.streams)
    this.#outgoing = new Outgoing(this.#streams)
    this.#inflater = new HeaderInflater(limits.inflatedBlock)
    this.#frames = new FrameReader(this.#sink(), limits)
  }

  /** Received and not told: data for streams that are gone, and all that came behind GOAWAY. No peer reads either. */
  get ignoredBytes(): number {
    return this.#ignoredBytes
  }

  /** True while a frame of our own may be sent: no passed frame is half-way and no GOAWAY has gone out. */
  get maySend(): boolean {
    return this.#outgoing.isReady
  }

  /** True if `data` of our own may be sent on the stream, as far as the stream goes. */
  maySendOn(streamId: number): boolean {
    return this.#streams.maySend(US, streamId)
  }

  /** The highest stream that the peer has opened: what GOAWAY says. */
  get lastPeerStream(): number {
    return this.#streams.last(PEER)
  }

  receive(bytes: Uint8Array): readonly SpdyEvent[] {
    let read = 0
    if (!this.#over) {
      try {
        read = this.#frames.read(bytes)
      } catch (error) {
        if (!(error instanceof SpdyError)) throw error
        return this.#fail(error)
      }
    }
    this.#ignoredBytes += bytes.length - read
    return this.#takeEvents()
  }

  receiveEnd(): readonly SpdyEvent[] {
    if (!this.#over && !this.#frames.isAtBoundary) {
      return this.#fail(new SpdyError(STATUS.PROTOCOL_ERROR, 'spdy.frame.cut_off', 'the connection ended in a frame'))
    }
    this.#over = true
    return NO_EVENTS
  }

  send(command: SpdyCommand): void {
    this.#outgoing.send(command)
  }

  takeOutput(): readonly Uint8Array[] {
    return this.#outgoing.take()
  }

  #fail(error: SpdyError): readonly SpdyEvent[] {
    this.#over = true
    this.#events.push({ type: 'failed', error })
    return this.#takeEvents()
  }

  #takeEvents(): readonly SpdyEvent[] {
    const events = this.#events
    if (events.length === 0) return NO_EVENTS
    this.#events = []
    return events
  }

  #sink(): FrameSink {
    return {
      data: (streamId, fin, header, piece, end) => this.#data(streamId, fin, header, piece, end),
      control: (type, flags, raw) => this.#control(type, flags, raw),
    }
  }

  #data(streamId: number, fin: boolean, header: Uint8Array, payload: Uint8Array, end: boolean): void {
    const start = header.length > 0
    if (start) {
      check(this.#streams.data(PEER, streamId), streamId)
      this.#ignoring = !this.#streams.isOpen(streamId)
    }
    if (this.#ignoring) {
      this.#ignoredBytes += header.length + payload.length
      return
    }
    if (end && fin) this.#streams.fin(PEER, streamId)
    this.#events.push({ type: 'data', streamId, fin: end && fin, start, end, header, payload })
  }

  #control(type: number, flags: number, raw: Uint8Array): boolean {
    switch (type) {
      case TYPE.SYN_STREAM:
      case TYPE.SYN_REPLY:
      case TYPE.HEADERS:
        this.#headers(type, flags, raw)
        return true
      case TYPE.RST_STREAM: {
        const event = readReset(raw)
        check(this.#streams.reset(event.streamId), event.streamId)
        this.#events.push(event)
        return true
      }
      case TYPE.SETTINGS:
        this.#events.push(readSettings(raw, this.#limits.settings))
        return true
      case TYPE.PING:
        this.#events.push(readPing(raw))
        return true
      case TYPE.GOAWAY:
        this.#events.push(readGoAway(raw))
        this.#over = true
        return false
      default:
        this.#events.push(readWindowUpdate(raw))
        return true
    }
  }

  #headers(type: number, flags: number, raw: Uint8Array): void {
    const streamId = readStreamId(raw, STREAM_ID)
    const fin = (flags & FLAG.FIN) !== 0
    // Always inflated, even for a stream that is gone: the next block builds on this one.
    const headers = this.#inflate(raw.subarray(type === TYPE.SYN_STREAM ? SYN_STREAM_BLOCK : BLOCK))
    const block = this.#blocks++
    if (type === TYPE.SYN_STREAM) {
      const unidirectional = (flags & FLAG.UNIDIRECTIONAL) !== 0
      const associatedId = readStreamId(raw, ASSOCIATED_ID)
      const priority = raw[PRIORITY]! >> 5
      check(this.#streams.open(PEER, streamId, fin, unidirectional), streamId)
      this.#events.push({
        type: 'synStream',
        streamId,
        associatedId,
        priority,
        fin,
        unidirectional,
        headers,
        block,
        raw,
      })
    } else if (type === TYPE.SYN_REPLY) {
      check(this.#streams.reply(PEER, streamId, fin), streamId)
      this.#events.push({ type: 'synReply', streamId, fin, headers, block, raw })
    } else {
      check(this.#streams.headers(PEER, streamId, fin), streamId)
      this.#events.push({ type: 'headers', streamId, fin, headers, block, raw })
    }
  }

  #inflate(deflated: Uint8Array): Fields {
    return parseHeaderBlock(this.#inflater.inflate(deflated), this.#limits.headerCount)
  }
}

const NO_EVENTS: readonly SpdyEvent[] = []

function check(fault: StreamFault | undefined, streamId: number): void {
  if (fault !== undefined) throw new SpdyError(...fault, streamId)
}
