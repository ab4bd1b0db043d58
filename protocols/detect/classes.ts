// Sets of bytes, as tables.

/** A table with 1 for each byte of a set: characters, and ranges as "a-z"; a minus is itself at the end. */
export function byteClass(description: string): Uint8Array {
  const table = new Uint8Array(256)
  for (let at = 0; at < description.length; at++) {
    const from = description.charCodeAt(at)
    if (description[at + 1] !== '-' || at + 2 >= description.length) {
      table[from] = 1
      continue
    }
    table.fill(1, from, description.charCodeAt(at + 2) + 1)
    at += 2
  }
  return table
}

export const WORD = byteClass('A-Za-z0-9_')
export const ALPHANUMERIC = byteClass('A-Za-z0-9')
export const DIGITS = byteClass('0-9')
export const BASE64URL = byteClass('A-Za-z0-9_-')
export const BASE64_ANY = byteClass('A-Za-z0-9+/_-')

/** The first place from `at`, and not past `end`, whose byte is not of the class. */
export function skipClass(text: Uint8Array, at: number, end: number, table: Uint8Array): number {
  while (at < end && table[text[at]!] === 1) at += 1
  return at
}
