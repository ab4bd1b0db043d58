// Values that were masked somewhere, to be known again wherever they turn up: as they are, in base64, hexadecimal digits,
// and the escapes of JSON and URLs. It keeps hashes, not values, of a bounded number; from where most comes, what was used
// longest ago goes first.

import { addFirstGrams } from './first-grams.ts'
import { GramFilter, GramTable } from './grams.ts'
import { innerSecrets } from './inner-secrets.ts'
import { KeyedPrefixes, RECORD_LENGTH } from './keyed-prefixes.ts'
import { isLearnable } from './learnable.ts'
import { LearnedStore, STORED_HEAD } from './learned-store.ts'
import { LearnedWalk } from './learned-walk.ts'
import { withoutPassed } from './passed.ts'
import { SoughtPieces } from './sought-pieces.ts'

export interface LearnedBounds {
  /** Values at most. */
  readonly values: number
  /** Memory for them at most, in bytes. */
  readonly bytes: number
  /** A longer value is learned in pieces of this length. */
  readonly piece: number
  /** How deep secrets within values are looked for. */
  readonly depth: number
  /** Shorter ones are not learned. */
  readonly shortest: number
}

const SHORTEST_SEQUENCE = 4
/** When the bounds are met, this part of the values goes at once: what goes one by one is forgotten slowly. */
const EVICTED_PART = 4
const NOWHERE = ''
/** Of a value beside its numbers, bytes. */
const OVERHEAD = 128

interface Learned {
  /** In the store. */
  place: number
  readonly bytes: number
  readonly origin: string
  /** When it was learned last, in values learned. */
  used: number
}

/** What was learned from one place. */
interface Share {
  /** Used longest ago first. */
  readonly values: (readonly [identity: number, learned: Learned])[]
  forgotten: number
  bytes: number
}

export class LearnedValues {
  /** Finds them in texts. */
  readonly walk: LearnedWalk
  readonly #bounds: LearnedBounds
  readonly #prefixes: KeyedPrefixes
  /** By identity. */
  readonly #values = new Map<number, Learned>()
  readonly #store = new LearnedStore()
  readonly #filter = new GramFilter()
  readonly #grams = new GramTable()
  /** Grams of others that share the filter. */
  readonly #reserved = new Map<number, boolean>()
  readonly #pieces: SoughtPieces
  #bytes = 0
  #turn = 0

  /** `key`: of the hashes; random, and of this process alone. */
  constructor(key: Uint8Array, bounds: LearnedBounds) {
    this.#bounds = bounds
    this.#prefixes = new KeyedPrefixes(key)
    this.#pieces = new SoughtPieces(bounds.piece, bounds.shortest)
    this.walk = new LearnedWalk(this.#grams, this.#prefixes)
  }

  /** Values known, each with what was found in it. */
  get size(): number {
    return this.#values.size
  }

  /** Bytes that the values take, about; the tables' own fixed size is not counted. */
  get bytes(): number {
    return this.#bytes + this.#prefixes.bytes
  }

  /** The filter that finds both what is learned and what is reserved. */
  get filter(): GramFilter {
    return this.#filter
  }

  /** Has the shared filter find a gram of somebody else too. */
  reserve(gram: number, isHeld: boolean): void {
    this.#reserved.set(gram, isHeld || this.#reserved.get(gram) === true)
    this.#filter.add(gram, isHeld)
  }

  /**
   * Remembers a value and what is secret within it. The bytes are borrowed. What is short, common or public is not learned.
   * `origin`: where it is from. Whoever writes many values has their own place's forgotten, not those of others.
   */
  learn(value: Uint8Array, origin = NOWHERE): void {
    if (value.length < this.#bounds.shortest) return
    const identity = this.#prefixes.identify(value)
    const known = this.#values.get(identity)
    this.#turn += 1
    if (known !== undefined) {
      known.used = this.#turn
      return
    }
    if (!isLearnable(value)) return
    const grams: number[] = []
    const records: number[] = []
    this.#describe(value, grams, records)
    for (const secret of innerSecrets(value, this.#bounds.depth)) {
      if (isLearnable(secret)) this.#describe(secret, grams, records)
    }
    if (records.length === 0) return
    const place = this.#store.add(grams, records)
    const learned = { place, bytes: OVERHEAD + this.#store.sizeOf(place), origin, used: this.#turn }
    this.#values.set(identity, learned)
    this.#bytes += learned.bytes
    this.#insert(learned)
    if (this.#filter.isCrowded) this.#refill()
    while (this.#values.size > this.#bounds.values || this.bytes > this.#bounds.bytes) this.#evict()
  }

  #describe(secret: Uint8Array, grams: number[], records: number[]): void {
    const isStructure = isJson(secret)
    for (const piece of this.#pieces.of(secret)) {
      addFirstGrams(piece, isStructure, grams)
      // Base64 behind one and two other bytes is read from the first byte that it has whole.
      for (let skipped = 0; skipped < 3; skipped++) {
        const sequence = withoutPassed(piece.subarray(skipped))
        if (sequence.length >= SHORTEST_SEQUENCE) this.#prefixes.addRecords(sequence, skipped, records)
      }
    }
  }

  #insert({ place }: Learned): void {
    const { numbers } = this.#store
    const records = this.#store.recordsOf(place)
    for (let at = place + STORED_HEAD; at < records; at += 2) {
      const gram = numbers[at]!
      this.#filter.add(gram, true)
      this.#grams.add(gram, numbers[at + 1]!)
    }
    this.#prefixes.insert(numbers, records, this.#store.endOf(place))
  }

  /** Part of the values, and part of their memory: from the place that has most of what is short. */
  #evict(): void {
    const { values, bytes } = this.#bounds
    const most = this.#values.size - Math.ceil(this.#values.size / EVICTED_PART)
    const mostBytes = this.#bytes - Math.ceil(this.#bytes / EVICTED_PART)
    const isCrowded = this.#values.size > values
    const isFull = this.bytes > bytes
    const shares = [...this.#shares().values()]
    const weight = ({ values: all, forgotten, bytes: size }: Share): number =>
      Math.max(isCrowded ? (all.length - forgotten) / values : 0, isFull ? size / bytes : 0)
    while ((isCrowded && this.#values.size > most) || (isFull && this.#bytes > mostBytes)) {
      const share = shares.reduce((one, other) => (weight(other) > weight(one) ? other : one))
      const [identity, learned] = share.values[share.forgotten++]!
      this.#values.delete(identity)
      share.bytes -= learned.bytes
      this.#bytes -= learned.bytes
    }
    this.#grams.clear()
    this.#store.keep(this.#values.values())
    this.#prefixes.clear(this.#store.numbers.length / RECORD_LENGTH)
    for (const learned of this.#values.values()) this.#insert(learned)
    this.#refill()
  }

  #shares(): Map<string, Share> {
    const shares = new Map<string, Share>()
    for (const value of [...this.#values].sort(([, one], [, other]) => one.used - other.used)) {
      const [, learned] = value
      let share = shares.get(learned.origin)
      if (share === undefined) {
        share = { values: [], forgotten: 0, bytes: 0 }
        shares.set(learned.origin, share)
      }
      share.values.push(value)
      share.bytes += learned.bytes
    }
    return shares
  }

  /** Gives the filter as much room as what it is to find needs. */
  #refill(): void {
    this.#filter.clear(this.#grams.size + this.#reserved.size)
    for (const [gram, isHeld] of this.#reserved) this.#filter.add(gram, isHeld)
    const { numbers } = this.#store
    for (const { place } of this.#values.values()) {
      const records = this.#store.recordsOf(place)
      for (let at = place + STORED_HEAD; at < records; at += 2) this.#filter.add(numbers[at]!, true)
    }
  }
}

function isJson(value: Uint8Array): boolean {
  if (value[0] !== 0x7b && value[0] !== 0x5b) return false
  try {
    JSON.parse(Buffer.from(value).toString())
    return true
  } catch {
    return false
  }
}
