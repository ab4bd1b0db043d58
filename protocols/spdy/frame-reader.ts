// Cuts a byte stream into SPDY/3.1 frames, wherever TCP cut it first (SPDY draft 3.1, section 2.2). Data passes in
// pieces, control frames come whole; version, type, flags and length are judged on the 8-byte header alone.

import type { Limits } from '../limits.ts'
import { SpdyError, STATUS } from './errors.ts'

/*
 * control                                     data
 * +----------------------------------+       +----------------------------------+
 * |1|   Version(15)  |    Type(16)   |       |0|       Stream-ID (31bits)       |
 * +----------------------------------+       +----------------------------------+
 * | Flags (8)  |  Length (24 bits)   |       | Flags (8)  |  Length (24 bits)   |
 * +----------------------------------+       +----------------------------------+
 * |               Data               |       |               Data               |
 * +----------------------------------+       +----------------------------------+
 */

export const HEADER_LENGTH = 8
export const VERSION = 3
export const TYPE = {
  SYN_STREAM: 1,
  SYN_REPLY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  HEADERS: 8,
  WINDOW_UPDATE: 9,
} as const
export const FLAG = { FIN: 0x01, UNIDIRECTIONAL: 0x02 } as const

/**
 * By type: the flags it may carry and the lengths of its payload. spdystream reads RST_STREAM and PING without looking
 * at their length, so a longer one would be two frames to it and one to us. NOOP (5) and CREDENTIAL (10) are not
 * listed: peers end the session at a type that they do not know.
 */
const CONTROL: readonly ({ readonly flags: number; readonly min: number; readonly max: number } | undefined)[] = [
  undefined,
  { flags: FLAG.FIN | FLAG.UNIDIRECTIONAL, min: 10, max: Number.POSITIVE_INFINITY },
  { flags: FLAG.FIN, min: 4, max: Number.POSITIVE_INFINITY },
  { flags: 0, min: 8, max: 8 },
  { flags: 0x01, min: 4, max: Number.POSITIVE_INFINITY },
  undefined,
  { flags: 0, min: 4, max: 4 },
  { flags: 0, min: 8, max: 8 },
  { flags: FLAG.FIN, min: 4, max: Number.POSITIVE_INFINITY },
  { flags: 0, min: 8, max: 8 },
]

/** Receives frames in wire order, before `read` returns. Bytes are borrowed from the chunk unless a cut made copies. */
export interface FrameSink {
  /** A piece of a data frame: `header` is empty but on the first one, `end` true on the last one; either may be empty. */
  data(streamId: number, fin: boolean, header: Uint8Array, piece: Uint8Array, end: boolean): void
  /**
   * A control frame, whole with its header; its version, flags and length are right for its type. False: read no more.
   */
  control(type: number, flags: number, raw: Uint8Array): boolean
}

export class FrameReader {
  readonly #sink: FrameSink
  readonly #limits: Limits['spdy']
  // The frame being read: payload bytes still to come, and whether its header has been taken.
  #left = 0
  #inPayload = false
  #isData = false
  #streamId = 0
  #type = 0
  #flags = 0
  #dataHeader: Uint8Array = NOTHING
  // What a chunk boundary cut: the start of a header, or of a control frame (header and all).
  readonly #header = new Uint8Array(HEADER_LENGTH)
  #headerHeld = 0
  #frame: Uint8Array = NOTHING
  #frameHeld = 0

  constructor(sink: FrameSink, limits: Limits['spdy']) {
    this.#sink = sink
    this.#limits = limits
  }

  /** True between two frames. */
  get isAtBoundary(): boolean {
    return !this.#inPayload && this.#headerHeld === 0
  }

  /** Reads a chunk, up to its end or the frame that the sink stops at; returns where. Throws SpdyError. */
  read(chunk: Uint8Array): number {
    let at = 0
    let go = true
    while (go && at < chunk.length) {
      let frameStart = at
      if (!this.#inPayload) {
        at = this.#readHeader(chunk, at)
        if (!this.#inPayload) return at
        frameStart = at - HEADER_LENGTH
      }
      // Even at the chunk's end: an empty payload is already complete.
      const stop = Math.min(at + this.#left, chunk.length)
      this.#left -= stop - at
      this.#inPayload = this.#left !== 0
      if (this.#isData) this.#readData(chunk, at, stop)
      else go = this.#readControl(chunk, at, stop, frameStart)
      at = stop
    }
    return at
  }

  #readHeader(chunk: Uint8Array, at: number): number {
    if (this.#headerHeld === 0 && chunk.length - at >= HEADER_LENGTH) {
      this.#open(chunk, at, false)
      return at + HEADER_LENGTH
    }
    while (this.#headerHeld < HEADER_LENGTH && at < chunk.length) this.#header[this.#headerHeld++] = chunk[at++]!
    if (this.#headerHeld === HEADER_LENGTH) {
      this.#headerHeld = 0
      this.#open(this.#header, 0, true)
    }
    return at
  }

  #open(b: Uint8Array, at: number, cut: boolean): void {
    const length = (b[at + 5]! << 16) | (b[at + 6]! << 8) | b[at + 7]!
    const flags = b[at + 4]!
    if (b[at]! < 0x80) {
      this.#openData(b, at, flags, length, cut)
    } else {
      this.#openControl(b, at, flags, length, cut)
    }
    this.#left = length
    this.#inPayload = true
  }

  #openData(b: Uint8Array, at: number, flags: number, length: number, cut: boolean): void {
    const streamId = uint31(b, at)
    // 0x02 once meant a compressed payload (SPDY/2).
    if ((flags & ~FLAG.FIN) !== 0) {
      throw new SpdyError(STATUS.PROTOCOL_ERROR, 'spdy.data.flags', 'a data frame has flags other than FIN', streamId)
    }
    if (length > this.#limits.dataFrame) {
      throw new SpdyError(STATUS.FRAME_TOO_LARGE, 'spdy.data.too_large', 'a data frame is too long', streamId)
    }
    this.#isData = true
    this.#streamId = streamId
    this.#flags = flags
    this.#dataHeader = cut ? b.slice(0, HEADER_LENGTH) : b.subarray(at, at + HEADER_LENGTH)
  }

  #openControl(b: Uint8Array, at: number, flags: number, length: number, cut: boolean): void {
    if ((((b[at]! & 0x7f) << 8) | b[at + 1]!) !== VERSION) {
      throw new SpdyError(STATUS.UNSUPPORTED_VERSION, 'spdy.frame.version', 'a control frame is not of version 3')
    }
    this.#type = (b[at + 2]! << 8) | b[at + 3]!
    this.#flags = flags
    const known = CONTROL[this.#type]
    if (known === undefined) {
      throw new SpdyError(STATUS.PROTOCOL_ERROR, 'spdy.frame.type', 'a control frame is of no known type')
    }
    if ((flags & ~known.flags) !== 0) {
      throw new SpdyError(STATUS.PROTOCOL_ERROR, 'spdy.frame.flags', 'a control frame has flags that its type has not')
    }
    if (length < known.min || length > known.max) {
      throw new SpdyError(STATUS.PROTOCOL_ERROR, 'spdy.frame.length', 'a control frame has not the length of its type')
    }
    if (length > this.#limits.controlFrame) {
      throw new SpdyError(STATUS.FRAME_TOO_LARGE, 'spdy.frame.too_large', 'a control frame is too long')
    }
    this.#isData = false
    if (cut) this.#hold(HEADER_LENGTH + length, b)
  }

  #readData(chunk: Uint8Array, at: number, stop: number): void {
    const header = this.#dataHeader
    this.#dataHeader = NOTHING
    this.#sink.data(this.#streamId, this.#flags === FLAG.FIN, header, chunk.subarray(at, stop), !this.#inPayload)
  }

  #readControl(chunk: Uint8Array, at: number, stop: number, frameStart: number): boolean {
    if (this.#frameHeld === 0) {
      if (!this.#inPayload) return this.#sink.control(this.#type, this.#flags, chunk.subarray(frameStart, stop))
      this.#hold(stop - frameStart + this.#left, chunk.subarray(frameStart, stop))
      return true
    }
    this.#hold(0, chunk.subarray(at, stop))
    if (this.#inPayload) return true
    const frame = this.#frame
    this.#frame = NOTHING
    this.#frameHeld = 0
    return this.#sink.control(this.#type, this.#flags, frame)
  }

  /** Copies a cut control frame; its first bytes come with its length, at most 64 KiB and checked. */
  #hold(length: number, bytes: Uint8Array): void {
    if (this.#frameHeld === 0) this.#frame = new Uint8Array(length)
    this.#frame.set(bytes, this.#frameHeld)
    this.#frameHeld += bytes.length
  }
}

/** The low 31 bits of a big-endian word: a stream id, without the control or reserved bit. */
export function uint31(b: Uint8Array, at: number): number {
  return ((b[at]! & 0x7f) << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!
}

export function uint32(b: Uint8Array, at: number): number {
  return ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) >>> 0
}

const NOTHING = new Uint8Array(0)
