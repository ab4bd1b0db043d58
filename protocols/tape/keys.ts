// What a store keeps -> the keys it lies under, as ASCII text whose byte order is the order to read in. Components that
// come from outside are escaped, so that no value can reach into another's range, and bounded.
//
//   c                       the latest checkpoint, a signed note
//   d                       the tree's right edge at that checkpoint (merkle.ts)
//   e/TAPE/SEQ              hash ‖ entry (chain.ts)
//   i/DIMENSION/VALUE/TAPE  nothing: a request on that tape has this value
//   l/INDEX                 a leaf of the log (leaf.ts)
//   o/TAPE                  nothing: the tape is open, or was when its writer stopped
//   t/TAPE                  nothing: there is this tape

import { createHash } from 'node:crypto'
import type { RequestBody } from './entry.ts'
import { firstUlid } from './ulid.ts'

export const CHECKPOINT_KEY = 'c'
export const EDGE_KEY = 'd'

/** A range of keys: `from` is in it, `to` is not. */
export interface KeyRange {
  readonly from: string
  readonly to: string
}

/** Digits of a sequence number: 10^12 entries of 64 KiB are 64 PB. */
const SEQ_DIGITS = 12
const INDEX_DIGITS = 16

/** What requests can be searched by. `command` is the program of an exec. Time is in the tape's id itself. */
export const DIMENSIONS = ['user', 'actor', 'verb', 'resource', 'namespace', 'command'] as const
export type Dimension = (typeof DIMENSIONS)[number]

export function entryKey(tape: string, seq: number): string {
  return `e/${tape}/${digits(seq, SEQ_DIGITS)}`
}

/** All entries of a tape, from number `from` on. */
export function entryRange(tape: string, from = 0): KeyRange {
  return { from: entryKey(tape, from), to: after(`e/${tape}`) }
}

export function leafKey(index: number): string {
  return `l/${digits(index, INDEX_DIGITS)}`
}

/** All leaves of the log, from number `from` on. */
export function leafRange(from = 0): KeyRange {
  return { from: leafKey(from), to: after('l') }
}

export function tapeKey(tape: string): string {
  return `t/${tape}`
}

/** Tapes by the time they were opened: from `since`, before `until` (milliseconds since 1970), before the id `cursor`. */
export function tapeRange(since?: number, until?: number, cursor?: string): KeyRange {
  return narrowed('t', since, until, cursor)
}

export function openKey(tape: string): string {
  return `o/${tape}`
}

/** All tapes that are open, or were when their writer stopped. */
export function openRange(): KeyRange {
  return { from: 'o/', to: after('o') }
}

export function indexKey(dimension: Dimension, value: string, tape: string): string {
  return `i/${dimension}/${component(value)}/${tape}`
}

/** Tapes with a request of that value, by the time they were opened. */
export function indexRange(
  dimension: Dimension,
  value: string,
  since?: number,
  until?: number,
  cursor?: string,
): KeyRange {
  return narrowed(`i/${dimension}/${component(value)}`, since, until, cursor)
}

/** The tape that a key of `t`, `o` or `i` names: its last component. */
export function tapeOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}

/** What a request is found by: dimension and value in turn. Values that it has not are left out. */
export function searchTerms(request: RequestBody): readonly (readonly [Dimension, string])[] {
  const { principal, attributes, command } = request
  const terms: readonly (readonly [Dimension, string | undefined])[] = [
    ['user', principal?.user],
    ['actor', principal?.actor],
    ['verb', attributes?.verb],
    ['resource', attributes?.resource],
    ['namespace', attributes?.namespace],
    ['command', command[0]],
  ]
  return terms.filter((term): term is readonly [Dimension, string] => term[1] !== undefined && term[1] !== '')
}

/** Bytes of a value that stand in a key as they are; '%' begins an escape, and '~' ends what was cut. */
const PLAIN = /^[A-Za-z0-9_.:@-]{0,96}$/
const LONGEST = 96

/** A value as one component of a key: at most 140 characters, different for different values. */
function component(value: string): string {
  if (PLAIN.test(value)) return value
  const escaped = percentEncoded(value)
  if (escaped.length <= LONGEST) return escaped
  return `${escaped.slice(0, LONGEST)}~${createHash('sha256').update(value).digest('base64url')}`
}

function percentEncoded(value: string): string {
  let escaped = ''
  // Past the cut the digest speaks for the rest.
  for (const byte of new TextEncoder().encode(value.slice(0, LONGEST + 1))) {
    const character = String.fromCharCode(byte)
    escaped += PLAIN.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return escaped
}

function narrowed(prefix: string, since?: number, until?: number, cursor?: string): KeyRange {
  const from = since === undefined ? `${prefix}/` : `${prefix}/${firstUlid(since)}`
  const ends = [until === undefined ? after(prefix) : `${prefix}/${firstUlid(until)}`]
  if (cursor !== undefined) ends.push(`${prefix}/${cursor}`)
  return { from, to: ends.sort()[0] as string }
}

/** The key behind all that begin with `prefix` and a slash: '0' follows '/' in ASCII. */
function after(prefix: string): string {
  return `${prefix}0`
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0')
}
