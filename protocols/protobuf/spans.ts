// Bytes of a message and what stands in place of spans of them. A length that precedes a changed span is a span itself, whose
// place is taken before it is known whether it will change.

import { varintLength, writeVarint } from './wire.ts'

const NOTHING = Buffer.alloc(0)

export class Spans {
  #bytes: Buffer = NOTHING
  readonly #from: number[] = []
  readonly #to: number[] = []
  readonly #inPlace: Uint8Array[] = []

  /** Forgets what was masked before: these are the bytes from now on, and borrowed. */
  begin(bytes: Buffer): void {
    this.#bytes = bytes
    this.forget()
  }

  /** Nothing stands in place of anything, in the same bytes. */
  forget(): void {
    this.#from.length = 0
    this.#to.length = 0
    this.#inPlace.length = 0
  }

  /** Whether a mask stands anywhere: lengths may be the same nevertheless. */
  get isChanged(): boolean {
    return this.#from.length > 0
  }

  /** Writes the bytes from `from` to `to` as they are masked; returns the place behind them. */
  copy(from: number, to: number, into: Uint8Array, at: number): number {
    const bytes = this.#bytes
    let done = from
    for (let index = 0; index < this.#from.length; index += 1) {
      const start = this.#from[index]!
      const inPlace = this.#inPlace[index]!
      into.set(bytes.subarray(done, start), at)
      at += start - done
      into.set(inPlace, at)
      at += inPlace.length
      done = this.#to[index]!
    }
    into.set(bytes.subarray(done, to), at)
    return at + to - done
  }

  /** A place for the length of what comes next, in case that masks change it. */
  open(lengthAt: number, from: number): number {
    this.#span(lengthAt, from, NOTHING)
    return this.#from.length - 1
  }

  /** `length`: as it was. Returns the change with that of the length's own bytes. */
  close(slot: number, length: number, change: number): number {
    if (slot === this.#from.length - 1) {
      this.#from.length = slot
      this.#to.length = slot
      this.#inPlace.length = slot
      return 0
    }
    const from = this.#from[slot]!
    const to = this.#to[slot]!
    if (change === 0) {
      this.#inPlace[slot] = this.#bytes.subarray(from, to)
      return 0
    }
    const written = Buffer.allocUnsafe(varintLength(length + change))
    writeVarint(written, 0, length + change)
    this.#inPlace[slot] = written
    return change + written.length - (to - from)
  }

  replace(lengthAt: number, to: number, by: Uint8Array): number {
    const lengthBytes = varintLength(by.length)
    const written = Buffer.allocUnsafe(lengthBytes + by.length)
    writeVarint(written, 0, by.length)
    written.set(by, lengthBytes)
    this.#span(lengthAt, to, written)
    return written.length - (to - lengthAt)
  }

  #span(from: number, to: number, inPlace: Uint8Array): void {
    this.#from.push(from)
    this.#to.push(to)
    this.#inPlace.push(inPlace)
  }
}
