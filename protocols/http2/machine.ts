// What both ends of an HTTP/2 connection have in common (RFC 9113): frames to stream states, flow control, settings, and
// budgets for everything that a peer could make us do for nothing. The two roles add what a field block means to them.

import type { Connection } from '../connection.ts'
import { MisuseError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import { HpackDecoder } from '../hpack/decoder.ts'
import { HpackEncoder } from '../hpack/encoder.ts'
import { HpackError } from '../hpack/errors.ts'
import type { Limits } from '../limits.ts'
import { ClosedStreams } from './closed-streams.ts'
import { ERROR_CODE, Http2Error } from './errors.ts'
import type { Http2Command, Http2Event } from './events.ts'
import { checkTrailers } from './fields.ts'
import { FrameReader, type FrameSink } from './frame-reader.ts'
import {
  DEFAULT_WINDOW,
  FLAG,
  FRAME,
  LARGEST_WINDOW,
  SMALLEST_MAX_FRAME,
  uint32,
  writeFrame,
  writeGoaway,
  writeNumber,
} from './frames.ts'
import { applySettings, checkSettingsLength, initialSettings } from './settings.ts'
import { Stream } from './stream.ts'

export interface Http2Limits {
  readonly hpack: Limits['hpack']
  readonly http1: Limits['http1']
  readonly http2: Limits['http2']
}

const BY_US = true
const BY_PEER = false

export abstract class Http2Machine<Event, Command>
  implements Connection<Event | Http2Event, Command | Http2Command>, FrameSink
{
  protected readonly limits: Http2Limits
  protected readonly streams = new Map<number, Stream>()
  protected readonly encoder: HpackEncoder
  protected readonly peer = initialSettings()
  protected output: Uint8Array[] = []
  protected interval = 0
  /** No new stream of the peer's is processed. */
  protected goingAway = false
  protected isFailed = false
  readonly #decoder: HpackDecoder
  readonly #reader: FrameReader
  readonly #streamWindow: number
  #events: (Event | Http2Event)[] = []
  #hasSettings = false
  /** PINGs of ours whose answers have not come. */
  #unanswered = 0
  readonly #closed = new ClosedStreams()
  // The field block that is being read.
  #blockStream = 0
  #blockFlags = 0
  #block: Uint8Array[] = []
  #blockLength = 0
  #continuations = 0
  /** The stream of the DATA frame that is being read; undefined: it is nobody's. */
  #dataStream: Stream | undefined
  // Flow control of the connection.
  #receiveWindow = DEFAULT_WINDOW
  #receiveTarget = DEFAULT_WINDOW
  #owed = 0
  #sendWindow = DEFAULT_WINDOW
  /** Streams with credit to give back. */
  readonly #owing = new Set<Stream>()
  /** Streams that wait for window, whose turn is next first. */
  readonly #blocked = new Set<Stream>()
  #heldBytes = 0
  /** The last stream that the peer's latest GOAWAY has named. */
  #goneAfter = LARGEST_WINDOW
  // Counted by the interval.
  #resets = 0
  #pings = 0
  #settingsFrames = 0
  #emptyFrames = 0

  constructor(limits: Http2Limits, streamWindow: number, maxFrame: number) {
    this.limits = limits
    this.#streamWindow = streamWindow
    this.encoder = new HpackEncoder(limits.hpack)
    this.#decoder = new HpackDecoder(limits.hpack)
    this.#reader = new FrameReader(this, maxFrame)
  }

  /** The peer's first SETTINGS have come. */
  get isReady(): boolean {
    return this.#hasSettings
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
    return this.#heldBytes
  }

  /** True while earlier data of the stream waits for window. */
  blocked(stream: number): boolean {
    return this.streams.get(stream)?.isBlocked ?? false
  }

  /** The streams for which that is so. */
  blockedStreams(): readonly number[] {
    return [...this.#blocked].map(({ id }) => id)
  }

  receive(bytes: Uint8Array): readonly (Event | Http2Event)[] {
    if (!this.isFailed) {
      try {
        this.#reader.read(bytes, this.begin(bytes))
      } catch (error) {
        this.#fail(error)
      }
    }
    return this.#takeEvents()
  }

  receiveEnd(): readonly (Event | Http2Event)[] {
    if (!this.isFailed && (!this.#reader.isIdle || this.#blockStream !== 0)) {
      this.#fail(
        new Http2Error(ERROR_CODE.PROTOCOL_ERROR, 'http2.end.cut_frame', 'the connection ended within a frame'),
      )
    }
    return this.#takeEvents()
  }

  takeOutput(): readonly Uint8Array[] {
    if (!this.isFailed) this.#giveCredit()
    const output = this.output
    this.output = []
    return output
  }

  send(command: Command | Http2Command): void {
    if (!this.isFailed) this.act(command)
  }

  protected abstract act(command: Command | Http2Command): void

  /** Takes what comes before the first frame; returns where the frames begin. Throws Http2Error. */
  protected abstract begin(bytes: Uint8Array): number
  /** A whole field block that is no trailer. Undefined: it is too large. Throws Http2Error for what ends the connection. */
  protected abstract head(stream: number, fields: Fields | undefined, end: boolean): void
  /** Whether the stream has not been opened yet by whoever may open it. */
  protected abstract isIdle(stream: number): boolean
  /** The highest stream of the peer's that was processed, for GOAWAY. */
  protected abstract readonly lastStream: number
  /** A stream has closed on both sides, or was reset. */
  protected abstract closed(stream: Stream): void

  // -- commands that both roles know

  protected common(command: Http2Command): void {
    switch (command.type) {
      case 'data':
        this.#sendData(command.stream, command.bytes, command.end === true)
        return
      case 'end':
        this.#sendEnd(command.stream, command.trailers)
        return
      case 'consumed':
        this.#consumed(command.stream, command.bytes)
        return
      case 'reset': {
        const stream = this.streams.get(command.stream)
        if (stream !== undefined) this.reset(stream, command.code)
        return
      }
      case 'ping':
        this.#unanswered += 1
        writeFrame(this.output, FRAME.PING, 0, 0, OUR_PING)
        return
      case 'goaway':
        this.goingAway = true
        writeGoaway(this.output, this.lastStream, command.code)
        return
      case 'interval':
        this.interval += 1
        this.#resets = 0
        this.#pings = 0
        this.#settingsFrames = 0
        this.#emptyFrames = 0
        return
    }
  }

  // -- for the roles

  protected emit(event: Event | Http2Event): void {
    this.#events.push(event)
  }

  protected open(id: number): Stream {
    const stream = new Stream(id, this.interval, this.#streamWindow, this.peer.initialWindow)
    this.streams.set(id, stream)
    return stream
  }

  /** Raises the connection's receive window to `window` octets. */
  protected raiseWindow(window: number): void {
    const more = window - this.#receiveTarget
    if (more <= 0) return
    this.#receiveTarget = window
    this.#receiveWindow += more
    writeNumber(this.output, FRAME.WINDOW_UPDATE, 0, more)
  }

  /** A field block, in as many frames as the peer's frame size asks for. MisuseError: nothing of it was written. */
  protected sendBlock(stream: number, fields: Fields, end: boolean): void {
    const block = this.#encode(fields)
    const most = Math.min(this.peer.maxFrame, SMALLEST_MAX_FRAME)
    let type: number = FRAME.HEADERS
    let at = 0
    do {
      const piece = block.subarray(at, at + most)
      at += most
      const last = at >= block.length ? FLAG.END_HEADERS : 0
      writeFrame(this.output, type, type === FRAME.HEADERS && end ? last | FLAG.END_STREAM : last, stream, piece)
      type = FRAME.CONTINUATION
    } while (at < block.length)
  }

  #encode(fields: Fields): Uint8Array {
    try {
      return this.encoder.encode(fields)
    } catch (error) {
      // The table may hold what the peer never hears of, and the next request would be written with it: both tables are
      // emptied by the sizes that the next block begins with.
      this.encoder.setTableSize(0)
      this.encoder.setTableSize(this.peer.headerTableSize)
      throw error
    }
  }

  /** Our side of a stream has ended. */
  protected localEnd(stream: Stream): void {
    stream.isLocalClosed = true
    if (stream.isRemoteClosed) this.#close(stream, BY_PEER)
  }

  /** The peer's side of a stream has ended. */
  protected remoteEnd(stream: Stream): void {
    stream.isRemoteClosed = true
    if (stream.isLocalClosed) this.#close(stream, BY_PEER)
  }

  /** RST_STREAM of ours, not for a fault. */
  protected reset(stream: Stream, code: number): void {
    writeNumber(this.output, FRAME.RST_STREAM, stream.id, code)
    this.#close(stream, BY_US)
  }

  /** The peer's fault on one stream: RST_STREAM, told to the owner, and counted (CVE-2025-8671). Throws past the budget. */
  protected fault(id: number, error: Http2Error): void {
    const stream = this.streams.get(id)
    writeNumber(this.output, FRAME.RST_STREAM, id, error.code)
    if (stream === undefined) this.#closed.add(id, BY_US)
    else this.#close(stream, BY_US)
    this.emit({ type: 'reset', stream: id, code: error.code, error })
    this.#countReset()
  }

  /** A stream that the peer says it has not processed is over for its owner. */
  protected refuse(stream: Stream): void {
    this.#close(stream, BY_PEER)
    this.emit({ type: 'reset', stream: stream.id, code: ERROR_CODE.REFUSED_STREAM, error: undefined })
  }

  protected countEmpty(): void {
    this.#emptyFrames += 1
    if (this.#emptyFrames > this.limits.http2.emptyFrames) {
      throw calm('http2.flood.empty', 'frames without end that move nothing')
    }
  }

  /** Whether the body that Content-Length announces may still come; sets what is left of it. */
  protected expectBody(stream: Stream, length: number | undefined, end: boolean): boolean {
    if (length === undefined) return true
    stream.contentLeft = length
    return !end || length === 0
  }

  // -- FrameSink

  frameBegins(type: number, flags: number, stream: number, length: number): void {
    if (!this.#hasSettings && (type !== FRAME.SETTINGS || (flags & FLAG.ACK) !== 0)) {
      throw wrong('http2.settings.missing', 'the first frame is not SETTINGS')
    }
    if (this.#blockStream !== 0 && (type !== FRAME.CONTINUATION || stream !== this.#blockStream)) {
      throw wrong('http2.continuation.interrupted', 'another frame within a field block')
    }
    switch (type) {
      case FRAME.DATA:
        if (length === 0 && (flags & FLAG.END_STREAM) === 0) this.countEmpty()
        this.#dataBegins(stream, length)
        return
      case FRAME.HEADERS:
        if (stream === 0) throw wrong('http2.headers.stream', 'HEADERS without a stream')
        return
      case FRAME.PRIORITY:
        if (stream === 0) throw wrong('http2.priority.stream', 'PRIORITY without a stream')
        // The stream may be idle or long closed, so there is none to reset: both faults end the connection (section 5.4).
        if (length !== 5) throw size('http2.priority.length')
        return
      case FRAME.RST_STREAM:
        if (length !== 4) throw size('http2.rst_stream.length')
        if (stream === 0 || this.isIdle(stream))
          throw wrong('http2.rst_stream.idle', 'RST_STREAM for a stream not opened')
        return
      case FRAME.SETTINGS:
        if (stream !== 0) throw wrong('http2.settings.stream', 'SETTINGS for one stream')
        if ((flags & FLAG.ACK) !== 0 && length !== 0) throw size('http2.settings.ack_length')
        checkSettingsLength(length, this.limits.http2.settingsEntries)
        return
      case FRAME.PUSH_PROMISE:
        throw wrong('http2.push_promise', 'a push, which nobody has allowed')
      case FRAME.PING:
        if (length !== 8) throw size('http2.ping.length')
        if (stream !== 0) throw wrong('http2.ping.stream', 'PING for one stream')
        return
      case FRAME.GOAWAY:
        if (length < 8) throw size('http2.goaway.length')
        if (stream !== 0) throw wrong('http2.goaway.stream', 'GOAWAY for one stream')
        return
      case FRAME.WINDOW_UPDATE:
        if (length !== 4) throw size('http2.window_update.length')
        if (stream !== 0 && this.isIdle(stream)) {
          throw wrong('http2.window_update.idle', 'WINDOW_UPDATE for a stream not opened')
        }
        return
      case FRAME.CONTINUATION:
        if (this.#blockStream === 0) throw wrong('http2.continuation.alone', 'CONTINUATION of nothing')
        this.#continuations += 1
        if (this.#continuations > this.limits.http2.continuations) {
          throw calm('http2.continuation.flood', 'a field block in too many frames')
        }
        return
      default:
        this.countEmpty()
    }
  }

  dataPadded(padding: number, octets: number): void {
    if (octets === 0) this.countEmpty()
    const stream = this.#dataStream
    if (stream === undefined) return
    this.#credit(stream, padding)
  }

  dataPiece(bytes: Uint8Array): void {
    const stream = this.#dataStream
    if (stream === undefined || stream.isGone || bytes.length === 0) return
    if (stream.contentLeft === -1) {
      this.emit({ type: 'data', stream: stream.id, bytes })
      return
    }
    // What was announced is told of, so that it is the same however the frame was cut.
    const announced = Math.min(bytes.length, stream.contentLeft)
    stream.contentLeft -= announced
    if (announced > 0) this.emit({ type: 'data', stream: stream.id, bytes: bytes.subarray(0, announced) })
    if (announced < bytes.length) this.fault(stream.id, wrong('http2.length.exceeded', 'more than Content-Length'))
  }

  dataEnds(flags: number): void {
    const stream = this.#dataStream
    this.#dataStream = undefined
    if (stream === undefined || stream.isGone || (flags & FLAG.END_STREAM) === 0) return
    this.#bodyEnds(stream, NO_FIELDS)
  }

  frame(type: number, flags: number, stream: number, payload: Uint8Array): void {
    switch (type) {
      case FRAME.HEADERS:
        this.#headers(flags, stream, payload)
        return
      case FRAME.CONTINUATION:
        this.#addToBlock(payload)
        if ((flags & FLAG.END_HEADERS) !== 0) this.#blockEnds()
        return
      case FRAME.PRIORITY:
        this.#priority(stream, payload)
        return
      case FRAME.RST_STREAM:
        this.#peerReset(stream, uint32(payload, 0))
        return
      case FRAME.SETTINGS:
        this.#settings(flags, payload)
        return
      case FRAME.PING:
        this.#ping(flags, payload)
        return
      case FRAME.GOAWAY:
        this.peerGoaway(uint32(payload, 0) & LARGEST_WINDOW, uint32(payload, 4))
        return
      case FRAME.WINDOW_UPDATE:
        this.#windowUpdate(stream, uint32(payload, 0) & LARGEST_WINDOW)
    }
  }

  protected peerGoaway(lastStream: number, code: number): void {
    this.countEmpty()
    // It names one of our own streams, or none (section 6.8); a server of ours has none.
    if (lastStream > 0 && (lastStream & 1) === (this.isServer ? 1 : 0)) {
      throw wrong('http2.goaway.foreign', 'GOAWAY that names a stream of its own sender')
    }
    if (lastStream > this.#goneAfter) throw wrong('http2.goaway.rising', 'a GOAWAY that takes back an earlier one')
    this.#goneAfter = lastStream
    this.emit({ type: 'goaway', lastStream, code })
  }

  // -- DATA

  #dataBegins(id: number, length: number): void {
    if (id === 0) throw wrong('http2.data.stream', 'DATA without a stream')
    if (this.isIdle(id)) throw wrong('http2.data.idle', 'DATA for a stream not opened')
    this.#receiveWindow -= length
    if (this.#receiveWindow < 0) {
      throw new Http2Error(
        ERROR_CODE.FLOW_CONTROL_ERROR,
        'http2.window.connection',
        'more than the connection may carry',
      )
    }
    this.#dataStream = undefined
    const stream = this.streams.get(id)
    if (stream === undefined) {
      this.#owed += length
      if (!this.#closed.isOurs(id)) throw streamClosed('http2.data.closed')
      return
    }
    if (stream.isRemoteClosed || !stream.isHeadRead) {
      this.#owed += length
      const rule = stream.isRemoteClosed ? 'http2.data.half_closed' : 'http2.data.before_head'
      const code = stream.isRemoteClosed ? ERROR_CODE.STREAM_CLOSED : ERROR_CODE.PROTOCOL_ERROR
      this.fault(id, new Http2Error(code, rule, 'DATA where none may come'))
      return
    }
    stream.unconsumed += length
    // A cluster's connection gets its credit back at once: the reader of one stream, who stalls, must not stall the others.
    // A client is held back as a whole.
    if (!this.isServer) this.#owed += length
    stream.receiveWindow -= length
    if (stream.receiveWindow < 0) {
      const error = new Http2Error(
        ERROR_CODE.FLOW_CONTROL_ERROR,
        'http2.window.stream',
        'more than the stream may carry',
      )
      this.fault(id, error)
      return
    }
    this.#dataStream = stream
  }

  #bodyEnds(stream: Stream, trailers: Fields): void {
    if (stream.contentLeft > 0) {
      const error = new Http2Error(ERROR_CODE.PROTOCOL_ERROR, 'http2.length.short', 'less than Content-Length')
      this.fault(stream.id, error)
      return
    }
    this.emit({ type: 'end', stream: stream.id, trailers })
    this.remoteEnd(stream)
  }

  // -- field blocks

  #headers(flags: number, stream: number, payload: Uint8Array): void {
    let at = 0
    let padding = 0
    if ((flags & FLAG.PADDED) !== 0) padding = payload[at++] ?? 0
    if ((flags & FLAG.PRIORITY) !== 0) {
      if (payload.length < at + 5) throw size('http2.headers.priority')
      if ((uint32(payload, at) & LARGEST_WINDOW) === stream) {
        throw wrong('http2.headers.self_dependency', 'a stream that depends on itself')
      }
      at += 5
    }
    if (at + padding > payload.length) throw wrong('http2.headers.padding', 'padding that is longer than its frame')
    this.#blockStream = stream
    this.#blockFlags = flags
    this.#continuations = 0
    const fragment = payload.subarray(at, payload.length - padding)
    if ((flags & FLAG.END_HEADERS) !== 0) {
      this.#judgeBlock(fragment)
      return
    }
    this.#addToBlock(fragment)
  }

  #addToBlock(fragment: Uint8Array): void {
    this.#blockLength += fragment.length
    if (this.#blockLength > this.limits.http2.blockBytes) {
      throw calm('http2.block.too_long', 'a field block longer than is taken')
    }
    this.#block.push(fragment.slice())
  }

  #blockEnds(): void {
    const block = Buffer.concat(this.#block)
    this.#block = []
    this.#blockLength = 0
    this.#judgeBlock(block)
  }

  #judgeBlock(block: Uint8Array): void {
    const id = this.#blockStream
    const end = (this.#blockFlags & FLAG.END_STREAM) !== 0
    this.#blockStream = 0
    // Whatever becomes of it, the tables must stay in step.
    const fields = this.#decoder.decode(block)
    const stream = this.streams.get(id)
    if (stream === undefined && this.#closed.has(id)) {
      if (!this.#closed.isOurs(id)) throw streamClosed('http2.headers.closed')
      // It did not know yet; but it must learn.
      this.countEmpty()
      return
    }
    if (stream?.isRemoteClosed === true) {
      this.fault(id, streamClosed('http2.headers.half_closed'))
      return
    }
    if (stream?.isHeadRead !== true) {
      this.head(id, fields, end)
      return
    }
    this.#trailers(stream, fields, end)
  }

  #trailers(stream: Stream, fields: Fields | undefined, end: boolean): void {
    try {
      if (!end) throw wrong('http2.trailers.no_end', 'a second field block that does not end the stream')
      if (fields === undefined) throw calm('http2.trailers.too_large', 'trailers larger than are taken')
      checkTrailers(fields, this.isServer)
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error
      this.fault(stream.id, error)
      return
    }
    this.#bodyEnds(stream, fields)
  }

  protected abstract readonly isServer: boolean

  // -- control frames

  #priority(stream: number, payload: Uint8Array): void {
    this.countEmpty()
    if ((uint32(payload, 0) & LARGEST_WINDOW) === stream) {
      throw wrong('http2.priority.self_dependency', 'a stream that depends on itself')
    }
  }

  #peerReset(id: number, code: number): void {
    const stream = this.streams.get(id)
    if (stream === undefined) return
    // A watch that has run for long may be ended by the hundred; what was begun a moment ago may not (CVE-2023-44487).
    const isFresh = this.interval - stream.born <= 1
    this.#close(stream, BY_PEER)
    this.emit({ type: 'reset', stream: id, code, error: undefined })
    if (isFresh) this.#countReset()
  }

  #settings(flags: number, payload: Uint8Array): void {
    this.#settingsFrames += 1
    if (this.#settingsFrames > this.limits.http2.settings) throw calm('http2.flood.settings', 'SETTINGS without end')
    if ((flags & FLAG.ACK) !== 0) return
    const { initialWindow } = this.peer
    applySettings(this.peer, payload, { isFirst: !this.#hasSettings, isServers: !this.isServer })
    this.#hasSettings = true
    // A size that held only between two entries has emptied the peer's table all the same (RFC 7541 section 4.2).
    this.encoder.setTableSize(this.peer.leastHeaderTableSize)
    this.encoder.setTableSize(this.peer.headerTableSize)
    const change = this.peer.initialWindow - initialWindow
    if (change !== 0) {
      for (const stream of this.streams.values()) {
        stream.sendWindow += change
        if (stream.sendWindow > LARGEST_WINDOW) {
          throw new Http2Error(ERROR_CODE.FLOW_CONTROL_ERROR, 'http2.settings.overflow', 'a window above 2^31-1')
        }
      }
    }
    writeFrame(this.output, FRAME.SETTINGS, FLAG.ACK, 0, NOTHING)
    if (change > 0) this.#pump()
  }

  #ping(flags: number, payload: Uint8Array): void {
    if ((flags & FLAG.ACK) !== 0) {
      if (this.#unanswered === 0) this.countEmpty()
      else {
        this.#unanswered -= 1
        this.emit({ type: 'pong' })
      }
      return
    }
    this.#pings += 1
    if (this.#pings > this.limits.http2.pings) throw calm('http2.flood.ping', 'PING without end')
    writeFrame(this.output, FRAME.PING, FLAG.ACK, 0, payload)
  }

  #windowUpdate(id: number, more: number): void {
    if (id === 0) {
      if (more === 0) throw wrong('http2.window_update.zero', 'WINDOW_UPDATE of nothing')
      this.#sendWindow += more
      if (this.#sendWindow > LARGEST_WINDOW) {
        throw new Http2Error(ERROR_CODE.FLOW_CONTROL_ERROR, 'http2.window_update.overflow', 'a window above 2^31-1')
      }
    } else {
      const stream = this.streams.get(id)
      if (stream === undefined) return
      if (more === 0) {
        this.fault(id, wrong('http2.window_update.zero_on_stream', 'WINDOW_UPDATE of nothing'))
        return
      }
      stream.sendWindow += more
      if (stream.sendWindow > LARGEST_WINDOW) {
        const rule = 'http2.window_update.overflow_on_stream'
        this.fault(id, new Http2Error(ERROR_CODE.FLOW_CONTROL_ERROR, rule, 'a window above 2^31-1'))
        return
      }
      // Nobody else has gained anything: looking at all the others would be work for 13 octets.
      while (stream.isBlocked && this.#sendHeld(stream));
      return
    }
    this.#pump()
  }

  // -- sending

  #sendData(id: number, bytes: Uint8Array, end: boolean): void {
    const stream = this.streams.get(id)
    if (stream === undefined || stream.isLocalClosed || stream.endsBehind) return
    if (!stream.isHeadSent) throw new MisuseError('a body before its head')
    let at = 0
    if (!stream.isBlocked) {
      at = this.#write(stream, bytes, end)
      if (at === bytes.length) return
    }
    if (stream.heldLength + bytes.length - at > this.limits.http2.heldBytes) {
      // Whoever goes on after `blocked` said stop: the stream cannot be whole any more.
      this.reset(stream, ERROR_CODE.INTERNAL_ERROR)
      this.emit({ type: 'reset', stream: id, code: ERROR_CODE.INTERNAL_ERROR, error: undefined })
      return
    }
    if (at < bytes.length) {
      // `slice` would not copy a Buffer, and these bytes are lent.
      stream.hold(new Uint8Array(bytes.subarray(at)))
      this.#heldBytes += bytes.length - at
    }
    stream.endsBehind = end
    this.#blocked.add(stream)
  }

  #sendEnd(id: number, trailers: Fields | undefined): void {
    const stream = this.streams.get(id)
    if (stream === undefined || stream.isLocalClosed || stream.endsBehind) return
    if (!stream.isHeadSent) throw new MisuseError('an end before its head')
    if (stream.isBlocked) {
      stream.endsBehind = true
      stream.trailers = trailers
    } else {
      this.#writeEnd(stream, trailers)
    }
  }

  #writeEnd(stream: Stream, trailers: Fields | undefined): void {
    if (trailers !== undefined && trailers.length > 0) this.sendBlock(stream.id, trailers, true)
    else writeFrame(this.output, FRAME.DATA, FLAG.END_STREAM, stream.id, NOTHING)
    this.localEnd(stream)
  }

  /** As much as the windows have room for; returns how much that was. `end` goes with the last octet. */
  #write(stream: Stream, bytes: Uint8Array, end: boolean): number {
    const room = Math.min(stream.sendWindow, this.#sendWindow)
    const length = Math.min(bytes.length, Math.max(0, room))
    stream.sendWindow -= length
    this.#sendWindow -= length
    let at = 0
    while (at < length) {
      const next = Math.min(at + SMALLEST_MAX_FRAME, length)
      const flags = end && next === bytes.length ? FLAG.END_STREAM : 0
      const piece = at === 0 && next === bytes.length ? bytes : bytes.subarray(at, next)
      writeFrame(this.output, FRAME.DATA, flags, stream.id, piece)
      at = next
    }
    if (bytes.length === 0 && end) writeFrame(this.output, FRAME.DATA, FLAG.END_STREAM, stream.id, NOTHING)
    if (end && at === bytes.length) this.localEnd(stream)
    return at
  }

  /** Sends what is held, a frame of each stream in turn, as far as the windows allow. */
  #pump(): void {
    for (const stream of this.#blocked) {
      if (this.#sendWindow <= 0) return
      this.#sendHeld(stream)
    }
  }

  /** One frame of what a stream holds, and its end behind the last. False: there is no window for it. */
  #sendHeld(stream: Stream): boolean {
    const room = Math.min(stream.sendWindow, this.#sendWindow, SMALLEST_MAX_FRAME)
    if (room <= 0) return false
    const piece = stream.takeHeld(room)
    this.#heldBytes -= piece.length
    const isLast = stream.heldLength === 0 && stream.endsBehind && stream.trailers === undefined
    if (isLast) stream.endsBehind = false
    this.#write(stream, piece, isLast)
    this.#blocked.delete(stream)
    if (stream.heldLength > 0) {
      this.#blocked.add(stream) // behind the others; whoever goes through them comes to it again
      return true
    }
    if (stream.endsBehind) {
      stream.endsBehind = false
      this.#writeEnd(stream, stream.trailers)
    }
    this.emit({ type: 'drained', stream: stream.id })
    return true
  }

  // -- credit

  #consumed(id: number, octets: number): void {
    const stream = this.streams.get(id)
    if (stream !== undefined) this.#credit(stream, octets)
  }

  #credit(stream: Stream, octets: number): void {
    const credit = Math.min(octets, stream.unconsumed)
    stream.unconsumed -= credit
    if (this.isServer) this.#owed += credit
    if (stream.isRemoteClosed || stream.isGone) return
    stream.owed += credit
    this.#owing.add(stream)
  }

  /** In as few frames as will do: once half a window is owed. */
  #giveCredit(): void {
    if (this.#owed > 0 && 2 * this.#owed >= this.#receiveTarget) {
      writeNumber(this.output, FRAME.WINDOW_UPDATE, 0, this.#owed)
      this.#receiveWindow += this.#owed
      this.#owed = 0
    }
    for (const stream of this.#owing) {
      if (!stream.isRemoteClosed && !stream.isGone) {
        if (2 * stream.owed < this.#streamWindow) continue
        writeNumber(this.output, FRAME.WINDOW_UPDATE, stream.id, stream.owed)
        stream.receiveWindow += stream.owed
      }
      stream.owed = 0
      this.#owing.delete(stream)
    }
  }

  // -- the end of streams and of the connection

  #close(stream: Stream, by: boolean): void {
    this.streams.delete(stream.id)
    stream.isGone = true
    // What its owner has not read is nobody's; the connection must not starve of it.
    if (this.isServer) this.#owed += stream.unconsumed
    stream.unconsumed = 0
    this.#heldBytes -= stream.heldLength
    stream.dropHeld()
    this.#blocked.delete(stream)
    this.#closed.add(stream.id, by)
    this.closed(stream)
  }

  #countReset(): void {
    this.#resets += 1
    if (this.#resets > this.limits.http2.resets) {
      throw calm('http2.flood.resets', 'streams begun and reset without end')
    }
  }

  #fail(error: unknown): void {
    if (!(error instanceof Http2Error || error instanceof HpackError)) throw error
    this.isFailed = true
    writeGoaway(this.output, this.lastStream, error.code)
    for (const stream of this.streams.values()) stream.dropHeld()
    this.#blocked.clear()
    this.#heldBytes = 0
    this.emit({ type: 'failed', error })
  }

  #takeEvents(): readonly (Event | Http2Event)[] {
    const events = this.#events
    this.#events = []
    return events
  }
}

const NOTHING = new Uint8Array(0)
const NO_FIELDS: Fields = []
const OUR_PING = new Uint8Array(8)

function wrong(rule: string, explanation: string): Http2Error {
  return new Http2Error(ERROR_CODE.PROTOCOL_ERROR, rule, explanation)
}

function size(rule: string): Http2Error {
  return new Http2Error(ERROR_CODE.FRAME_SIZE_ERROR, rule, 'a frame of a length that its type does not have')
}

function streamClosed(rule: string): Http2Error {
  return new Http2Error(ERROR_CODE.STREAM_CLOSED, rule, 'a frame for a stream that the peer has closed')
}

function calm(rule: string, explanation: string): Http2Error {
  return new Http2Error(ERROR_CODE.ENHANCE_YOUR_CALM, rule, explanation)
}
