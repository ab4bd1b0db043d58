// Sequences of bytes, known by keyed hashes alone: whether a text goes on as one of them does, and whether it has come to
// the end of one. It holds no sequence, only hashes of their beginnings at a few lengths and of their wholes.

import { createHash } from 'node:crypto'

/** Lengths at which a beginning is known. Between two of them a text that goes astray is still followed. */
const LEVELS = [4, 6, 16, 64, 256, 1_024]
const FULL = 0x5bd1e995
/** Numbers of a record: two hashes, what may follow, and how long the longest sequence is that begins so. */
export const RECORD_LENGTH = 4
const SMALLEST = 256
/** Of an entry's third number: set in every entry; lengths are 14 bits each. */
const TAKEN = 1 << 30
const DEEPER = 1 << 28
const LENGTH_BITS = 14
const LENGTH = (1 << LENGTH_BITS) - 1

/** No longer than what two lengths of an entry can say. */
export const LONGEST_SEQUENCE = LENGTH

/**
 * Two multiplicative hashes of 32 bits with multipliers and beginnings from the key, taken byte by byte, so that the hash of
 * every beginning falls out on the way to the whole: what SHA-256 or SipHash would have to be asked for anew at each
 * length. It is no MAC: who knew the key could make a text that collides, and would gain a mask where none belongs.
 */
export class KeyedPrefixes {
  readonly #startA: number
  readonly #startB: number
  readonly #timesA: number
  readonly #timesB: number
  #entries = new Int32Array(SMALLEST * RECORD_LENGTH)
  #count = 0

  // A walk under way.
  #a = 0
  #b = 0
  #length = 0
  #level = 0
  #shortest = 0
  #longest = 0
  #isDeeper = false
  #reach = 0

  constructor(key: Uint8Array) {
    const digest = createHash('sha256').update('sallyport learned values').update(key).digest()
    this.#startA = digest.readInt32LE(0)
    this.#startB = digest.readInt32LE(4)
    this.#timesA = digest.readInt32LE(8) | 1
    this.#timesB = digest.readInt32LE(12) | 1
  }

  /** Memory, in bytes. */
  get bytes(): number {
    return this.#entries.byteLength
  }

  /** Forgets all sequences, to be given up to `count` records. */
  clear(count: number): void {
    let slots = SMALLEST
    while (slots < count * 2) slots *= 2
    this.#entries = new Int32Array(slots * RECORD_LENGTH)
    this.#count = 0
  }

  /** A number of 53 bits for a sequence: equal for equal ones. */
  identify(sequence: Uint8Array): number {
    this.start(0)
    for (let at = 0; at < sequence.length; at++) this.#mix(sequence[at]!)
    return (this.#a >>> 0) * 0x200000 + ((this.#b ^ Math.imul(sequence.length, FULL)) >>> 11)
  }

  /**
   * Adds what `insert` takes to add a sequence of at least four bytes: its hashes, without the bytes. `kind`: it is found by
   * walks of the same kind alone.
   */
  addRecords(sequence: Uint8Array, kind: number, records: number[]): void {
    let level = 0
    this.start(kind)
    for (let at = 0; at < sequence.length; at++) {
      this.#mix(sequence[at]!)
      if (at + 1 !== LEVELS[level]) continue
      level += 1
      const next = LEVELS[level] ?? Number.POSITIVE_INFINITY
      const info = sequence.length < next ? (sequence.length << LENGTH_BITS) | sequence.length : LENGTH << LENGTH_BITS
      records.push(this.#a, this.#b, TAKEN | info | (sequence.length >= next ? DEEPER : 0), sequence.length)
    }
    records.push(this.#a ^ FULL, this.#b ^ sequence.length, TAKEN, sequence.length)
  }

  /** Adds the records in `numbers` from `at` on. */
  insert(numbers: Int32Array, at: number, end: number): void {
    for (; at < end; at += RECORD_LENGTH) this.#put(numbers[at]!, numbers[at + 1]!, numbers[at + 2]!, numbers[at + 3]!)
  }

  /** Begins a walk among the sequences of one kind. */
  start(kind: number): void {
    this.#a = (this.#startA + kind) | 0
    this.#b = this.#startB
    this.#length = 0
    this.#level = 0
    this.#shortest = 1
    this.#longest = 0
    this.#isDeeper = true
    this.#reach = 0
  }

  /** How long the longest sequence is that begins with what was last known of the bytes taken. */
  get reach(): number {
    return this.#reach
  }

  get length(): number {
    return this.#length
  }

  /** Takes the next byte; false if no sequence goes on so. */
  step(octet: number): boolean {
    this.#mix(octet)
    this.#length += 1
    if (this.#length !== LEVELS[this.#level]) return this.#isDeeper || this.#length <= this.#longest
    this.#level += 1
    const entry = this.#find(this.#a, this.#b)
    if (entry === -1) return false
    const info = this.#entries[entry + 2]!
    this.#shortest = (info >>> LENGTH_BITS) & LENGTH
    this.#longest = info & LENGTH
    this.#isDeeper = (info & DEEPER) !== 0
    this.#reach = this.#entries[entry + 3]!
    return true
  }

  /** Whether the bytes taken are one of the sequences. */
  isWhole(): boolean {
    if (this.#length < this.#shortest || this.#length > this.#longest) return false
    return this.#find(this.#a ^ FULL, this.#b ^ this.#length) !== -1
  }

  /** Whether a longer sequence may begin with the bytes taken. */
  goesOn(): boolean {
    return this.#isDeeper || this.#length < this.#longest
  }

  #mix(octet: number): void {
    const a = Math.imul(this.#a ^ octet, this.#timesA)
    const b = Math.imul((this.#b + octet) | 0, this.#timesB)
    this.#a = a ^ (a >>> 15)
    this.#b = b ^ (b >>> 13)
  }

  /** The place of an entry, or -1. */
  #find(a: number, b: number): number {
    const entries = this.#entries
    const mask = entries.length / RECORD_LENGTH - 1
    for (let slot = (a ^ (b >>> 7)) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * RECORD_LENGTH
      if (entries[at + 2] === 0) return -1
      if (entries[at] === a && entries[at + 1] === b) return at
    }
  }

  #put(a: number, b: number, info: number, reach: number): void {
    if (this.#count * 2 * RECORD_LENGTH >= this.#entries.length) this.#grow()
    const entries = this.#entries
    const mask = entries.length / RECORD_LENGTH - 1
    let slot = (a ^ (b >>> 7)) & mask
    for (; entries[slot * RECORD_LENGTH + 2] !== 0; slot = (slot + 1) & mask) {
      const at = slot * RECORD_LENGTH
      if (entries[at] !== a || entries[at + 1] !== b) continue
      const known = entries[at + 2]!
      const shortest = Math.min((known >>> LENGTH_BITS) & LENGTH, (info >>> LENGTH_BITS) & LENGTH)
      const longest = Math.max(known & LENGTH, info & LENGTH)
      entries[at + 2] = TAKEN | ((known | info) & DEEPER) | (shortest << LENGTH_BITS) | longest
      entries[at + 3] = Math.max(entries[at + 3]!, reach)
      return
    }
    entries[slot * RECORD_LENGTH] = a
    entries[slot * RECORD_LENGTH + 1] = b
    entries[slot * RECORD_LENGTH + 2] = info
    entries[slot * RECORD_LENGTH + 3] = reach
    this.#count += 1
  }

  #grow(): void {
    const old = this.#entries
    this.#entries = new Int32Array(old.length * 2)
    this.#count = 0
    for (let at = 0; at < old.length; at += RECORD_LENGTH) {
      if (old[at + 2] !== 0) this.#put(old[at]!, old[at + 1]!, old[at + 2]!, old[at + 3]!)
    }
  }
}
