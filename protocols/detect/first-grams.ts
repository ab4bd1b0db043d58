// How a value begins in each form that it is looked for in: four characters each, which is where a text is looked at closer.
// They are made without the forms themselves, but for values that begin with what JSON or URLs escape.

import { isUtf8 } from 'node:buffer'
import { byteClass } from './classes.ts'
import {
  BASE64,
  BASE64_SECOND,
  BASE64_THIRD,
  HEX,
  JSON_ESCAPED,
  JSON_NESTED,
  RAW,
  URL_ESCAPED,
  withoutLineEnds,
} from './encodings.ts'
import { gramAt } from './grams.ts'
import { ESCAPED, PASSED } from './passed.ts'

const GRAM = 4
/** Fewer bytes do not fill four characters of base64 at each alignment. */
export const SHORTEST_PIECE = 6
/** How much of a value, besides what is passed over, is written in escapes to see how it begins: they make it no shorter. */
const BEGINNING = 24
/** What neither JSON nor URLs escape. */
const PLAIN = byteClass('A-Za-z0-9_.~-')
/** Of JSON in strings of JSON: a manifest in an annotation, in a message, in a log. */
const LEVELS = 4
const NEEDS_ESCAPE = /[^\w.~-]/
const STANDARD = codesOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
const URL = codesOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
const LOWER = codesOf('0123456789abcdef')
const UPPER = codesOf('0123456789ABCDEF')

/**
 * Adds grams and the forms that they begin, by turns. JSON (`isStructure`) is not looked for as it is, only its strings are:
 * what is masked across strings would be JSON no more.
 */
export function addFirstGrams(piece: Uint8Array, isStructure: boolean, grams: number[]): void {
  const [first, second, third, fourth] = [piece[0]!, piece[1]!, piece[2]!, piece[3]!]
  const into = { grams, start: grams.length }
  addBase64(
    into,
    first >>> 2,
    ((first & 3) << 4) | (second >>> 4),
    ((second & 15) << 2) | (third >>> 6),
    third & 63,
    BASE64,
  )
  // Without the characters that share bits with what stands before the value.
  addBase64(
    into,
    ((first & 15) << 2) | (second >>> 6),
    second & 63,
    third >>> 2,
    ((third & 3) << 4) | (fourth >>> 4),
    BASE64_SECOND,
  )
  addBase64(
    into,
    first & 63,
    second >>> 2,
    ((second & 3) << 4) | (third >>> 4),
    ((third & 15) << 2) | (fourth >>> 6),
    BASE64_THIRD,
  )
  for (const digits of [LOWER, UPPER]) {
    add(into, joined(digits[first >>> 4]!, digits[first & 15]!, digits[second >>> 4]!, digits[second & 15]!), HEX)
  }
  const isEscaped = needsEscape(piece)
  if (PLAIN[first]! + PLAIN[second]! + PLAIN[third]! + PLAIN[fourth]! === GRAM) {
    const forms = (isStructure ? 0 : RAW) | (isEscaped ? JSON_ESCAPED | JSON_NESTED | URL_ESCAPED : 0)
    if (forms !== 0) add(into, gramAt(piece, 0), forms)
    return
  }
  const beginning = Buffer.from(piece.subarray(0, endOfBeginning(piece)))
  if (!isStructure) addText(into, beginning, RAW)
  if (isEscaped) addEscaped(into, beginning.toString('utf8').replace(/\ufffd+$/, ''))
}

function endOfBeginning(piece: Uint8Array): number {
  let at = 0
  let state = 0
  for (let length = 0; length < BEGINNING && at < piece.length; at++) {
    state = PASSED[(state & ESCAPED) * 128 + piece[at]!]!
    if (state === 0) length += 1
  }
  return at
}

/** Grams and forms, and from where on those of one piece are. */
interface Grams {
  readonly grams: number[]
  readonly start: number
}

function add({ grams, start }: Grams, gram: number, form: number): void {
  for (let at = start; at < grams.length; at += 2) {
    if (grams[at] !== gram) continue
    grams[at + 1] = grams[at + 1]! | form
    return
  }
  grams.push(gram, form)
}

function addBase64(into: Grams, one: number, two: number, three: number, four: number, form: number): void {
  add(into, joined(STANDARD[one]!, STANDARD[two]!, STANDARD[three]!, STANDARD[four]!), form)
  add(into, joined(URL[one]!, URL[two]!, URL[three]!, URL[four]!), form)
  if (one !== SLASH && two !== SLASH && three !== SLASH && four !== SLASH) return
  // Some writers of JSON escape it.
  const escaped = [one, two, three, four].flatMap((digit) => (digit === SLASH ? [0x5c, 0x2f] : [STANDARD[digit]!]))
  add(into, gramAt(Uint8Array.from(escaped), 0), form)
}

/** What "/" stands for in base64. */
const SLASH = 63

function codesOf(characters: string): Uint8Array {
  return Uint8Array.from(characters, (character) => character.charCodeAt(0))
}

function joined(one: number, two: number, three: number, four: number): number {
  return one | (two << 8) | (three << 16) | (four << 24)
}

/** Only text is put into escapes. */
function needsEscape(piece: Uint8Array): boolean {
  let at = 0
  while (at < piece.length && PLAIN[piece[at]!] === 1) at += 1
  return at < piece.length && isUtf8(piece)
}

function addText(into: Grams, text: Uint8Array, form: number): void {
  const beginning = withoutLineEnds(text)
  if (beginning.length >= GRAM) add(into, gramAt(beginning, 0), form)
}

/** JSON and URL escapes, in the ways that differ; JSON's also within strings of JSON. */
function addEscaped(into: Grams, text: string): void {
  let json = text
  let escaped = new Set<string>()
  for (let level = 0; level < LEVELS; level++) {
    json = inString(json)
    escaped = new Set([...escaped].map(inString))
    escaped.add(json)
    escaped.add(json.replace(/[<>&]/g, unicodeEscape))
    escaped.add(json.replaceAll('/', '\\/'))
    escaped.add(json.replace(/[^\x20-\x7e]/g, unicodeEscape))
    for (const each of escaped) addText(into, Buffer.from(each), JSON_ESCAPED | JSON_NESTED)
  }
  const url = [...text]
    .map((character) => (NEEDS_ESCAPE.test(character) ? percentEscape(character) : character))
    .join('')
  const component = encodeURIComponent(text)
  const path = encodeURI(text)
  for (const each of [url, component, path, url.replaceAll('%20', '+')]) {
    addText(into, Buffer.from(each), URL_ESCAPED)
    addText(into, Buffer.from(lowerEscapes(each)), URL_ESCAPED)
  }
}

function inString(text: string): string {
  return JSON.stringify(text).slice(1, -1)
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
