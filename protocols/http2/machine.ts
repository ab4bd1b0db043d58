// What both ends of an HTTP/2 connection read alike (RFC 9113): frames, by the state of their stream, to events and replies.
// The two roles add what a field block means to them; what is wrong ends its stream or the connection.

import type { Connection } from '../connection.ts'
import type { Fields } from '../fields.ts'
import { HpackDecoder } from '../hpack/decoder.ts'
import { HpackError } from '../hpack/errors.ts'
import { Http2Endpoint, type Http2Limits, type Role } from './endpoint.ts'
import { calm, ERROR_CODE, Http2Error, streamClosed, wrong } from './errors.ts'
import type { Http2Command, Http2Event } from './events.ts'
import { FieldBlocks } from './field-blocks.ts'
import { checkTrailers } from './fields.ts'
import { FrameReader, type FrameSink } from './frame-reader.ts'
import { checkFrame } from './frame-rules.ts'
import { FLAG, FRAME, LARGEST_WINDOW, uint32, writeFrame, writeGoaway } from './frames.ts'
import { applySettings } from './settings.ts'
import type { Stream } from './stream.ts'

export abstract class Http2Machine<Event, Command>
  extends Http2Endpoint<Event, Command>
  implements Connection<Event | Http2Event, Command | Http2Command>, FrameSink
{
  readonly #decoder: HpackDecoder
  readonly #reader: FrameReader
  readonly #blocks: FieldBlocks
  #hasSettings = false
  /** The stream of the DATA frame that is being read; undefined: it is nobody's. */
  #dataStream: Stream | undefined
  /** The last stream that the peer's latest GOAWAY has named. */
  #goneAfter = LARGEST_WINDOW

  constructor(limits: Http2Limits, role: Role) {
    super(limits, role)
    this.#decoder = new HpackDecoder(limits.hpack)
    this.#reader = new FrameReader(this, role.maxFrame)
    this.#blocks = new FieldBlocks(limits.http2)
  }

  /** The peer's first SETTINGS have come. */
  get isReady(): boolean {
    return this.#hasSettings
  }

  receive(bytes: Uint8Array): readonly (Event | Http2Event)[] {
    if (!this.isFailed) {
      try {
        this.#reader.read(bytes, this.begin(bytes))
      } catch (error) {
        this.#fail(error)
      }
    }
    return this.takeEvents()
  }

  receiveEnd(): readonly (Event | Http2Event)[] {
    if (!this.isFailed && (!this.#reader.isIdle || this.#blocks.isOpen)) {
      this.#fail(wrong('http2.end.cut_frame', 'the connection ended within a frame'))
    }
    return this.takeEvents()
  }

  takeOutput(): readonly Uint8Array[] {
    if (!this.isFailed) this.credit.write(this.outgoing.output)
    return this.outgoing.takeOutput()
  }

  /** Takes what comes before the first frame; returns where the frames begin. Throws Http2Error. */
  protected abstract begin(bytes: Uint8Array): number
  /** A whole field block that is no trailer. Undefined: it is too large. Throws Http2Error for what ends the connection. */
  protected abstract head(stream: number, fields: Fields | undefined, end: boolean): void
  /** Whether the stream has not been opened yet by whoever may open it. */
  protected abstract isIdle(stream: number): boolean

  // -- FrameSink

  frameBegins(type: number, flags: number, stream: number, length: number): void {
    if (!this.#hasSettings && (type !== FRAME.SETTINGS || (flags & FLAG.ACK) !== 0)) {
      throw wrong('http2.settings.missing', 'the first frame is not SETTINGS')
    }
    this.#blocks.frameBegins(type, stream)
    checkFrame(type, flags, stream, length, this.limits.http2.settingsEntries)
    if (type === FRAME.DATA) {
      if (length === 0 && (flags & FLAG.END_STREAM) === 0) this.budgets.empty()
      this.#dataBegins(stream, length)
    } else if (type === FRAME.RST_STREAM) {
      if (stream === 0 || this.isIdle(stream)) {
        throw wrong('http2.rst_stream.idle', 'RST_STREAM for a stream not opened')
      }
    } else if (type === FRAME.WINDOW_UPDATE) {
      if (stream !== 0 && this.isIdle(stream)) {
        throw wrong('http2.window_update.idle', 'WINDOW_UPDATE for a stream not opened')
      }
    } else if (type > FRAME.CONTINUATION) this.budgets.empty()
  }

  dataPadded(padding: number, octets: number): void {
    if (octets === 0) this.budgets.empty()
    if (this.#dataStream !== undefined) this.credit.consumed(this.#dataStream, padding)
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
        this.#judgeBlock(this.#blocks.headers(flags, stream, payload))
        return
      case FRAME.CONTINUATION:
        this.#judgeBlock(this.#blocks.continuation(flags, payload))
        return
      case FRAME.PRIORITY:
        this.budgets.empty()
        if ((uint32(payload, 0) & LARGEST_WINDOW) === stream) {
          throw wrong('http2.priority.self_dependency', 'a stream that depends on itself')
        }
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

  // -- bodies and field blocks

  #dataBegins(id: number, length: number): void {
    if (id === 0) throw wrong('http2.data.stream', 'DATA without a stream')
    if (this.isIdle(id)) throw wrong('http2.data.idle', 'DATA for a stream not opened')
    this.credit.received(length)
    this.#dataStream = undefined
    const stream = this.streams.get(id)
    if (stream === undefined) {
      this.credit.dropped(length)
      if (!this.closedStreams.isOurs(id)) throw streamClosed('http2.data.closed')
    } else if (stream.isRemoteClosed) {
      this.credit.dropped(length)
      this.fault(id, streamClosed('http2.data.half_closed'))
    } else if (!stream.isHeadRead) {
      this.credit.dropped(length)
      this.fault(id, wrong('http2.data.before_head', 'DATA where none may come'))
    } else if (!this.credit.receivedOn(stream, length)) {
      const rule = 'http2.window.stream'
      this.fault(id, new Http2Error(ERROR_CODE.FLOW_CONTROL_ERROR, rule, 'more than the stream may carry'))
    } else this.#dataStream = stream
  }

  #bodyEnds(stream: Stream, trailers: Fields): void {
    if (stream.contentLeft > 0) {
      this.fault(stream.id, wrong('http2.length.short', 'less than Content-Length'))
      return
    }
    this.emit({ type: 'end', stream: stream.id, trailers })
    this.remoteEnd(stream)
  }

  /** Undefined: it has not all come yet. */
  #judgeBlock(block: Uint8Array | undefined): void {
    if (block === undefined) return
    const { stream: id, end } = this.#blocks
    // Whatever becomes of it, the tables must stay in step.
    const fields = this.#decoder.decode(block)
    const stream = this.streams.get(id)
    if (stream === undefined && this.closedStreams.has(id)) {
      if (!this.closedStreams.isOurs(id)) throw streamClosed('http2.headers.closed')
      // It did not know yet; but it must learn.
      this.budgets.empty()
    } else if (stream?.isRemoteClosed === true) this.fault(id, streamClosed('http2.headers.half_closed'))
    else if (stream?.isHeadRead === true) this.#trailers(stream, fields, end)
    else this.head(id, fields, end)
  }

  #trailers(stream: Stream, fields: Fields | undefined, end: boolean): void {
    try {
      if (!end) throw wrong('http2.trailers.no_end', 'a second field block that does not end the stream')
      if (fields === undefined) throw calm('http2.trailers.too_large', 'trailers larger than are taken')
      checkTrailers(fields, this.role.isServer)
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error
      this.fault(stream.id, error)
      return
    }
    this.#bodyEnds(stream, fields)
  }

  // -- control frames

  #peerReset(id: number, code: number): void {
    const stream = this.streams.get(id)
    if (stream === undefined) return
    // A watch that has run for long may be ended by the hundred; what was begun a moment ago may not (CVE-2023-44487).
    const isFresh = this.budgets.interval - stream.born <= 1
    this.lost(stream, code)
    if (isFresh) this.budgets.reset()
  }

  #settings(flags: number, payload: Uint8Array): void {
    this.budgets.settings()
    if ((flags & FLAG.ACK) !== 0) return
    const { initialWindow } = this.peer
    applySettings(this.peer, payload, { isFirst: !this.#hasSettings, isServers: !this.role.isServer })
    this.#hasSettings = true
    this.outgoing.settingsChanged(this.streams.values(), this.peer.initialWindow - initialWindow)
    writeFrame(this.outgoing.output, FRAME.SETTINGS, FLAG.ACK, 0, NOTHING)
    this.outgoing.pump()
  }

  #ping(flags: number, payload: Uint8Array): void {
    if ((flags & FLAG.ACK) === 0) {
      this.budgets.ping()
      writeFrame(this.outgoing.output, FRAME.PING, FLAG.ACK, 0, payload)
    } else if (this.unanswered === 0) this.budgets.empty()
    else {
      this.unanswered -= 1
      this.emit({ type: 'pong' })
    }
  }

  protected peerGoaway(lastStream: number, code: number): void {
    this.budgets.empty()
    // It names one of our own streams, or none (section 6.8); a server of ours has none.
    if (lastStream > 0 && (lastStream & 1) === (this.role.isServer ? 1 : 0)) {
      throw wrong('http2.goaway.foreign', 'GOAWAY that names a stream of its own sender')
    }
    if (lastStream > this.#goneAfter) throw wrong('http2.goaway.rising', 'a GOAWAY that takes back an earlier one')
    this.#goneAfter = lastStream
    this.emit({ type: 'goaway', lastStream, code })
  }

  #windowUpdate(id: number, more: number): void {
    if (id === 0) {
      if (more === 0) throw wrong('http2.window_update.zero', 'WINDOW_UPDATE of nothing')
      this.outgoing.widen(more)
      return
    }
    const stream = this.streams.get(id)
    if (stream === undefined) return
    if (more === 0) this.fault(id, wrong('http2.window_update.zero_on_stream', 'WINDOW_UPDATE of nothing'))
    else if (!this.outgoing.widenStream(stream, more)) {
      const rule = 'http2.window_update.overflow_on_stream'
      this.fault(id, new Http2Error(ERROR_CODE.FLOW_CONTROL_ERROR, rule, 'a window above 2^31-1'))
    }
  }

  #fail(error: unknown): void {
    if (!(error instanceof Http2Error || error instanceof HpackError)) throw error
    this.isFailed = true
    writeGoaway(this.outgoing.output, this.lastStream, error.code)
    for (const stream of this.streams.values()) this.outgoing.drop(stream)
    this.emit({ type: 'failed', error })
  }
}

const NOTHING = new Uint8Array(0)
const NO_FIELDS: Fields = []
