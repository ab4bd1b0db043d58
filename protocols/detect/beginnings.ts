// How much of what may be the beginning of a learned value passes without being held: so that a line, a prompt and a
// colour come out at once, though some value begins with their last character. Nothing that is six characters long passes.

import { byteClass } from './classes.ts'
import { lineEndWidth } from './encodings.ts'

/** This much of a value, by its hash, and neither a flush nor a line end lets its beginning pass any more. */
export const SURE_LENGTH = 6
/** Of wrapped lines: PEM and openssl break at 64, base64 at 76, xxd at 60. Longer ones are one line of something else. */
const SHORTEST_ROW = 40
const LONGEST_ROW = 128
const LONGEST_INDENT = 32
const ROW = byteClass('A-Za-z0-9+/=_-')
/** A control sequence with more parameters before the place is not looked for. */
const LONGEST_SEQUENCE = 32
const TAB = 0x09
const SPACE = 0x20
const QUOTE = 0x22
const BACKSLASH = 0x5c
const ESC = 0x1b
const BRACKET = 0x5b

/**
 * From where on a match that begins at `at` is masked: at once, or behind a line end that comes before its `sure` character,
 * unless that line is one of wrapped base64 or hexadecimal digits; and behind the control sequence that it begins in. It is the same wherever the text is cut,
 * so what lies before it need not be
 * held. `sure`: characters that are held across any line end; of hexadecimal digits six are three bytes, as any digest has them.
 */
export function maskedFrom(text: Uint8Array, at: number, end: number, sure = SURE_LENGTH): number {
  let from = behindSequence(text, at, end)
  let length = 0
  for (let place = at; place < end && length < sure; ) {
    if (lineEndWidth(text, place, end) <= 0) {
      length += 1
      place += 1
      continue
    }
    const isHeld = isWrapped(text, place)
    for (let width = 1; width > 0 && place < end; place += width) {
      width = Math.max(0, lineEndWidth(text, place, end))
    }
    if (!isHeld && place > from) from = place
  }
  return from
}

/** Whether the line that ends at `lineEnd` is a row of base64 or hexadecimal digits alone, as long as wrapped ones are. */
function isWrapped(text: Uint8Array, lineEnd: number): boolean {
  const last = Math.max(0, lineEnd - LONGEST_ROW)
  let at = lineEnd
  while (at > last && ROW[text[at - 1]!] === 1) at -= 1
  if (lineEnd - at < SHORTEST_ROW) return false
  if (at === 0 || text[at - 1] === QUOTE) return true
  // An escaped line end: its letter was taken for one of the row.
  if (text[at - 1] === BACKSLASH) return lineEnd - at > SHORTEST_ROW && lineEndWidth(text, at - 1, lineEnd) === 2
  for (const first = Math.max(0, at - LONGEST_INDENT); at > first && isBlank(text[at - 1]!); ) at -= 1
  return at === 0 || lineEndWidth(text, at - 1, at) === 1 || (at > 1 && lineEndWidth(text, at - 2, at) === 2)
}

function isBlank(octet: number): boolean {
  return octet === SPACE || octet === TAB
}

/**
 * `at`, or the first byte behind the control sequence (ECMA-48: ESC, "[", parameters, a final byte) in whose last few bytes
 * `at` is.
 */
export function behindSequence(text: Uint8Array, at: number, end: number): number {
  const first = Math.max(0, at - LONGEST_SEQUENCE)
  let place = at - 1
  while (place >= first && isParameter(text[place]!)) place -= 1
  if (place < 1 || text[place] !== BRACKET || text[place - 1] !== ESC) return at
  const last = Math.min(end, at + SURE_LENGTH - 1)
  for (place = at; place < last; place++) if (!isParameter(text[place]!)) return place + 1
  return at
}

function isParameter(octet: number): boolean {
  return octet >= 0x20 && octet <= 0x3f
}
