// What the body of each kind of entry must look like once it is decoded. A field that entry.ts does not know is refused,
// as is one that is missing: a tape that says more than format 1 is another format.

import type { EntryBodies, EntryKind, StreamBody } from './entry.ts'

type Check = (value: unknown) => boolean
/** A check for each field, so that a change of entry.ts does not compile before it is made here. */
type FieldsOf<T> = { readonly [K in keyof T]-?: undefined extends T[K] ? Optional : Check }
interface Optional {
  readonly check: Check
}

const text: Check = (value) => typeof value === 'string'
const flag: Check = (value) => typeof value === 'boolean'
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const bytes: Check = (value) => value instanceof Uint8Array
const digest: Check = (value) => value instanceof Uint8Array && value.length === 32
const texts: Check = (value) => Array.isArray(value) && value.every(text)
/** Field lines: names and values take turns. */
const fields: Check = (value) => texts(value) && (value as unknown[]).length % 2 === 0

const oneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value)
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const optional = (check: Check): Optional => ({ check })

/** A map with these fields and no others. */
function record<T>(shape: FieldsOf<T>): Check {
  const known = new Map<string, Check | Optional>(Object.entries(shape))
  const needed = [...known].flatMap(([name, field]) => (typeof field === 'function' ? [name] : []))
  return (value) => {
    if (!isMap(value)) return false
    for (const name of needed) if (!Object.hasOwn(value, name)) return false
    for (const name of Object.keys(value)) {
      const field = known.get(name)
      if (field === undefined) return false
      if (!(typeof field === 'function' ? field : field.check)(value[name])) return false
    }
    return true
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

const facts: Check = (value) =>
  isMap(value) && Object.values(value).every((fact) => ['string', 'number', 'boolean'].includes(typeof fact))

const principal = record<NonNullable<EntryBodies['request']['principal']>>({ user: text, groups: texts, actor: text })
const attributes = record<NonNullable<EntryBodies['request']['attributes']>>({
  verb: text,
  apiGroup: text,
  apiVersion: text,
  namespace: text,
  resource: text,
  subresource: text,
  name: text,
  path: text,
})
const claims = record<NonNullable<EntryBodies['request']['claims']>>({ run: text, intent: text, ticket: text })
const bodyEnd = record<NonNullable<EntryBodies['requestBody']['end']>>({
  length: count,
  sha256: digest,
  cut: flag,
  broken: optional(flag),
})
const bodyPiece = record<EntryBodies['requestBody']>({ exchange: count, bytes, end: optional(bodyEnd) })
const note = record<EntryBodies['note']>({ code: text, text, facts: optional(facts) })
const streamFields = record<StreamBody>({ runs: (value) => Array.isArray(value) && value.every(count), bytes })

/** Runs come in threes, and their lengths add up to the bytes. */
const stream: Check = (value) => {
  if (!streamFields(value)) return false
  const { runs, bytes } = value as StreamBody
  let length = 0
  for (let at = 2; at < runs.length; at += 3) length += runs[at]!
  return runs.length % 3 === 0 && length === bytes.length
}

/** Whether a decoded body is one of its kind. */
export const shapes: { readonly [K in EntryKind]: Check } = {
  open: record<EntryBodies['open']>({
    format: oneOf(1),
    tape: text,
    kind: oneOf('api', 'exec', 'attach', 'portforward', 'control'),
    openedAt: count,
    cluster: text,
    client: text,
    writer: text,
    previous: optional(text),
  }),
  request: record<EntryBodies['request']>({
    exchange: count,
    method: text,
    target: text,
    fields,
    principal: orNull(principal),
    attributes: orNull(attributes),
    command: texts,
    auditId: text,
    claims: optional(claims),
  }),
  requestBody: bodyPiece,
  decision: record<EntryBodies['decision']>({
    exchange: count,
    effect: oneOf('allow', 'deny', 'ask'),
    rule: text,
    reason: text,
    approval: optional(text),
  }),
  response: record<EntryBodies['response']>({
    exchange: count,
    status: count,
    fields,
    by: oneOf('cluster', 'gateway'),
  }),
  responseBody: bodyPiece,
  stream,
  masked: note,
  original: record<EntryBodies['original']>({
    of: oneOf('requestBody', 'responseBody', 'stream'),
    exchange: count,
    channel: count,
    at: count,
    length: count,
    bytes,
  }),
  note,
  seal: record<EntryBodies['seal']>({ reason: text, entries: count }),
}
