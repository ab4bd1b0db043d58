// Values that were masked somewhere, to be known again wherever they turn up: as they are, in base64, hexadecimal digits,
// and the escapes of JSON and URLs. It keeps hashes, not values, of a bounded number; from where most comes, what was used
// longest ago goes first.

import { isUtf8 } from 'node:buffer'
import { maskedFrom, SURE_LENGTH } from './beginnings.ts'
import { byteClass } from './classes.ts'
import {
  BASE64,
  BASE64_SECOND,
  BASE64_THIRD,
  FormReader,
  HEX,
  JSON_ESCAPED,
  LONGEST_GAP,
  lineEndWidth,
  MORE,
  RAW,
  URL_ESCAPED,
  withoutLineEnds,
} from './encodings.ts'
import { GramFilter, GramTable, gramAt } from './grams.ts'
import { innerSecrets } from './inner-secrets.ts'
import { KeyedPrefixes } from './keyed-prefixes.ts'
import { isLearnable, isOrdinary, isWords } from './learnable.ts'
import { FOUND, type Found, LIVE, NONE, type Outcome, type Window } from './match.ts'

export interface LearnedBounds {
  /** Values at most. */
  readonly values: number
  /** Memory for them at most, in bytes. */
  readonly bytes: number
  /** A longer value is learned in pieces of this length. */
  readonly piece: number
  /** How deep secrets within values are looked for. */
  readonly depth: number
  /** Shorter ones are not learned. */
  readonly shortest: number
}

/** As hexadecimal digits so many, of four bytes. */
const SURE_DIGITS = 8
const SHORTEST_SEQUENCE = 4
/** When the bounds are met, this part of the values goes at once: what goes one by one is forgotten slowly. */
const EVICTED_PART = 8
const NOWHERE = ''
const BACKSLASH = 0x5c

/** What one value needs to be known again. */
interface Learned {
  /** Grams and the forms that they begin, by turns. */
  readonly grams: Int32Array
  readonly records: Int32Array
  readonly origin: string
  /** When it was learned last, in values learned. */
  used: number
}

/** What was learned from one place. */
interface Share {
  /** Used longest ago first. */
  readonly values: (readonly [identity: number, learned: Learned])[]
  forgotten: number
  bytes: number
}

export class LearnedValues {
  readonly #bounds: LearnedBounds
  readonly #prefixes: KeyedPrefixes
  /** By identity. */
  readonly #values = new Map<number, Learned>()
  readonly #filter = new GramFilter()
  #grams = new GramTable()
  /** Grams of others that share the filter. */
  readonly #reserved = new Map<number, boolean>()
  readonly #reader = new FormReader()
  #bytes = 0
  #turn = 0

  /** `key`: of the hashes; random, and of this process alone. */
  constructor(key: Uint8Array, bounds: LearnedBounds) {
    this.#bounds = bounds
    this.#prefixes = new KeyedPrefixes(key)
  }

  /** Values known, each with what was found in it. */
  get size(): number {
    return this.#values.size
  }

  /** Bytes that the values take, about; the tables' own fixed size is not counted. */
  get bytes(): number {
    return this.#bytes + this.#prefixes.bytes
  }

  /** The filter that finds both what is learned and what is reserved. */
  get filter(): GramFilter {
    return this.#filter
  }

  /** Has the shared filter find a gram of somebody else too. */
  reserve(gram: number, isHeld: boolean): void {
    this.#reserved.set(gram, isHeld || this.#reserved.get(gram) === true)
    this.#filter.add(gram, isHeld)
  }

  /**
   * Remembers a value and what is secret within it. The bytes are borrowed. What is short, common or public is not learned.
   * `origin`: where it is from. Whoever writes many values has their own place's forgotten, not those of others.
   */
  learn(value: Uint8Array, origin = NOWHERE): void {
    if (value.length < this.#bounds.shortest) return
    const identity = this.#prefixes.identify(value)
    const known = this.#values.get(identity)
    this.#turn += 1
    if (known !== undefined) {
      known.used = this.#turn
      return
    }
    if (!this.#isLong(value) || !isLearnable(value)) return
    const grams: number[] = []
    const records: number[] = []
    this.#describe(value, grams, records)
    for (const secret of innerSecrets(value, this.#bounds.depth)) {
      if (this.#isLong(secret) && isLearnable(secret)) this.#describe(secret, grams, records)
    }
    if (records.length === 0) return
    const learned = { grams: Int32Array.from(grams), records: Int32Array.from(records), origin, used: this.#turn }
    this.#values.set(identity, learned)
    this.#bytes += sizeOf(learned)
    this.#insert(learned)
    if (this.#filter.isCrowded) this.#refill()
    while (this.#values.size > this.#bounds.values || this.bytes > this.#bounds.bytes) this.#evict()
  }

  /** Whether a learned value begins at `at`, where the four bytes of `gram` are (line ends passed over). */
  match(window: Window, at: number, gram: number, found: Found): Outcome {
    const forms = this.#grams.get(gram)
    if (forms === 0) return NONE
    let outcome: Outcome = NONE
    let from = window.end
    let to = at
    let isBase64 = false
    let isSure = false
    for (let left = forms; left !== 0; left &= left - 1) {
      const form = left & -left
      const each = this.#walk(form, window, at, found)
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

  #walk(form: number, window: Window, at: number, found: Found): Outcome {
    const { text, end, isFinal } = window
    const reader = this.#reader
    const prefixes = this.#prefixes
    reader.start(form, text, at, end)
    prefixes.start()
    let to = -1
    /** Line ends in a row. */
    let gap = 0
    // Behind a backslash that may be half of a line end's escape, within what is read from base64 and the like.
    let backslash = -1
    for (;;) {
      if (form === RAW) {
        const width = lineEndWidth(text, reader.at, end)
        if (width > 0) {
          // A value may end in what is otherwise half of a line end's escape.
          if (width === 2 && prefixes.endsWith(BACKSLASH)) to = reader.at + 1
          reader.at += width
          if (++gap > LONGEST_GAP) break
          continue
        }
        if (width < 0 && !isFinal) return found.live(at, prefixes.length >= SURE_LENGTH)
      }
      const octet = reader.next()
      if (octet === MORE) {
        if (!isFinal) return found.live(at, prefixes.length >= SURE_LENGTH)
        // Whoever chooses where a text ends (a log's limitBytes) could have all of a value but its last byte.
        if (prefixes.length >= SURE_LENGTH && !isWords(textOf(window, at))) return found.mask(at, closingOf(window, at))
      }
      if (backslash !== -1) {
        const place = backslash
        backslash = -1
        if (octet === 0x6e || octet === 0x72) {
          if (prefixes.endsWith(BACKSLASH)) to = place
          if (++gap > LONGEST_GAP) break
          continue
        }
        if (!prefixes.step(BACKSLASH)) break
        if (prefixes.isWhole()) to = place
        if (!prefixes.goesOn()) break
      }
      if (octet < 0) break
      if (octet === 0x0a || octet === 0x0d) {
        if (++gap > LONGEST_GAP) break
        continue
      }
      if (form !== RAW && octet === BACKSLASH) {
        backslash = reader.at
        continue
      }
      gap = 0
      if (!prefixes.step(octet)) break
      if (prefixes.isWhole()) to = reader.at
      if (!prefixes.goesOn()) break
    }
    return to === -1 ? NONE : found.mask(at, to)
  }

  /** Line ends do not count: what is left without them is what is looked for. */
  #isLong(secret: Uint8Array): boolean {
    return secret.length >= this.#bounds.shortest && withoutLineEnds(secret).length >= this.#bounds.shortest
  }

  #describe(secret: Uint8Array, grams: number[], records: number[]): void {
    const isStructure = isJson(secret)
    for (const piece of piecesOf(secret, this.#bounds.piece)) {
      for (const [skipped, forms] of [
        [0, firstForms(piece, isStructure)],
        [1, base64Forms(piece, 2, 3, BASE64_THIRD)],
        [2, base64Forms(piece, 1, 2, BASE64_SECOND)],
      ] as const) {
        const sequence = withoutLineEnds(piece.subarray(skipped))
        if (sequence.length < SHORTEST_SEQUENCE) continue
        for (const { text, form } of forms) {
          const beginning = withoutLineEnds(text)
          if (beginning.length >= 4) grams.push(gramAt(beginning, 0), form)
        }
        for (const record of this.#prefixes.records(sequence)) records.push(record)
      }
    }
  }

  #insert({ grams, records }: Learned): void {
    for (let at = 0; at < grams.length; at += 2) {
      const gram = grams[at]!
      this.#filter.add(gram, true)
      this.#grams.set(gram, this.#grams.get(gram) | grams[at + 1]!)
    }
    this.#prefixes.insert(records)
  }

  /** Part of the values, and part of their memory: from the place that has most of what is short. */
  #evict(): void {
    const { values, bytes } = this.#bounds
    const most = this.#values.size - Math.ceil(this.#values.size / EVICTED_PART)
    const mostBytes = this.#bytes - Math.ceil(this.#bytes / EVICTED_PART)
    const isCrowded = this.#values.size > values
    const isFull = this.bytes > bytes
    const shares = [...this.#shares().values()]
    const weight = ({ values: all, forgotten, bytes: size }: Share): number =>
      Math.max(isCrowded ? (all.length - forgotten) / values : 0, isFull ? size / bytes : 0)
    while ((isCrowded && this.#values.size > most) || (isFull && this.#bytes > mostBytes)) {
      const share = shares.reduce((one, other) => (weight(other) > weight(one) ? other : one))
      const [identity, learned] = share.values[share.forgotten++]!
      this.#values.delete(identity)
      share.bytes -= sizeOf(learned)
      this.#bytes -= sizeOf(learned)
    }
    this.#grams = new GramTable()
    this.#prefixes.clear()
    for (const learned of this.#values.values()) this.#insert(learned)
    this.#refill()
  }

  #shares(): Map<string, Share> {
    const shares = new Map<string, Share>()
    for (const value of [...this.#values].sort(([, one], [, other]) => one.used - other.used)) {
      const [, learned] = value
      let share = shares.get(learned.origin)
      if (share === undefined) {
        share = { values: [], forgotten: 0, bytes: 0 }
        shares.set(learned.origin, share)
      }
      share.values.push(value)
      share.bytes += sizeOf(learned)
    }
    return shares
  }

  /** Gives the filter as much room as what it is to find needs. */
  #refill(): void {
    this.#filter.clear(this.#grams.size + this.#reserved.size)
    for (const [gram, isHeld] of this.#reserved) this.#filter.add(gram, isHeld)
    for (const { grams } of this.#values.values()) {
      for (let at = 0; at < grams.length; at += 2) this.#filter.add(grams[at]!, true)
    }
  }
}

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
const LONGEST_NUMBER = 32
const COLON = 0x3a
const QUOTE = 0x22
const LONGEST_COMMON = 64
const OVERHEAD = 256

function sizeOf({ grams, records }: Learned): number {
  return grams.byteLength + records.byteLength + OVERHEAD
}

interface Form {
  readonly text: Uint8Array
  readonly form: number
}

/** How much of a value is written in each form to see how it begins: escapes make it no shorter. */
const BEGINNING = 24

/**
 * How a piece begins in the forms that have its first byte. JSON is not looked for as it is, only its strings are: what is
 * masked across strings would be JSON no more.
 */
function firstForms(piece: Uint8Array, isStructure: boolean): Form[] {
  const beginning = Buffer.from(piece.subarray(0, BEGINNING))
  const hex = beginning.toString('hex')
  return [
    ...(isStructure ? [] : [{ text: beginning, form: RAW }]),
    ...base64Forms(piece, 0, 0, BASE64),
    { text: Buffer.from(hex), form: HEX },
    { text: Buffer.from(hex.toUpperCase()), form: HEX },
    ...escapedForms(beginning, piece),
  ]
}

/** The piece in base64 as it is behind `before` other bytes, without the characters that depend on those; in both alphabets. */
function base64Forms(piece: Uint8Array, before: number, skipped: number, form: number): Form[] {
  const octets = Buffer.concat([Buffer.alloc(before), piece.subarray(0, BEGINNING)])
  const standard = octets.toString('base64').replace(/=+$/, '').slice(skipped)
  const url = standard.replaceAll('+', '-').replaceAll('/', '_')
  return [standard, url].map((text) => ({ text: Buffer.from(text), form }))
}

function isJson(value: Uint8Array): boolean {
  if (value[0] !== 0x7b && value[0] !== 0x5b) return false
  try {
    JSON.parse(Buffer.from(value).toString())
    return true
  } catch {
    return false
  }
}

const NEEDS_ESCAPE = /[^\w.~-]/

/** JSON and URL escapes, in the ways that differ. Only for text: other bytes are not put into either. */
function escapedForms(beginning: Buffer, piece: Uint8Array): Form[] {
  if (!isUtf8(piece) || !NEEDS_ESCAPE.test(Buffer.from(piece).toString())) return []
  const text = beginning.toString('utf8').replace(/\ufffd+$/, '')
  const json = JSON.stringify(text).slice(1, -1)
  const forGo = json.replace(/[<>&]/g, unicodeEscape)
  const slashed = json.replaceAll('/', '\\/')
  const ascii = json.replace(/[^\x20-\x7e]/g, unicodeEscape)
  const url = [...text]
    .map((character) => (NEEDS_ESCAPE.test(character) ? percentEscape(character) : character))
    .join('')
  const component = encodeURIComponent(text)
  const path = encodeURI(text)
  const escapedUrls = [url, component, path, url.replaceAll('%20', '+')]
  return [
    ...[json, forGo, slashed, ascii].map((each) => ({ text: Buffer.from(each), form: JSON_ESCAPED })),
    ...[...escapedUrls, ...escapedUrls.map(lowerEscapes)].map((each) => ({
      text: Buffer.from(each),
      form: URL_ESCAPED,
    })),
  ]
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function percentEscape(character: string): string {
  return Buffer.from(character).toString('hex').toUpperCase().replace(/../g, '%$&')
}

function lowerEscapes(text: string): string {
  return text.replace(/%../g, (escaped) => escaped.toLowerCase())
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
