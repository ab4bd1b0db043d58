// Text from a tape (user names, paths, commands) -> text that is safe on a terminal, in a log line and in a table.
// Nothing is refused: what a terminal would act upon, or a reader could not see, is shown as an escape instead.

import { ESCAPES, UNSAFE } from '../protocols/shell-word.ts'

/** The text with every unsafe character written as `\n`, `\x1b` or `\u{202e}`. Never longer than 9 times the input. */
export function printable(text: string): string {
  return text.replace(UNSAFE, escapeOf)
}

/** True if the text holds nothing that `printable` would change. */
export function isPrintable(text: string): boolean {
  return text.search(UNSAFE) === -1
}

/** JSON on one line, in which every unsafe character is a `\uXXXX` escape: the same value to a parser, safe on a terminal. */
export function printableJson(value: unknown): string {
  // JSON.stringify leaves C1, bidirectional controls and U+2028 as they are. They can only stand inside strings.
  return JSON.stringify(value).replace(UNSAFE, (found) => {
    let escaped = ''
    for (let at = 0; at < found.length; at++) escaped += `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`
    return escaped
  })
}

/** Columns that printable text takes on a terminal: 2 for East Asian wide characters and emoji, 0 for combining marks. */
export function columns(text: string): number {
  let width = 0
  for (const character of text) {
    const code = character.codePointAt(0) as number
    if (code < 0x300) width++
    else if (!COMBINING.test(character)) width += isWide(code) ? 2 : 1
  }
  return width
}

/** Printable text cut to that many columns, the last one an ellipsis if anything was cut off. */
export function cutToColumns(text: string, width: number): string {
  if (columns(text) <= width) return text
  let taken = ''
  let used = 0
  for (const character of text) {
    const next = columns(character)
    if (used + next > width - 1) break
    taken += character
    used += next
  }
  return width > 0 ? `${taken}…` : ''
}

/** Marks, and the variation selectors among them. Joiners are not printable. */
const COMBINING = /^\p{M}$/u

/** Unicode East Asian Width W and F (UAX 11), by block. */
function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  )
}

function escapeOf(character: string): string {
  const named = ESCAPES.get(character)
  if (named !== undefined) return named
  const code = character.codePointAt(0) as number
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}
