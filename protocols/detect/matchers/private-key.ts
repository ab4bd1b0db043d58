// Private keys in PEM (RFC 7468, and RFC 1421 headers), OpenSSH's form and PGP's armour: all between BEGIN and END is masked as it
// comes. Certificates and public keys are none.

import { limits } from '../../limits.ts'
import { byteClass } from '../classes.ts'
import { lineEndWidth } from '../encodings.ts'
import { type Found, type Matcher, NONE, type Outcome, type Window } from '../match.ts'

const LABEL = byteClass('A-Z0-9 ')
const LONGEST_LABEL = 64
const BODY = byteClass('A-Za-z0-9+/=')
/** What a body is made of, with its line ends in both forms and what is set before its lines. */
const RUN = byteClass('A-Za-z0-9+/= \t\r\n\\')
const DASH = 0x2d
const COLON = 0x3a
const BACKSLASH = 0x5c

/** A line that is longer without a colon is no header. */
const LONGEST_NAME = 64
/** A body's first line, unless it ends the line: a shorter word is prose about keys. */
const SHORTEST_LINE = 16

export const privateKeys: readonly Matcher[] = [
  { detector: 'private-key', anchors: [{ literal: 'BEGIN ', anyCase: false, isMasked: false }], match },
]

function match(window: Window, at: number, found: Found): Outcome {
  const { text, end, isFinal } = window
  if (at < 5 || dashes(text, at - 5, at) < 5) return NONE
  const nothingYet = isFinal ? NONE : undefined
  let label = at + 6
  const most = at + LONGEST_LABEL
  while (label < end && label < most && LABEL[text[label]!] === 1) label += 1
  if (label >= end) return nothingYet ?? found.live(end, false)
  const name = Buffer.from(text.subarray(at, label)).toString('latin1')
  if (!/^BEGIN (\w+ )*PRIVATE KEY( BLOCK)?$/.test(name)) return NONE
  const closed = dashes(text, label, Math.min(end, label + 5))
  if (closed < 5) return label + closed === end ? (nothingYet ?? found.live(end, false)) : NONE
  return matchBody(window, label + 5, found)
}

/** From behind the first line: over headers, to where the body begins. */
function matchBody({ text, end, isFinal }: Window, from: number, found: Found): Outcome {
  const most = from + limits.detect.keyHeader
  let at = skipSpace(text, from, Math.min(end, most))
  while (at < most) {
    let name = at
    while (name < end && name - at < LONGEST_NAME && BODY[text[name]!] === 1) name += 1
    if (name >= end && !isFinal) return found.live(at, true)
    if (name >= end) return name - at < SHORTEST_LINE ? NONE : found.mask(at, at, RUN)
    if (name === at) return NONE
    if (text[name] !== COLON && text[name] !== DASH) {
      const width = lineEndWidth(text, name, end)
      if (name - at < SHORTEST_LINE && width < 0 && !isFinal) return found.live(at, true)
      const isLine = name - at >= SHORTEST_LINE || width > 0
      return isLine ? found.mask(at, at, RUN) : NONE
    }
    while (name < end && name < most && lineEndWidth(text, name, end) === 0) name += 1
    if (name >= most) return NONE
    if (name >= end) return isFinal ? NONE : found.live(end, false)
    at = skipSpace(text, name, Math.min(end, most))
  }
  return NONE
}

/** Over white space, and line ends as escapes, of escapes too; a backslash at the end may be half of one. */
function skipSpace(text: Uint8Array, at: number, end: number): number {
  for (; at < end; ) {
    const octet = text[at]!
    if (octet === 0x20 || octet === 0x09 || (octet === BACKSLASH && text[at + 1] === BACKSLASH)) at += 1
    else {
      const width = lineEndWidth(text, at, end)
      if (width === 0) return at
      at += Math.abs(width)
    }
  }
  return at
}

function dashes(text: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && text[at] === DASH) at += 1
  return at - from
}
