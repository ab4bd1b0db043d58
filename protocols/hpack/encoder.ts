// Field lines -> compressed field blocks (RFC 7541). Credentials are never indexed, so that no table on the way keeps them
// and no length gives them away bit by bit (section 7.1); what changes from message to message is not worth an entry.

import { MisuseError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import type { Limits } from '../limits.ts'
import { ENTRY_OVERHEAD } from './dynamic-table.ts'
import { huffmanEncode, huffmanLength } from './huffman.ts'
import { STATIC_LENGTH, STATIC_TABLE } from './static-table.ts'

const NEVER_INDEXED = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
  'set-cookie',
  'x-amz-security-token',
  'x-api-key',
])

/** Values that are another one in every message. */
const VOLATILE = new Set([':path', 'audit-id', 'content-length', 'date', 'etag', 'impersonate-extra-sallyport-tape'])

/** A field that takes more of the table than this pushes out what is worth more. */
const LONGEST_INDEXED = 512

/** Longer texts go as they are: packing a token of 4 KiB costs more than its octets do. */
const LONGEST_PACKED = 128

/** Index by name, and by name and value: a NUL, which no field has, between the two. */
const STATIC_NAMES = new Map<string, number>()
const STATIC_FIELDS = new Map<string, number>()
for (let index = STATIC_LENGTH; index >= 1; index--) {
  const name = STATIC_TABLE[2 * index - 2]!
  const value = STATIC_TABLE[2 * index - 1]!
  STATIC_NAMES.set(name, index)
  STATIC_FIELDS.set(`${name}\0${value}`, index)
}

interface Entry {
  readonly key: string
  readonly name: string
  readonly size: number
}

export class HpackEncoder {
  readonly #most: number
  #maxSize: number
  /** Oldest first; what is before #oldest has been evicted. */
  #entries: Entry[] = []
  #oldest = 0
  /** How many have ever been added before #entries[0]. */
  #base = 0
  #size = 0
  /** Number of the latest entry with that field, or that name, counted from the first ever added. */
  readonly #fields = new Map<string, number>()
  readonly #names = new Map<string, number>()
  // Size updates that the next block begins with; -1: none.
  #lowest = -1
  #announced = -1
  #room: Buffer = Buffer.allocUnsafeSlow(512)
  #at = 0

  constructor(limits: Limits['hpack']) {
    this.#most = limits.encoderTableSize
    this.#maxSize = Math.min(4_096, this.#most)
    if (this.#maxSize < 4_096) this.#announced = this.#maxSize
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE, octets. The next block says what we make of it (section 4.2). */
  setTableSize(octets: number): void {
    const size = Math.min(octets, this.#most)
    if (size === this.#maxSize) return
    this.#lowest = this.#lowest === -1 ? size : Math.min(this.#lowest, size)
    this.#announced = size
    this.#maxSize = size
    this.#evict(0)
  }

  /** One field block in memory of its own. Names are lower-case, text is latin1. Throws MisuseError for text that is not. */
  encode(fields: Fields): Uint8Array {
    this.#at = 0
    if (this.#announced !== -1) {
      this.#reserve(16)
      if (this.#lowest !== -1 && this.#lowest < this.#announced) this.#integer(0x20, 0x1f, this.#lowest)
      this.#integer(0x20, 0x1f, this.#announced)
      this.#lowest = -1
      this.#announced = -1
    }
    for (let at = 0; at < fields.length; at += 2) this.#field(fields[at] as string, fields[at + 1] as string)
    return new Uint8Array(this.#room.subarray(0, this.#at))
  }

  #field(name: string, value: string): void {
    this.#reserve(name.length + value.length + 16)
    if (NEVER_INDEXED.has(name)) {
      this.#literal(0x10, 0x0f, name, value)
      return
    }
    const key = `${name}\0${value}`
    const known = STATIC_FIELDS.get(key) ?? this.#indexOf(this.#fields.get(key))
    if (known !== undefined) {
      this.#integer(0x80, 0x7f, known)
      return
    }
    const size = name.length + value.length + ENTRY_OVERHEAD
    if (VOLATILE.has(name) || size > LONGEST_INDEXED || size > this.#maxSize) {
      this.#literal(0x00, 0x0f, name, value)
      return
    }
    this.#literal(0x40, 0x3f, name, value)
    this.#add({ key, name, size })
  }

  #literal(pattern: number, prefix: number, name: string, value: string): void {
    const index = STATIC_NAMES.get(name) ?? this.#indexOf(this.#names.get(name))
    this.#integer(pattern, prefix, index ?? 0)
    if (index === undefined) this.#string(name)
    this.#string(value)
  }

  /** The index of an entry by its number, if it has not been evicted. */
  #indexOf(number: number | undefined): number | undefined {
    return number === undefined || number < this.#base + this.#oldest
      ? undefined
      : STATIC_LENGTH + this.#base + this.#entries.length - number
  }

  #add(entry: Entry): void {
    this.#evict(entry.size)
    const number = this.#base + this.#entries.length
    this.#entries.push(entry)
    this.#fields.set(entry.key, number)
    this.#names.set(entry.name, number)
    this.#size += entry.size
  }

  #evict(coming: number): void {
    while (this.#oldest < this.#entries.length && this.#size + coming > this.#maxSize) {
      const { key, name, size } = this.#entries[this.#oldest]!
      const number = this.#base + this.#oldest
      if (this.#fields.get(key) === number) this.#fields.delete(key)
      if (this.#names.get(name) === number) this.#names.delete(name)
      this.#size -= size
      this.#oldest++
    }
    // Half of it is behind us: let go of it, seldom enough that it costs nothing for each entry.
    if (this.#oldest > 32 && 2 * this.#oldest > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#oldest)
      this.#base += this.#oldest
      this.#oldest = 0
    }
  }

  #integer(pattern: number, prefix: number, value: number): void {
    if (value < prefix) {
      this.#room[this.#at++] = pattern | value
      return
    }
    this.#room[this.#at++] = pattern | prefix
    let rest = value - prefix
    for (; rest >= 0x80; rest >>>= 7) this.#room[this.#at++] = (rest & 0x7f) | 0x80
    this.#room[this.#at++] = rest
  }

  #string(text: string): void {
    const length = text.length
    let seen = 0
    for (let at = 0; at < length; at++) seen |= text.charCodeAt(at)
    if (seen > 0xff) throw new MisuseError('a field with a character above latin1')
    const packed = length > LONGEST_PACKED ? length : huffmanLength(text)
    if (packed < length) {
      this.#integer(0x80, 0x7f, packed)
      this.#at = huffmanEncode(text, this.#room, this.#at)
      return
    }
    this.#integer(0x00, 0x7f, length)
    this.#at += this.#room.write(text, this.#at, 'latin1')
  }

  #reserve(octets: number): void {
    if (this.#at + octets <= this.#room.length) return
    const larger = Buffer.allocUnsafeSlow(2 * (this.#at + octets))
    larger.set(this.#room)
    this.#room = larger
  }
}
