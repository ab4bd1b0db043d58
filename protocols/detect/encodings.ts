// Reads bytes out of text that stands for them: as they are, base64 at any of its three alignments, hexadecimal digits, and
// the escapes of JSON and of URLs. Whatever way of escaping was taken, the same bytes come out.

import { ESCAPED, LONGEST_GAP, PASSED } from './passed.ts'

/** How a value may be written. One bit each, so that a set of them is a number. */
export const RAW = 1
export const BASE64 = 2
/** Base64 where the value begins at a group's second, and its third byte. */
export const BASE64_SECOND = 4
export const BASE64_THIRD = 8
export const HEX = 16
export const JSON_ESCAPED = 32
export const URL_ESCAPED = 64
/** JSON in a string of JSON, and that again: any number of backslashes in front of what they escape. */
export const JSON_NESTED = 128

/** What `next` returns in place of a byte: the form is over, or more text must come to tell. */
export const OVER = -1
export const MORE = -2

const LF = 0x0a
const CR = 0x0d
const BACKSLASH = 0x5c
const N = 0x6e
const R = 0x72
const INVALID = 0xff

const BASE64_VALUES = new Uint8Array(256).fill(INVALID)
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
for (let at = 0; at < ALPHABET.length; at++) BASE64_VALUES[ALPHABET.charCodeAt(at)] = at
for (const character of '+-') BASE64_VALUES[character.charCodeAt(0)] = 62
for (const character of '/_') BASE64_VALUES[character.charCodeAt(0)] = 63
const HEX_VALUES = new Uint8Array(256).fill(INVALID)
for (const digits of ['0123456789abcdef', '0123456789ABCDEF']) {
  for (let at = 0; at < 16; at++) HEX_VALUES[digits.charCodeAt(at)] = at
}
const ESCAPES = new Map([...'"\\/bfnrt'].map((letter, at) => [letter.charCodeAt(0), '"\\/\b\f\n\r\t'.charCodeAt(at)]))

/** Reads one form of a value from a place on. One object is used for all places. */
export class FormReader {
  #text: Uint8Array = new Uint8Array(0)
  #end = 0
  #form = RAW
  /** Behind the last character that was read. */
  at = 0
  /** Base64: bits that are no byte yet, and how many. */
  #bits = 0
  #bitCount = 0
  /** Further bytes of a character that one escape stands for, the next one lowest. */
  #queued = 0

  start(form: number, text: Uint8Array, at: number, end: number): void {
    this.#form = form
    this.#text = text
    this.#end = end
    this.at = at
    this.#bits = 0
    this.#bitCount = 0
    this.#queued = 0
    // Characters whose bits belong to a group that began before the value.
    if (form === BASE64_SECOND) this.#skip(2)
    else if (form === BASE64_THIRD) this.#skip(1)
  }

  /** The next byte, OVER or MORE. What is passed over within base64 and hexadecimal digits is passed over. */
  next(): number {
    switch (this.#form) {
      case RAW:
        return this.at < this.#end ? this.#text[this.at++]! : MORE
      case HEX:
        return this.#hex()
      case JSON_ESCAPED:
        return this.#json()
      case JSON_NESTED:
        return this.#nested()
      case URL_ESCAPED:
        return this.#url()
      default:
        return this.#base64()
    }
  }

  #skip(count: number): void {
    for (; count > 0; count--) this.#digit(BASE64_VALUES)
  }

  /** The value of the next digit. */
  #digit(values: Uint8Array): number {
    const most = this.at + LONGEST_GAP
    let state = 0
    for (;;) {
      if (this.at > most) return OVER
      if (this.at >= this.#end) return MORE
      const octet = this.#text[this.at]!
      state = PASSED[(state & ESCAPED) * 128 + octet]!
      if (state === 0) {
        const value = values[octet]!
        if (value === INVALID) return OVER
        this.at += 1
        return value
      }
      this.at += 1
    }
  }

  #base64(): number {
    while (this.#bitCount < 8) {
      const value = this.#digit(BASE64_VALUES)
      if (value < 0) return value
      this.#bits = ((this.#bits << 6) | value) & 0xffff
      this.#bitCount += 6
    }
    this.#bitCount -= 8
    return (this.#bits >>> this.#bitCount) & 0xff
  }

  #hex(): number {
    const high = this.#digit(HEX_VALUES)
    if (high < 0) return high
    const low = this.#digit(HEX_VALUES)
    return low < 0 ? low : (high << 4) | low
  }

  #url(): number {
    if (this.at >= this.#end) return MORE
    const octet = this.#text[this.at]!
    if (octet === 0x2b) {
      this.at += 1
      return 0x20
    }
    if (octet !== 0x25) {
      this.at += 1
      return octet
    }
    if (this.at + 2 >= this.#end) return MORE
    const high = HEX_VALUES[this.#text[this.at + 1]!]!
    const low = HEX_VALUES[this.#text[this.at + 2]!]!
    if (high === INVALID || low === INVALID) return OVER
    this.at += 3
    return (high << 4) | low
  }

  #json(): number {
    if (this.#queued !== 0) {
      const octet = this.#queued & 0xff
      this.#queued >>>= 8
      return octet
    }
    if (this.at >= this.#end) return MORE
    const octet = this.#text[this.at]!
    if (octet === 0x22) return OVER
    if (octet !== BACKSLASH) {
      this.at += 1
      return octet
    }
    if (this.at + 1 >= this.#end) return MORE
    const letter = this.#text[this.at + 1]!
    if (letter === 0x75) return this.#unicode(this.at + 1)
    const meant = ESCAPES.get(letter)
    if (meant === undefined) return OVER
    this.at += 2
    return meant
  }

  /** As #json, but that the number of backslashes says nothing: what is behind them is what they escape, or itself. */
  #nested(): number {
    if (this.#queued !== 0) {
      const octet = this.#queued & 0xff
      this.#queued >>>= 8
      return octet
    }
    const place = this.#behindBackslashes(this.at)
    if (place < 0) return place
    const letter = this.#text[place]!
    if (place === this.at) {
      if (letter === 0x22) return OVER
      this.at += 1
      return letter
    }
    if (letter === 0x75) {
      const character = this.#unicode(place)
      if (character !== OVER) return character
    }
    this.at = place + 1
    return ESCAPES.get(letter) ?? letter
  }

  /** The place of the first other character from `at` on; MORE, or OVER for too many. */
  #behindBackslashes(at: number): number {
    const most = at + LONGEST_GAP
    while (at < this.#end && this.#text[at] === BACKSLASH) at += 1
    if (at >= this.#end) return MORE
    return at > most ? OVER : at
  }

  /** \uXXXX, its "u" at `place`, and pairs of them, as the bytes of UTF-8. */
  #unicode(place: number): number {
    const unit = this.#unit(place)
    if (unit < 0) return unit
    let point = unit
    let to = place + 5
    if (unit >= 0xd800 && unit < 0xdc00) {
      const second = this.#behindBackslashes(to)
      if (second < 0) return second
      if (second === to || this.#text[second] !== 0x75) return OVER
      const low = this.#unit(second)
      if (low < 0) return low
      point = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff)
      to = second + 5
    }
    this.at = to
    if (point < 0x80) return point
    if (point < 0x800) {
      this.#queued = 0x80 | (point & 0x3f)
      return 0xc0 | (point >>> 6)
    }
    if (point < 0x10000) {
      this.#queued = 0x80 | ((point >>> 6) & 0x3f) | ((0x80 | (point & 0x3f)) << 8)
      return 0xe0 | (point >>> 12)
    }
    this.#queued =
      0x80 | ((point >>> 12) & 0x3f) | ((0x80 | ((point >>> 6) & 0x3f)) << 8) | ((0x80 | (point & 0x3f)) << 16)
    return 0xf0 | (point >>> 18)
  }

  /** Of the four digits behind the "u" at `at`. */
  #unit(at: number): number {
    if (at + 5 > this.#end) return MORE
    let unit = 0
    for (let digit = at + 1; digit < at + 5; digit++) {
      const value = HEX_VALUES[this.#text[digit]!]!
      if (value === INVALID) return OVER
      unit = (unit << 4) | value
    }
    return unit
  }
}

/**
 * How many bytes of a line end stand at `at`: 1 for CR and LF, 2 for their JSON escapes, 0 for anything else, -1 where the
 * text ends before it can be told.
 */
export function lineEndWidth(text: Uint8Array, at: number, end: number): number {
  const octet = text[at]
  if (octet === LF || octet === CR) return 1
  if (octet !== BACKSLASH) return 0
  if (at + 1 >= end) return -1
  return text[at + 1] === N || text[at + 1] === R ? 2 : 0
}

const EACH = 0x01010101
const HIGH = 0x80808080 | 0

/** The first CR, LF or backslash from `at`, or `end`. Four bytes at a time: `words` is over the memory of `text`. */
export function nextLineEndByte(text: Uint8Array, words: Int32Array, at: number, end: number): number {
  for (; at < end && (at & 3) !== 0; at++) if (isLineEndByte(text[at]!)) return at
  const last = end >>> 2
  let index = at >>> 2
  for (; index < last; index++) {
    // A byte is zero where subtracting one borrows from its highest bit, and that was not set.
    const word = words[index]!
    const lf = word ^ (LF * EACH)
    const cr = word ^ (CR * EACH)
    const backslash = word ^ (BACKSLASH * EACH)
    if (((((lf - EACH) & ~lf) | ((cr - EACH) & ~cr) | ((backslash - EACH) & ~backslash)) & HIGH) !== 0) break
  }
  for (at = Math.max(at, index << 2); at < end; at++) if (isLineEndByte(text[at]!)) return at
  return end
}

function isLineEndByte(octet: number): boolean {
  return octet === LF || octet === CR || octet === BACKSLASH
}

/** The bytes without line ends, in both their forms. */
export function withoutLineEnds(bytes: Uint8Array): Uint8Array {
  const kept: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const width = lineEndWidth(bytes, at, bytes.length)
    if (width <= 0) kept.push(bytes[at]!)
    at += Math.max(1, width)
  }
  return Uint8Array.from(kept)
}
