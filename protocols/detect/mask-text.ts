// What stands in place of masked bytes, byte for byte, and how to know it again in a write. It never replaces a quote, half
// of a JSON escape, a line end, or what JSON has between two strings, so that the text around it keeps its structure.

import { byteClass } from './classes.ts'

const LF = 0x0a
const CR = 0x0d
const TAB = 0x09
const SPACE = 0x20
const QUOTE = 0x22
const BACKSLASH = 0x5c
const N = 0x6e
const R = 0x72

/** In place of text, then its last character up to the length. */
export const TEXT_MARK = '~mask~'
/** The same in place of base64, which it is too. */
export const BASE64_MARK = '/mask+'
const MARK_LENGTH = 6
/** Fewer than a text's bytes that are kept to be looked back on. */
const LOOKED_BACK = 128
const TEXT = Uint8Array.from(TEXT_MARK, (character) => character.charCodeAt(0))
const BASE64 = Uint8Array.from(BASE64_MARK, (character) => character.charCodeAt(0))
/** What may stand behind a backslash in JSON. */
const ESCAPE_LETTERS = byteClass('"\\/bfnrtu')
const TEXT_FILL = TEXT[MARK_LENGTH - 1]!
const BASE64_FILL = BASE64[0]!

/** The marks as they are, and the text mark in base64: as much of it as does not depend on what stands beside it. */
const MARKS = [TEXT_MARK, BASE64_MARK, ...[0, 1, 2].flatMap(inBase64)]

function inBase64(before: number): string[] {
  const octets = Buffer.concat([Buffer.alloc(before), Buffer.from(TEXT_MARK)])
  const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((octets.length * 8) / 6)]
  const characters = octets.toString('base64').slice(from, to)
  return [characters, characters.replaceAll('+', '-').replaceAll('/', '_')]
}

/** A password of a connection string that is too short for the mark (matchers/connection-string.ts). */
const SHORT_PASSWORD = /:\/\/[\w.~%!$&*+,;=-]{0,512}:~{3,5}@/

/** Whether a write would put a mask in place of a value. */
export function hasTextMark(text: Uint8Array | string): boolean {
  const bytes = typeof text === 'string' ? Buffer.from(text) : asBuffer(text)
  if (MARKS.some((mark) => bytes.includes(mark, 0, 'latin1'))) return true
  return bytes.includes(':~~~') && SHORT_PASSWORD.test(bytes.toString('latin1'))
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Writes masks over a text into a copy of its end. One object for all masks of a stream. */
export class MaskWriter {
  /** Bytes that the last call masked and that were not masked before. */
  changed = 0

  /**
   * Masks text[from, to) in `copy`, which begins with the byte at `base`; what lies before that counts, and is not written.
   * What is masked already stays so. `index`: bytes of the same match before `from`. `isOpen`: more of it may follow, so
   * that its mark is begun however short this is. `begun`: where the match begins, if that is before `from`: what is kept is
   * the same as if all of it were masked now. Returns the index behind it.
   */
  write(
    text: Uint8Array,
    copy: Uint8Array,
    base: number,
    from: number,
    to: number,
    isBase64: boolean,
    index: number,
    isOpen: boolean,
    begun = from,
  ): number {
    const mark = isBase64 ? BASE64 : TEXT
    const fill = isBase64 ? BASE64_FILL : TEXT_FILL
    this.changed = 0
    let expected = from
    const hasQuotes = has(text, from, to, QUOTE)
    const first = begun < from ? goingOn(text, begun, from, to) : from
    for (let at = skipKept(text, first, from, to, hasQuotes); at < to; at = skipKept(text, at, from, to, hasQuotes)) {
      // The mark is not broken by what is kept, unless it cannot be known what comes.
      if (!isOpen && at !== expected && index < MARK_LENGTH) index = 0
      const isMark = index > 0 || isOpen || isLong(text, at, from, to, hasQuotes)
      // An escape is masked whole.
      for (let width = text[at] === BACKSLASH ? 2 : 1; width > 0; width--, at++) {
        const octet = isMark && index < MARK_LENGTH ? mark[index]! : fill
        if (isMark) index += 1
        if (at < base || copy[at - base] !== text[at]) continue
        copy[at - base] = octet
        this.changed += 1
      }
      expected = at
    }
    return index
  }
}

/** Not indexOf: what lies behind `to` is long and matters to nobody. */
function has(text: Uint8Array, from: number, to: number, octet: number): boolean {
  for (let at = from; at < to; at++) if (text[at] === octet) return true
  return false
}

/** Whether there is room for a mark from `at` on. */
function isLong(text: Uint8Array, at: number, from: number, to: number, hasQuotes: boolean): boolean {
  const most = at + MARK_LENGTH
  while (at < most) {
    if (skipKept(text, at, from, to, hasQuotes) !== at || at >= to) return false
    at += text[at] === BACKSLASH ? 2 : 1
  }
  return true
}

/** The first place from `at` that is masked: a whole escape or a character of its own. Kept: line ends in both forms, what lines are indented by, quotes, halves of escapes, and what lies between two strings of JSON. */
function skipKept(text: Uint8Array, at: number, from: number, to: number, hasQuotes: boolean): number {
  if (at === from) at += halfEscape(text, from, to)
  for (; at < to; at++) {
    if (hasQuotes && (at === from || isBareQuote(text, at - 1))) at = structureEnd(text, at, from, to)
    if (at >= to) break
    const octet = text[at]
    if (octet === LF || octet === CR || octet === QUOTE || isIndent(text, at)) continue
    if (octet !== BACKSLASH) return at
    const next = text[at + 1]
    if (at + 1 >= to) continue
    if (next === N || next === R) at += 1
    else if (next === LETTER_U && isCutNumber(text, at + 2, to)) return to
    else return at
  }
  return to
}

/** Whether the four digits of a character's number go on, or may go on, behind `to`: what has other characters among them is no escape. */
export function isCutNumber(text: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < from + 4; at++) {
    if (HEX_DIGITS[text[at]!] !== 1) return at >= to && text[at] === NOTHING_YET
    if (at >= to) return true
  }
  return false
}

const HEX_DIGITS = byteClass('0-9a-fA-F')
/** Behind the end of a text (masker.ts). */
const NOTHING_YET = 0

/** Longer ones are no joints of JSON. */
const LONGEST_JOINT = 128
const JOINT = /^[ \t\r\n:,{}[\]\d.eE+-]*$/
/** What a match may have of a word between strings where it begins, and where it ends. */
const WORDS_END = /^(?:r?ue|e|(?:a?l)?se|u?ll|l)(?=[ \t\r\n,}\]])/
const WORDS_BEGINNING = /(?:t|tru?|f|fals?|fa|nu?|nul)$/

function isBareQuote(text: Uint8Array, at: number): boolean {
  return text[at] === QUOTE && !isEscaped(text, at)
}

/** Whether a backslash before `at` escapes what stands there, and is not escaped itself. Of more in a row than are kept to be looked back on, a part counts. */
function isEscaped(text: Uint8Array, at: number): boolean {
  let first = at
  const least = Math.max(0, at - LOOKED_BACK)
  while (first > least && text[first - 1] === BACKSLASH) first -= 1
  return ((at - first) & 1) === 1
}

/** The end of what stands between two quotes of a match, if that is no string of JSON but the joint of two; else `at`. */
function structureEnd(text: Uint8Array, at: number, from: number, to: number): number {
  const quote = text.indexOf(QUOTE, at)
  const end = quote === -1 || quote > to ? to : quote
  if (end === at || end - at > LONGEST_JOINT || isEscaped(text, end)) return at
  let joint = Buffer.from(text.buffer, text.byteOffset + at, end - at).toString('latin1')
  if (at === from) joint = joint.replace(WORDS_END, '')
  if (end === to) joint = joint.replace(WORDS_BEGINNING, '')
  joint = joint.replace(/true|false|null/g, '')
  return /[:,{}[\]]/.test(joint) && JOINT.test(joint) ? end : at
}

/** Where the rest of a match that begins at `begun` is masked from: `from`, or the beginning of the escape that it is in, or the end of the joint. */
function goingOn(text: Uint8Array, begun: number, from: number, to: number): number {
  // The half of it was kept.
  for (let at = from - 1; at >= begun && from - at <= UNICODE; at--) {
    if (text[at] !== BACKSLASH || isEscaped(text, at)) continue
    if (at === from - 1 || text[at + 1] === LETTER_U) return at
  }
  for (let at = from; at >= begun && from - at <= LONGEST_JOINT; at--) {
    if (at === begun || isBareQuote(text, at - 1)) {
      return has(text, Math.max(begun, at - 1), to, QUOTE) ? Math.max(from, structureEnd(text, at, begun, to)) : from
    }
  }
  return from
}

/** White space in front of a line: YAML's structure. */
function isIndent(text: Uint8Array, at: number): boolean {
  let place = at
  while (place >= 0 && at - place < LOOKED_BACK && (text[place] === SPACE || text[place] === TAB)) place -= 1
  return place !== at && (text[place] === LF || (text[place] === N && text[place - 1] === BACKSLASH))
}

/** How many bytes from `from` on, and before `to`, belong to an escape that begins before it. */
function halfEscape(text: Uint8Array, from: number, to: number): number {
  for (let letter = from; letter > 0 && letter > from - UNICODE; letter--) {
    if (text[letter] === LETTER_U && isEscaped(text, letter)) {
      let at = Math.max(from, letter + 1)
      while (at < to && at < letter + UNICODE && HEX_DIGITS[text[at]!] === 1) at += 1
      return at === to || at === letter + UNICODE ? at - from : 0
    }
    if (letter < from && HEX_DIGITS[text[letter]!] !== 1) break
  }
  return ESCAPE_LETTERS[text[from]!] === 1 && isEscaped(text, from) ? 1 : 0
}

const LETTER_U = 0x75
/** "u" and four digits. */
const UNICODE = 5
