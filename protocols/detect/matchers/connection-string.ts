// The password in scheme://user:password@host, and nothing but it.

import { limits } from '../../limits.ts'
import { ALPHANUMERIC, byteClass, DIGITS, skipClass } from '../classes.ts'
import { type Anchor, type Found, type Matcher, NONE, type Outcome, type Window } from '../match.ts'

/** What users and passwords are written of (RFC 3986 section 3.2.1), and what careless ones hold besides. */
const USER = byteClass('A-Za-z0-9._~%!$&*+,;=-')
const PASSWORD = byteClass('A-Za-z0-9._~%!$&*+,;=:#?^/|(){}[]-')
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
  const to = skipClass(text, colon + 1, most, PASSWORD)
  if (to === end && !isFinal && to < from + limits.detect.userInfo)
    return found.live(colon + 1, to > colon + 1 && DIGITS[text[colon + 1]!] !== 1)
  if (to === most || text[to] !== AT) return NONE
  // A port with a path is none, and neither is a placeholder.
  if (to - colon - 1 < SHORTEST || !isPassword(text, colon + 1, to) || isReference(text, colon + 1, to)) return NONE
  return found.mask(colon + 1, to)
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
