// Takes a message body out of chunks (RFC 9112 sections 6 and 7): by length, chunked with trailers, or until the
// connection closes. Chunk sizes are bare hex digits; extensions, signs, loose line ends and framing trailers are refused.

import type { Fields } from '../fields.ts'
import type { Limits } from '../limits.ts'
import { Http1Error } from './errors.ts'
import type { BodyFraming } from './events.ts'
import { checkNames, checkTrailers } from './framing.ts'
import { HeadReader } from './head.ts'

/** Takes the pieces of a body; both roles' event lists are such. */
export interface DataSink {
  push(event: { readonly type: 'data'; readonly bytes: Uint8Array }): unknown
}

// Where in a body the next byte belongs.
const LENGTH = 0
const UNTIL_CLOSE = 1
const CHUNK_SIZE = 2
const CHUNK_SIZE_LF = 3
const CHUNK_DATA = 4
const CHUNK_CR = 5
const CHUNK_LF = 6
const TRAILERS = 7
const DONE = 8

const CR = 0x0d
const LF = 0x0a
const SEMICOLON = 0x3b

/** The value of a hex digit, by byte; 0xff for any other byte. */
const HEX = new Uint8Array(256).fill(0xff)
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16)
  HEX[digit.charCodeAt(0)] = value
  HEX[digit.toUpperCase().charCodeAt(0)] = value
}

export class BodyReader {
  readonly #chunkDigits: number
  readonly #trailers: HeadReader<never>
  readonly #fromClient: boolean
  #state = DONE
  /** Bytes to come, of the body or of the chunk; while a chunk size is read, that size so far. */
  #left = 0
  #digits = 0

  constructor(limits: Limits['http1'], fromClient: boolean) {
    this.#chunkDigits = limits.chunkDigits
    this.#fromClient = fromClient
    const trailerLimits = { startLine: 0, fieldBytes: limits.trailerBytes, fieldCount: limits.fieldCount }
    this.#trailers = new HeadReader<never>(trailerLimits, undefined)
  }

  /** Begins a body; one of no bytes is done at once. */
  open(framing: BodyFraming): void {
    this.#digits = 0
    this.#trailers.reset()
    if (framing === 'chunked') {
      this.#left = 0
      this.#state = CHUNK_SIZE
    } else if (framing === 'close') {
      this.#state = UNTIL_CLOSE
    } else {
      this.#left = framing
      this.#state = framing === 0 ? DONE : LENGTH
    }
  }

  get isDone(): boolean {
    return this.#state === DONE
  }

  /** The body has no other end than that of the connection. */
  get isUntilClose(): boolean {
    return this.#state === UNTIL_CLOSE
  }

  /** After a chunked body: its trailers. */
  get trailers(): Fields {
    return this.#trailers.fields
  }

  /** Reads from `at` to the end of the body or of the chunk, and returns where it stopped. Throws Http1Error. */
  read(chunk: Uint8Array, at: number, sink: DataSink): number {
    const end = chunk.length
    while (at < end) {
      switch (this.#state) {
        case LENGTH:
          at = this.#data(chunk, at, sink)
          if (this.#left === 0) this.#state = DONE
          break
        case UNTIL_CLOSE:
          sink.push({ type: 'data', bytes: view(chunk, at, end) })
          return end
        case CHUNK_SIZE:
          this.#sizeByte(chunk[at++]!)
          break
        case CHUNK_SIZE_LF:
          if (chunk[at++] !== LF) throw new Http1Error(400, 'http1.chunk.size_end', 'a chunk size ends in CR LF')
          this.#digits = 0
          this.#state = this.#left === 0 ? TRAILERS : CHUNK_DATA
          break
        case CHUNK_DATA:
          at = this.#data(chunk, at, sink)
          if (this.#left === 0) this.#state = CHUNK_CR
          break
        case CHUNK_CR:
        case CHUNK_LF:
          if (chunk[at++] !== (this.#state === CHUNK_CR ? CR : LF)) {
            throw new Http1Error(400, 'http1.chunk.end', 'CR LF must follow the bytes of a chunk')
          }
          this.#state = this.#state === CHUNK_CR ? CHUNK_LF : CHUNK_SIZE
          break
        case TRAILERS:
          at = this.#trailers.read(chunk, at)
          if (this.#trailers.isComplete) this.#endTrailers()
          break
        default:
          return at
      }
    }
    return at
  }

  #data(chunk: Uint8Array, at: number, sink: DataSink): number {
    const take = Math.min(this.#left, chunk.length - at)
    this.#left -= take
    sink.push({ type: 'data', bytes: view(chunk, at, at + take) })
    return at + take
  }

  #sizeByte(byte: number): void {
    const value = HEX[byte]!
    if (value !== 0xff) {
      if (this.#digits === this.#chunkDigits) {
        throw new Http1Error(400, 'http1.chunk.size_digits', 'a chunk size of too many digits')
      }
      this.#digits++
      this.#left = this.#left * 16 + value
      if (this.#left > Number.MAX_SAFE_INTEGER) {
        throw new Http1Error(400, 'http1.chunk.size_overflow', 'a chunk size past 2^53')
      }
      return
    }
    if (this.#digits > 0 && byte === CR) {
      this.#state = CHUNK_SIZE_LF
      return
    }
    if (this.#digits > 0 && byte === SEMICOLON) {
      throw new Http1Error(400, 'http1.chunk.extension', 'a chunk extension')
    }
    throw new Http1Error(400, 'http1.chunk.size', 'a chunk size is hex digits, at least one')
  }

  #endTrailers(): void {
    checkTrailers(this.#trailers.fields)
    if (this.#fromClient) checkNames(this.#trailers.fields)
    this.#state = DONE
  }
}

/**
 * A plain Uint8Array over part of a chunk, even over all of it: cheaper than `subarray` of a Buffer, and `slice` of it
 * copies, where a Buffer's does not.
 */
function view(chunk: Uint8Array, at: number, end: number): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset + at, end - at)
}
