// The name/value block of SYN_STREAM, SYN_REPLY and HEADERS, inflated, to field lines and back (SPDY draft 3.1, section
// 2.6.10). Refuses what readers disagree on: names twice or not lower-case, control characters, bytes behind the end.

import { MisuseError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import { SpdyError, STATUS } from './errors.ts'

/*
 * +------------------------------------+
 * | Number of name/value pairs (int32) |
 * +------------------------------------+
 * |     Length of name (int32)         |
 * +------------------------------------+
 * |           Name (string)            |
 * +------------------------------------+
 * |     Length of value (int32)        |
 * +------------------------------------+
 * |          Value (string)            |   values of one name are joined by NUL
 * +------------------------------------+
 */

/** Lower-case token characters of RFC 9110, and the colon that SPDY's own names begin with. */
const NAME = /^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/
/** No control characters but NUL between two values, neither of them empty; an empty value stands alone. */
const VALUE = /^(?:[^\0-\x1f\x7f]+(?:\0[^\0-\x1f\x7f]+)*)?$/
/** Headers of the HTTP/1.1 connection: the draft (3.2.1) and spdystream forbid them. */
const OF_THE_CONNECTION = new Set(['connection', 'host', 'keep-alive', 'proxy-connection', 'transfer-encoding'])

/**
 * Reads an inflated block; a name with several values becomes as many lines. Text is Latin-1: one character a byte.
 * Throws SpdyError; `maxCount` bounds the lines.
 */
export function parseHeaderBlock(block: Uint8Array, maxCount: number): Fields {
  const text = new TextReader(block)
  const count = text.uint32()
  if (count > maxCount) throw new SpdyError(...TOO_MANY)
  const fields: string[] = []
  const seen = new Set<string>()
  for (let pair = 0; pair < count; pair++) {
    const name = text.string()
    const value = text.string()
    if (!NAME.test(name)) {
      throw new SpdyError(STATUS.PROTOCOL_ERROR, 'spdy.headers.name', 'a header name is not a lower-case token')
    }
    if (OF_THE_CONNECTION.has(name)) {
      throw new SpdyError(STATUS.PROTOCOL_ERROR, 'spdy.headers.connection', 'a header belongs to HTTP/1.1')
    }
    if (seen.has(name)) {
      throw new SpdyError(STATUS.PROTOCOL_ERROR, 'spdy.headers.duplicate', 'a header name comes twice')
    }
    seen.add(name)
    if (!VALUE.test(value)) {
      throw new SpdyError(STATUS.PROTOCOL_ERROR, 'spdy.headers.value', 'a header value has control characters')
    }
    for (const one of value.split('\0')) fields.push(name, one)
    if (fields.length > 2 * maxCount) throw new SpdyError(...TOO_MANY)
  }
  if (!text.isAtEnd) {
    // Go would read them as the start of the next frame's block.
    throw new SpdyError(
      STATUS.PROTOCOL_ERROR,
      'spdy.headers.trailing',
      'a header block has bytes behind its last value',
    )
  }
  return fields
}

/** Writes field lines as a block: names in lower case, lines of one name joined. Throws MisuseError. */
export function headerBlock(fields: Fields): Uint8Array {
  const values = new Map<string, string>()
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!.toLowerCase()
    const before = values.get(name)
    values.set(name, before === undefined ? fields[at + 1]! : `${before}\0${fields[at + 1]!}`)
  }
  let length = 4
  for (const [name, value] of values) {
    if (!NAME.test(name) || !VALUE.test(value)) throw new MisuseError('a header of our own cannot be written in SPDY')
    length += 8 + name.length + value.length
  }
  const block = Buffer.alloc(length)
  let at = block.writeUInt32BE(values.size, 0)
  for (const [name, value] of values) {
    at = block.writeUInt32BE(name.length, at)
    at += block.write(name, at, 'latin1')
    at = block.writeUInt32BE(value.length, at)
    at += block.write(value, at, 'latin1')
  }
  return block
}

class TextReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  uint32(): number {
    if (this.#at + 4 > this.#bytes.length) throw new SpdyError(...SHORT)
    const value = this.#bytes.readUInt32BE(this.#at)
    this.#at += 4
    return value
  }

  string(): string {
    const end = this.uint32() + this.#at
    if (end > this.#bytes.length) throw new SpdyError(...SHORT)
    const text = this.#bytes.toString('latin1', this.#at, end)
    this.#at = end
    return text
  }
}

type Fault = [code: SpdyError['code'], rule: string, explanation: string]
const TOO_MANY: Fault = [STATUS.FRAME_TOO_LARGE, 'spdy.headers.too_many', 'a header block has more values than allowed']
const SHORT: Fault = [STATUS.PROTOCOL_ERROR, 'spdy.headers.short', 'a header block is shorter than its lengths say']
