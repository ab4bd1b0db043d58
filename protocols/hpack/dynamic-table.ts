// The dynamic table of one direction of a connection (RFC 7541 sections 2.3.2 and 4): the newest field has index 62, and
// the oldest go when the table would grow past its size. A ring, so that neither end moves anything.

/** What the standard counts for each entry besides its octets (section 4.1). */
export const ENTRY_OVERHEAD = 32

export class DynamicTable {
  #names: string[] = new Array<string>(8).fill('')
  #values: string[] = new Array<string>(8).fill('')
  /** Where the next one goes. */
  #next = 0
  #count = 0
  #size = 0
  #maxSize: number

  constructor(maxSize: number) {
    this.#maxSize = maxSize
  }

  get count(): number {
    return this.#count
  }

  /** Octets, as the standard counts them. */
  get size(): number {
    return this.#size
  }

  get maxSize(): number {
    return this.#maxSize
  }

  /** Evicts what no longer fits. */
  resize(maxSize: number): void {
    this.#maxSize = maxSize
    this.#evict(0)
  }

  /** The name of the entry that is `age` entries old: 0 is the newest. */
  name(age: number): string {
    return this.#names[(this.#next - 1 - age) & (this.#names.length - 1)]!
  }

  value(age: number): string {
    return this.#values[(this.#next - 1 - age) & (this.#values.length - 1)]!
  }

  /** An entry larger than the table empties it and is not kept (section 4.4). */
  add(name: string, value: string): void {
    const size = name.length + value.length + ENTRY_OVERHEAD
    this.#evict(size)
    if (size > this.#maxSize) return
    if (this.#count === this.#names.length) this.#grow()
    this.#names[this.#next] = name
    this.#values[this.#next] = value
    this.#next = (this.#next + 1) & (this.#names.length - 1)
    this.#count++
    this.#size += size
  }

  #evict(coming: number): void {
    while (this.#count > 0 && this.#size + coming > this.#maxSize) {
      const oldest = (this.#next - this.#count) & (this.#names.length - 1)
      this.#size -= this.#names[oldest]!.length + this.#values[oldest]!.length + ENTRY_OVERHEAD
      this.#names[oldest] = ''
      this.#values[oldest] = ''
      this.#count--
    }
  }

  #grow(): void {
    const length = this.#names.length
    const names = new Array<string>(2 * length).fill('')
    const values = new Array<string>(2 * length).fill('')
    for (let at = 0; at < length; at++) {
      names[at] = this.#names[(this.#next + at) & (length - 1)]!
      values[at] = this.#values[(this.#next + at) & (length - 1)]!
    }
    this.#names = names
    this.#values = values
    this.#next = length
  }
}
