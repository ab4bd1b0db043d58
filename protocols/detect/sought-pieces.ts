// The pieces of a value that are looked for, each by itself: a value that is long, that repeats itself or that has many line
// ends in a row is learned in parts. Leaves out what is too short, what is an ordinary word, and what a mask would not change.

import { maskedFrom } from './beginnings.ts'
import { byteClass } from './classes.ts'
import { SHORTEST_PIECE } from './first-grams.ts'
import { isDistinct } from './learnable.ts'
import { MaskWriter } from './mask-text.ts'
import { ESCAPED, PASSED, withoutPassed } from './passed.ts'

/**
 * A value that has more bytes in a row that are passed over (passed.ts) is learned in parts: so that its first four others,
 * escaped, are within LONGEST_GAP.
 */
const LONGEST_PASSED = 8
/** What repeats itself over so many bytes is learned in parts of this length: it begins at many places, and may be followed no further. */
const REPETITIVE = 64
/** What begins with a repetition this long or shorter. */
const LONGEST_PERIOD = REPETITIVE / 2
/** Of what stands around a value: indentation and quotes. */
const KEPT = byteClass(' \t"')
const BACKSLASH = 0x5c

export class SoughtPieces {
  readonly #longest: number
  readonly #shortest: number
  readonly #writer = new MaskWriter()

  /** In bytes: of a piece, and of what is worth looking for. */
  constructor(longest: number, shortest: number) {
    this.#longest = longest
    this.#shortest = shortest
  }

  /** Views of the value. */
  of(value: Uint8Array): Uint8Array[] {
    return partsOf(value)
      .filter((part) => this.#isSought(part))
      .flatMap((part) => piecesOf(part, this.#longest))
      .flatMap((piece) => (isRepetitive(withoutPassed(piece)) ? piecesOf(piece, REPETITIVE) : piece))
      .filter((piece) => piece.length >= SHORTEST_PIECE)
  }

  #isSought(part: Uint8Array): boolean {
    const sequence = withoutPassed(part)
    let [from, to] = [0, sequence.length]
    while (from < to && KEPT[sequence[from]!] === 1) from += 1
    while (to > from && KEPT[sequence[to - 1]!] === 1) to -= 1
    return to - from >= this.#shortest && isDistinct(sequence) && this.#isMasked(part)
  }

  /** By itself, and behind a backslash, of whose escape it may be the other half: that is kept. */
  #isMasked(part: Uint8Array): boolean {
    const text = new Uint8Array(1 + part.length)
    text.set(part, 1)
    for (const before of [0, BACKSLASH]) {
      text[0] = before
      const from = maskedFrom(text, 1, text.length)
      const masked = new Uint8Array(text)
      this.#writer.write(text, masked, 0, from, text.length, false, 0, false)
      if (Buffer.compare(masked, text) === 0) return false
    }
    return true
  }
}

/** A value where it is parted by more than LONGEST_PASSED bytes that are passed over, without those around the parts. */
function partsOf(value: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = []
  let from = -1
  let to = 0
  let state = 0
  for (let at = 0; at < value.length; at++) {
    state = PASSED[(state & ESCAPED) * 128 + value[at]!]!
    if (state !== 0) continue
    if (from !== -1 && at - to > LONGEST_PASSED) {
      parts.push(value.subarray(from, to))
      from = -1
    }
    if (from === -1) from = at
    to = at + 1
  }
  if (from !== -1) parts.push(value.subarray(from, to))
  return parts
}

/** A value, or parts of it of about the same length; no part begins within a character. */
function piecesOf(value: Uint8Array, length: number): Uint8Array[] {
  if (value.length <= length) return [value]
  const count = Math.ceil(value.length / length)
  const pieces: Uint8Array[] = []
  let from = 0
  for (let piece = 1; piece <= count; piece++) {
    let to = Math.round((value.length * piece) / count)
    for (let back = 0; back < 3 && to < value.length && (value[to]! & 0xc0) === 0x80; back++) to -= 1
    pieces.push(value.subarray(from, to))
    from = to
  }
  return pieces
}

/** Whether the first bytes repeat themselves ("abcd" over and over). */
function isRepetitive(sequence: Uint8Array): boolean {
  if (sequence.length <= REPETITIVE) return false
  for (let period = 1; period <= LONGEST_PERIOD; period++) {
    let at = period
    while (at < REPETITIVE && sequence[at] === sequence[at - period]) at += 1
    if (at === REPETITIVE) return true
  }
  return false
}
