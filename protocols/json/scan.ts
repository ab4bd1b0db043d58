// Walks over JSON text as bytes, by RFC 8259 to the letter: where a string, a number, any value ends. Refuses what is no
// JSON, what nests deeper than is taken, and keys and numbers that are longer.

import type { Limits } from '../limits.ts'
import { JsonError } from './errors.ts'

export type JsonBounds = Pick<Limits['mask'], 'depth' | 'key' | 'number'>

export const QUOTE = 0x22
export const COMMA = 0x2c
export const COLON = 0x3a
export const OPEN_ARRAY = 0x5b
export const BACKSLASH = 0x5c
export const CLOSE_ARRAY = 0x5d
export const OPEN_OBJECT = 0x7b
export const CLOSE_OBJECT = 0x7d

/** Space, tab, line feed, carriage return. */
export function skipSpace(text: Uint8Array, at: number): number {
  for (;;) {
    const byte = text[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at += 1
  }
}

/** Characters that a backslash may stand before, other than "u". */
const ESCAPES = new Uint8Array(256)
for (const character of '"\\/bfnrt') ESCAPES[character.charCodeAt(0)] = 1
const HEX = new Uint8Array(256)
for (const character of '0123456789abcdefABCDEF') HEX[character.charCodeAt(0)] = 1

/** What stands for itself in a string: all but quotes, backslashes and control characters. */
const PLAIN = new Uint8Array(256).fill(1, 0x20)
PLAIN[QUOTE] = 0
PLAIN[BACKSLASH] = 0

/** Made once: an element that is cut by the end of the bytes at hand is no fault, and a new error costs as much as reading it. */
const CUT = new JsonError('json.string.cut', 'the text ends within a string')

/** `at` is at the opening quote; returns the place behind the closing one. Throws JsonError. */
export function skipString(text: Uint8Array, at: number): number {
  at += 1
  // Reading past the end would cost every later reading its speed.
  const end = text.length
  for (;;) {
    while (
      at + 4 <= end &&
      (PLAIN[text[at]!]! & PLAIN[text[at + 1]!]! & PLAIN[text[at + 2]!]! & PLAIN[text[at + 3]!]!) === 1
    )
      at += 4
    while (at < end && PLAIN[text[at]!] === 1) at += 1
    if (at >= end) throw CUT
    const byte = text[at]!
    if (byte === QUOTE) return at + 1
    if (byte < 0x20) throw new JsonError('json.string.control', 'a control character in a string')
    at = skipEscape(text, at)
  }
}

function skipEscape(text: Uint8Array, at: number): number {
  const next = text[at + 1]
  if (next !== undefined && ESCAPES[next] === 1) return at + 2
  if (next === 0x75) {
    let digits = 0
    while (digits < 4 && HEX[text[at + 2 + digits] ?? 0] === 1) digits += 1
    if (digits === 4) return at + 6
  }
  throw new JsonError('json.string.escape', 'an escape that JSON does not have')
}

/** The same for a key, which has a bound of its own. */
export function skipKey(text: Uint8Array, at: number, bounds: JsonBounds): number {
  if (text[at] !== QUOTE) throw new JsonError('json.key', 'an object without a key where one must be')
  const end = skipString(text, at)
  if (end - at > bounds.key) throw new JsonError('json.key.length', 'a key is longer than is taken')
  return end
}

/** From behind a key to its value. */
export function skipColon(text: Uint8Array, at: number): number {
  at = skipSpace(text, at)
  if (text[at] !== COLON) throw new JsonError('json.colon', 'a key without a colon')
  return skipSpace(text, at + 1)
}

function skipDigits(text: Uint8Array, at: number): number {
  for (;;) {
    const byte = text[at]
    if (byte === undefined || byte < 0x30 || byte > 0x39) return at
    at += 1
  }
}

function skipNumber(text: Uint8Array, start: number, bounds: JsonBounds): number {
  let at = text[start] === 0x2d ? start + 1 : start
  const whole = at
  at = text[at] === 0x30 ? at + 1 : skipDigits(text, at)
  let sound = at > whole
  if (text[at] === 0x2e) {
    const fraction = at + 1
    at = skipDigits(text, fraction)
    sound &&= at > fraction
  }
  if (text[at] === 0x65 || text[at] === 0x45) {
    const sign = text[at + 1]
    const exponent = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1
    at = skipDigits(text, exponent)
    sound &&= at > exponent
  }
  if (!sound) throw new JsonError('json.value', 'something that is no JSON value')
  if (at - start > bounds.number) throw new JsonError('json.number.length', 'a number is longer than is taken')
  return at
}

const WORDS: readonly Uint8Array[] = ['true', 'false', 'null'].map((word) => new TextEncoder().encode(word))

function skipWord(text: Uint8Array, at: number): number {
  for (const word of WORDS) {
    let same = 0
    while (same < word.length && text[at + same] === word[same]) same += 1
    if (same === word.length) return at + same
  }
  throw new JsonError('json.value', 'something that is no JSON value')
}

/** `at` is at a string, number or word. */
function skipScalar(text: Uint8Array, at: number, bounds: JsonBounds): number {
  const byte = text[at]
  if (byte === QUOTE) return skipString(text, at)
  if (byte === undefined) throw new JsonError('json.cut', 'the text ends before the value does')
  if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) return skipNumber(text, at, bounds)
  return skipWord(text, at)
}

/**
 * `at` is at the value's first byte; returns the place behind its last. `depth`: how many values it lies in. Iterative, so
 * nesting costs no stack. Throws JsonError.
 */
export function skipValue(text: Uint8Array, at: number, bounds: JsonBounds, depth = 0): number {
  const byte = text[at]
  return byte === OPEN_OBJECT || byte === OPEN_ARRAY
    ? skipNested(text, at, bounds, bounds.depth - depth)
    : skipScalar(text, at, bounds)
}

function skipNested(text: Uint8Array, at: number, bounds: JsonBounds, deepest: number): number {
  const closers: number[] = []
  for (;;) {
    const byte = text[at]
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (closers.length >= deepest) throw tooDeep()
      const closer = byte + 2
      at = skipSpace(text, at + 1)
      if (text[at] !== closer) {
        closers.push(closer)
        if (byte === OPEN_OBJECT) at = skipColon(text, skipKey(text, at, bounds))
        continue
      }
      at += 1
    } else {
      at = skipScalar(text, at, bounds)
    }
    // A value is complete: so may be those around it.
    for (;;) {
      const closer = closers[closers.length - 1]
      if (closer === undefined) return at
      at = nextPart(text, at, closer)
      if (at >= 0) {
        if (closer === CLOSE_OBJECT) at = skipColon(text, skipKey(text, at, bounds))
        break
      }
      closers.pop()
      at = ~at
    }
  }
}

export function tooDeep(): JsonError {
  return new JsonError('json.depth', 'values nest deeper than is taken')
}

/** From an opening bracket to the first key or element; where there is none, the complement (~) of the place behind `closer`. */
export function firstPart(text: Uint8Array, at: number, closer: number): number {
  at = skipSpace(text, at + 1)
  return text[at] === closer ? ~(at + 1) : at
}

/** From behind a value to the next key or element, or the complement of the place behind `closer`. Throws JsonError. */
export function nextPart(text: Uint8Array, at: number, closer: number): number {
  at = skipSpace(text, at)
  if (text[at] === COMMA) return skipSpace(text, at + 1)
  if (text[at] !== closer) throw new JsonError('json.separator', 'neither a comma nor the end where one must be')
  return ~(at + 1)
}

/** The place behind a value of a text that has been checked: by quotes and brackets alone. */
export function skipChecked(text: Uint8Array, at: number): number {
  let depth = 0
  for (;;) {
    const byte = text[at]!
    if (byte === QUOTE) at = closingQuote(text, at + 1) + 1
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth += 1
      at += 1
      continue
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth -= 1
      at += 1
    } else if (depth > 0) {
      at += 1
      continue
    } else {
      while (isScalar(text[at])) at += 1
    }
    if (depth === 0) return at
  }
}

/** Bytes of numbers and words. */
function isScalar(byte: number | undefined): boolean {
  return byte !== undefined && byte !== COMMA && byte !== CLOSE_OBJECT && byte !== CLOSE_ARRAY && byte > 0x20
}

/** The closing quote of a string of which text[from] is the first byte, or behind some of it; -1 while there is none. */
export function closingQuote(text: Uint8Array, from: number): number {
  for (let at = text.indexOf(QUOTE, from); at !== -1; at = text.indexOf(QUOTE, at + 1)) {
    let backslashes = 0
    while (at - backslashes > from && text[at - backslashes - 1] === BACKSLASH) backslashes += 1
    if ((backslashes & 1) === 0) return at
  }
  return -1
}
