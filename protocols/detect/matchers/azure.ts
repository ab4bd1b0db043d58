// Azure: storage and service bus keys of connection strings, signatures of shared access, and client secrets by the "Q~" in
// them.

import { byteClass, skipClass } from '../classes.ts'
import { type Found, type Matcher, NONE, type Outcome, type Window } from '../match.ts'
import { namedValues } from './named-value.ts'

const BASE64 = byteClass('A-Za-z0-9+/=')
const ESCAPED = byteClass('A-Za-z0-9+/=%')
const SECRET = byteClass('A-Za-z0-9_.~-')
/** Behind "8Q~". */
const SHORTEST = 31
const LONGEST = 34

export const azureSecrets: readonly Matcher[] = [
  namedValues('azure', [
    { name: 'AccountKey', characters: BASE64, least: 44, most: 88 },
    { name: 'SharedAccessKey', characters: BASE64, least: 40, most: 88 },
    ...['?sig', '&sig', '0026sig'].map((name) => ({ name, characters: ESCAPED, least: 40, most: 120 })),
  ]),
  {
    detector: 'azure',
    anchors: [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~-'].flatMap((before) =>
      ['7', '8'].map((digit) => ({ literal: `${before}${digit}Q~`, anyCase: false, isMasked: true })),
    ),
    match,
  },
]

/** All but the three characters before the digit is masked: those have passed by the time that it comes. */
function match({ text, end, isFinal }: Window, at: number, found: Found): Outcome {
  const from = at + 1
  if (end < at + 4) return isFinal ? NONE : found.live(from, false)
  if (
    text[at + 2] !== 0x51 ||
    text[at + 3] !== 0x7e ||
    at < 2 ||
    SECRET[text[at - 1]!] !== 1 ||
    SECRET[text[at - 2]!] !== 1
  )
    return NONE
  const to = skipClass(text, at + 4, Math.min(end, at + 4 + LONGEST + 1), SECRET)
  if (to === end && !isFinal) return found.live(from, to - at > 8)
  const length = to - at - 4
  return length >= SHORTEST && length <= LONGEST ? found.mask(from, to) : NONE
}
