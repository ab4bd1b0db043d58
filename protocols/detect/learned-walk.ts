// Whether a learned value begins at a place of a text, in any of its forms, and how far it goes there: the text is read from
// the place on as one form after the other, and what is read is followed as long as some value goes on so.

import { maskedFrom, SURE_LENGTH } from './beginnings.ts'
import { byteClass } from './classes.ts'
import type { Effort } from './effort.ts'
import {
  BASE64,
  BASE64_SECOND,
  BASE64_THIRD,
  FormReader,
  HEX,
  JSON_ESCAPED,
  JSON_NESTED,
  MORE,
  RAW,
  URL_ESCAPED,
} from './encodings.ts'
import { FormReach } from './form-reach.ts'
import type { GramTable } from './grams.ts'
import type { KeyedPrefixes } from './keyed-prefixes.ts'
import { isOrdinary, isWords } from './learnable.ts'
import { FOUND, type Found, LIVE, NONE, type Outcome, type Window } from './match.ts'
import { ESCAPED, LONGEST_GAP, PASSED } from './passed.ts'

/** As hexadecimal digits so many, of four bytes. */
const SURE_DIGITS = 8
/** How many bytes of a value are read over where it is in base64 behind others. */
const SKIPPED: Readonly<Record<number, number>> = { [BASE64_SECOND]: 2, [BASE64_THIRD]: 1 }
const LONGEST_NUMBER = 32
const LONGEST_COMMON = 64
const COLON = 0x3a
const QUOTE = 0x22
const BACKSLASH = 0x5c

export class LearnedWalk {
  readonly #grams: GramTable
  readonly #prefixes: KeyedPrefixes
  readonly #reader = new FormReader()
  readonly #reach = new FormReach()

  /** What values are known by: forms by the first four characters, and hashes. Both change as values are learned. */
  constructor(grams: GramTable, prefixes: KeyedPrefixes) {
    this.#grams = grams
    this.#prefixes = prefixes
  }

  /**
   * Whether a learned value begins at `at`, where the four bytes of `gram` are (line ends passed over). `effort`: of the
   * places before; `found.effort` says what is to be added.
   */
  match(window: Window, at: number, gram: number, found: Found, effort: Effort): Outcome {
    found.effort = 0
    const forms = this.#grams.get(gram)
    if (forms === 0) return NONE
    let outcome: Outcome = NONE
    let from = window.end
    let to = at
    let isBase64 = false
    let isSure = false
    const isSpent = effort.isSpent(at)
    for (let left = forms; left !== 0; left &= left - 1) {
      const form = left & -left
      const each = this.#walk(form, window, at, found, isSpent)
      if (!isSpent) found.effort += this.#reader.at - at
      // What has no escapes is not read again as if it had.
      if (form === RAW && !isSpent && (left & ESCAPES) !== 0)
        left &= ~ESCAPES | escapesIn(window.text, at, this.#reader.at)
      if (each === NONE) continue
      const begins = maskedFrom(window.text, at, window.end, form === HEX ? SURE_DIGITS : SURE_LENGTH)
      if (each === LIVE) {
        from = outcome === LIVE ? Math.min(from, begins) : begins
        outcome = LIVE
        isSure ||= found.isSure
      } else if (found.to > to) {
        if (outcome !== LIVE) from = begins
        if (outcome === NONE) outcome = FOUND
        to = found.to
        isBase64 = form === BASE64 || form === BASE64_SECOND || form === BASE64_THIRD
        isSure = true
      }
    }
    if (outcome === LIVE) return found.live(from, isSure && !isCommon(window, at))
    if (outcome === NONE || from >= to || isNumber(window, at, to)) return NONE
    found.mask(from, to)
    found.isBase64 = isBase64
    return FOUND
  }

  #walk(form: number, window: Window, at: number, found: Found, isSpent: boolean): Outcome {
    const { text, end, isFinal } = window
    const reader = this.#reader
    const prefixes = this.#prefixes
    reader.start(form, text, at, end)
    prefixes.start(SKIPPED[form] ?? 0)
    let to = -1
    let state = 0
    /** Bytes passed over in a row. */
    let gap = 0
    for (;;) {
      const octet = reader.next()
      if (octet === MORE) {
        if (!isFinal) return found.live(at, prefixes.length >= SURE_LENGTH)
        // Whoever chooses where a text ends (a log's limitBytes) could have all of a value but its last byte.
        if (prefixes.length >= SURE_LENGTH && !isWords(textOf(window, at))) return found.mask(at, closingOf(window, at))
      }
      if (octet < 0) break
      state = PASSED[(state & ESCAPED) * 128 + octet]!
      if (state !== 0) {
        if (++gap > LONGEST_GAP) break
        continue
      }
      gap = 0
      if (!prefixes.step(octet)) break
      if (prefixes.isWhole()) to = reader.at
      if (!prefixes.goesOn()) break
      if (isSpent && prefixes.length === SURE_LENGTH) return this.#reach.mask(window, at, prefixes.reach, form, found)
    }
    return to === -1 ? NONE : found.mask(at, to)
  }
}

const ESCAPES = JSON_ESCAPED | JSON_NESTED | URL_ESCAPED

/** Which of ESCAPES a text has such of as mean something else than what is left without backslashes. */
function escapesIn(text: Uint8Array, from: number, to: number): number {
  let forms = 0
  let backslashes = 0
  for (let at = from; at < to; at++) {
    const octet = text[at]!
    backslashes = octet === BACKSLASH ? backslashes + 1 : 0
    if (octet === PERCENT || octet === PLUS) forms |= URL_ESCAPED
    else if (backslashes > 0 && MEANING[text[at + 1]!] === 1) {
      if ((backslashes & 1) === 1) forms |= JSON_ESCAPED
      if (backslashes > 1) forms |= JSON_NESTED
    }
  }
  return forms
}

const MEANING = byteClass('bftu')
const PERCENT = 0x25
const PLUS = 0x2b

/** Whether what has come of a value is words alone: it tells nothing yet, and other text begins so too ("postgres"). */
function isCommon(window: Window, at: number): boolean {
  return window.end - at <= LONGEST_COMMON && isOrdinary(textOf(window, at))
}

/** Where what closes JSON begins, behind which nothing comes: between two lengths a text that goes astray is followed. */
function closingOf({ text, end }: Window, at: number): number {
  let to = end
  while (to > at && CLOSING[text[to - 1]!] === 1) to -= 1
  return to
}

const CLOSING = byteClass(' \t\r\n"}]')

function textOf({ text, end }: Window, at: number): string {
  return Buffer.from(text.subarray(at, end)).toString('latin1').trim()
}

/** Whether what matches is of a number in JSON without spaces, as the API server writes it: with a mask in it that would be JSON no more. */
function isNumber({ text }: Window, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (NUMBER[text[at]!] !== 1) return false
  let at = from
  while (at > 0 && from - at < LONGEST_NUMBER && NUMBER[text[at - 1]!] === 1) at -= 1
  return text[at - 1] === COLON && text[at - 2] === QUOTE && text[at - 3] !== BACKSLASH
}

const NUMBER = byteClass('0-9.eE+-')
