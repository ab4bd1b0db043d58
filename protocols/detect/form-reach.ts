// How far what begins as a learned value does may go, where it may not be followed (effort.ts): as far as the longest value
// that begins so would, in the form that it is in, and no further than characters of this form.

import { byteClass } from './classes.ts'
import { BASE64, BASE64_SECOND, BASE64_THIRD, HEX, JSON_ESCAPED, JSON_NESTED, RAW, URL_ESCAPED } from './encodings.ts'
import type { Found, Outcome, Window } from './match.ts'

/** Characters for each byte of a value, with its line ends: \\uXXXX in JSON. */
const WIDTHS: Readonly<Record<number, number>> = {
  [RAW]: 1.25,
  [BASE64]: 1.5,
  [BASE64_SECOND]: 1.5,
  [BASE64_THIRD]: 1.5,
  [HEX]: 2.25,
  [JSON_ESCAPED]: 6,
  [JSON_NESTED]: 8,
  [URL_ESCAPED]: 3,
}
/** Behind the last bit. */
const FORMS = 2 * JSON_NESTED
const DIGITS = byteClass('A-Za-z0-9+/_\r\n\\-')
const ALL = new Uint8Array(256).fill(1)
const CHARACTERS: Readonly<Record<number, Uint8Array>> = {
  [RAW]: ALL,
  [BASE64]: DIGITS,
  [BASE64_SECOND]: DIGITS,
  [BASE64_THIRD]: DIGITS,
  [HEX]: DIGITS,
  [JSON_ESCAPED]: ALL,
  [JSON_NESTED]: ALL,
  [URL_ESCAPED]: byteClass('!#-;=?-[]_a-z~\r\n'),
}
const QUOTE = 0x22
const BACKSLASH = 0x5c

export class FormReach {
  // For each form, the characters of it in a row that were looked at last: else they would be looked at again from each of them.
  #window: Window | undefined
  readonly #froms = new Int32Array(FORMS)
  readonly #ends = new Int32Array(FORMS)

  /** Masks from `at` on; `length`: of the longest value, in bytes. */
  mask(window: Window, at: number, length: number, form: number, found: Found): Outcome {
    const { end, isFinal } = window
    const most = at + Math.ceil(length * WIDTHS[form]!)
    const to = this.#endOf(window, at, form)
    if (to === end && most > end && !isFinal) return found.live(at, true)
    return found.mask(at, Math.min(to, most))
  }

  #endOf(window: Window, at: number, form: number): number {
    if (this.#window !== window) {
      this.#window = window
      this.#ends.fill(0)
    }
    if (at < this.#froms[form]! || at >= this.#ends[form]!) {
      this.#froms[form] = at
      this.#ends[form] = rowEnd(window, at, form)
    }
    return this.#ends[form]!
  }
}

function rowEnd({ text, end }: Window, at: number, form: number): number {
  const characters = CHARACTERS[form]!
  if (form === RAW) return end
  let to = at
  if (characters !== ALL) while (to < end && characters[text[to]!] === 1) to += 1
  else while (to < end && (text[to] !== QUOTE || (to > at && text[to - 1] === BACKSLASH))) to += 1
  return to
}
