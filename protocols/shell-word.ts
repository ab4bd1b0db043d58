// One word of a command line -> the word as a POSIX shell reads it, on one line and without characters that a terminal
// would act upon or a reader could not see. Nothing is refused.

/**
 * C0, DEL and C1 controls, line and paragraph separators, everything that reorders or hides text (bidirectional
 * controls, zero-width and tag characters, byte order marks), and surrogates without a partner.
 */
export const UNSAFE =
  /[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|[\ud800-\udfff]/gu

/** The usual names of those that have one. */
export const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
])

const SAFE_WORD = /^[A-Za-z0-9_@%+=:,./-]+$/

/** One word of a POSIX shell's command line: as it is, in single quotes, or in `$'…'` if it holds unsafe characters. */
export function shellWord(word: string): string {
  if (SAFE_WORD.test(word)) return word
  if (word.search(UNSAFE) === -1) return `'${word.replaceAll("'", "'\\''")}'`
  const quoted = word.replace(/[\\']/g, '\\$&').replace(UNSAFE, shellEscapeOf)
  return `$'${quoted}'`
}

/** As bash, zsh and ksh read `$'…'`: \xHH is one byte, so characters past ASCII need \u and \U. */
function shellEscapeOf(character: string): string {
  const named = ESCAPES.get(character)
  if (named !== undefined) return named
  const code = character.codePointAt(0) as number
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`
}
