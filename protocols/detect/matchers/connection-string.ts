// The password in scheme://user:password@host, and nothing but it.

import { limits } from '../../limits.ts'
import { ALPHANUMERIC, byteClass, DIGITS, skipClass } from '../classes.ts'
import { type Anchor, type Found, type Matcher, NONE, type Outcome, type Window } from '../match.ts'

/** What users and passwords are written of (RFC 3986 section 3.2.1), and what careless ones hold besides. */
const USER = byteClass('A-Za-z0-9._~%!$&*+,;=-')
const PASSWORD = byteClass('A-Za-z0-9._~%!$&*+,;=:#?^/|(){}[]-')
const BACKSLASHES = byteClass('\\')
const HEX = byteClass('0-9A-Fa-f')
const DIGITS_OF_NUMBER = 4
const LETTER_U = 0x75
const AT = 0x40
const COLON = 0x3a
const SHORTEST = 3
const LONGEST_PORT = 5

export const connectionStrings: readonly Matcher[] = [
  {
    detector: 'connection-string',
    anchors: [...'abcdefghijklmnopqrstuvwxyz0123456789'].map(
      (last): Anchor => ({ literal: `${last}://`, anyCase: true, isMasked: false }),
    ),
    match,
  },
]

function match({ text, end, isFinal }: Window, at: number, found: Found): Outcome {
  if (ALPHANUMERIC[text[at]!] !== 1) return NONE
  const from = at + 4
  const most = Math.min(end, from + limits.detect.userInfo)
  const colon = skipClass(text, from, most, USER)
  if (colon === end && !isFinal) return found.live(end, false)
  if (colon === most || text[colon] !== COLON) return NONE
  const to = passwordEnd(text, colon + 1, most)
  if (to === end && !isFinal && to < from + limits.detect.userInfo)
    return found.live(colon + 1, to > colon + 1 && DIGITS[text[colon + 1]!] !== 1)
  if (to === most || text[to] !== AT) return NONE
  // A port with a path is none, and neither is a placeholder.
  if (to - colon - 1 < SHORTEST || !isPassword(text, colon + 1, to) || isReference(text, colon + 1, to)) return NONE
  return found.mask(colon + 1, to)
}

/** Over what passwords are written of, and characters that JSON writes by their number: Go's does so with &. */
function passwordEnd(text: Uint8Array, from: number, most: number): number {
  let at = from
  for (;;) {
    at = skipClass(text, at, most, PASSWORD)
    let place = skipClass(text, at, most, BACKSLASHES)
    if (place === at) return at
    if (place < most && text[place] !== LETTER_U) return at
    place = skipClass(text, place + 1, Math.min(most, place + 1 + DIGITS_OF_NUMBER), HEX)
    if (place < most && text[place - DIGITS_OF_NUMBER - 1] !== LETTER_U) return at
    at = Math.min(place, most)
  }
}

/** Whether what stands there is no port with a path behind it. */
function isPassword(text: Uint8Array, from: number, to: number): boolean {
  const at = skipClass(text, from, Math.min(to, from + LONGEST_PORT), DIGITS)
  return at === from || at === to || (text[at] !== 0x2f && text[at] !== 0x3f && text[at] !== 0x23)
}

function isReference(text: Uint8Array, from: number, to: number): boolean {
  const password = Buffer.from(text.subarray(from, to)).toString('latin1')
  return /^(\$\{?\w|\$\(|\{\{|%[sv]$|\[|x+$|\*+$|password$|pass$|pwd$|secret$|redacted|masked|~)/i.test(password)
}
