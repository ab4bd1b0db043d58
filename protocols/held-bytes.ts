// Bytes that came before their turn: pipelined requests, what follows an upgrade, text that waits to be looked at. One buffer, because a list of
// one-byte pieces would cost a hundred times what it holds.

const NOTHING = Buffer.alloc(0)
const SMALLEST = 256

export class HeldBytes {
  #buffer: Buffer = NOTHING
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Copies the bytes from `at` on: the chunk is only lent. */
  add(chunk: Uint8Array, at: number): void {
    const length = this.#length + chunk.length - at
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(SMALLEST, 2 * length))
      this.#buffer.copy(larger, 0, 0, this.#length)
      this.#buffer = larger
    }
    this.#buffer.set(at === 0 ? chunk : chunk.subarray(at), this.#length)
    this.#length = length
  }

  /** All of them, the caller's to keep; none is held any more. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length)
    this.clear()
    return taken
  }

  /** Puts back what was left of bytes that `take` gave out, with no copy: each of a thousand pipelined requests does it. */
  putBack(rest: Buffer): void {
    this.#buffer = rest
    this.#length = rest.length
  }

  clear(): void {
    this.#buffer = NOTHING
    this.#length = 0
  }
}
