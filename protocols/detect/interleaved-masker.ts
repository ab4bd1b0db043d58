// Text with something between that is none, and does not hide a value: escape sequences of a terminal, timestamps before lines.
// It is looked through twice: as it stands, for what control strings hold (titles, links, clipboards) and for values that have an
// ESC of their own, and then without what is between, which stays where it is.

import type { Shown, TextMasked, TextMasker } from '../kube/text-masker.ts'
import type { StreamMasker } from './masker.ts'
import { Waiting } from './waiting.ts'

const NOTHING = new Uint8Array(0)
/** For each byte of text so many others may stand beside it: a colour of 24 bits and its end are 23, a timestamp is 36 at most. */
const PER_BYTE = 32

/** While no more bytes are held, none wait. */
const FEW = 4_096
const NOTHING_SHOWN: Shown = { original: NOTHING, masked: NOTHING }

/** How the second look goes on: more may come; nothing has come for a while; nothing comes any more. */
type Ending = 'more' | 'flush' | 'end'

/** Tells what stands between text, for one stream. */
export interface Interleaved {
  /** Whether text goes on. */
  readonly isText: boolean
  /** In text: the first place from `at` that is none, or -1. It may be the end: then what comes next is none. */
  next(bytes: Uint8Array, at: number): number
  /** That place is reached. */
  begin(): void
  /** Not in text: takes a byte; false if it is text, and text goes on with it. */
  take(octet: number): boolean
}

export class InterleavedMasker implements TextMasker {
  readonly #whole: StreamMasker
  readonly #plain: StreamMasker
  readonly #between: Interleaved
  // What the first look has given out and the second holds back; the same array if the first masks none of it.
  #original: Uint8Array = NOTHING
  #masked: Uint8Array = NOTHING
  /** With 1 for what of it the second looks at; undefined if all. */
  #isPlain: Uint8Array | undefined
  readonly #mostBetween: number
  /** Bytes between text that came, without PER_BYTE for each of text. */
  #bytesBetween = 0
  /** What has come and was not looked at. */
  readonly #waiting = new Waiting()

  /**
   * Two fresh maskers, for the two looks. `mostBetween`: where more bytes that are no text stand within it, a value is over, as
   * behind a flush: else they would be held without end.
   */
  constructor(whole: StreamMasker, plain: StreamMasker, between: Interleaved, mostBetween: number) {
    this.#whole = whole
    this.#plain = plain
    this.#between = between
    this.#mostBetween = mostBetween
  }

  get held(): number {
    return this.#whole.held + this.#original.length + this.#waiting.length
  }

  receive(bytes: Uint8Array): Shown {
    const again = this.#original.length
    if (again <= FEW || this.#waiting.isWorth(bytes, again)) return this.#receive(this.#waiting.take(bytes))
    this.#waiting.add(bytes)
    return NOTHING_SHOWN
  }

  flush(): Shown {
    const come = this.#come()
    return join(come, this.#pass(this.#whole.flush(), 'flush'))
  }

  end(): Shown {
    const come = this.#come()
    return join(come, this.#pass(this.#whole.end(), 'end'))
  }

  taken(): TextMasked | undefined {
    const [whole, plain] = [this.#whole.taken(), this.#plain.taken()]
    if (whole === undefined || plain === undefined) return whole ?? plain
    const rules = new Set([...whole.rules.split(', '), ...plain.rules.split(', ')])
    return { rules: [...rules].sort().join(', '), count: whole.count + plain.count }
  }

  #receive(bytes: Uint8Array): Shown {
    return this.#pass(this.#whole.receive(bytes), 'more')
  }

  #come(): Shown | undefined {
    return this.#waiting.length === 0 ? undefined : this.#receive(this.#waiting.take(NOTHING))
  }

  #pass(shown: Shown, ending: Ending): Shown {
    if (this.#isPlain === undefined && this.#masked === this.#original && shown.masked === shown.original) {
      if (this.#between.isText && this.#between.next(shown.original, 0) === -1)
        return this.#passText(shown.original, ending)
    }
    const first = this.#original.length
    const original = concat(this.#original, shown.original)
    const masked = concat(this.#masked, shown.masked)
    const isPlain = new Uint8Array(original.length)
    if (this.#isPlain === undefined) isPlain.fill(1, 0, first)
    else isPlain.set(this.#isPlain)
    const held = this.#plain.held
    const breaks: number[] = []
    const plain = this.#textOf(masked, original, isPlain, first, breaks)
    const looked = this.#look(plain, breaks, ending)
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

  /** What is text alone, nor the first look has masked, with nothing else held before it: as the second look shows it. */
  #passText(bytes: Uint8Array, ending: Ending): Shown {
    this.#bytesBetween = Math.max(0, this.#bytesBetween - bytes.length * PER_BYTE)
    const looked = this.#look(bytes, [], ending)
    const left = this.#original.length + bytes.length - looked.masked.length
    if (left <= bytes.length) this.#original = new Uint8Array(bytes.subarray(bytes.length - left))
    else this.#original = concat(this.#original, bytes).slice(-left)
    this.#masked = this.#original
    return looked
  }

  /** The second look, with a flush at each of `breaks`. */
  #look(plain: Uint8Array, breaks: readonly number[], ending: Ending): Shown {
    let shown: Shown | undefined
    let from = 0
    for (const to of breaks) {
      shown = join(shown, this.#plain.receive(plain.subarray(from, to)))
      shown = join(shown, this.#plain.flush())
      from = to
    }
    shown = join(shown, this.#plain.receive(plain.subarray(from)))
    if (ending === 'flush') return join(shown, this.#plain.flush())
    return ending === 'end' ? join(shown, this.#plain.end()) : shown
  }

  /**
   * The bytes of `masked` from `at` on that are text in `original`; notes which these are, and behind how many of them too much
   * else has come.
   */
  #textOf(masked: Uint8Array, original: Uint8Array, isPlain: Uint8Array, at: number, breaks: number[]): Uint8Array {
    const plain = new Uint8Array(original.length - at)
    let length = 0
    while (at < original.length) {
      if (!this.#between.isText && this.#between.take(original[at]!)) {
        at += 1
        this.#came(length, breaks)
        continue
      }
      const next = this.#between.next(original, at)
      const to = next === -1 ? original.length : next
      plain.set(masked.subarray(at, to), length)
      isPlain.fill(1, at, to)
      length += to - at
      this.#bytesBetween = Math.max(0, this.#bytesBetween - (to - at) * PER_BYTE)
      if (next !== -1) this.#between.begin()
      at = to
    }
    return plain.subarray(0, length)
  }

  /** A byte between text has come, behind `length` bytes of text. */
  #came(length: number, breaks: number[]): void {
    this.#bytesBetween += 1
    if (this.#bytesBetween <= this.#mostBetween) return
    this.#bytesBetween = 0
    breaks.push(length)
  }
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length)
  joined.set(first)
  joined.set(second, first.length)
  return joined
}

function join(first: Shown | undefined, second: Shown): Shown {
  if (first === undefined || first.original.length === 0) return second
  if (second.original.length === 0) return first
  // The first is borrowed until the second was asked for: both are copies or of the caller's own bytes.
  const original = concat(first.original, second.original)
  if (first.masked === first.original && second.masked === second.original) return { original, masked: original }
  return { original, masked: concat(first.masked, second.masked) }
}
