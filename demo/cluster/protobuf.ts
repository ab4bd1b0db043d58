// The protobuf bodies that kubectl's typed commands send (`create configmap`, `create namespace`, `auth can-i`, …) -> the
// same objects as JSON, for the kinds and fields named in the tables below. Other fields are left out, other kinds refused.

import type { Json, JsonObject } from './object.ts'
import { ApiError } from './status.ts'

export const PROTOBUF = 'application/vnd.kubernetes.protobuf'

/** How a field reads: text, base64 of bytes, a number, a map of text, a nested message; in a list, if it repeats. */
type Field =
  | { readonly name: string; readonly type: 'text' | 'bytes' | 'number' | 'textMap' | 'bytesMap' }
  | { readonly name: string; readonly type: 'message' | 'messages'; readonly fields: Fields }
  | { readonly name: string; readonly type: 'texts' }
type Fields = Readonly<Record<number, Field>>

/** Numbers from k8s.io/api and apimachinery, generated.proto. */
const METADATA: Fields = {
  1: { name: 'name', type: 'text' },
  2: { name: 'generateName', type: 'text' },
  3: { name: 'namespace', type: 'text' },
  11: { name: 'labels', type: 'textMap' },
  12: { name: 'annotations', type: 'textMap' },
}
const metadata: Field = { name: 'metadata', type: 'message', fields: METADATA }
const CONTAINER: Fields = {
  1: { name: 'name', type: 'text' },
  2: { name: 'image', type: 'text' },
  3: { name: 'command', type: 'texts' },
  4: { name: 'args', type: 'texts' },
}
const TEMPLATE: Fields = {
  1: metadata,
  2: { name: 'spec', type: 'message', fields: { 2: { name: 'containers', type: 'messages', fields: CONTAINER } } },
}
const RESOURCE_ATTRIBUTES: Fields = {
  1: { name: 'namespace', type: 'text' },
  2: { name: 'verb', type: 'text' },
  3: { name: 'group', type: 'text' },
  4: { name: 'version', type: 'text' },
  5: { name: 'resource', type: 'text' },
  6: { name: 'subresource', type: 'text' },
  7: { name: 'name', type: 'text' },
}

const KINDS: Readonly<Record<string, Fields>> = {
  'v1 Namespace': { 1: metadata },
  'v1 ServiceAccount': { 1: metadata },
  'v1 ConfigMap': { 1: metadata, 2: { name: 'data', type: 'textMap' }, 3: { name: 'binaryData', type: 'bytesMap' } },
  'v1 Secret': {
    1: metadata,
    2: { name: 'data', type: 'bytesMap' },
    3: { name: 'type', type: 'text' },
    4: { name: 'stringData', type: 'textMap' },
  },
  'apps/v1 Deployment': {
    1: metadata,
    2: {
      name: 'spec',
      type: 'message',
      fields: {
        1: { name: 'replicas', type: 'number' },
        2: { name: 'selector', type: 'message', fields: { 1: { name: 'matchLabels', type: 'textMap' } } },
        3: { name: 'template', type: 'message', fields: TEMPLATE },
      },
    },
  },
  'authentication.k8s.io/v1 SelfSubjectReview': { 1: metadata },
  'authorization.k8s.io/v1 SelfSubjectAccessReview': {
    1: metadata,
    2: {
      name: 'spec',
      type: 'message',
      fields: { 1: { name: 'resourceAttributes', type: 'message', fields: RESOURCE_ATTRIBUTES } },
    },
  },
}

/** "k8s" and a zero, before every object (apimachinery pkg/runtime/serializer/protobuf). */
const MAGIC = [0x6b, 0x38, 0x73, 0x00]
const UNKNOWN: Fields = {
  1: {
    name: 'type',
    type: 'message',
    fields: { 1: { name: 'apiVersion', type: 'text' }, 2: { name: 'kind', type: 'text' } },
  },
}
/** Field of runtime.Unknown that holds the object. */
const RAW = 2

/** Throws ApiError: 400 for what is no such body, 415 for a kind that is not in the table. */
export function readProtobuf(body: Uint8Array): JsonObject {
  if (MAGIC.some((byte, at) => body[at] !== byte)) throw malformed()
  const envelope = body.subarray(MAGIC.length)
  const { type } = message(envelope, UNKNOWN) as { type?: { apiVersion?: string; kind?: string } }
  const { apiVersion = '', kind = '' } = type ?? {}
  const fields = KINDS[`${apiVersion} ${kind}`]
  if (fields === undefined) throw new ApiError('UnsupportedMediaType', 'the demo cluster reads this kind as JSON only')
  for (const { number, bytes } of wireFields(envelope)) {
    if (number === RAW && bytes !== undefined) return { apiVersion, kind, ...message(bytes, fields) }
  }
  throw malformed()
}

function message(bytes: Uint8Array, fields: Fields): JsonObject {
  const object: JsonObject = {}
  for (const { number, value, bytes: content } of wireFields(bytes)) {
    const field = Object.hasOwn(fields, number) ? fields[number] : undefined
    if (field === undefined) continue
    if (content === undefined) {
      if (field.type === 'number') object[field.name] = value
      continue
    }
    const read = readField(content, field)
    if (field.type === 'texts' || field.type === 'messages')
      object[field.name] = [...((object[field.name] as Json[] | undefined) ?? []), read]
    else if (field.type === 'textMap' || field.type === 'bytesMap')
      object[field.name] = { ...(object[field.name] as JsonObject), ...(read as JsonObject) }
    // gogo-protobuf writes empty text where JSON leaves it out.
    else if (read !== '') object[field.name] = read
  }
  return object
}

function readField(content: Uint8Array, field: Field): Json {
  switch (field.type) {
    case 'message':
    case 'messages':
      return message(content, field.fields)
    case 'textMap':
    case 'bytesMap': {
      const pair = message(content, {
        1: { name: 'key', type: 'text' },
        2: { name: 'value', type: field.type === 'textMap' ? 'text' : 'bytes' },
      })
      return { [String(pair.key ?? '')]: pair.value ?? '' }
    }
    case 'bytes':
      return Buffer.from(content).toString('base64')
    default:
      return Buffer.from(content).toString('utf8')
  }
}

interface WireField {
  readonly number: number
  readonly value: number
  /** The content of a length-delimited field. */
  readonly bytes: Uint8Array | undefined
}

const VARINT = 0
const FIXED_64 = 1
const DELIMITED = 2
const FIXED_32 = 5

/** The fields of a message in wire order (protobuf.dev/programming-guides/encoding). */
function* wireFields(bytes: Uint8Array): Generator<WireField> {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]
      // Ten bytes is the longest; past 2^53 a number is of no use here, and no length.
      if (byte === undefined || scale > 2 ** 70) throw malformed()
      value += (byte & 0x7f) * scale
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    const number = Math.floor(tag / 8)
    switch (tag % 8) {
      case VARINT:
        yield { number, value: varint(), bytes: undefined }
        break
      case DELIMITED: {
        const length = varint()
        if (length > bytes.length - at) throw malformed()
        yield { number, value: 0, bytes: bytes.subarray(at, at + length) }
        at += length
        break
      }
      case FIXED_64:
        at += 8
        break
      case FIXED_32:
        at += 4
        break
      default:
        throw malformed()
    }
  }
}

function malformed(): ApiError {
  return new ApiError('BadRequest', 'the body is not valid Kubernetes protobuf')
}
