// A terminal's output: escape sequences within a value do not hide it, and stay where they are. It is looked through twice: as
// it stands, for what control strings hold (titles, links, clipboards) and for values that have an ESC of their own, and then
// without its sequences.

import type { Shown, TextMasked, TextMasker } from '../kube/text-masker.ts'
import { ESC, EscapeSequences } from './escape-sequences.ts'
import type { StreamMasker } from './masker.ts'

const NOTHING = new Uint8Array(0)

export class TerminalMasker implements TextMasker {
  readonly #whole: StreamMasker
  readonly #plain: StreamMasker
  readonly #sequences: EscapeSequences
  // What the first look has given out and the second holds back; the same array if the first masks none of it.
  #original: Uint8Array = NOTHING
  #masked: Uint8Array = NOTHING
  /** With 1 for what of it the second looks at; undefined if all. */
  #isPlain: Uint8Array | undefined

  /** Two fresh maskers, for the two looks. `longestString`: of a control string. */
  constructor(whole: StreamMasker, plain: StreamMasker, longestString: number) {
    this.#whole = whole
    this.#plain = plain
    this.#sequences = new EscapeSequences(longestString)
  }

  get held(): number {
    return this.#whole.held + this.#original.length
  }

  receive(bytes: Uint8Array): Shown {
    return this.#pass(this.#whole.receive(bytes), (plain) => this.#plain.receive(plain))
  }

  flush(): Shown {
    return this.#pass(this.#whole.flush(), (plain) => join(this.#plain.receive(plain), this.#plain.flush()))
  }

  end(): Shown {
    return this.#pass(this.#whole.end(), (plain) => join(this.#plain.receive(plain), this.#plain.end()))
  }

  taken(): TextMasked | undefined {
    const [whole, plain] = [this.#whole.taken(), this.#plain.taken()]
    if (whole === undefined || plain === undefined) return whole ?? plain
    const rules = new Set([...whole.rules.split(', '), ...plain.rules.split(', ')])
    return { rules: [...rules].sort().join(', '), count: whole.count + plain.count }
  }

  #pass(shown: Shown, look: (plain: Uint8Array) => Shown): Shown {
    if (this.#isPlain === undefined && this.#masked === this.#original && shown.masked === shown.original) {
      if (this.#sequences.isText && shown.original.indexOf(ESC) === -1) return this.#passText(shown.original, look)
    }
    const first = this.#original.length
    const original = concat(this.#original, shown.original)
    const masked = concat(this.#masked, shown.masked)
    const isPlain = new Uint8Array(original.length)
    if (this.#isPlain === undefined) isPlain.fill(1, 0, first)
    else isPlain.set(this.#isPlain)
    const plain = this.#withoutSequences(masked, original, isPlain, first)
    const held = this.#plain.held
    const looked = look(plain)
    // Up to the first byte that the second look holds back.
    let to = original.length
    for (let left = held + plain.length - looked.masked.length; left > 0; ) if (isPlain[--to] === 1) left -= 1
    if (looked.masked !== looked.original) {
      for (let at = 0, taken = 0; at < to; at++) if (isPlain[at] === 1) masked[at] = looked.masked[taken++]!
    }
    const isSame = Buffer.compare(original.subarray(to), masked.subarray(to)) === 0
    this.#original = original.slice(to)
    this.#masked = isSame ? this.#original : masked.slice(to)
    this.#isPlain = isPlain.indexOf(0, to) === -1 ? undefined : isPlain.slice(to)
    const given = original.subarray(0, to)
    const out = masked.subarray(0, to)
    return { original: given, masked: Buffer.compare(given, out) === 0 ? given : out }
  }

  /** What has no sequence in it, nor the first look has masked, with nothing else held before it: as the second look shows it. */
  #passText(bytes: Uint8Array, look: (plain: Uint8Array) => Shown): Shown {
    const looked = look(bytes)
    const left = this.#original.length + bytes.length - looked.masked.length
    if (left <= bytes.length) this.#original = new Uint8Array(bytes.subarray(bytes.length - left))
    else this.#original = concat(this.#original, bytes).slice(-left)
    this.#masked = this.#original
    return looked
  }

  /** The bytes of `masked` from `at` on that belong to no sequence of `original`; notes which these are. */
  #withoutSequences(masked: Uint8Array, original: Uint8Array, isPlain: Uint8Array, at: number): Uint8Array {
    const plain = new Uint8Array(original.length - at)
    let length = 0
    while (at < original.length) {
      if (!this.#sequences.isText) {
        this.#sequences.take(original[at++]!)
        continue
      }
      const sequence = indexOf(original, ESC, at)
      plain.set(masked.subarray(at, sequence), length)
      isPlain.fill(1, at, sequence)
      length += sequence - at
      if (sequence < original.length) this.#sequences.take(ESC)
      at = sequence + 1
    }
    return plain.subarray(0, length)
  }
}

/** The place of an octet from `at` on, or the end. */
function indexOf(bytes: Uint8Array, octet: number, at: number): number {
  const place = bytes.indexOf(octet, at)
  return place === -1 ? bytes.length : place
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length)
  joined.set(first)
  joined.set(second, first.length)
  return joined
}

function join(first: Shown, second: Shown): Shown {
  if (first.original.length === 0) return second
  if (second.original.length === 0) return first
  // The first is borrowed until the second was asked for: both are copies or of the caller's own bytes.
  const original = concat(first.original, second.original)
  if (first.masked === first.original && second.masked === second.original) return { original, masked: original }
  return { original, masked: concat(first.masked, second.masked) }
}
