// Finds, four bytes at a time, where in a text something that is looked for may begin. A filter that fits a core's cache
// says "perhaps" of each place; whoever asked then looks closer. It never says "no" of a place where a known gram stands.

/** Slots of the filter, one byte each, as a power of two: from a part of a core's second cache up to all of it. */
const FEWEST_SLOTS = 18
const MOST_SLOTS = 21
/** With more than one slot taken in so many, a larger filter is faster than what it finds for nothing. */
const CROWDED = 24
/** Bits for beginnings of three bytes, as a power of two: with 10,000 values one in twenty is set. */
const THIRD_BITS = 21
const SMALLEST_TABLE = 64
const MULTIPLIER = 0x9e3779b1 | 0

/** Four bytes as one number, the first lowest: what an Int32Array over the same memory reads on every machine that Node runs on. */
export function gramAt(text: Uint8Array, at: number): number {
  return text[at]! | (text[at + 1]! << 8) | (text[at + 2]! << 16) | (text[at + 3]! << 24)
}

/** The first four bytes of a literal, in every mixture of cases where asked for. */
export function gramsOf(literal: string, anyCase: boolean): number[] {
  let grams = [0]
  for (let at = 0; at < 4; at++) {
    const octet = literal.charCodeAt(at)
    const isLetter = anyCase && /[a-z]/i.test(literal[at] ?? '')
    const octets = isLetter ? [octet | 0x20, octet & 0xdf] : [octet]
    grams = grams.flatMap((gram) => octets.map((each) => gram | (each << (8 * at))))
  }
  return grams
}

/** What grams a text is swept for. Grams are added for good, or until `clear`. */
export class GramFilter {
  #bits = FEWEST_SLOTS
  #slots = new Uint8Array(1 << FEWEST_SLOTS)
  #taken = 0
  /** Which one, two and three bytes begin a gram that must not pass before it is known to be whole. */
  readonly #beginnings = new Uint8Array(1 << 16)
  readonly #thirds = new Uint8Array(1 << (THIRD_BITS - 3))

  /** `isHeld`: its bytes are not given out while only its beginning has come. */
  add(gram: number, isHeld: boolean): void {
    const hash = Math.imul(gram, MULTIPLIER)
    const slot = hash >>> (32 - this.#bits)
    if (this.#slots[slot] === 0) this.#taken += 1
    this.#slots[slot] = this.#slots[slot]! | (1 << ((hash >>> 8) & 7))
    if (!isHeld) return
    this.#beginnings[gram & 0xff] = 1
    this.#beginnings[gram & 0xffff] = 1
    const third = thirdSlot(gram)
    this.#thirds[third >>> 3] = this.#thirds[third >>> 3]! | (1 << (third & 7))
  }

  /** True if there should be more slots: its owner clears it and adds all grams again. */
  get isCrowded(): boolean {
    return this.#taken * CROWDED > this.#slots.length && this.#bits < MOST_SLOTS
  }

  /** Forgets all grams, to be given about as many as `grams`. */
  clear(grams: number): void {
    this.#bits = FEWEST_SLOTS
    while (grams * CROWDED > 1 << this.#bits && this.#bits < MOST_SLOTS) this.#bits += 1
    if (this.#slots.length === 1 << this.#bits) this.#slots.fill(0)
    else this.#slots = new Uint8Array(1 << this.#bits)
    this.#taken = 0
    this.#beginnings.fill(0)
    this.#thirds.fill(0)
  }

  /** Whether the lowest `length` (1 to 3) bytes of `gram` may be the beginning of a gram that is held. */
  mayBegin(gram: number, length: number): boolean {
    if (length < 3) return this.#beginnings[length === 1 ? gram & 0xff : gram & 0xffff] === 1
    const third = thirdSlot(gram)
    return ((this.#thirds[third >>> 3]! >>> (third & 7)) & 1) === 1
  }

  /** Whether a gram may have been added. */
  mayHave(gram: number): boolean {
    return has(this.#slots, 32 - this.#bits, Math.imul(gram, MULTIPLIER))
  }

  /** The first place from `at`, below `stop`, where a gram may be; or `stop`. `words` is over the memory of `text`, which goes on 3 bytes past it. */
  sweep(text: Uint8Array, words: Int32Array, at: number, stop: number): number {
    const slots = this.#slots
    const shift = 32 - this.#bits
    for (; at < stop && (at & 3) !== 0; at++) if (has(slots, shift, Math.imul(gramAt(text, at), MULTIPLIER))) return at
    if (at >= stop) return stop
    let index = at >>> 2
    const last = (stop - 1) >>> 2
    let word = words[index]!
    for (; index < last; index++) {
      const next = words[index + 1]!
      const first = Math.imul(word, MULTIPLIER)
      const second = Math.imul((word >>> 8) | (next << 24), MULTIPLIER)
      const third = Math.imul((word >>> 16) | (next << 16), MULTIPLIER)
      const fourth = Math.imul((word >>> 24) | (next << 8), MULTIPLIER)
      word = next
      if (
        (slots[first >>> shift]! | slots[second >>> shift]! | slots[third >>> shift]! | slots[fourth >>> shift]!) ===
        0
      )
        continue
      if (has(slots, shift, first)) return index << 2
      if (has(slots, shift, second)) return (index << 2) + 1
      if (has(slots, shift, third)) return (index << 2) + 2
      if (has(slots, shift, fourth)) return (index << 2) + 3
    }
    for (at = index << 2; at < stop; at++) if (has(slots, shift, Math.imul(gramAt(text, at), MULTIPLIER))) return at
    return stop
  }
}

/** A slot has a bit for each eighth of the grams that share it. */
function has(slots: Uint8Array, shift: number, hash: number): boolean {
  return ((slots[hash >>> shift]! >>> ((hash >>> 8) & 7)) & 1) !== 0
}

/** Three bytes share bits by a hash. */
function thirdSlot(gram: number): number {
  return Math.imul(gram & 0xffffff, MULTIPLIER) >>> (32 - THIRD_BITS)
}

/** From grams to numbers other than zero. */
export class GramTable {
  #grams = new Int32Array(SMALLEST_TABLE)
  #values = new Int32Array(SMALLEST_TABLE)
  #count = 0

  get size(): number {
    return this.#count
  }

  clear(): void {
    this.#grams = new Int32Array(SMALLEST_TABLE)
    this.#values = new Int32Array(SMALLEST_TABLE)
    this.#count = 0
  }

  get(gram: number): number {
    const mask = this.#grams.length - 1
    for (let at = Math.imul(gram, MULTIPLIER) >>> 7; ; at++) {
      const value = this.#values[at & mask]!
      if (value === 0 || this.#grams[at & mask] === gram) return value
    }
  }

  /** Adds the bits of `value` to those that the gram has. */
  add(gram: number, value: number): void {
    if (this.#count * 2 >= this.#grams.length) this.#grow()
    const [grams, values] = [this.#grams, this.#values]
    const mask = grams.length - 1
    let at = (Math.imul(gram, MULTIPLIER) >>> 7) & mask
    while (values[at] !== 0 && grams[at] !== gram) at = (at + 1) & mask
    if (values[at] === 0) this.#count += 1
    grams[at] = gram
    values[at] = values[at]! | value
  }

  #grow(): void {
    const [grams, values] = [this.#grams, this.#values]
    this.#grams = new Int32Array(grams.length * 2)
    this.#values = new Int32Array(grams.length * 2)
    this.#count = 0
    for (let at = 0; at < grams.length; at++) if (values[at] !== 0) this.add(grams[at]!, values[at]!)
  }
}
