// Values that were masked somewhere, to be known again wherever they turn up: as they are, in base64, hexadecimal digits,
// and the escapes of JSON and URLs. It keeps hashes, not values, of a bounded number; from where most comes, what was used
// longest ago goes first.

import { maskedFrom, SURE_LENGTH } from './beginnings.ts'
import { byteClass } from './classes.ts'
import {
  BASE64,
  BASE64_SECOND,
  BASE64_THIRD,
  ESCAPED,
  FormReader,
  HEX,
  JSON_ESCAPED,
  LONGEST_GAP,
  MORE,
  PASSED,
  RAW,
  URL_ESCAPED,
  withoutPassed,
} from './encodings.ts'
import { addFirstGrams, SHORTEST_PIECE } from './first-grams.ts'
import { GramFilter, GramTable } from './grams.ts'
import { innerSecrets } from './inner-secrets.ts'
import { KeyedPrefixes, RECORD_LENGTH } from './keyed-prefixes.ts'
import { isLearnable, isOrdinary, isWords } from './learnable.ts'
import { LearnedStore, STORED_HEAD } from './learned-store.ts'
import { isRepetitive, LONG_WALK, type LongWalks } from './long-walks.ts'
import { MaskWriter } from './mask-text.ts'
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

/** Where too many were followed far already, so much of a value, verified, is masked. */
const BRIEF_WALK = 16
/** As hexadecimal digits so many, of four bytes. */
const SURE_DIGITS = 8
const SHORTEST_SEQUENCE = 4
/** When the bounds are met, this part of the values goes at once: what goes one by one is forgotten slowly. */
const EVICTED_PART = 4
/**
 * A value that has more bytes in a row that are passed over is learned in parts: so that its first four others, escaped, are
 * within LONGEST_GAP.
 */
const LONGEST_PASSED = 8
/** How many bytes of a value are read over where it is in base64 behind others. */
const SKIPPED: Readonly<Record<number, number>> = { [BASE64_SECOND]: 2, [BASE64_THIRD]: 1 }
const NOWHERE = ''
const BACKSLASH = 0x5c

interface Learned {
  /** In the store. */
  place: number
  readonly bytes: number
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
  readonly #store = new LearnedStore()
  readonly #filter = new GramFilter()
  #grams = new GramTable()
  /** Grams of others that share the filter. */
  readonly #reserved = new Map<number, boolean>()
  readonly #reader = new FormReader()
  readonly #writer = new MaskWriter()
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
    if (!isLearnable(value)) return
    const grams: number[] = []
    const records: number[] = []
    this.#describe(value, grams, records)
    for (const secret of innerSecrets(value, this.#bounds.depth)) {
      if (isLearnable(secret)) this.#describe(secret, grams, records)
    }
    if (records.length === 0) return
    const place = this.#store.add(grams, records)
    const learned = { place, bytes: OVERHEAD + this.#store.sizeOf(place), origin, used: this.#turn }
    this.#values.set(identity, learned)
    this.#bytes += learned.bytes
    this.#insert(learned)
    if (this.#filter.isCrowded) this.#refill()
    while (this.#values.size > this.#bounds.values || this.bytes > this.#bounds.bytes) this.#evict()
  }

  /**
   * Whether a learned value begins at `at`, where the four bytes of `gram` are (without what is passed over). `walks`: of the
   * places before, and then of this one; `found.isLong` says that it is among them.
   */
  match(window: Window, at: number, gram: number, found: Found, walks: LongWalks): Outcome {
    found.isLong = false
    let forms = this.#grams.get(gram)
    // Only an escape begins with a backslash.
    if (window.text[at] === BACKSLASH) forms &= JSON_ESCAPED
    if (forms === 0) return NONE
    let outcome: Outcome = NONE
    let from = window.end
    let to = at
    let isBase64 = false
    let isSure = false
    for (let left = forms; left !== 0; left &= left - 1) {
      const form = left & -left
      const each = this.#walk(form, window, at, found, walks)
      // What has no escapes is not read again as if it had.
      if (form === RAW && (left & ESCAPES) !== 0 && isPlain(window.text, at, this.#reader.at)) left &= ~ESCAPES
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

  #walk(form: number, window: Window, at: number, found: Found, walks: LongWalks): Outcome {
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
      if (prefixes.length === BRIEF_WALK && walks.isFull(at)) return found.mask(at, reader.at)
      if (prefixes.length === LONG_WALK) {
        walks.add(at)
        found.isLong = true
      }
    }
    return to === -1 ? NONE : found.mask(at, to)
  }

  #describe(secret: Uint8Array, grams: number[], records: number[]): void {
    const isStructure = isJson(secret)
    for (const part of partsOf(secret)) {
      if (!this.#isSought(part)) continue
      for (const piece of piecesOf(part, this.#bounds.piece)) {
        const length = isRepetitive(withoutPassed(piece)) ? LONG_WALK : piece.length
        for (const each of piecesOf(piece, length)) this.#describePiece(each, isStructure, grams, records)
      }
    }
  }

  #describePiece(piece: Uint8Array, isStructure: boolean, grams: number[], records: number[]): void {
    if (piece.length < SHORTEST_PIECE) return
    addFirstGrams(piece, isStructure, grams)
    // Base64 behind one and two other bytes is read from the first byte that it has whole.
    for (let skipped = 0; skipped < 3; skipped++) {
      const sequence = withoutPassed(piece.subarray(skipped))
      if (sequence.length >= SHORTEST_SEQUENCE) this.#prefixes.addRecords(sequence, skipped, records)
    }
  }

  /** Whether what is looked for is long enough, without what is around it that no mask replaces; still no ordinary word; and masked at all. */
  #isSought(part: Uint8Array): boolean {
    const sequence = withoutPassed(part)
    let [from, to] = [0, sequence.length]
    while (from < to && KEPT[sequence[from]!] === 1) from += 1
    while (to > from && KEPT[sequence[to - 1]!] === 1) to -= 1
    if (to - from < this.#bounds.shortest || !isLearnable(sequence)) return false
    const begins = maskedFrom(part, 0, part.length)
    this.#writer.write(part, new Uint8Array(part), 0, begins, part.length, false, 0, false)
    return this.#writer.changed > 0
  }

  #insert({ place }: Learned): void {
    const { numbers } = this.#store
    const records = this.#store.recordsOf(place)
    for (let at = place + STORED_HEAD; at < records; at += 2) {
      const gram = numbers[at]!
      this.#filter.add(gram, true)
      this.#grams.add(gram, numbers[at + 1]!)
    }
    this.#prefixes.insert(numbers, records, this.#store.endOf(place))
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
      share.bytes -= learned.bytes
      this.#bytes -= learned.bytes
    }
    this.#grams = new GramTable()
    this.#store.keep(this.#values.values())
    this.#prefixes.clear(this.#store.numbers.length / RECORD_LENGTH)
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
      share.bytes += learned.bytes
    }
    return shares
  }

  /** Gives the filter as much room as what it is to find needs. */
  #refill(): void {
    this.#filter.clear(this.#grams.size + this.#reserved.size)
    for (const [gram, isHeld] of this.#reserved) this.#filter.add(gram, isHeld)
    const { numbers } = this.#store
    for (const { place } of this.#values.values()) {
      const records = this.#store.recordsOf(place)
      for (let at = place + STORED_HEAD; at < records; at += 2) this.#filter.add(numbers[at]!, true)
    }
  }
}

const ESCAPES = JSON_ESCAPED | URL_ESCAPED

/** Whether a text is the same as it is and without escapes of JSON and URLs. */
function isPlain(text: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (ESCAPING[text[at]!] === 1) return false
  return true
}

const ESCAPING = byteClass('\\"%+')

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

/** Of what stands around a value: indentation and quotes. */
const KEPT = byteClass(' \t"')
const NUMBER = byteClass('0-9.eE+-')
const LONGEST_NUMBER = 32
const COLON = 0x3a
const QUOTE = 0x22
const LONGEST_COMMON = 64
/** Of a value beside its numbers, bytes. */
const OVERHEAD = 128

function isJson(value: Uint8Array): boolean {
  if (value[0] !== 0x7b && value[0] !== 0x5b) return false
  try {
    JSON.parse(Buffer.from(value).toString())
    return true
  } catch {
    return false
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
