// Finds values by the very name that is in front of them, however the two are joined: "name: value", NAME=value, JSON, XML,
// query strings. The value is known by its characters and length alone.

import { skipClass } from '../classes.ts'
import { FOUND, type Found, type Matcher, NONE, type Outcome, type Window } from '../match.ts'

/** A name, and what its values look like. */
export interface NamedValue {
  /** Of four characters at least; in any case. */
  readonly name: string
  readonly characters: Uint8Array
  readonly least: number
  /** A longer one is another thing; Infinity: masked on as it comes. */
  readonly most: number
  readonly isBase64?: boolean
}

const SPACE = 0x20
const TAB = 0x09
/** Quotes, signs and spaces between a name and its value; and its closing tag's bracket. */
const LONGEST_JOINT = 40
const QUOTES = new Set([0x22, 0x27, 0x5c, 0x60])
const SIGNS = new Set([0x3a, 0x3d, 0x3e])

export function namedValues(detector: string, values: readonly NamedValue[]): Matcher {
  return {
    detector,
    anchors: values.map(({ name }) => ({ literal: name, anyCase: true, isMasked: false })),
    match: (window, at, found) => {
      let outcome: Outcome = NONE
      for (const value of values) {
        outcome = matchNamed(value, window, at, found)
        if (outcome !== NONE) return outcome
      }
      return outcome
    },
  }
}

function matchNamed(value: NamedValue, window: Window, at: number, found: Found): Outcome {
  const { text, end, isFinal } = window
  const { name, characters, least, most } = value
  for (let index = 0; index < name.length; index++) {
    if (at + index >= end) return isFinal ? NONE : found.live(end, false)
    if ((text[at + index]! | 0x20) !== (name.charCodeAt(index) | 0x20)) return NONE
  }
  const from = skipJoint(text, at + name.length, end)
  if (from === -1) return NONE
  if (from >= end) return isFinal ? NONE : found.live(end, false)
  const isOpen = most === Number.POSITIVE_INFINITY
  const judged = isOpen ? least : most + 1
  const to = skipClass(text, from, Math.min(end, from + judged), characters)
  if (to === end && !isFinal && to - from < judged) return found.live(from, true)
  if (to - from < least || to - from > most) return NONE
  found.mask(from, to, isOpen ? characters : undefined)
  found.isBase64 = value.isBase64 === true
  return FOUND
}

/** Behind the sign that joins a name to its value, and the value's opening quote; -1 where there is none. */
export function skipJoint(text: Uint8Array, at: number, end: number): number {
  let signs = 0
  const most = at + LONGEST_JOINT
  for (; at < end; at++) {
    const octet = text[at]!
    if (SIGNS.has(octet)) signs += 1
    else if (!QUOTES.has(octet) && octet !== SPACE && octet !== TAB) break
    if (at >= most || signs > 2) return -1
  }
  return signs === 0 && at < end ? -1 : at
}
