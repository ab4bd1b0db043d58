// Bodies in protobuf looked through for values that may not be written: found wherever they lie, under the name of the field.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { limits } from '../../../protocols/limits.ts'
import { findInProtobuf } from '../../../protocols/protobuf/search.ts'
import { envelope, field, numberField } from '../../support/protobuf-json.ts'

const MARK = 'sallyport-masked-'
const find = (body: Uint8Array, mark = MARK): string | undefined =>
  findInProtobuf(body, (value) => Buffer.from(value).includes(mark), limits.mask)

const entry = (key: string, value: string): Buffer => Buffer.concat([field(1, key), field(2, value)])
const pod = (...spec: Buffer[]): Buffer =>
  envelope('v1', 'Pod', Buffer.concat([field(1, field(1, 'p')), field(2, Buffer.concat(spec))]))

describe('a mark is found', () => {
  const deep = Array.from({ length: 9 }).reduce((inner: Buffer) => field(3, inner), Buffer.from(MARK))
  for (const [path, body] of [
    ['data.password', envelope('v1', 'Secret', field(2, entry('password', MARK)))],
    ['data[tls.key]', envelope('v1', 'Secret', field(2, entry('tls.key', MARK)))],
    ['data', envelope('v1', 'Secret', field(2, entry(`a${MARK}`, 'x')))],
    ['metadata.annotations.note', envelope('v1', 'Secret', field(1, field(12, entry('note', MARK))))],
    ['spec.containers[1].args[1]', pod(field(2, field(1, 'a')), field(2, Buffer.concat([field(4, 'x'), field(4, MARK)])))],
    ['spec.ephemeralContainers[0].env[0].value', pod(field(34, field(1, field(7, field(2, MARK)))))],
    ['spec.affinity', pod(field(18, field(1, field(2, MARK))))],
    ['spec.overhead.cpu', pod(field(32, Buffer.concat([field(1, 'cpu'), field(2, field(1, MARK))])))],
    ['spec', pod(field(99, deep))],
    ['data', envelope('apps/v1', 'ControllerRevision', field(2, field(1, `{"a":"${MARK}"}`)))],
    ['', envelope('x.io/v1', 'Thing', field(2, field(3, MARK)))],
    ['', Buffer.concat([envelope('v1', 'Secret', numberField(5, 1)), field(4, MARK)])],
    ['items[1].data.a', envelope('v1', 'SecretList', Buffer.concat([field(2, ''), field(2, field(2, entry('a', MARK)))]))],
  ] as const) {
    test(`in ${path === '' ? 'the body' : path}`, () => assert.equal(find(body), path))
  } // biome-ignore format: one line for each
})

test('every value that the API server writes is looked at', () => {
  const all = JSON.parse(readFileSync(new URL('../../vectors/protobuf/objects.json', import.meta.url), 'utf8')) as {
    readonly name: string
    readonly protobuf: string
  }[]
  const found = (name: string, mark: string) =>
    find(Buffer.from(all.find((vector) => vector.name === name)?.protobuf ?? '', 'base64'), mark)
  assert.equal(found('Pod', 'side-secret'), 'spec.containers[1].env[0].value')
  assert.equal(found('Pod', 'probe-secret'), 'spec.containers[0].livenessProbe.httpGet.httpHeaders[0].value')
  assert.equal(found('Deployment', 'debug-secret'), 'spec.template.spec.ephemeralContainers[0].args[0]')
  assert.equal(found('CronJob', 'init-secret'), 'spec.jobTemplate.spec.template.spec.initContainers[0].command[2]')
  assert.equal(found('TokenRequest', 'c2ln'), 'status.token')
  for (const { name, protobuf } of all) {
    if (!name.startsWith('a watch')) assert.equal(found(name, MARK), undefined, `${name} ${protobuf.length}`)
  }
})

test('text in base64 within a message that is not described is looked at by itself', () => {
  const values: string[] = []
  findInProtobuf(
    pod(field(18, field(1, 'aHVudGVyMg=='))),
    (value) => {
      values.push(Buffer.from(value).toString())
      return false
    },
    limits.mask,
  )
  assert.ok(values.includes('aHVudGVyMg=='))
})

test('messages in one another are gone into as often as the limit says, and no further', () => {
  let looks = 0
  const deep = Array.from({ length: 1_000 }).reduce((inner: Buffer) => field(3, inner), Buffer.from('x'))
  const count = () => {
    looks += 1
    return false
  }
  findInProtobuf(pod(field(99, deep)), count, limits.mask)
  assert.ok(looks <= limits.mask.guesses + 8)
})

describe('what is no object in an envelope is refused:', () => {
  for (const [what, body, rule] of [
    ['JSON', Buffer.from('{}'), 'protobuf.envelope.magic'],
    ['nothing', Buffer.alloc(0), 'protobuf.envelope.magic'],
    ['a body that is cut', pod(field(18, 'x')).subarray(0, -1), 'protobuf.cut'],
    ['two objects', Buffer.concat([pod(), field(2, '')]), 'protobuf.field.twice'],
    ['an object that is no message', envelope('v1', 'Pod', Buffer.from([0x12, 9])), 'protobuf.length'],
  ] as const) {
    test(what, () => assert.throws(() => find(body), { rule }))
  }
})
