// Kubernetes protobuf masked object by object: what comes out, what may come before it, and what is refused.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { JsonBody } from '../../../protocols/json/body.ts'
import type { BodyShape, FieldMasker } from '../../../protocols/kube/field-masker.ts'
import { limits } from '../../../protocols/limits.ts'
import { ProtobufBody } from '../../../protocols/protobuf/body.ts'
import { ProtobufError } from '../../../protocols/protobuf/errors.ts'
import {
  envelope, event, field, type Json, jsonOf, jsonOfWatch, numberField, schema, schemaFields, varint,
} from '../../support/protobuf-json.ts' // biome-ignore format: one line
import { LAST_APPLIED, METADATA, NAMED, node, SECRET, TellingMasker, TREES } from './masks.ts'

const masker = (): TellingMasker => new TellingMasker(SECRET)

function run(shape: BodyShape, bytes: Uint8Array, by: FieldMasker = masker(), bounds = limits.mask): Buffer {
  const body = new ProtobufBody(shape, by, bounds)
  return Buffer.concat([Buffer.from(body.receive(bytes)), body.end()])
}

const entry = (key: string, value: Uint8Array | string): Buffer => Buffer.concat([field(1, key), field(2, value)])
const metadata = (uid: string, ...more: Buffer[]): Buffer => field(1, Buffer.concat([field(5, uid), ...more]))
const DATA = 2
const secret = (...fields: Buffer[]): Buffer => envelope('v1', 'Secret', Buffer.concat(fields))
const ONE = Buffer.concat([metadata('u1'), field(DATA, entry('password', 'hunter2'))])
const ONE_MASKED = Buffer.concat([metadata('u1'), field(DATA, entry('password', '<u1|data.password|7>'))])
const list = (...items: Buffer[]): Buffer =>
  envelope('v1', 'SecretList', Buffer.concat([field(1, field(2, '9')), ...items.map((item) => field(2, item))]))

describe('an object', () => {
  test('has the bytes of its data replaced, and the lengths around them', () => {
    assert.deepEqual(run('object', secret(ONE)), secret(ONE_MASKED))
  })

  test('is masked where its metadata stands behind its data, and a key behind its value', () => {
    const turned = secret(field(DATA, Buffer.concat([field(2, 'hunter2'), field(1, 'a')])), metadata('u9'))
    const masked = secret(field(DATA, Buffer.concat([field(2, '<u9|data.a|7>'), field(1, 'a')])), metadata('u9'))
    assert.deepEqual(run('object', turned), masked)
  })

  test('has an entry without a key masked, and passes one without a value', () => {
    const data = (...parts: Buffer[]) => secret(field(DATA, Buffer.concat(parts)), metadata('u'))
    assert.deepEqual(run('object', data(field(2, 'x'))), data(field(2, '<u|data.|1>')))
    assert.deepEqual(run('object', data(field(1, 'x'))), data(field(1, 'x')))
  })

  test('keeps fields that are not described, and their order', () => {
    const rest = Buffer.concat([field(99, 'x'), numberField(98, 2 ** 40)])
    const more = (one: Buffer) => secret(rest, one, field(99, 'y'))
    assert.deepEqual(run('object', more(ONE)), more(ONE_MASKED))
  })

  test('keeps varints that are longer than they need be', () => {
    // Metadata with a tag and a length of three bytes each.
    const long = Buffer.concat([Buffer.from([0x8a, 0x80, 0x00, 0x84, 0x80, 0x00]), field(5, 'u7')])
    const of = (value: string) => secret(long, field(DATA, entry('a', value)))
    assert.deepEqual(run('object', of('b')), of('<u7|data.a|1>'))
  })

  test('has the manifest in its annotation masked as in JSON', () => {
    const manifest = '{"kind":"Secret","stringData":{"a":"hunter2"},"data":{"b":"eHl6"}}'
    const annotated = (text: string) => secret(metadata('u', field(12, entry(LAST_APPLIED, text))))
    const sentinel = Buffer.from('<u|data.b|3>').toString('base64')
    const masked = `{"kind":"Secret","stringData":{"a":"<u|stringData.a|7>"},"data":{"b":"${sentinel}"}}`
    assert.deepEqual(run('object', annotated(manifest)), annotated(masked))
  })

  test('has a manifest that is none masked whole, under its own path', () => {
    const by = masker()
    run('object', secret(metadata('u', field(12, entry(LAST_APPLIED, 'hunter2')))), by)
    const [call] = by.calls
    assert.deepEqual([call?.uid, call?.path, call?.value], ['u', `metadata.annotations[${LAST_APPLIED}]`, 'hunter2'])
  })

  test('is selected by its name, namespace and labels', () => {
    const asked: unknown[] = []
    const by: FieldMasker = {
      select: ({ name, namespace, uid, labels }) => {
        asked.push([name, namespace, uid, ...labels])
        return undefined
      },
      mask: () => '',
    }
    const meta = [field(1, 'db'), field(3, 'prod'), field(11, entry('app', 'x')), field(11, entry('b', ''))]
    run('object', secret(metadata('u', ...meta)), by)
    assert.deepEqual(asked, [['db', 'prod', 'u', ['app', 'x'], ['b', '']]])
  })

  test('that is not there is nothing', () => {
    assert.equal(run('object', Buffer.alloc(0)).length, 0)
  })

  test('of environment is masked by the names of its elements', () => {
    const named = { ...node(undefined), named: (name: string) => (name === 'B' ? node(undefined, { value: node('text') }) : undefined) }
    const container = node(undefined, { env: named })
    const spec = (key: string) => node(undefined, { spec: node(undefined, { [key]: node(undefined, {}, container) }) })
    const env = (value: string) => [
      field(7, Buffer.concat([field(1, 'A'), field(2, 'x')])),
      field(7, Buffer.concat([field(2, value), field(1, 'B')])),
    ]
    const pod = (value: string) => envelope('v1', 'Pod', field(2, field(2, Buffer.concat(env(value)))))
    assert.deepEqual(run('object', pod('y'), new TellingMasker(spec('containers'))), pod('<|spec.containers[0].env[1].value|1>'))
    // The fields of an ephemeral container lie one message deeper than in JSON.
    const deep = (value: string) => envelope('v1', 'Pod', field(2, field(34, field(1, Buffer.concat(env(value))))))
    const path = 'spec.ephemeralContainers[0].env[1].value'
    assert.deepEqual(run('object', deep('y'), new TellingMasker(spec('ephemeralContainers'))), deep(`<|${path}|1>`))
  }) // biome-ignore format: trees to look over
})

describe('a list', () => {
  test('has each element masked by itself', () => {
    assert.deepEqual(run('list', list(ONE, Buffer.alloc(0), ONE)), list(ONE_MASKED, Buffer.alloc(0), ONE_MASKED))
  })

  test('may turn out to be one object, and an object a list', () => {
    assert.deepEqual(run('list', secret(ONE)), secret(ONE_MASKED))
    assert.deepEqual(run('object', list(ONE)), list(ONE_MASKED))
  })

  test('of a kind that is not described has its metadata masked', () => {
    const things = (text: string) =>
      envelope('x.io/v1', 'ThingList', field(2, Buffer.concat([metadata('u', field(12, entry(LAST_APPLIED, text))), field(2, 'z')])))
    assert.deepEqual(
      run('list', things('{"data":{}}'), new TellingMasker(METADATA)),
      things('{"data":{}}'),
    )
    const by = new TellingMasker(METADATA)
    run('list', things('no'), by)
    assert.equal(by.calls.length, 1)
  }) // biome-ignore format: one line for each

  test('may grow by more than was spared for it', () => {
    const small = Buffer.concat([metadata('u'), field(DATA, entry('a', ''))])
    const grown = Buffer.concat([metadata('u'), field(DATA, entry('a', '<u|data.a|0>'))])
    const items = Array.from({ length: 20_000 }, () => small)
    assert.deepEqual(run('list', list(...items)), list(...items.map(() => grown)))
  })

  test('passes at its end, since its length stands before it', () => {
    const bytes = list(ONE, ONE)
    const body = new ProtobufBody('list', masker(), limits.mask)
    assert.equal(body.receive(bytes).length, 0)
    assert.deepEqual(Buffer.from(body.end()), list(ONE_MASKED, ONE_MASKED))
  })

  test('longer than is held is refused at its first byte, and so is an element', () => {
    const bounds = { ...limits.mask, list: 100, item: 30, object: 1_000 }
    const say = (bytes: Buffer, length: number) => () =>
      new ProtobufBody('list', masker(), bounds).receive(bytes.subarray(0, length))
    const long = list(...Array.from({ length: 4 }, () => ONE))
    assert.throws(say(long, 32), { rule: 'protobuf.length.bound' })
    const item = list(Buffer.concat([ONE, ONE]))
    assert.throws(say(item, 36), { rule: 'protobuf.length.bound' })
  })
})

describe('a watch', () => {
  test('has the object of each event masked, and passes it as soon as it is whole', () => {
    const body = new ProtobufBody('watch', masker(), limits.mask)
    for (const type of ['ADDED', 'DELETED']) {
      assert.deepEqual(Buffer.from(body.receive(event(type, secret(ONE)))), event(type, secret(ONE_MASKED)))
    }
    const status = event('ERROR', envelope('v1', 'Status', Buffer.concat([field(2, 'Failure'), numberField(6, 410)])))
    assert.deepEqual(Buffer.from(body.receive(status)), status)
    assert.equal(body.end().length, 0)
  })

  test('that breaks off within an event is refused', () => {
    assert.throws(() => run('watch', event('ADDED', secret(ONE)).subarray(0, -1)), { rule: 'protobuf.cut' })
  })

  test('with an event longer than is held is refused at its length', () => {
    const body = new ProtobufBody('watch', masker(), limits.mask)
    assert.throws(() => body.receive(Buffer.from([0x7f, 0, 0, 0])), { rule: 'protobuf.length.bound' })
  })

  test('whose event holds an object without an envelope is refused', () => {
    assert.throws(() => run('watch', event('ADDED', ONE)), { rule: 'protobuf.envelope.magic' })
  })
})

describe('what Go may read in another way is refused:', () => {
  const data = field(DATA, entry('a', 'b'))
  const group = Buffer.from([(9 << 3) | 3, (9 << 3) | 4])
  const overlong = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])
  const cases: readonly (readonly [what: string, rule: string, body: Buffer, shape?: BodyShape])[] = [
    ['two metadata, which Go merges', 'protobuf.field.twice', secret(metadata('a'), data, metadata('b'))],
    ['two uids', 'protobuf.field.twice', secret(metadata('a', field(5, 'b')), data)],
    ['two names', 'protobuf.field.twice', secret(metadata('a', field(1, 'x'), field(1, 'y')), data)],
    ['a label twice', 'protobuf.field.twice', secret(metadata('a', field(11, entry('x', 'y')), field(11, entry('x', 'z'))))],
    ['a key of data twice', 'protobuf.field.twice', secret(data, data)],
    ['two keys in an entry', 'protobuf.field.twice', secret(field(DATA, Buffer.concat([field(1, 'a'), entry('b', 'c')])))],
    ['two values in an entry', 'protobuf.field.twice', secret(field(DATA, Buffer.concat([entry('b', 'c'), field(2, 'd')])))],
    ['two objects in an envelope', 'protobuf.field.twice', Buffer.concat([secret(ONE), field(2, ONE)])],
    ['two lists in an envelope', 'protobuf.field.twice', Buffer.concat([list(ONE), field(2, ONE)]), 'list'],
    ['two kinds in an envelope', 'protobuf.field.twice', Buffer.concat([secret(ONE).subarray(0, 18), secret(ONE).subarray(4)])],
    ['two kinds in a type', 'protobuf.field.twice', Buffer.concat([secret().subarray(0, 4), field(1, Buffer.concat([field(2, 'a'), field(2, 'b')])), field(2, ONE)])],
    ['a kind behind its object', 'protobuf.envelope.order', Buffer.concat([secret().subarray(0, 4), field(2, metadata('a')), secret(ONE).subarray(4)])],
    ['two objects in an event', 'protobuf.field.twice', frame(Buffer.concat([field(2, field(1, secret(ONE))), field(2, field(1, secret(ONE)))])), 'watch'],
    ['two raws in an event', 'protobuf.field.twice', frame(field(2, Buffer.concat([field(1, secret(ONE)), field(1, secret(ONE))]))), 'watch'],
    ['a map that is a number', 'protobuf.field.wire_type', secret(numberField(DATA, 3))],
    ['a value that is a number', 'protobuf.field.wire_type', secret(field(DATA, Buffer.concat([field(1, 'a'), numberField(2, 1)])))],
    ['a number that is bytes', 'protobuf.field.wire_type', secret(field(5, 'hunter2'))],
    ['metadata that are a number', 'protobuf.field.wire_type', secret(numberField(1, 3))],
    ['an element that is a number', 'protobuf.field.wire_type', envelope('v1', 'SecretList', numberField(2, 3)), 'list'],
    ['a group', 'protobuf.wire_type', secret(group, data)],
    ['a group around a list', 'protobuf.wire_type', envelope('v1', 'SecretList', group), 'list'],
    ['field number 0', 'protobuf.field.zero', secret(Buffer.from([2, 0]), data)],
    ['a field number that Go cuts to 32 bits', 'protobuf.field.number', secret(Buffer.concat([varint(2 ** 35 + 18), Buffer.from([0])]))],
    ['a varint of eleven bytes', 'protobuf.varint', secret(Buffer.concat([varint(99 * 8), overlong]))],
    ['a length of eleven bytes', 'protobuf.varint', secret(Buffer.concat([varint(99 * 8 + 2), overlong]))],
    ['a length beyond the end', 'protobuf.length', secret(Buffer.from([0x12, 9, 1]))],
    ['a length that Go cuts to 64 bits', 'protobuf.length', secret(Buffer.from([0x12, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02, 1]))],
    ['an element beyond its list', 'protobuf.list.length', envelope('v1', 'SecretList', Buffer.from([0x12, 9, 1])), 'list'],
    ['a list that ends within a length', 'protobuf.cut', envelope('v1', 'SecretList', Buffer.from([0x12, 0x80])), 'list'],
    ['a fixed number that is cut', 'protobuf.cut', secret(Buffer.from([(9 << 3) | 1, 1, 2]))],
    ['another encoding of the content', 'protobuf.envelope.content', Buffer.concat([secret(ONE), field(3, 'gzip')])],
    ['another encoding behind a list', 'protobuf.envelope.content', Buffer.concat([list(ONE), field(3, 'gzip')]), 'list'],
    ['another type of the content', 'protobuf.envelope.content', Buffer.concat([secret(ONE), field(4, 'application/json')])],
    ['gzip', 'protobuf.envelope.magic', Buffer.from([0x1f, 0x8b, 8, 0])],
    ['JSON', 'protobuf.envelope.magic', Buffer.from('{"data":{"a":"YQ=="}}')],
    ['a kind that is not described and may have data', 'protobuf.field.unknown', envelope('x.io/v1', 'Thing', data)],
    ['an object without a kind', 'protobuf.field.unknown', Buffer.concat([secret().subarray(0, 4), field(2, ONE)])],
    ['a Table', 'protobuf.field.unknown', envelope('meta.k8s.io/v1', 'Table', Buffer.concat([field(1, ''), field(3, 'rows')]))],
  ] // biome-ignore format: one line for each
  for (const [what, rule, body, shape = 'object'] of cases) {
    test(what, () => {
      assert.throws(
        () => run(shape, body),
        (error) => error instanceof ProtobufError && error.code === 502 && error.rule === rule,
      )
    })
  }

  test('a field that is not described, below a node that masks every field', () => {
    const spec = (content: Buffer) => envelope('v1', 'Pod', field(2, content))
    const all = new TellingMasker(node(undefined, { spec: node('text') }))
    assert.deepEqual(run('object', spec(field(10, 'n')), all), spec(field(10, '<|spec.nodeName|1>')))
    for (const number of [18, 60]) {
      assert.throws(() => run('object', spec(field(number, 'x')), all), { rule: 'protobuf.field.unknown' })
    }
  })

  test('a manifest in protobuf, and JSON that is none, where fields of it are masked', () => {
    const revision = (content: Uint8Array | string) =>
      envelope('apps/v1', 'ControllerRevision', field(2, field(1, content)))
    const by = new TellingMasker(TREES.ControllerRevision)
    for (const content of [secret(ONE), '{"spec":', '[1']) {
      assert.throws(() => run('object', revision(content), by), { rule: 'protobuf.json' })
    }
  })

  function frame(bytes: Buffer): Buffer {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  }
})

describe('random objects', () => {
  for (const [what, apiVersion, kind, tree] of [
    ['', 'v1', 'Secret', TREES.Secret],
    ['', 'v1', 'ConfigMap', TREES.ConfigMap],
    ['', 'v1', 'Pod', TREES.Pod],
    [', by the names of elements,', 'v1', 'Pod', NAMED],
    ['', 'apps/v1', 'Deployment', TREES.Deployment],
    ['', 'apps/v1', 'ControllerRevision', TREES.ControllerRevision],
    ['', 'batch/v1', 'CronJob', TREES.CronJob],
    ['', 'authentication.k8s.io/v1', 'TokenReview', TREES.TokenReview],
    ['', 'v1', 'Event', TREES.Event],
  ] as const) {
    test(`of kind ${kind}${what} mean in protobuf, masked, what their JSON means, masked`, () => {
      const message = schema.kinds[`${apiVersion} ${kind}`] ?? ''
      let masks = 0
      fc.assert(
        fc.property(messageOf(message, 0), (raw) => {
          const bytes = envelope(apiVersion, kind, raw)
          const before = Buffer.from(JSON.stringify(jsonOf(bytes)))
          const [here, there] = [new TellingMasker(tree), new TellingMasker(tree)]
          const body = new JsonBody('object', there, limits.mask)
          const masked = Buffer.concat([Buffer.from(body.receive(before)), body.end()]).toString()
          assert.deepEqual(jsonOf(run('object', bytes, here)), JSON.parse(masked))
          assert.deepEqual(sorted(here), sorted(there))
          masks += here.calls.length
          const watched = run('watch', event('ADDED', bytes), new TellingMasker(tree))
          assert.deepEqual(jsonOfWatch(watched), [{ type: 'ADDED', object: JSON.parse(masked) as Json }])
        }),
        { numRuns: 100 },
      )
      assert.ok(masks > 0, 'nothing was masked')
    })
  }

  function sorted({ calls }: TellingMasker): string[] {
    return calls.map((call) => JSON.stringify(call)).sort()
  }

  /** Messages on the way to what is masked: always there, while of others a field or two has to do. */
  const WAY =
    /^(core|apps|batch|authentication)\/v1\.(\w+Spec|Container|EphemeralContainer(Common)?|EnvVar|Probe|ProbeHandler|HTTP\w+|Lifecycle(Handler)?|ExecAction)$/

  /** A message by the schema, with its fields in any order. */
  function messageOf(name: string, depth: number): fc.Arbitrary<Buffer> {
    if (name.endsWith('.RawExtension') || name.endsWith('.FieldsV1')) {
      const env = fc.record({ name: fc.string(), value: fc.oneof(fc.string(), fc.jsonValue()) })
      const containers = fc.array(fc.record({ env: fc.array(env), args: fc.array(fc.string()) }))
      const json = fc.record({ spec: fc.record({ template: fc.record({ spec: fc.record({ containers }) }) }), rest: fc.jsonValue() })
      return json.map((value) => field(1, JSON.stringify(value)))
    }
    if (name.endsWith('.ExtraValue')) return fc.array(fc.string()).map((all) => Buffer.concat(all.map((s) => field(1, s))))
    if (depth > 12) return fc.constant(Buffer.alloc(0))
    const parts = [...schemaFields(name)].map(([number, { occurs, type }]): fc.Arbitrary<Buffer[]> => {
      const one = contentOf(number, type, depth)
      if (occurs === 'once') return WAY.test(type) ? one.map((value) => [value]) : fc.option(one).map((value) => (value === null ? [] : [value]))
      if (occurs === 'list') return fc.array(one, { minLength: WAY.test(type) ? 1 : 0, maxLength: 2 })
      const key = fc.oneof(fc.constantFrom(LAST_APPLIED, 'a.b', 'password', ''), fc.string())
      const entries = fc.uniqueArray(fc.tuple(key.map(String), contentOf(2, type, depth)), { maxLength: 3, selector: ([text]) => text })
      return entries.map((all) => all.map(([text, value]) => field(number, Buffer.concat([field(1, text), value]))))
    })
    const isOnWay = depth === 0 || WAY.test(name) || name.endsWith('.ObjectMeta')
    if (isOnWay) {
      const orders = fc.shuffledSubarray(parts.map((_, at) => at), { minLength: parts.length })
      return fc.tuple(orders, fc.tuple(...parts)).map(([order, lists]) => Buffer.concat(order.flatMap((at) => lists[at] ?? [])))
    }
    return parts.length === 0 ? fc.constant(Buffer.alloc(0)) : fc.oneof(...parts).map((all) => Buffer.concat(all))
  } // biome-ignore format: generators

  function contentOf(number: number, type: string, depth: number): fc.Arbitrary<Buffer> {
    if (type === 'number') return fc.nat().map((value) => numberField(number, value))
    if (type === 'text') {
      const text = fc.oneof(fc.string(), fc.constant('{"data":{"x":"eQ=="},"stringData":{"z":"w"}}'), fc.constant('aHVudGVyMg=='))
      return text.map((value) => field(number, value))
    }
    if (type === 'bytes') return fc.uint8Array({ maxLength: 200 }).map((value) => field(number, value))
    return messageOf(type, depth + 1).map((value) => field(number, value))
  } // biome-ignore format: generators
})
