// Credentials of HTTP's Authorization field (RFC 9110 section 11.6.2), wherever it is written down: Bearer, Basic, and what
// stands behind the field's name with any other scheme.

import { byteClass, skipClass } from '../classes.ts'
import { type Found, type Matcher, NONE, type Outcome, type Window } from '../match.ts'
import { skipJoint } from './named-value.ts'

/** token68 of RFC 9110. */
const TOKEN = byteClass('A-Za-z0-9._~+/=-')
const SCHEME = byteClass('A-Za-z0-9-')
const SPACE = 0x20
/** A shorter word behind "Bearer" is prose. */
const SHORTEST_BEARER = 16
const SHORTEST_BASIC = 8
const SHORTEST = 6

export const authorizations: readonly Matcher[] = [
  {
    detector: 'authorization',
    anchors: [
      { literal: 'authorization', anyCase: true, isMasked: false },
      { literal: 'bearer', anyCase: true, isMasked: false },
      { literal: 'basic', anyCase: true, isMasked: false },
    ],
    match: (window, at, found) => {
      const first = window.text[at]! | 0x20
      if (first === 0x61) return matchField(window, at, found)
      return matchScheme(window, at, found, first === 0x62 && (window.text[at + 1]! | 0x20) === 0x65)
    },
  },
]

function literal({ text, end, isFinal }: Window, at: number, word: string, found: Found): Outcome {
  for (let index = 0; index < word.length; index++) {
    if (at + index >= end) return isFinal ? NONE : found.live(end, false)
    if ((text[at + index]! | 0x20) !== word.charCodeAt(index)) return NONE
  }
  return 1
}

/** Authorization: SCHEME CREDENTIALS, or the credentials alone. */
function matchField(window: Window, at: number, found: Found): Outcome {
  const said = literal(window, at, 'authorization', found)
  if (said !== 1) return said
  const { text, end, isFinal } = window
  const scheme = skipJoint(text, at + 13, end)
  if (scheme === -1) return NONE
  const space = skipClass(text, scheme, Math.min(end, scheme + 32), SCHEME)
  if (space >= end) return isFinal ? NONE : found.live(scheme, space - scheme >= SHORTEST_BEARER)
  if (space === scheme) return NONE
  const from = text[space] === SPACE ? space + 1 : scheme
  // Digest, AWS4-HMAC-SHA256 and the like have named parts: their signatures are of one request.
  return credentials(window, from, text[space] === SPACE ? SHORTEST : SHORTEST_BEARER, found)
}

function matchScheme(window: Window, at: number, found: Found, isBearer: boolean): Outcome {
  const word = isBearer ? 'bearer ' : 'basic '
  const said = literal(window, at, word, found)
  if (said !== 1) return said
  return credentials(window, at + word.length, isBearer ? SHORTEST_BEARER : SHORTEST_BASIC, found, !isBearer)
}

function credentials(
  { text, end, isFinal }: Window,
  from: number,
  least: number,
  found: Found,
  isBasic = false,
): Outcome {
  const to = skipClass(text, from, Math.min(end, from + 64), TOKEN)
  if (to === end && !isFinal && to - from < 64) return found.live(from, to - from >= SHORTEST)
  const value = Buffer.from(text.subarray(from, to)).toString('latin1')
  if (to - from < least || /^(~mask|\/mask\+|\*+$|x+$|\.+$|<|sallyport-masked-)/i.test(value)) return NONE
  if (isBasic ? !isBasicPair(value) : !/\d/.test(value)) return NONE
  return found.mask(from, to, to - from === 64 ? TOKEN : undefined)
}

function isBasicPair(value: string): boolean {
  return value.length >= 64 || /^[\x20-\x7e]*:[\x20-\x7e]*$/.test(Buffer.from(value, 'base64').toString('latin1'))
}
