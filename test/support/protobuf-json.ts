// Reads Kubernetes protobuf into what its JSON means, by the schema that test/lab/cluster/cmd/protobuf takes from Go's own
// types: another reading than that of protocols/protobuf, whose tables are written by hand. And writes protobuf by it.

import { readFileSync } from 'node:fs'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

interface Schema {
  readonly kinds: Readonly<Record<string, string>>
  readonly messages: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly unlike: readonly string[]
}

export const schema = JSON.parse(
  readFileSync(new URL('../vectors/protobuf/schema.json', import.meta.url), 'utf8'),
) as Schema

export interface SchemaField {
  readonly name: string
  readonly occurs: 'once' | 'list' | 'map'
  /** text, bytes, number, or a message's name. */
  readonly type: string
}

export function schemaFields(message: string): Map<number, SchemaField> {
  const fields = schema.messages[message]
  if (fields === undefined) throw new Error(`no message ${message}`)
  return new Map(
    Object.entries(fields).map(([number, line]) => {
      const [name = '', ...words] = line.split(' ')
      const occurs = words.length === 1 ? 'once' : (words[0] as 'list' | 'map')
      return [Number(number), { name, occurs, type: words.at(-1) ?? '' }]
    }),
  )
}

const MAGIC = Buffer.from('k8s\0', 'latin1')

/** An object or a list in its envelope. */
export function jsonOf(body: Uint8Array): Json {
  const bytes = Buffer.from(body)
  if (!bytes.subarray(0, 4).equals(MAGIC)) throw new Error('no envelope')
  let raw: Buffer = NOTHING
  let [apiVersion, kind] = ['', '']
  for (const { number, content } of fieldsOf(bytes.subarray(4))) {
    if (number === 2) raw = content
    if (number !== 1) continue
    for (const inner of fieldsOf(content)) {
      if (inner.number === 1) apiVersion = inner.content.toString()
      else kind = inner.content.toString()
    }
  }
  const name = schema.kinds[`${apiVersion} ${kind}`]
  if (name === undefined) throw new Error(`no kind ${apiVersion} ${kind}`)
  return { kind, apiVersion, ...(read(name, raw) as object) }
}

/** The events of a watch, each as a line of JSON. */
export function jsonOfWatch(body: Uint8Array): Json[] {
  const events: Json[] = []
  let bytes = Buffer.from(body)
  while (bytes.length > 0) {
    const length = bytes.readUInt32BE()
    let [type, object]: [string, Json] = ['', null]
    for (const { number, content } of fieldsOf(bytes.subarray(4, 4 + length))) {
      if (number === 1) type = content.toString()
      else for (const inner of fieldsOf(content)) object = jsonOf(inner.content)
    }
    events.push({ type, object })
    bytes = bytes.subarray(4 + length)
  }
  return events
}

/** A message by its name in the schema. */
export function read(message: string, bytes: Buffer): Json {
  if (message.endsWith('.ExtraValue')) return fieldsOf(bytes).map(({ content }) => content.toString())
  if (/\.(RawExtension|FieldsV1)$/.test(message)) {
    const raw = fieldsOf(bytes)[0]?.content.toString() ?? ''
    return raw === '' ? null : (JSON.parse(raw) as Json)
  }
  const fields = schemaFields(message)
  // What JSON writes in another way: no test masks it, so anything that tells two of them apart will do.
  if (fields.size === 0) return bytes.toString('hex')
  const object: Record<string, Json> = {}
  for (const { number, value, content } of fieldsOf(bytes)) {
    const field = fields.get(number)
    if (field === undefined) throw new Error(`${message} has no field ${number}`)
    if (field.occurs === 'map') {
      const inner = fieldsOf(content)
      const key = inner.find((part) => part.number === 1)?.content.toString() ?? ''
      const below = inner.find((part) => part.number === 2)?.content ?? Buffer.alloc(0)
      object[field.name] = { ...(object[field.name] as object), [key]: readValue(field.type, value, below) }
    } else if (field.occurs === 'list') {
      object[field.name] = [...((object[field.name] as Json[]) ?? []), readValue(field.type, value, content)]
    } else if (field.name === '') Object.assign(object, readValue(field.type, value, content))
    // Go writes empty text where JSON leaves it out.
    else if (content.length > 0 || (field.type !== 'text' && field.type !== 'bytes')) {
      object[field.name] = readValue(field.type, value, content)
    }
  }
  return object
}

function readValue(type: string, value: number, content: Buffer): Json {
  if (type === 'text') return content.toString()
  if (type === 'bytes') return content.toString('base64')
  return type === 'number' ? value : read(type, content)
}

interface WireField {
  readonly number: number
  readonly value: number
  readonly content: Buffer
}

const NOTHING = Buffer.alloc(0)

export function fieldsOf(bytes: Buffer): WireField[] {
  const fields: WireField[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes.readUInt8(at)
      at += 1
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    const number = Math.floor(tag / 8)
    if (tag % 8 === 2) {
      const length = varint()
      if (at + length > bytes.length) throw new Error('cut')
      fields.push({ number, value: 0, content: bytes.subarray(at, at + length) })
      at += length
    } else if (tag % 8 === 0) fields.push({ number, value: varint(), content: NOTHING })
    else throw new Error(`wire type ${tag % 8}`)
  }
  return fields
}

export function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) + 128)
  }
}

/** A delimited field. */
export function field(number: number, content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content)
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}

export function numberField(number: number, value: number): Buffer {
  return Buffer.concat([varint(number * 8), varint(value)])
}

export function envelope(apiVersion: string, kind: string, raw: Uint8Array): Buffer {
  const type = Buffer.concat([field(1, apiVersion), field(2, kind)])
  return Buffer.concat([MAGIC, field(1, type), field(2, raw), field(3, ''), field(4, '')])
}

/** An event of a watch, with the length before it. */
export function event(type: string, object: Uint8Array): Buffer {
  const bytes = Buffer.concat([field(1, type), field(2, field(1, object))])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
