// AWS access keys: ids by their prefix, secret keys and session tokens by the name in front of them. ARNs and ids of
// things are none.

import { byteClass, skipClass, WORD } from '../classes.ts'
import { type Found, type Matcher, NONE, type Outcome, type Window } from '../match.ts'
import { namedValues } from './named-value.ts'

const ID = byteClass('A-Z2-7')
const ID_LENGTH = 20
const BASE64 = byteClass('A-Za-z0-9+/=')
const SECRET_LENGTH = 40
const SHORTEST_TOKEN = 100

export const awsKeys: readonly Matcher[] = [
  {
    detector: 'aws',
    anchors: ['AKIA', 'ASIA'].map((literal) => ({ literal, anyCase: false, isMasked: true })),
    match,
  },
  namedValues('aws', [
    ...['secret_access_key', 'secretAccessKey', 'aws_secret_key', 'secret access key'].map((name) => ({
      name,
      characters: byteClass('A-Za-z0-9+/'),
      least: SECRET_LENGTH,
      most: SECRET_LENGTH,
    })),
    ...['session_token', 'sessionToken', 'security_token', 'x-amz-security-token'].map((name) => ({
      name,
      characters: byteClass('A-Za-z0-9+/=%'),
      least: SHORTEST_TOKEN,
      most: Number.POSITIVE_INFINITY,
    })),
  ]),
]

function match({ text, end, isFinal }: Window, at: number, found: Found): Outcome {
  if (at > 0 && (WORD[text[at - 1]!] === 1 || BASE64[text[at - 1]!] === 1) && text[at - 1] !== 0x3d) return NONE
  const to = skipClass(text, at, Math.min(end, at + ID_LENGTH), ID)
  if (to === end && !isFinal) return found.live(at, to - at >= 8)
  if (to !== at + ID_LENGTH || (to < end && BASE64[text[to]!] === 1 && text[to] !== 0x3d)) return NONE
  return found.mask(at, to)
}
