// Values that are given to a name which says that they are secret, in the ways of environments, INI files, YAML, JSON, URLs and
// command lines. What is empty, a reference, a path, a number, or made of ordinary words is no secret.

import { limits } from '../../limits.ts'
import { byteClass, skipClass } from '../classes.ts'
import { lineEndWidth } from '../encodings.ts'
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

const COMMA = 0x2c
const SLASH = 0x2f
const GREATER = 0x3e
const OPENING = byteClass('({[')
const VALUE = [0x76, 0x61, 0x6c, 0x75, 0x65]
const BASE64 = byteClass('A-Za-z0-9+/')
const PADDING = byteClass('=')
const SHORTEST_BASE64 = 16

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
  // An annotation of a checksum ("checksum/secret"), a path.
  if (!isSecretName(name) || text[start - 1] === SLASH) return NONE
  const open = valueStart(text, start, stop, end)
  if (open === -1) return NONE
  if (open >= end) return isFinal ? NONE : found.live(end, false)
  let from = skipBackslashes(text, open, end)
  if (from >= end) return isFinal ? NONE : found.live(end, false)
  const isQuoted = text[from] === DOUBLE_QUOTE || text[from] === SINGLE_QUOTE
  if (isQuoted) from += 1
  else if (from !== open) return NONE
  const most = from + limits.detect.assigned
  const to = skipClass(text, from, Math.min(end, most), isQuoted ? QUOTED : BARE)
  if (to === end && to < most && !isFinal) {
    return found.live(from, to > from && isSecretValue(text, from, to, name, true))
  }
  // Behind a name of code stands a call, an index or a literal's body.
  if (!isQuoted && OPENING[text[to]!] === 1 && to < end) return NONE
  if (!isSecretValue(text, from, to, name, false)) return NONE
  if (to === most) return found.mask(from, to, isQuoted ? QUOTED : BARE)
  const base64 = base64End(text, from, to)
  const outcome = found.mask(from, base64 === -1 ? to : base64)
  found.isBase64 = base64 !== -1
  return outcome
}

/** Where the value of a name that ends at `at` begins, its quote included; -1 where none is given; `end` if that is yet to come. */
function valueStart(text: Uint8Array, start: number, at: number, end: number): number {
  const quoted = skipQuote(text, at, end)
  const spaced = skipBlank(text, quoted, end)
  if (spaced === -1) return -1
  if (spaced >= end) return end
  const sign = text[spaced]!
  if (sign === EQUALS || sign === COLON) {
    const next = spaced + 1
    if (next >= end) return end
    // ":=" and "=>"; "==" compares.
    const isDouble = text[next] === (sign === COLON ? EQUALS : GREATER)
    if (sign === EQUALS && text[next] === EQUALS) return -1
    return skipBlank(text, isDouble ? next + 1 : next, end)
  }
  // --password value
  if (text[start] === 0x2d && spaced > quoted && quoted === at) return spaced
  return namedBefore(text, spaced, end)
}

/** The value of an environment variable whose name is a value itself: `name: NAME`, and then `value: ...`, in YAML and JSON. */
function namedBefore(text: Uint8Array, from: number, end: number): number {
  let at = text[from] === COMMA ? from + 1 : from
  const most = at + limits.detect.assignedSpace
  for (let width = 1; width !== 0; at += Math.max(0, width)) {
    if (at >= end) return end
    if (at > most) return -1
    width = text[at] === SPACE || text[at] === TAB ? 1 : lineEndWidth(text, at, end)
    if (width < 0) return end
  }
  if (at === from) return -1
  at = skipQuote(text, at, end)
  for (const octet of VALUE) {
    if (at >= end) return end
    if (text[at++] !== octet) return -1
  }
  const colon = skipBlank(text, skipQuote(text, at, end), end)
  if (colon === -1 || colon >= end) return colon
  return text[colon] === COLON ? skipBlank(text, colon + 1, end) : -1
}

/** JSON in a string of JSON, and that again, has a quote behind so many backslashes at most. */
const MOST_BACKSLASHES = 15

function skipBackslashes(text: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end && text[at] === BACKSLASH && at - from < MOST_BACKSLASHES) at += 1
  return at
}

/** Over a quote, and backslashes before it. */
function skipQuote(text: Uint8Array, at: number, end: number): number {
  const quote = skipBackslashes(text, at, end)
  if (quote >= end) return end
  return text[quote] === DOUBLE_QUOTE || text[quote] === SINGLE_QUOTE ? quote + 1 : at
}

/** Over spaces and tabs; -1 for too many. */
function skipBlank(text: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end && (text[at] === SPACE || text[at] === TAB)) at += 1
  return at - from > limits.detect.assignedSpace ? -1 : at
}

/** How far a quoted value is base64 that has to stay such: without its padding; -1 if it is none. */
function base64End(text: Uint8Array, from: number, to: number): number {
  if ((to - from) % 4 !== 0 || to - from < SHORTEST_BASE64 || text[to] !== DOUBLE_QUOTE) return -1
  const end = skipClass(text, from, to, BASE64)
  return to - end <= 2 && skipClass(text, end, to, PADDING) === to ? end : -1
}
