// Values that are given to a name which says that they are secret, in the ways of environments, INI files, YAML, JSON, URLs and
// command lines. What is empty, a reference, a path, a number, or made of ordinary words is no secret.

import { limits } from '../../limits.ts'
import { byteClass, skipClass } from '../classes.ts'
import { type Anchor, type Found, type Matcher, NONE, type Outcome, type Window } from '../match.ts'
import { isSecretName } from './secret-name.ts'
import { isSecretValue } from './secret-value.ts'

const NAME = byteClass('A-Za-z0-9_.-')
const LONGEST_NAME = 64
const DOUBLE_QUOTE = 0x22
const SINGLE_QUOTE = 0x27
const BACKSLASH = 0x5c
const EQUALS = 0x3d
const COLON = 0x3a
const SPACE = 0x20
const TAB = 0x09
/** What an unquoted value is made of. */
const BARE = byteClass('!#-%*+./0-:=?@A-Z^_a-z~-')
/** Within quotes, what else it may be made of: all but quotes, backslashes and line ends. */
const QUOTED = byteClass(' !#-&(-[]-~')
QUOTED.fill(1, 0x80)

const LITERALS = [
  'pass',
  'pwd=',
  'pwd:',
  'pwd"',
  'secr',
  'toke',
  'apik',
  '_key',
  '-key',
  'ikey',
  'skey',
  'ekey',
  'nkey',
  'gkey',
  'tkey',
  'rkey',
  'cred',
]

export const assignments: readonly Matcher[] = [
  {
    detector: 'assignment',
    anchors: LITERALS.map((literal): Anchor => ({ literal, anyCase: true, isMasked: false })),
    match,
  },
]

function match({ text, end, isFinal }: Window, at: number, found: Found): Outcome {
  let start = at
  while (start > 0 && at - start < LONGEST_NAME && NAME[text[start - 1]!] === 1) start -= 1
  const stop = skipClass(text, at, Math.min(end, at + LONGEST_NAME), NAME)
  if (stop === end) return isFinal ? NONE : found.live(end, false)
  const name = Buffer.from(text.subarray(start, stop)).toString('latin1')
  if (!isSecretName(name)) return NONE
  const open = valueStart(text, start, stop, end)
  if (open === -1) return NONE
  if (open >= end) return isFinal ? NONE : found.live(end, false)
  let from = open
  if (text[from] === BACKSLASH) from += 1
  if (from >= end) return isFinal ? NONE : found.live(end, false)
  const isQuoted = text[from] === DOUBLE_QUOTE || text[from] === SINGLE_QUOTE
  if (isQuoted) from += 1
  else if (from !== open) return NONE
  const most = from + limits.detect.assigned
  const to = skipClass(text, from, Math.min(end, most), isQuoted ? QUOTED : BARE)
  if (to === end && to < most && !isFinal) {
    return found.live(from, to > from && isSecretValue(text, from, to, name, true))
  }
  if (!isSecretValue(text, from, to, name, false)) return NONE
  return found.mask(from, to, to === most ? (isQuoted ? QUOTED : BARE) : undefined)
}

/** Where the value of a name that ends at `at` begins, its quote included; -1 where none is given; `end` if that is yet to come. */
function valueStart(text: Uint8Array, start: number, at: number, end: number): number {
  let place = at
  if (text[place] === BACKSLASH) place += 1
  if (place < end && (text[place] === DOUBLE_QUOTE || text[place] === SINGLE_QUOTE)) place += 1
  const spaced = skipBlank(text, place, end)
  if (spaced === -1) return -1
  if (spaced >= end) return end
  const sign = text[spaced]!
  if (sign === EQUALS || sign === COLON) {
    const next = spaced + 1
    if (next >= end) return end
    // ":=", "=>" and "==".
    const isDouble = text[next] === EQUALS || (sign === EQUALS && text[next] === 0x3e)
    return skipBlank(text, isDouble ? next + 1 : next, end)
  }
  // --password value
  return start >= 0 && text[start] === 0x2d && spaced > place && place === at ? spaced : -1
}

/** Over spaces and tabs; -1 for too many. */
function skipBlank(text: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end && (text[at] === SPACE || text[at] === TAB)) at += 1
  return at - from > limits.detect.assignedSpace ? -1 : at
}
