// Inputs from inputs: bits, numbers, blocks and words of the grammar changed, as AFL does it. All of it from one seed.

/** No input grows past this: what needs more is tested by hand, and a long input is mostly a slow one. */
export const LONGEST = 4_096

const MOST_STEPS = 6
const LONGEST_BLOCK = 64
const MOST_REPEATS = 40
/** How far a number is moved. */
const NEAR = 20
/** Where readers change their mind: ends of ranges, signs, the lengths of length fields. */
const EDGES = [0, 1, 2, 7, 8, 9, 15, 16, 31, 32, 63, 64, 100, 125, 126, 127, 128, 129, 254, 255, 256, 1000, 1024, 4096]
const WIDE_EDGES = [32_767, 32_768, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x00ff_ffff, 0x0100_0000]

export class Mutator {
  readonly #words: readonly Buffer[]
  #state: number
  readonly #steps: readonly ((bytes: Buffer, other: Buffer) => Buffer)[]

  constructor(seed: number, words: readonly (string | Uint8Array)[]) {
    this.#state = seed
    this.#words = words.map((word) => (typeof word === 'string' ? Buffer.from(word, 'latin1') : Buffer.from(word)))
    const steps = [
      (bytes: Buffer) => this.#flip(bytes),
      (bytes: Buffer) => this.#octet(bytes),
      (bytes: Buffer) => this.#number(bytes),
      (bytes: Buffer) => this.#remove(bytes),
      (bytes: Buffer) => this.#insert(bytes),
      (bytes: Buffer) => this.#repeat(bytes),
      (bytes: Buffer) => this.#move(bytes),
      (bytes: Buffer, other: Buffer) => this.#splice(bytes, other),
      (bytes: Buffer, other: Buffer) => this.#graft(bytes, other),
    ]
    const worded = [(bytes: Buffer) => this.#word(bytes), (bytes: Buffer) => this.#overwrite(bytes)]
    this.#steps = this.#words.length > 0 ? [...steps, ...worded, ...worded] : steps
  }

  /** A whole number from 0 up to, not including, `end` (mulberry32). */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * end)
  }

  /** A changed copy; parts may come of `other`. */
  mutate(bytes: Uint8Array, other: Uint8Array): Buffer {
    let now: Buffer = Buffer.from(bytes)
    const donor = Buffer.from(other)
    for (let left = 1 + this.below(MOST_STEPS); left > 0; left--) {
      now = this.#steps[this.below(this.#steps.length)]!(now, donor)
    }
    return now.subarray(0, LONGEST)
  }

  #flip(bytes: Buffer): Buffer {
    if (bytes.length > 0) bytes[this.below(bytes.length)]! ^= 1 << this.below(8)
    return bytes
  }

  #octet(bytes: Buffer): Buffer {
    if (bytes.length > 0) bytes[this.below(bytes.length)] = this.below(256)
    return bytes
  }

  /** A number of one to four octets, moved a little or set to an edge. */
  #number(bytes: Buffer): Buffer {
    const size = 1 + this.below(4)
    if (bytes.length < size) return bytes
    const at = this.below(bytes.length - size + 1)
    const edges = size === 1 || this.below(2) === 0 ? EDGES : WIDE_EDGES
    const near = bytes.readUIntBE(at, size) + this.below(2 * NEAR + 1) - NEAR
    const value = this.below(2) === 0 ? near : edges[this.below(edges.length)]!
    const range = 256 ** size
    bytes.writeUIntBE((value + range) % range, at, size)
    return bytes
  }

  #remove(bytes: Buffer): Buffer {
    const [start, end] = this.#block(bytes)
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)])
  }

  #insert(bytes: Buffer): Buffer {
    const block = Buffer.alloc(1 + this.below(8), this.below(256))
    return this.#put(bytes, block)
  }

  #repeat(bytes: Buffer): Buffer {
    const [start, end] = this.#block(bytes)
    const times = 1 + this.below(this.below(4) === 0 ? MOST_REPEATS : 3)
    const blocks = Array.from({ length: times }, () => bytes.subarray(start, end))
    return Buffer.concat([bytes.subarray(0, end), ...blocks, bytes.subarray(end)])
  }

  #move(bytes: Buffer): Buffer {
    const [start, end] = this.#block(bytes)
    return this.#put(bytes, Buffer.from(bytes.subarray(start, end)))
  }

  /** The beginning of one and the end of the other. */
  #splice(bytes: Buffer, other: Buffer): Buffer {
    const head = bytes.subarray(0, this.below(bytes.length + 1))
    return Buffer.concat([head, other.subarray(this.below(other.length + 1))])
  }

  #graft(bytes: Buffer, other: Buffer): Buffer {
    const [start, end] = this.#block(other)
    return this.#put(bytes, other.subarray(start, end))
  }

  #word(bytes: Buffer): Buffer {
    return this.#put(bytes, this.#words[this.below(this.#words.length)]!)
  }

  #overwrite(bytes: Buffer): Buffer {
    const word = this.#words[this.below(this.#words.length)]!
    const at = this.below(bytes.length + 1)
    return Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at + word.length)])
  }

  #put(bytes: Buffer, block: Buffer): Buffer {
    const at = this.below(bytes.length + 1)
    return Buffer.concat([bytes.subarray(0, at), block, bytes.subarray(at)])
  }

  /** Somewhere in the input; mostly short. */
  #block(bytes: Buffer): readonly [start: number, end: number] {
    const start = this.below(bytes.length + 1)
    const longest = this.below(4) === 0 ? bytes.length : LONGEST_BLOCK
    return [start, Math.min(bytes.length, start + 1 + this.below(longest + 1))]
  }
}
