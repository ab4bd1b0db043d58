// Compressed field blocks -> field lines (RFC 7541). Refuses every representation that is not sound, as an error of the
// connection; a block that is sound but too large costs no more than its own length to get through.

import type { Fields } from '../fields.ts'
import type { Limits } from '../limits.ts'
import { DynamicTable, ENTRY_OVERHEAD } from './dynamic-table.ts'
import { HpackError } from './errors.ts'
import { huffmanDecode, huffmanRoom } from './huffman.ts'
import { STATIC_LENGTH, STATIC_TABLE } from './static-table.ts'

/** Octets that may carry an integer on behind its prefix: enough for 2^28, more than any block is long. */
const CONTINUATIONS = 4

/** A block of so many times the fields that are taken is no mistake: it ends the connection (CVE-2026-49975). */
const BOMB = 8

/** Size updates that a block may begin with: the lowest in between and the last (section 4.2). */
const SIZE_UPDATES = 2

export class HpackDecoder {
  readonly #limits: Limits['hpack']
  readonly #table: DynamicTable
  // Of the block that is being decoded.
  #block: Uint8Array = NOTHING
  #at = 0
  #fields: string[] = []
  #octets = 0
  #lines = 0
  #isTooLarge = false

  constructor(limits: Limits['hpack']) {
    this.#limits = limits
    this.#table = new DynamicTable(limits.tableSize)
  }

  /**
   * A whole field block, all its fragments joined, as field lines in latin1. Undefined if it has more lines or octets than
   * the limits allow, each reference counted as what it stands for: the tables are in step all the same, and the connection
   * can go on. Throws HpackError.
   */
  decode(block: Uint8Array): Fields | undefined {
    this.#block = block
    this.#at = 0
    this.#fields = []
    this.#octets = 0
    this.#lines = 0
    this.#isTooLarge = false
    let updates = 0
    let isBegun = false
    while (this.#at < block.length) {
      const first = block[this.#at]!
      if ((first & 0xe0) === 0x20) {
        if (isBegun) throw new HpackError('hpack.size_update.late', 'a table size update behind a field')
        if (++updates > SIZE_UPDATES)
          throw new HpackError('hpack.size_update.count', 'more than two table size updates')
        this.#resize(this.#integer(0x1f))
        continue
      }
      isBegun = true
      if (first >= 0x80) this.#indexed(this.#integer(0x7f))
      else if (first >= 0x40) this.#literal(this.#integer(0x3f), true)
      else this.#literal(this.#integer(0x0f), false)
    }
    this.#block = NOTHING
    const fields = this.#fields
    this.#fields = []
    return this.#isTooLarge ? undefined : fields
  }

  #resize(size: number): void {
    if (size > this.#limits.tableSize)
      throw new HpackError('hpack.size_update.limit', 'a table larger than was allowed')
    this.#table.resize(size)
  }

  #indexed(index: number): void {
    if (index === 0) throw new HpackError('hpack.index.zero', 'a field with the index 0')
    if (index <= STATIC_LENGTH) {
      this.#emit(STATIC_TABLE[2 * index - 2]!, STATIC_TABLE[2 * index - 1]!)
      return
    }
    const age = this.#age(index)
    this.#emit(this.#table.name(age), this.#table.value(age))
  }

  #literal(index: number, isAdded: boolean): void {
    let name: string
    if (index === 0) name = this.#string()
    else if (index <= STATIC_LENGTH) name = STATIC_TABLE[2 * index - 2]!
    else name = this.#table.name(this.#age(index))
    const value = this.#string()
    if (isAdded) this.#table.add(name, value)
    this.#emit(name, value)
  }

  #age(index: number): number {
    const age = index - STATIC_LENGTH - 1
    if (age >= this.#table.count) throw new HpackError('hpack.index.unknown', 'an index that no table has')
    return age
  }

  #emit(name: string, value: string): void {
    this.#lines += 1
    if (this.#lines > BOMB * this.#limits.fieldCount) {
      throw new HpackError('hpack.block.bomb', 'a block of far more fields than are taken')
    }
    this.#octets += name.length + value.length + ENTRY_OVERHEAD
    if (this.#octets > this.#limits.fieldBytes || this.#fields.length >= 2 * this.#limits.fieldCount) {
      this.#isTooLarge = true
    } else {
      this.#fields.push(name, value)
    }
  }

  /** An integer whose prefix is masked by `prefix` (section 5.1). Refuses what is longer than any sound one needs. */
  #integer(prefix: number): number {
    const block = this.#block
    let value = block[this.#at++]! & prefix
    if (value < prefix) return value
    for (let count = 0; count < CONTINUATIONS; count++) {
      if (this.#at >= block.length) throw new HpackError('hpack.integer.cut', 'a block that ends within an integer')
      const octet = block[this.#at++]!
      value += (octet & 0x7f) << (7 * count)
      if (octet < 0x80) return value
    }
    throw new HpackError('hpack.integer.overflow', 'an integer longer than any that is sound')
  }

  #string(): string {
    if (this.#at >= this.#block.length) throw new HpackError('hpack.string.missing', 'a block that ends before a text')
    const isHuffman = this.#block[this.#at]! >= 0x80
    const length = this.#integer(0x7f)
    const from = this.#at
    const end = from + length
    if (end > this.#block.length) throw new HpackError('hpack.string.cut', 'a block that ends within a text')
    this.#at = end
    if (!isHuffman) return latin1(this.#block, from, end)
    const room = scratchFor(huffmanRoom(length))
    return room.toString('latin1', 0, huffmanDecode(this.#block, from, end, room))
  }
}

const NOTHING = new Uint8Array(0)
const SCRATCH_OCTETS = 4_096
const SHARED = Buffer.allocUnsafeSlow(SCRATCH_OCTETS)

/** Memory for what a text decodes to, before it is a string. */
function scratchFor(octets: number): Buffer {
  return octets <= SCRATCH_OCTETS ? SHARED : Buffer.allocUnsafeSlow(octets)
}

function latin1(bytes: Uint8Array, from: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString('latin1')
}
