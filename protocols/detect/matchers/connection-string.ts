// The password in scheme://user:password@host, and nothing but it.

import { limits } from '../../limits.ts'
import { ALPHANUMERIC, byteClass, skipClass } from '../classes.ts'
import { type Anchor, type Found, type Matcher, NONE, type Outcome, type Window } from '../match.ts'

/** What users and passwords are written of (RFC 3986 section 3.2.1), and what careless ones hold besides. */
const USER = byteClass('A-Za-z0-9._~%!$&*+,;=-')
const PASSWORD = byteClass('A-Za-z0-9._~%!$&*+,;=:#?^/|(){}[]-')
const AT = 0x40
const COLON = 0x3a
const SHORTEST = 3

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
    return found.live(colon + 1, isPassword(text, colon + 1, to))
  if (to === most || text[to] !== AT) return NONE
  // A port and a path are none, and neither is a placeholder.
  if (to - colon - 1 < SHORTEST || isReference(text, colon + 1, to)) return NONE
  return found.mask(colon + 1, to)
}

/** Whether what has come so far looks unlike a port with a path. */
function isPassword(text: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const octet = text[at]!
    if (octet < 0x30 || octet > 0x39) return octet !== 0x2f && octet !== 0x3f && octet !== 0x23
  }
  return false
}

function isReference(text: Uint8Array, from: number, to: number): boolean {
  const password = Buffer.from(text.subarray(from, to)).toString('latin1')
  return /^(\$\{?\w|\$\(|\{\{|%[sv]$|\[|x+$|\*+$|password$|pass$|pwd$|secret$|~)/i.test(password)
}
