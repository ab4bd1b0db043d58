// Memory that a text is laid out in while it is looked at: one piece for all maskers, kept from call to call unless it has
// become large.

/** Bytes behind a text that there always are. */
export const BEHIND = 8

export class Scratch {
  #bytes = new Uint8Array(1 << 16)
  words = new Int32Array(this.#bytes.buffer)
  readonly #kept: number

  /** `kept`: larger memory is not kept for the next call. */
  constructor(kept: number) {
    this.#kept = kept
  }

  /** At least `length` bytes, and BEHIND behind them. */
  take(length: number): Uint8Array {
    if (this.#bytes.length < length + BEHIND) this.#allocate(1 << (33 - Math.clz32(length + BEHIND)))
    return this.#bytes
  }

  done(): void {
    if (this.#bytes.length > this.#kept) this.#allocate(this.#kept)
  }

  #allocate(length: number): void {
    this.#bytes = new Uint8Array(length)
    this.words = new Int32Array(this.#bytes.buffer)
  }
}
