// What one SPDY machine writes: frames passed on as they came, and frames of our own between them. Keeps count of
// where a frame ends, so that nothing of ours lands inside one, and of the header blocks that the receiver has seen.

import { MisuseError } from '../errors.ts'
import { controlFrame, dataHeader } from './control-frames.ts'
import type { SpdyCommand, SpdyHeadersEvent } from './events.ts'
import { FLAG, HEADER_LENGTH, TYPE, uint31 } from './frame-reader.ts'
import { headerBlock } from './header-block.ts'
import { HeaderDeflater } from './header-compression.ts'
import { type StreamFault, type Streams, US } from './streams.ts'

/** The longest payload that a frame's 24 bits can say. */
const LONGEST = 0xffffff

/** A frame with headers, whether passed on or our own. */
type HeadersFrame = SpdyHeadersEvent extends infer Frame
  ? Frame extends Frame
    ? Omit<Frame, 'raw' | 'block'>
    : never
  : never

export class Outgoing {
  readonly #streams: Streams
  #output: Uint8Array[] = []
  // Of the data frame being passed: payload still to come, and what ends with it.
  #left = 0
  #streamId = 0
  #fin = false
  /** Header blocks that went as they came, until one of ours was deflated. */
  #passedBlocks = 0
  #deflater: HeaderDeflater | undefined = undefined
  #goneAway = false

  constructor(streams: Streams) {
    this.#streams = streams
  }

  /** A frame may start now: none is half-way, and no GOAWAY has gone out, behind which nobody reads. */
  get isReady(): boolean {
    return this.#left === 0 && !this.#goneAway
  }

  take(): readonly Uint8Array[] {
    const output = this.#output
    this.#output = []
    return output
  }

  /** Throws MisuseError, and then has written nothing. */
  send(command: SpdyCommand): void {
    if (command.type === 'pass') {
      this.#pass(command.bytes)
      return
    }
    this.#requireReady()
    switch (command.type) {
      case 'passHeaders':
        this.#passHeaders(command.event)
        return
      case 'data':
        this.#data(command.streamId, command.payload, command.fin === true)
        return
      case 'synStream':
        this.#sendHeaders({ priority: 0, fin: false, ...command, associatedId: 0, unidirectional: false })
        return
      case 'synReply':
        this.#sendHeaders({ fin: false, ...command })
        return
      case 'reset':
        if (command.status === 0) throw new MisuseError('RST_STREAM needs a status')
        assertAllowed(this.#streams.reset(command.streamId))
        this.#output.push(controlFrame(TYPE.RST_STREAM, 0, [command.streamId, command.status]))
        return
      case 'ping':
        if (command.id === 0) throw new MisuseError('PING needs an id')
        this.#output.push(controlFrame(TYPE.PING, 0, [command.id]))
        return
      case 'goAway':
        this.#goneAway = true
        this.#output.push(controlFrame(TYPE.GOAWAY, 0, [command.lastStreamId, command.status]))
        return
    }
  }

  #requireReady(): void {
    if (this.#left > 0) throw new MisuseError('a frame may not start inside a frame that is being passed')
    if (this.#goneAway) throw new MisuseError('a frame behind GOAWAY is never read')
  }

  #pass(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#left === 0) at = this.#passHeader(bytes, at)
      const stop = Math.min(at + this.#left, bytes.length)
      this.#left -= stop - at
      at = stop
      if (this.#left === 0 && this.#fin) {
        this.#fin = false
        this.#streams.fin(US, this.#streamId)
      }
    }
    if (bytes.length > 0) this.#output.push(bytes)
  }

  /** Takes note of a passed frame by its header; a control frame is skipped whole. Returns where to go on. */
  #passHeader(bytes: Uint8Array, at: number): number {
    this.#requireReady()
    const body = at + HEADER_LENGTH
    if (body > bytes.length) throw new MisuseError('a passed frame is cut in its header')
    const length = (bytes[at + 5]! << 16) | (bytes[at + 6]! << 8) | bytes[at + 7]!
    if (bytes[at]! < 0x80) {
      this.#streamId = uint31(bytes, at)
      assertAllowed(this.#streams.data(US, this.#streamId))
      this.#left = length
      this.#fin = (bytes[at + 4]! & FLAG.FIN) !== 0
      return body
    }
    if (body + length > bytes.length) throw new MisuseError('a passed control frame is cut')
    const type = (bytes[at + 2]! << 8) | bytes[at + 3]!
    if (type === TYPE.SYN_STREAM || type === TYPE.SYN_REPLY || type === TYPE.HEADERS) {
      throw new MisuseError('a frame with a header block is passed with passHeaders')
    }
    if (type === TYPE.RST_STREAM) assertAllowed(this.#streams.reset(uint31(bytes, body)))
    if (type === TYPE.GOAWAY) this.#goneAway = true
    return body + length
  }

  #passHeaders(event: SpdyHeadersEvent): void {
    // A block that was left out before this one is in its sender's window and not in the receiver's.
    if (this.#deflater !== undefined || event.block !== this.#passedBlocks) {
      this.#sendHeaders(event)
      return
    }
    this.#admit(event)
    this.#passedBlocks++
    this.#output.push(event.raw)
  }

  #sendHeaders(frame: HeadersFrame): void {
    const block = headerBlock(frame.headers)
    this.#admit(frame)
    this.#deflater ??= new HeaderDeflater(this.#passedBlocks)
    const deflated = this.#deflater.deflate(block)
    const fin = frame.fin ? FLAG.FIN : 0
    switch (frame.type) {
      case 'synStream': {
        const flags = fin | (frame.unidirectional ? FLAG.UNIDIRECTIONAL : 0)
        const body = Buffer.concat([Uint8Array.of(frame.priority << 5, 0), deflated])
        this.#output.push(controlFrame(TYPE.SYN_STREAM, flags, [frame.streamId, frame.associatedId], body))
        return
      }
      case 'synReply':
        this.#output.push(controlFrame(TYPE.SYN_REPLY, fin, [frame.streamId], deflated))
        return
      case 'headers':
        this.#output.push(controlFrame(TYPE.HEADERS, fin, [frame.streamId], deflated))
        return
    }
  }

  #admit(frame: HeadersFrame): void {
    switch (frame.type) {
      case 'synStream':
        assertAllowed(this.#streams.open(US, frame.streamId, frame.fin, frame.unidirectional))
        return
      case 'synReply':
        assertAllowed(this.#streams.reply(US, frame.streamId, frame.fin))
        return
      case 'headers':
        assertAllowed(this.#streams.headers(US, frame.streamId, frame.fin))
        return
    }
  }

  #data(streamId: number, payload: Uint8Array, fin: boolean): void {
    if (payload.length > LONGEST) throw new MisuseError('a data frame holds at most 16 MiB')
    if (!this.#streams.isOpen(streamId)) throw new MisuseError('data on a stream that is not open')
    assertAllowed(this.#streams.data(US, streamId))
    // Header and payload stay two buffers: one writev joins them.
    this.#output.push(dataHeader(streamId, fin ? FLAG.FIN : 0, payload.length))
    if (payload.length > 0) this.#output.push(payload)
    if (fin) this.#streams.fin(US, streamId)
  }
}

/** What would be the peer's fault is a bug when we do it. */
function assertAllowed(fault: StreamFault | undefined): void {
  if (fault !== undefined) throw new MisuseError(fault[2])
}
