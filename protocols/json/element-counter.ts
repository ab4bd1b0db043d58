// Counts the elements of a list, or the events of a watch, in JSON that comes in pieces: by brackets and quotes alone,
// without reading what is in them. It refuses nothing: what is no JSON has some number or other.

import { ValueCutter } from './cutter.ts'
import { CLOSE_ARRAY, COMMA, skipSpace } from './scan.ts'

/** Before the elements, between two of them, in one, behind them all. */
type Place = 'before' | 'between' | 'within' | 'behind'

export class ElementCounter {
  readonly #cutter = new ValueCutter()
  readonly #isWatch: boolean
  #place: Place

  constructor(isWatch: boolean) {
    this.#isWatch = isWatch
    this.#place = isWatch ? 'between' : 'before'
  }

  /** How many elements begin in these bytes. */
  receive(bytes: Uint8Array): number {
    let count = 0
    let at = 0
    while (at < bytes.length && this.#place !== 'behind') {
      if (this.#place === 'before') {
        at = this.#cutter.findList(bytes, at)
        if (this.#cutter.isAtList) this.#place = 'between'
      } else if (this.#place === 'within') {
        at = this.#cutter.findEnd(bytes, at)
        if (this.#cutter.isComplete) this.#place = 'between'
      } else {
        at = skipSpace(bytes, at)
        const byte = bytes[at]
        if (byte === undefined) break
        if (byte === COMMA) at += 1
        else if (byte === CLOSE_ARRAY && !this.#isWatch) this.#place = 'behind'
        else {
          count += 1
          this.#cutter.begin()
          this.#place = 'within'
        }
      }
    }
    return count
  }
}
