// Small pieces of a stream or of one answer's body -> one entry, written where it will be hashed and stored: the pieces
// behind room for the entry's head. Buffers come from a pool, so that only what is moving holds one.

import { limits } from '../../protocols/limits.ts'
import { LINK_LENGTH } from '../../protocols/tape/chain.ts'
import { encodeBodyHead, encodeStreamHead, streamHeadLength } from '../../protocols/tape/codec.ts'
import type { BodyEnd } from '../../protocols/tape/entry.ts'

/** Each piece has a time, a channel and a length of its own. */
const NUMBERS = 3 * limits.tape.joinPieces
const HEAD = LINK_LENGTH + streamHeadLength(NUMBERS)

export class JoinBuffer {
  readonly #bytes = new Uint8Array(HEAD + limits.tape.joinBytes)
  readonly #runs: number[] = new Array<number>(NUMBERS).fill(0)
  #numbers = 0
  #length = 0
  /** The time of the first piece, microseconds since the tape opened. */
  micros = 0
  /** Whose body the pieces are of; 0 for pieces of a stream. */
  exchange = 0

  begin(micros: number, exchange: number): void {
    this.micros = micros
    this.exchange = exchange
    this.#numbers = 0
    this.#length = 0
  }

  get isFull(): boolean {
    return this.#length === limits.tape.joinBytes || this.#numbers === NUMBERS
  }

  /** Copies as much of `bytes` from `at` on as there is room for; returns where it stopped. Not when full. */
  add(channel: number, micros: number, bytes: Uint8Array, at: number): number {
    const taken = Math.min(bytes.length - at, limits.tape.joinBytes - this.#length)
    this.#bytes.set(taken === bytes.length ? bytes : bytes.subarray(at, at + taken), HEAD + this.#length)
    this.#runs[this.#numbers++] = micros - this.micros
    this.#runs[this.#numbers++] = channel
    this.#runs[this.#numbers++] = taken
    this.#length += taken
    return at + taken
  }

  /** The entry behind the room that `link` needs: a view of this buffer. `end`: the body ends with it. */
  record(seq: number, end?: BodyEnd): Uint8Array {
    const head =
      this.exchange === 0
        ? encodeStreamHead(seq, this.micros, this.#runs, this.#numbers, this.#length)
        : encodeBodyHead(seq, this.micros, this.exchange, end, this.#length)
    const from = HEAD - head.length
    this.#bytes.set(head, from)
    return this.#bytes.subarray(from - LINK_LENGTH, HEAD + this.#length)
  }
}

export class JoinBuffers {
  readonly #free: JoinBuffer[] = []

  take(): JoinBuffer {
    return this.#free.pop() ?? new JoinBuffer()
  }

  give(buffer: JoinBuffer): void {
    if (this.#free.length < limits.tape.joinBuffers) this.#free.push(buffer)
  }
}
