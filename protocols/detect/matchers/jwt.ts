// JSON web tokens (RFC 7515, RFC 7516): base64url of a JSON object that names an algorithm, a dot, and what follows. Ids
// with dots in them do not begin with such an object.

import { limits } from '../../limits.ts'
import { BASE64URL, byteClass, skipClass } from '../classes.ts'
import { type Anchor, type Found, type Matcher, NONE, type Outcome, type Window } from '../match.ts'

const DOT = 0x2e
const TOKEN = byteClass('A-Za-z0-9_.-')
/** Behind the first dot, for a token to be told from a name. */
const SHORTEST_PART = 8
/** `{"` and a small letter; `{ `, `{` and a line end as pretty printers write it. */
const BEGINNINGS = [...'hijklmnopqrstuvwxyz0123456'].map((character) => `eyJ${character}`)

export const jsonWebTokens: readonly Matcher[] = [
  {
    detector: 'jwt',
    anchors: [...BEGINNINGS, 'eyAi', 'ewog', 'ewoJ', 'ew0K'].map(
      (literal): Anchor => ({ literal, anyCase: false, isMasked: true }),
    ),
    match,
  },
]

function match({ text, end, isFinal }: Window, at: number, found: Found): Outcome {
  if (at > 0 && TOKEN[text[at - 1]!] === 1) return NONE
  const most = Math.min(end, at + limits.detect.tokenHeader)
  const dot = skipClass(text, at, most, BASE64URL)
  if (dot === end && !isFinal) return found.live(at, dot - at >= SHORTEST_PART)
  if (dot === most || text[dot] !== DOT || !namesAlgorithm(text, at, dot)) return NONE
  const to = skipClass(text, dot + 1, Math.min(end, dot + 1 + SHORTEST_PART), TOKEN)
  if (to === dot + 1 + SHORTEST_PART) return found.mask(at, to, TOKEN)
  return to === end && !isFinal ? found.live(at, true) : NONE
}

function namesAlgorithm(text: Uint8Array, from: number, to: number): boolean {
  const header = Buffer.from(Buffer.from(text.subarray(from, to)).toString('latin1'), 'base64').toString('latin1')
  return header.startsWith('{') && (header.includes('"alg"') || header.includes('"enc"') || header.includes('"typ"'))
}
