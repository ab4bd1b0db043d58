// What values and texts alike are read without: line ends, as they are and escaped, and backslashes. So a text has one
// reading, however often it was escaped.

const LF = 0x0a
const CR = 0x0d
const BACKSLASH = 0x5c
const N = 0x6e
const R = 0x72

/**
 * Bytes in a row that are passed over (PASSED) within a value or its encoding: with more of them it is over. Else blank
 * lines were looked through again for each of them, and held.
 */
export const LONGEST_GAP = 64

/**
 * What is no part of a value, wherever it stands: line ends, as they are and as JSON escapes them, and backslashes, of which
 * one and the same text has as many as it was escaped times. So a value is known by what is left, and text is read one way only.
 * The next state of a reader, by PASSED[(state & ESCAPED) * 128 + octet]: 0, the octet is kept; with PASSED_OVER in it, it is
 * not; with ESCAPED, a backslash came before and an n or r would be a line end. What is read begins in state 0.
 */
export const PASSED = new Uint8Array(512)
const PASSED_OVER = 1
export const ESCAPED = 2
for (const [before, octet, after] of [
  [0, LF, PASSED_OVER],
  [0, CR, PASSED_OVER],
  [0, BACKSLASH, PASSED_OVER | ESCAPED],
  // JSON's reading of a backslash and a line end is the same so, read with and without escapes.
  [ESCAPED, LF, PASSED_OVER],
  [ESCAPED, CR, PASSED_OVER],
  [ESCAPED, BACKSLASH, PASSED_OVER | ESCAPED],
  [ESCAPED, N, PASSED_OVER],
  [ESCAPED, R, PASSED_OVER],
] as const) {
  PASSED[before * 128 + octet] = after
}

/** The bytes without what is passed over: as values are learned and matched. The same view where that is nothing. */
export function withoutPassed(bytes: Uint8Array): Uint8Array {
  let kept: Uint8Array | undefined
  let length = 0
  let state = 0
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at]!
    state = PASSED[(state & ESCAPED) * 128 + octet]!
    // A Buffer's own slice would not copy.
    if (state !== 0) kept ??= new Uint8Array(bytes)
    else if (kept === undefined) length += 1
    else kept[length++] = octet
  }
  return kept === undefined ? bytes : kept.subarray(0, length)
}
