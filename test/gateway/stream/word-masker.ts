// A masker of given words, for tests of what is around maskers: what a masker may do by its contract it does, and its
// memory is written over at every call, so that a view of it that was kept too long shows.

import type { Shown, TextMasked, TextMasker } from '../../../protocols/kube/text-masker.ts'

const NOTHING = new Uint8Array(0)
const MASK = 0x7e
const POISON = 0x21
/** As much of a word as is masked although its end has not come. */
const SURE = 6

export class WordMasker implements TextMasker {
  readonly #words: readonly Buffer[]
  /** Held back, as it came. */
  #tail = Buffer.alloc(0)
  /** The part of a word that was let go of by a flush. */
  #gone = Buffer.alloc(0)
  #count = 0
  #lent: Uint8Array[] = []

  constructor(words: readonly string[]) {
    this.#words = words.map((word) => Buffer.from(word))
  }

  get held(): number {
    return this.#tail.length
  }

  receive(bytes: Uint8Array): Shown {
    if (this.#gone.length > 0 && bytes.length > 0) return this.#goOn(bytes)
    return this.#mask(bytes, bytes, false)
  }

  flush(): Shown {
    const held = this.#tail
    this.#tail = Buffer.alloc(0)
    this.#gone = Buffer.concat([this.#gone, held])
    const shown = Buffer.from(held)
    if (held.length >= SURE) {
      shown.fill(MASK)
      this.#count += 1
    }
    return this.#lend(held, shown)
  }

  end(): Shown {
    this.#gone = Buffer.alloc(0)
    return this.#mask(NOTHING, undefined, true)
  }

  taken(): TextMasked | undefined {
    if (this.#count === 0) return undefined
    const taken = { rules: 'word', count: this.#count }
    this.#count = 0
    return taken
  }

  /** Behind a flush: the rest of a word is masked as well. */
  #goOn(bytes: Uint8Array): Shown {
    const begun = this.#gone
    this.#gone = Buffer.alloc(0)
    for (const word of this.#words) {
      const rest = word.subarray(begun.length)
      if (!word.subarray(0, begun.length).equals(begun) || rest.length > bytes.length) continue
      if (!rest.equals(bytes.subarray(0, rest.length))) continue
      this.#count += 1
      const behind = this.#mask(bytes.subarray(rest.length), undefined, false)
      const original = Buffer.concat([rest, behind.original])
      return this.#lend(original, Buffer.concat([Buffer.alloc(rest.length, MASK), behind.masked]))
    }
    return this.#mask(bytes, bytes, false)
  }

  #mask(bytes: Uint8Array, untouched: Uint8Array | undefined, isLast: boolean): Shown {
    const all = Buffer.concat([this.#tail, bytes])
    const masked = Buffer.from(all)
    let end = 0
    for (let at = 0; at < all.length; at++) {
      const word = this.#words.find((one) => all.subarray(at, at + one.length).equals(one))
      if (word === undefined) continue
      masked.fill(MASK, at, at + word.length)
      this.#count += 1
      at += word.length - 1
      end = at + 1
    }
    let free = all.length
    if (!isLast) {
      for (let at = end; at < all.length; at++) {
        if (!this.#words.some((word) => word.subarray(0, all.length - at).equals(all.subarray(at)))) continue
        free = at
        break
      }
    }
    const wasEmpty = this.#tail.length === 0
    this.#tail = Buffer.from(all.subarray(free))
    if (untouched !== undefined && wasEmpty && masked.equals(untouched)) {
      const view = untouched.subarray(0, free)
      return { original: view, masked: view }
    }
    return this.#lend(all.subarray(0, free), masked.subarray(0, free))
  }

  #lend(original: Uint8Array, masked: Uint8Array): Shown {
    for (const lent of this.#lent) lent.fill(POISON)
    const one = Uint8Array.from(original)
    const other = Buffer.compare(original, masked) === 0 ? one : Uint8Array.from(masked)
    this.#lent = [one, other]
    return { original: one, masked: other }
  }
}
