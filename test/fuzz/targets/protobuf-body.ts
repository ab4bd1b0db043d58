// Bodies in protobuf that are masked: whatever comes is refused, or comes out as protobuf in which every value is masked and
// everything else is as it was, in any cut; and a search of it finds the masks. Ours is held against a reading of our own that
// knows no tables.

import assert from 'node:assert/strict'
import type { BodyShape, FieldMasker, FieldTree } from '../../../protocols/kube/field-masker.ts'
import { limits } from '../../../protocols/limits.ts'
import { ProtobufBody } from '../../../protocols/protobuf/body.ts'
import { ProtobufError } from '../../../protocols/protobuf/errors.ts'
import { findInProtobuf } from '../../../protocols/protobuf/search.ts'
import { cut } from '../../support/cut.ts'
import { envelope, event, field, fieldsOf } from '../../support/protobuf-json.ts'
import { choice, lengths } from '../machine.ts'
import type { Target } from '../target.ts'

const SHAPES: readonly BodyShape[] = ['object', 'list', 'watch']
const MASK = 'MASK'

function node(form: FieldTree['form'], fields: Readonly<Record<string, FieldTree>> = {}, any?: FieldTree): FieldTree {
  return { form, fields: new Map(Object.entries(fields)), any }
}

const container = node(undefined, {
  args: node('text'),
  env: node(undefined, {}, node(undefined, { value: node('text') })),
})
const TREE = node(undefined, {
  data: node('base64'),
  stringData: node('text'),
  metadata: node(undefined, { annotations: node(undefined, { m: node('manifest') }) }),
  spec: node(undefined, { containers: node(undefined, {}, container) }),
}) // biome-ignore format: a tree to look over

const masker: FieldMasker = { select: () => TREE, mask: () => MASK }

const entry = (key: string, value: string): Buffer => Buffer.concat([field(1, key), field(2, value)])
const secret = Buffer.concat([field(1, field(5, 'u')), field(2, entry('a', 'b')), field(4, entry('c', 'd'))])
const manifest = field(1, field(12, entry('m', '{"data":{"a":"YQ=="}}')))
const pod = field(2, field(2, Buffer.concat([field(4, 'x'), field(7, Buffer.concat([field(1, 'n'), field(2, 'v')]))])))

const target: Target = {
  words: [
    envelope('v1', 'Secret', secret),
    envelope('v1', 'Secret', manifest),
    envelope('v1', 'Pod', pod),
    envelope('v1', 'SecretList', Buffer.concat([field(1, ''), field(2, secret), field(2, secret)])),
    envelope('v1', 'Status', field(2, 'Failure')),
    event('ADDED', envelope('v1', 'Secret', secret)),
    secret,
    manifest,
    pod,
    field(2, entry('a', 'b')),
    field(1, field(5, 'u')),
    'k8s\0',
    Uint8Array.of(0x12),
    Uint8Array.of(0x0a),
    Uint8Array.of(0x80, 0x80, 0x00),
    Uint8Array.of(0, 0, 0, 9),
  ],
  run: (input) => {
    const [form, body] = choice(input)
    const shape = SHAPES[form % SHAPES.length] as BodyShape
    const whole = read(shape, [body])
    assert.deepEqual(read(shape, cut(body, lengths(input))), whole, 'a cut changes what comes out')
    if (whole.rule !== '') return [whole.rule]
    if (whole.bytes.length === 0) return [`${shape}, empty`]
    // Masked again it is the same, so nothing was left; and what was not masked is there still.
    const again = read(shape, [whole.bytes])
    assert.equal(again.rule, '')
    assert.deepEqual(again.bytes, whole.bytes, 'a second time masks more')
    const said = shape === 'watch' ? [] : assertMasked(whole.bytes, body)
    return [shape, ...said]
  },
}

export default target

function read(shape: BodyShape, chunks: readonly Uint8Array[]): { bytes: Buffer; rule: string } {
  const body = new ProtobufBody(shape, masker, limits.mask)
  const out: Buffer[] = []
  try {
    for (const chunk of chunks) out.push(Buffer.from(body.receive(chunk)))
    out.push(Buffer.from(body.end()))
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error
    return { bytes: Buffer.alloc(0), rule: error.rule }
  }
  return { bytes: Buffer.concat(out), rule: '' }
}

/** By another reading: the values of Secrets in it, in lists as well. */
function assertMasked(bytes: Buffer, before: Uint8Array): string[] {
  const kind = kindOf(bytes)
  const isList = kind === 'v1 SecretList'
  if (!isList && kind !== 'v1 Secret') return []
  const [after, was] = [rawOf(bytes), rawOf(Buffer.from(before))]
  const items = isList ? inside(after, 2) : [after]
  const old = isList ? inside(was, 2) : [was]
  assert.equal(items.length, old.length)
  let count = 0
  for (const [at, item] of items.entries()) {
    for (const number of [2, 4]) {
      const [values, values0] = [inside(item, number), inside(old[at] ?? Buffer.alloc(0), number)]
      assert.equal(values.length, values0.length)
      for (const [index, value] of values.entries()) {
        assert.deepEqual(inside(value, 1), inside(values0[index] ?? Buffer.alloc(0), 1), 'a key has changed')
        for (const text of inside(value, 2)) assert.equal(text.toString('latin1'), MASK)
        count += inside(value, 2).length
      }
    }
  }
  const found = findInProtobuf(bytes, (value) => Buffer.from(value).equals(Buffer.from(MASK)), limits.mask)
  if (count > 0) assert.ok(found !== undefined)
  return count > 0 ? ['masked'] : []
}

/** The contents of a delimited field of a message, by number; none where it is no message of such and numbers. */
function inside(message: Buffer, number: number): Buffer[] {
  return all(message).flatMap((part) => (part.number === number ? [part.content] : []))
}

function all(message: Buffer): ReturnType<typeof fieldsOf> {
  try {
    return fieldsOf(message)
  } catch {
    return []
  }
}

function kindOf(bytes: Buffer): string {
  const type = inside(bytes.subarray(4), 1)[0] ?? Buffer.alloc(0)
  return `${inside(type, 1)[0] ?? ''} ${inside(type, 2)[0] ?? ''}`
}

function rawOf(bytes: Buffer): Buffer {
  return inside(bytes.subarray(4), 2)[0] ?? Buffer.alloc(0)
}
