// What has come of a stream while much of it is held, and would be looked at again: it waits until it is worth the look, so
// that a stream costs about the same however it was cut.

import { HeldBytes } from '../held-bytes.ts'

/** What comes waits until it is this part of what is looked at again. */
const PART = 4

export class Waiting {
  readonly #held = new HeldBytes()

  get length(): number {
    return this.#held.length
  }

  /** Whether it is worth a look, with `bytes`, where `again` bytes would be looked at again. */
  isWorth(bytes: Uint8Array, again: number): boolean {
    return (this.#held.length + bytes.length) * PART >= again
  }

  /** Takes borrowed bytes. */
  add(bytes: Uint8Array): void {
    this.#held.add(bytes, 0)
  }

  /** All that has waited, and then `bytes`. */
  take(bytes: Uint8Array): Uint8Array {
    if (this.#held.length === 0) return bytes
    this.#held.add(bytes, 0)
    return this.#held.take()
  }
}
