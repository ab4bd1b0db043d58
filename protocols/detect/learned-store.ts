// What is kept of learned values, all in one row of numbers: of each its grams with their forms, then the records of its
// hashes. An array for each would take more memory, and the collector's time.

const SMALLEST = 1_024
/** Two lengths stand before the numbers of a value. */
export const STORED_HEAD = 2

export class LearnedStore {
  #numbers = new Int32Array(SMALLEST)
  #end = 0

  /** All of them: until the next `add` or `keep`. */
  get numbers(): Int32Array {
    return this.#numbers
  }

  /** Keeps the numbers of one value; they begin STORED_HEAD behind the place that is returned. */
  add(grams: readonly number[], records: readonly number[]): number {
    const place = this.#end
    const end = place + STORED_HEAD + grams.length + records.length
    if (end > this.#numbers.length) this.#grow(end + (end >>> 2))
    const numbers = this.#numbers
    numbers[place] = grams.length
    numbers[place + 1] = records.length
    let at = place + STORED_HEAD
    for (let from = 0; from < grams.length; from++) numbers[at++] = grams[from]!
    for (let from = 0; from < records.length; from++) numbers[at++] = records[from]!
    this.#end = end
    return place
  }

  /** Where the records of a value begin, behind its grams. */
  recordsOf(place: number): number {
    return place + STORED_HEAD + this.#numbers[place]!
  }

  /** Behind the last number of a value. */
  endOf(place: number): number {
    return this.recordsOf(place) + this.#numbers[place + 1]!
  }

  /** Memory of a value, in bytes. */
  sizeOf(place: number): number {
    return (this.endOf(place) - place) * Int32Array.BYTES_PER_ELEMENT
  }

  /** Forgets all values but these, and tells them their new places. */
  keep(values: Iterable<{ place: number }>): void {
    const kept = [...values]
    const old = this.#numbers
    let length = 0
    for (const { place } of kept) length += this.endOf(place) - place
    const numbers = new Int32Array(Math.max(SMALLEST, length))
    let at = 0
    for (const value of kept) {
      const of = old.subarray(value.place, this.endOf(value.place))
      numbers.set(of, at)
      value.place = at
      at += of.length
    }
    this.#numbers = numbers
    this.#end = at
  }

  #grow(length: number): void {
    const numbers = new Int32Array(length)
    numbers.set(this.#numbers)
    this.#numbers = numbers
  }
}
