// Plain values -> MessagePack, the part of it that tapes use: nil, booleans, integers, doubles, text, bytes, arrays and
// maps with text keys. It refuses what the reader would refuse (extensions, NaN, `__proto__`), so that nothing is written
// that cannot be read back, and writes text as valid UTF-8 whatever the string holds.

import { MisuseError } from '../errors.ts'

const FIRST_CAPACITY = 8_192
/** A buffer that one large entry has stretched beyond this is not kept. */
const KEPT_CAPACITY = 262_144
const TWO_32 = 4_294_967_296
const TEXT = new TextEncoder()

/** Writes into a buffer of its own. `written` is borrowed: it is valid until the next `begin`. */
export class MsgpackWriter {
  #bytes = new Uint8Array(FIRST_CAPACITY)
  #view = new DataView(this.#bytes.buffer)
  #at = 0
  readonly #depth: number

  /** `depth`: how many arrays and maps may be inside one another. */
  constructor(depth: number) {
    this.#depth = depth
  }

  begin(): this {
    if (this.#bytes.length > KEPT_CAPACITY) this.#resize(FIRST_CAPACITY)
    this.#at = 0
    return this
  }

  get written(): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, 0, this.#at)
  }

  /** Any value of the part above. Keys whose value is undefined are left out. Throws MisuseError for anything else. */
  value(value: unknown, depth = 0): this {
    switch (typeof value) {
      case 'string':
        return this.text(value)
      case 'number':
        return Number.isSafeInteger(value) ? this.integer(value) : this.#double(value)
      case 'boolean':
        return this.#byte(value ? 0xc3 : 0xc2)
      case 'object':
        if (value === null) return this.#byte(0xc0)
        if (value instanceof Uint8Array) return this.bytes(value)
        if (depth >= this.#depth) throw new MisuseError('a value for a tape is nested too deep')
        return Array.isArray(value) ? this.#list(value, depth) : this.#record(value, depth)
      default:
        throw new MisuseError(`a tape holds no ${typeof value}`)
    }
  }

  array(count: number): this {
    return this.#head(count, 0x90, 15, 0, 0xdc)
  }

  map(count: number): this {
    return this.#head(count, 0x80, 15, 0, 0xde)
  }

  text(text: string): this {
    const length = text.length
    const start = this.#at
    this.#textHead(length)
    this.#ensure(length)
    const bytes = this.#bytes
    let at = this.#at
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index)
      if (code >= 0x80) {
        this.#at = start
        return this.#wideText(text)
      }
      bytes[at++] = code
    }
    this.#at = at
    return this
  }

  bytes(bytes: Uint8Array): this {
    this.bytesHead(bytes.length)
    this.#append(bytes)
    return this
  }

  /** The head of a bin value whose bytes the caller puts behind what is written. */
  bytesHead(length: number): this {
    return length < 0x100 ? this.#byte(0xc4).#byte(length) : this.#sized(length, 0xc5)
  }

  /** A safe integer in its shortest form. */
  integer(value: number): this {
    if (value < 0) return this.#negative(value)
    if (value < 0x80) return this.#byte(value)
    if (value < 0x100) return this.#byte(0xcc).#byte(value)
    if (value < TWO_32) return this.#sized(value, 0xcd)
    this.#byte(0xcf).#ensure(8)
    this.#view.setUint32(this.#at, Math.floor(value / TWO_32))
    this.#view.setUint32(this.#at + 4, value % TWO_32)
    this.#at += 8
    return this
  }

  #negative(value: number): this {
    if (value >= -0x20) return this.#byte(value & 0xff)
    this.#byte(0xd3).#ensure(8)
    this.#view.setBigInt64(this.#at, BigInt(value))
    this.#at += 8
    return this
  }

  #double(value: number): this {
    if (!Number.isFinite(value)) throw new MisuseError('a tape holds no NaN and no infinity')
    this.#byte(0xcb).#ensure(8)
    this.#view.setFloat64(this.#at, value)
    this.#at += 8
    return this
  }

  #list(values: readonly unknown[], depth: number): this {
    this.array(values.length)
    for (let at = 0; at < values.length; at++) this.value(values[at], depth + 1)
    return this
  }

  #record(record: object, depth: number): this {
    const keys = Object.keys(record)
    const values = record as Readonly<Record<string, unknown>>
    let count = 0
    for (const key of keys) if (values[key] !== undefined) count++
    this.map(count)
    for (const key of keys) {
      const value = values[key]
      if (value === undefined) continue
      if (key === '__proto__') throw new MisuseError('a key for a tape may not be __proto__')
      this.text(key).value(value, depth + 1)
    }
    return this
  }

  /** Text beyond ASCII. A surrogate without its other half, which a token's claim can hold, becomes U+FFFD. */
  #wideText(text: string): this {
    const utf8 = TEXT.encode(text)
    this.#textHead(utf8.length)
    this.#append(utf8)
    return this
  }

  #textHead(length: number): void {
    this.#head(length, 0xa0, 31, 0xd9, 0xda)
  }

  /** A count in the first byte, in one byte (0: there is no such form), or in two or four. */
  #head(count: number, fixed: number, most: number, one: number, two: number): this {
    if (count <= most) return this.#byte(fixed | count)
    if (one !== 0 && count < 0x100) return this.#byte(one).#byte(count)
    return this.#sized(count, two)
  }

  /** `type` with two bytes of value, or the type that follows it with four. */
  #sized(value: number, type: number): this {
    this.#byte(value < 0x1_0000 ? type : type + 1).#ensure(4)
    if (value < 0x1_0000) {
      this.#view.setUint16(this.#at, value)
      this.#at += 2
    } else {
      this.#view.setUint32(this.#at, value)
      this.#at += 4
    }
    return this
  }

  #append(bytes: Uint8Array): void {
    this.#ensure(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  #byte(byte: number): this {
    this.#ensure(1)
    this.#bytes[this.#at++] = byte
    return this
  }

  #ensure(more: number): void {
    const needed = this.#at + more
    if (needed > this.#bytes.length) this.#resize(Math.max(needed, 2 * this.#bytes.length))
  }

  #resize(capacity: number): void {
    const bytes = new Uint8Array(capacity)
    if (this.#at <= capacity) bytes.set(this.written)
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }
}
