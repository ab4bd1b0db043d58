// MessagePack -> plain values, the part of it that tapes use. Written for hostile bytes: a declared length is held
// against the bytes that are there before anything is made of it, and extensions, `__proto__`, keys that are no text or
// come twice, NaN, text that is not UTF-8, integers past 2^53 and trailing bytes are refused.

import { TapeError } from './errors.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Up to this many bytes, ASCII text is put together here; a call of the decoder costs more. */
const SHORT_TEXT = 32

/** Reads one value that takes up all of `bytes`. Binary values are views of them. Throws TapeError. */
export function readMsgpack(bytes: Uint8Array, depth: number): unknown {
  const reader = new MsgpackReader(bytes)
  const value = reader.value(depth)
  if (!reader.isAtEnd) throw new TapeError('tape.msgpack.trailing', 'there are bytes behind the value')
  return value
}

class MsgpackReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** `depth`: how many more arrays and maps may open. */
  value(depth: number): unknown {
    const type = this.#uint(1)
    if (type < 0x80) return type
    if (type < 0x90) return this.#map(type & 0x0f, depth)
    if (type < 0xa0) return this.#array(type & 0x0f, depth)
    if (type < 0xc0) return this.#text(type & 0x1f)
    if (type >= 0xe0) return type - 0x100
    switch (type) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
        return this.#binary(this.#uint(1))
      case 0xc5:
        return this.#binary(this.#uint(2))
      case 0xc6:
        return this.#binary(this.#uint(4))
      case 0xcb:
        return this.#double()
      case 0xcc:
        return this.#uint(1)
      case 0xcd:
        return this.#uint(2)
      case 0xce:
        return this.#uint(4)
      case 0xcf:
        return safe(this.#view.getBigUint64(this.#take(8)))
      case 0xd0:
        return this.#view.getInt8(this.#take(1))
      case 0xd1:
        return this.#view.getInt16(this.#take(2))
      case 0xd2:
        return this.#view.getInt32(this.#take(4))
      case 0xd3:
        return safe(this.#view.getBigInt64(this.#take(8)))
      case 0xd9:
        return this.#text(this.#uint(1))
      case 0xda:
        return this.#text(this.#uint(2))
      case 0xdb:
        return this.#text(this.#uint(4))
      case 0xdc:
        return this.#array(this.#uint(2), depth)
      case 0xdd:
        return this.#array(this.#uint(4), depth)
      case 0xde:
        return this.#map(this.#uint(2), depth)
      case 0xdf:
        return this.#map(this.#uint(4), depth)
      default:
        throw new TapeError('tape.msgpack.type', 'a type that tapes do not use: an extension, a float of 32 bits, 0xc1')
    }
  }

  #array(count: number, depth: number): unknown[] {
    this.#open(count, depth)
    const values: unknown[] = []
    for (let index = 0; index < count; index++) values.push(this.value(depth - 1))
    return values
  }

  #map(count: number, depth: number): Record<string, unknown> {
    this.#open(2 * count, depth)
    const record: Record<string, unknown> = {}
    for (let index = 0; index < count; index++) {
      const key = this.value(0)
      if (typeof key !== 'string') throw new TapeError('tape.msgpack.key', 'a key that is no text')
      // Assigning it would set the prototype and add no key.
      if (key === '__proto__') throw new TapeError('tape.msgpack.proto_key', 'a key called __proto__')
      if (Object.hasOwn(record, key)) throw new TapeError('tape.msgpack.duplicate_key', 'a key comes twice')
      record[key] = this.value(depth - 1)
    }
    return record
  }

  /** Every element takes a byte or more, so a count above the bytes left is a lie, whatever follows. */
  #open(elements: number, depth: number): void {
    if (depth <= 0) throw new TapeError('tape.msgpack.depth', 'nested too deep')
    if (elements > this.#bytes.length - this.#at) throw truncated()
  }

  #binary(length: number): Uint8Array {
    const at = this.#take(length)
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length)
  }

  #text(length: number): string {
    const at = this.#take(length)
    if (length <= SHORT_TEXT) {
      let text = ''
      let index = at
      for (; index < at + length; index++) {
        const byte = this.#bytes[index]!
        if (byte >= 0x80) break
        text += String.fromCharCode(byte)
      }
      if (index === at + length) return text
    }
    try {
      return UTF8.decode(this.#bytes.subarray(at, at + length))
    } catch {
      throw new TapeError('tape.msgpack.utf8', 'text that is not UTF-8')
    }
  }

  #double(): number {
    const value = this.#view.getFloat64(this.#take(8))
    if (!Number.isFinite(value)) throw new TapeError('tape.msgpack.number', 'NaN or an infinity')
    return value
  }

  #uint(size: 1 | 2 | 4): number {
    const at = this.#take(size)
    if (size === 1) return this.#bytes[at]!
    return size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at)
  }

  /** Where `length` bytes begin that are now read. */
  #take(length: number): number {
    const at = this.#at
    if (length > this.#bytes.length - at) throw truncated()
    this.#at = at + length
    return at
  }
}

function safe(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new TapeError('tape.msgpack.integer', 'an integer past 2^53')
  return number
}

function truncated(): TapeError {
  return new TapeError('tape.msgpack.truncated', 'more is declared than there is')
}
