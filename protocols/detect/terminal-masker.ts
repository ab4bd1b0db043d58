// A terminal's output: escape sequences within a value do not hide it, and stay where they are. It is looked through twice: as
// it stands, for what control strings hold (titles, links, clipboards), and then without its sequences.

import type { Shown, TextMasked, TextMasker } from '../kube/text-masker.ts'
import { ESC, EscapeSequences } from './escape-sequences.ts'

const NOTHING = new Uint8Array(0)

export class TerminalMasker implements TextMasker {
  readonly #whole: TextMasker
  readonly #plain: TextMasker
  readonly #sequences: EscapeSequences
  // What the first look has given out and the second holds back, with 1 for what it looks at.
  #original: Uint8Array = NOTHING
  #masked: Uint8Array = NOTHING
  #isPlain: Uint8Array = NOTHING
  #isSequenced = false

  /** Two fresh maskers, for the two looks. `longestString`: of a control string. */
  constructor(whole: TextMasker, plain: TextMasker, longestString: number) {
    this.#whole = whole
    this.#plain = plain
    this.#sequences = new EscapeSequences(longestString)
  }

  get held(): number {
    return this.#whole.held + this.#original.length
  }

  receive(bytes: Uint8Array): Shown {
    return this.#pass(this.#look(bytes), (plain) => this.#plain.receive(plain))
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
    const first = this.#original.length
    if (first === 0 && this.#sequences.isText && shown.original.indexOf(ESC) === -1) return this.#passText(shown, look)
    const original = concat(this.#original, shown.original)
    const masked =
      shown.masked === shown.original ? concat(this.#masked, shown.original) : concat(this.#masked, shown.masked)
    const isPlain = concat(this.#isPlain, new Uint8Array(shown.original.length))
    const plain = new Uint8Array(shown.original.length)
    let length = 0
    for (let at = first; at < original.length; at++) {
      if (this.#sequences.take(original[at]!)) continue
      isPlain[at] = 1
      plain[length++] = masked[at]!
    }
    const looked = look(plain.subarray(0, length)).masked
    let to = 0
    for (let taken = 0; to < original.length; to++) {
      if (isPlain[to] !== 1) continue
      if (taken === looked.length) break
      masked[to] = looked[taken++]!
    }
    this.#original = original.slice(to)
    this.#masked = masked.slice(to)
    this.#isPlain = isPlain.slice(to)
    const given = original.subarray(0, to)
    const out = masked.subarray(0, to)
    return { original: given, masked: Buffer.compare(given, out) === 0 ? given : out }
  }

  /** The first look. Up to the first sequence it would see what the second sees. */
  #look(bytes: Uint8Array): Shown {
    if (this.#isSequenced) return this.#whole.receive(bytes)
    const at = bytes.indexOf(ESC)
    if (at === -1) return { original: bytes, masked: bytes }
    this.#isSequenced = true
    const shown = this.#whole.receive(bytes.subarray(at))
    const before = bytes.subarray(0, at)
    return { original: concat(before, shown.original), masked: concat(before, shown.masked) }
  }

  /** What has no sequence in it, with nothing held before it. */
  #passText(shown: Shown, look: (plain: Uint8Array) => Shown): Shown {
    const looked = look(shown.masked).masked
    const given = shown.original.subarray(0, looked.length)
    this.#original = new Uint8Array(shown.original.subarray(looked.length))
    this.#masked = new Uint8Array(shown.masked.subarray(looked.length))
    this.#isPlain = new Uint8Array(this.#original.length).fill(1)
    return { original: given, masked: Buffer.compare(given, looked) === 0 ? given : looked }
  }
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length)
  joined.set(first)
  joined.set(second, first.length)
  return joined
}

function join(first: Shown, second: Shown): Shown {
  // The first is borrowed until the second was asked for: both are copies or of the caller's own bytes.
  return { original: concat(first.original, second.original), masked: concat(first.masked, second.masked) }
}
