// Narrows what a client accepts to what can be masked, in whatever shape (as, g, v) and order it asks for: JSON, and
// protobuf where the kind's can be masked; YAML for clients that take nothing else. Refuses, with 406, clients that take none
// of it.

import { type Fields, fieldList } from '../../protocols/fields.ts'
import { type Refusal, refuse } from '../decision.ts'

/**
 * The fields without what a client may ask for that would hide a value: compression, and part of an answer (RFC 9110 section
 * 14: servers behind a proxy would give a value in parts too short to be known). A server may answer with the whole.
 */
export function acceptPlain(fields: Fields): Fields {
  return without(fields, (name) => HIDING.has(name))
}

const HIDING = new Set(['accept-encoding', 'range', 'if-range'])

/** What can be masked besides JSON. */
export interface Maskable {
  /** `alone`: for who takes no JSON, since a list has to be held to its end. */
  readonly protobuf: boolean | 'alone'
  /** For who takes neither; a watch has no YAML. */
  readonly yaml: boolean
  /** Shapes of an answer that are a Table's. */
  readonly tables: boolean
}

/** The same with Accept narrowed. */
export function acceptMaskable(fields: Fields, masks: Maskable = JSON_ALONE): Fields | Refusal {
  const ranges = fieldList(fields, 'accept')
  const asked = masks.tables ? ranges : ranges.filter((range) => !IS_TABLE.test(range))
  const isProtobuf = (range: string): boolean => typeOf(range) === PROTOBUF_TYPE
  let accepted = [JSON_TYPE]
  if (ranges.length > 0) {
    accepted = asked.flatMap((range) => (masks.protobuf === true && isProtobuf(range) ? [range] : asJson(range)))
  }
  if (accepted.length === 0 && masks.protobuf === 'alone') accepted = asked.filter(isProtobuf)
  if (accepted.length === 0 && masks.yaml) accepted = asked.filter((range) => typeOf(range) === 'application/yaml')
  if (accepted.length === 0) {
    const message = 'this answer is masked, which it cannot be in this form: accept application/json'
    return refuse(406, 'NotAcceptable', 'mask.not_acceptable', message)
  }
  return [...without(fields, (name) => name === 'accept' || HIDING.has(name)), 'Accept', accepted.join(',')]
}

const JSON_ALONE: Maskable = { protobuf: false, yaml: false, tables: true }
const IS_TABLE = /;\s*as\s*=\s*"?table/i
const JSON_TYPE = 'application/json'
const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'

/** A media range with its parameters, as one of JSON; none for what is another type. */
function asJson(range: string): string[] {
  const type = typeOf(range)
  if (type !== JSON_TYPE && type !== 'application/*' && type !== '*/*') return []
  const [, ...parameters] = range.split(';').map((part) => part.trim())
  return [[JSON_TYPE, ...parameters].join(';')]
}

function typeOf(range: string): string {
  return (range.split(';', 1)[0] as string).trim().toLowerCase()
}

function without(fields: Fields, isGone: (lowerName: string) => boolean): Fields {
  const kept: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    if (!isGone((fields[at] as string).toLowerCase())) kept.push(fields[at] as string, fields[at + 1] as string)
  }
  return kept
}
