// What has come of a stream while much of it is held, and would be looked at again: it waits until it is worth the look, so
// that a stream costs about the same however it was cut.

const NOTHING = new Uint8Array(0)
/** What comes waits until it is this part of what is looked at again. */
const PART = 4

export class Waiting {
  #bytes: Uint8Array = NOTHING
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Whether it is worth a look, with `bytes`, where `again` bytes would be looked at again. */
  isWorth(bytes: Uint8Array, again: number): boolean {
    return (this.#length + bytes.length) * PART >= again
  }

  /** Takes borrowed bytes. */
  add(bytes: Uint8Array): void {
    const length = this.#length + bytes.length
    if (length > this.#bytes.length) {
      const more = new Uint8Array(Math.max(2 * this.#bytes.length, length))
      more.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = more
    }
    this.#bytes.set(bytes, this.#length)
    this.#length = length
  }

  /** All that has waited, and then `bytes`. */
  take(bytes: Uint8Array): Uint8Array {
    if (this.#length === 0) return bytes
    this.add(bytes)
    const all = this.#bytes.subarray(0, this.#length)
    this.#bytes = NOTHING
    this.#length = 0
    return all
  }
}
