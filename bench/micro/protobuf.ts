// What masking protobuf costs: a list of 10,000 Secrets all of whose values are masked, one of which nothing is, and the same
// Secrets as events of a watch, in pieces as they come from a cluster. Run: node --import tsx bench/micro/protobuf.ts

import type { BodyShape, FieldMasker, FieldTree } from '../../protocols/kube/field-masker.ts'
import { limits } from '../../protocols/limits.ts'
import { ProtobufBody } from '../../protocols/protobuf/body.ts'
import { varintLength, writeVarint } from '../../protocols/protobuf/wire.ts'
import { measure } from './measure.ts'

const SECRETS = 10_000
const EVENTS = 500
const PIECE = 65_536
/** Three values of a kilobyte each: the same Secrets as in json.ts. */
const VALUES = 3
const VALUE = Buffer.alloc(900, 'k')

const items = Array.from({ length: SECRETS }, (_, at) => secret(at))
const list = envelope('SecretList', Buffer.concat(items.map((item) => field(2, item))))
const watch = Buffer.concat(items.slice(0, EVENTS).map((item) => frame(envelope('Secret', item))))

const data: FieldTree = { form: 'base64', fields: new Map(), any: undefined }
const tree: FieldTree = { form: undefined, fields: new Map([['data', data]]), any: undefined }
const masked: FieldMasker = { select: () => tree, mask: (_, path, value) => `${path} ${value.length}` }
const unmasked: FieldMasker = { select: () => undefined, mask: () => '' }

measure('mask every value of a list of Secrets', SECRETS, list.length, () => pass('list', list, masked))
measure('a list of which nothing is masked', SECRETS, list.length, () => pass('list', list, unmasked))
measure('mask every value of a watch of Secrets', EVENTS, watch.length, () => pass('watch', watch, masked))

function pass(shape: BodyShape, bytes: Buffer, masker: FieldMasker): number {
  const body = new ProtobufBody(shape, masker, limits.mask)
  let length = 0
  for (let at = 0; at < bytes.length; at += PIECE) length += body.receive(bytes.subarray(at, at + PIECE)).length
  return length + body.end().length
}

function secret(at: number): Buffer {
  const labels = { app: 'web', tier: 'back' }
  const metadata = Buffer.concat([
    field(1, `secret-${at}`),
    field(3, 'default'),
    field(5, `6b1d8f0e-0000-4000-8000-${String(at).padStart(12, '0')}`),
    ...Object.entries(labels).map(([key, value]) => field(11, Buffer.concat([field(1, key), field(2, value)]))),
    field(
      17,
      Buffer.concat([field(1, 'kubectl'), field(2, 'Update'), field(7, field(1, '{"f:data":{".":{},"f:a":{}}}'))]),
    ),
  ])
  const values = Array.from({ length: VALUES }, (_, key) =>
    field(2, Buffer.concat([field(1, `key-${key}`), field(2, VALUE)])),
  )
  return Buffer.concat([field(1, metadata), ...values, field(3, 'Opaque')])
}

function envelope(kind: string, raw: Buffer): Buffer {
  const type = field(1, Buffer.concat([field(1, 'v1'), field(2, kind)]))
  return Buffer.concat([Buffer.from('k8s\0', 'latin1'), type, field(2, raw), field(3, ''), field(4, '')])
}

function frame(object: Buffer): Buffer {
  const event = Buffer.concat([field(1, 'ADDED'), field(2, field(1, object))])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(event.length)
  return Buffer.concat([length, event])
}

function field(number: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content)
  const head = Buffer.alloc(2 + varintLength(bytes.length))
  const at = writeVarint(head, 0, number * 8 + 2)
  return Buffer.concat([head.subarray(0, writeVarint(head, at, bytes.length)), bytes])
}
