// Bytes -> frames of HTTP/2 (RFC 9113 section 4.1). A header is judged before anything of its payload is taken; DATA goes
// on in pieces as it comes, frames of unknown types are skipped, and only short control frames and field blocks are held.

import { ERROR_CODE, Http2Error } from './errors.ts'
import { FLAG, FRAME, HEADER_OCTETS, uint32 } from './frames.ts'

/** Who makes sense of the frames. All may throw Http2Error. */
export interface FrameSink {
  /** A frame begins: its length is judged by its type here, and its stream by its state. */
  frameBegins(type: number, flags: number, stream: number, length: number): void
  /** How DATA's payload divides: `octets` of data, and `padding`, counted with its length octet. */
  dataPadded(padding: number, octets: number): void
  dataPiece(bytes: Uint8Array): void
  dataEnds(flags: number): void
  /** Any other frame of a known type, whole. The payload is borrowed. */
  frame(type: number, flags: number, stream: number, payload: Uint8Array): void
}

const KNOWN_TYPES = FRAME.CONTINUATION

// What the next byte is.
const HEADER = 0
const PAD_LENGTH = 1
const DATA = 2
const SKIPPED = 3
const PAYLOAD = 4

export class FrameReader {
  readonly #sink: FrameSink
  readonly #maxFrame: number
  readonly #header = new Uint8Array(HEADER_OCTETS)
  #headerHeld = 0
  #reading = HEADER
  #type = 0
  #flags = 0
  #stream = 0
  /** Octets of the payload that are still to come: of DATA, without its padding. */
  #left = 0
  #padding = 0
  #held = NOTHING
  #heldLength = 0

  constructor(sink: FrameSink, maxFrame: number) {
    this.#sink = sink
    this.#maxFrame = maxFrame
  }

  /** Nothing of a frame has come. */
  get isIdle(): boolean {
    return this.#reading === HEADER && this.#headerHeld === 0
  }

  /** Throws Http2Error, for the connection. */
  read(chunk: Uint8Array, from: number): void {
    let at = from
    const end = chunk.length
    while (at < end) {
      switch (this.#reading) {
        case HEADER:
          at = this.#readHeader(chunk, at, end)
          break
        case PAD_LENGTH:
          this.#readPadLength(chunk[at]!)
          at += 1
          break
        case DATA:
          at = this.#readData(chunk, at, end)
          break
        case SKIPPED:
          at = this.#skip(at, end)
          break
        default:
          at = this.#readPayload(chunk, at, end)
      }
    }
  }

  #readHeader(chunk: Uint8Array, at: number, end: number): number {
    if (this.#headerHeld === 0 && end - at >= HEADER_OCTETS) {
      this.#open(chunk, at)
      return at + HEADER_OCTETS
    }
    while (at < end && this.#headerHeld < HEADER_OCTETS) this.#header[this.#headerHeld++] = chunk[at++]!
    if (this.#headerHeld < HEADER_OCTETS) return at
    this.#headerHeld = 0
    this.#open(this.#header, 0)
    return at
  }

  #open(b: Uint8Array, at: number): void {
    const length = (b[at]! << 16) | (b[at + 1]! << 8) | b[at + 2]!
    if (length > this.#maxFrame) {
      throw new Http2Error(ERROR_CODE.FRAME_SIZE_ERROR, 'http2.frame.too_long', 'a frame longer than was allowed')
    }
    this.#type = b[at + 3]!
    this.#flags = b[at + 4]!
    this.#stream = uint32(b, at + 5) & 0x7fff_ffff
    this.#left = length
    this.#sink.frameBegins(this.#type, this.#flags, this.#stream, length)
    if (this.#type === FRAME.DATA) this.#openData(length)
    else if (this.#type > KNOWN_TYPES) this.#reading = length === 0 ? HEADER : SKIPPED
    else {
      this.#reading = PAYLOAD
      if (length === 0) this.#complete(NOTHING)
    }
  }

  #openData(length: number): void {
    this.#padding = 0
    this.#reading = (this.#flags & FLAG.PADDED) === 0 ? DATA : PAD_LENGTH
    if (length > 0) return
    if (this.#reading === PAD_LENGTH) throw padding()
    this.#endData()
  }

  #readPadLength(octets: number): void {
    if (octets >= this.#left) throw padding()
    this.#padding = octets
    this.#left -= octets + 1
    this.#reading = DATA
    this.#sink.dataPadded(octets + 1, this.#left)
    if (this.#left === 0) this.#dataRead()
  }

  #readData(chunk: Uint8Array, at: number, end: number): number {
    const take = Math.min(this.#left, end - at)
    this.#left -= take
    this.#sink.dataPiece(new Uint8Array(chunk.buffer, chunk.byteOffset + at, take))
    if (this.#left === 0) this.#dataRead()
    return at + take
  }

  #dataRead(): void {
    if (this.#padding === 0) {
      this.#endData()
      return
    }
    this.#left = this.#padding
    this.#reading = SKIPPED
  }

  #skip(at: number, end: number): number {
    const take = Math.min(this.#left, end - at)
    this.#left -= take
    if (this.#left > 0) return at + take
    if (this.#type === FRAME.DATA) this.#endData()
    else this.#reading = HEADER
    return at + take
  }

  #endData(): void {
    this.#reading = HEADER
    this.#sink.dataEnds(this.#flags)
  }

  #readPayload(chunk: Uint8Array, at: number, end: number): number {
    const take = Math.min(this.#left, end - at)
    const piece = new Uint8Array(chunk.buffer, chunk.byteOffset + at, take)
    if (this.#heldLength === 0 && take === this.#left) {
      this.#complete(piece)
      return at + take
    }
    if (this.#heldLength === 0) this.#held = new Uint8Array(this.#left)
    this.#held.set(piece, this.#heldLength)
    this.#heldLength += take
    this.#left -= take
    if (this.#left === 0) this.#complete(this.#held)
    return at + take
  }

  #complete(payload: Uint8Array): void {
    this.#reading = HEADER
    this.#held = NOTHING
    this.#heldLength = 0
    this.#sink.frame(this.#type, this.#flags, this.#stream, payload)
  }
}

const NOTHING = new Uint8Array(0)

function padding(): Http2Error {
  return new Http2Error(ERROR_CODE.PROTOCOL_ERROR, 'http2.frame.padding', 'padding that is longer than its frame')
}
