// What was masked, as it was, on its way to the tape: encrypted pieces of an answer's body, which is collected as long as
// nobody knows whether something in it will be masked, up to a bound.

import { limits } from '../../protocols/limits.ts'

/** Encrypts bytes to those who may read what was masked. */
export type Seal = (bytes: Uint8Array) => Uint8Array

/** A piece of a body or of a channel, encrypted. */
export interface Original {
  /** Where it begins, and its length in the clear. */
  readonly at: number
  readonly length: number
  readonly bytes: Uint8Array
}

/** Of one answer. */
export class Originals {
  readonly #seal: Seal
  #collected: Uint8Array[] = []
  #length = 0
  #at = 0
  #pieces: Original[] = []
  #isMasked = false

  constructor(seal: Seal) {
    this.#seal = seal
  }

  /** Something in the body is masked: what is collected matters. */
  masked(): void {
    this.#isMasked = true
  }

  /** The next bytes of the body, borrowed, of which some may be masked. */
  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#collected.push(new Uint8Array(bytes))
    this.#length += bytes.length
    if (this.#length >= limits.mask.original) this.#encrypt()
  }

  /** The next bytes of the body, borrowed, and whether something in them is masked: what comes between is not kept. */
  piece(bytes: Uint8Array, isMasked: boolean): void {
    if (isMasked) this.#pieces.push({ at: this.#at, length: bytes.length, bytes: this.#seal(bytes) })
    this.#at += bytes.length
  }

  /** What is encrypted by now; with `isOver`, all there is. */
  take(isOver: boolean): readonly Original[] {
    if (isOver && this.#isMasked) this.#encrypt()
    if (this.#pieces.length === 0) return NONE
    const pieces = this.#pieces
    this.#pieces = []
    return pieces
  }

  #encrypt(): void {
    if (this.#length === 0) return
    const bytes = Buffer.concat(this.#collected)
    this.#pieces.push({ at: this.#at, length: bytes.length, bytes: this.#seal(bytes) })
    this.#at += bytes.length
    this.#collected = []
    this.#length = 0
  }
}

const NONE: readonly Original[] = []
