// JSON bodies masked object by object: what is masked, what keeps every byte, and what is refused, under any cut.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { JsonBody } from '../../../protocols/json/body.ts'
import { JsonError } from '../../../protocols/json/errors.ts'
import type { BodyShape, FieldForm, FieldMasker, FieldTree } from '../../../protocols/kube/field-masker.ts'
import { limits } from '../../../protocols/limits.ts'

function node(form: FieldForm | undefined, fields: Record<string, FieldTree> = {}, any?: FieldTree): FieldTree {
  return { form, fields: new Map(Object.entries(fields)), any }
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

const SECRET = node(undefined, {
  data: node('base64'),
  stringData: node('text'),
  metadata: node(undefined, { annotations: node(undefined, { [LAST_APPLIED]: node('manifest') }) }),
})

/** Says of each mask where it stood, and what object it was of. */
const masker: FieldMasker = {
  select: () => SECRET,
  mask: (object, path, value) => `<${object.uid}|${path}|${value.length}>`,
}

const none: FieldMasker = { ...masker, select: () => undefined }

function run(shape: BodyShape, chunks: readonly Uint8Array[], by: FieldMasker = masker): string {
  const body = new JsonBody(shape, by, limits.mask)
  const out: Buffer[] = []
  for (const chunk of chunks) {
    const lent = Uint8Array.from(chunk)
    out.push(Buffer.from(body.receive(lent)))
    lent.fill(0xa5)
  }
  out.push(Buffer.from(body.end()))
  return Buffer.concat(out).toString()
}

function whole(shape: BodyShape, text: string, by?: FieldMasker): string {
  return run(shape, [Buffer.from(text)], by)
}

function assertAnyCut(shape: BodyShape, text: string, expected: string): void {
  const bytes = Buffer.from(text)
  assert.equal(run(shape, [bytes]), expected)
  for (let at = 1; at < bytes.length; at += 1) {
    assert.equal(run(shape, [bytes.subarray(0, at), bytes.subarray(at)]), expected, `cut at ${at}`)
  }
  assert.equal(
    run(
      shape,
      Array.from(bytes, (byte) => Uint8Array.of(byte)),
    ),
    expected,
    'byte by byte',
  )
}

const b64 = (text: string): string => Buffer.from(text).toString('base64')

const ONE =
  '{"kind":"Secret", "metadata":{"name":"db","uid":"u1","resourceVersion":"7"},\n "data":{"password":"aHVudGVyMg==","n":null},"x":[1.0,-0,1e400,9007199254740993,"\\u00e9\\/"]}'
const ONE_MASKED = ONE.replace('aHVudGVyMg==', b64('<u1|data.password|7>'))

describe('one object', () => {
  test('has the strings of its tree masked, and keeps every other byte, under any cut', () => {
    assertAnyCut('object', ONE, ONE_MASKED)
  })

  test('is masked where its metadata stands behind its data', () => {
    assert.equal(
      whole('object', '{"data":{"a":"YQ=="},"metadata":{"uid":"u9"}}'),
      `{"data":{"a":"${b64('<u9|data.a|1>')}"},"metadata":{"uid":"u9"}}`,
    )
  })

  test('is masked under keys that are written with escapes', () => {
    assert.equal(
      whole('object', '{"\\u0064ata":{"\\u0061":"YQ=="}}'),
      `{"\\u0064ata":{"\\u0061":"${b64('<|data.a|1>')}"}}`,
    )
  })

  test('passes as it came where nothing is selected', () => {
    assert.equal(whole('object', ONE, none), ONE)
  })

  test('has base64 that does not decode masked as it stands', () => {
    assert.equal(whole('object', '{"data":{"a":"%%"}}'), `{"data":{"a":"${b64('<|data.a|2>')}"}}`)
  })

  test('has strings masked at any depth below a form', () => {
    assert.equal(
      whole('object', '{"stringData":{"a":{"b":["x",1,true]}}}'),
      '{"stringData":{"a":{"b":["<|stringData.a.b[0]|1>",1,true]}}}',
    )
  })

  test('has the manifest in its annotation masked field by field', () => {
    const manifest = JSON.stringify({ kind: 'Secret', stringData: { a: 'hunter2' }, data: { b: b64('xyz') } })
    const masked = JSON.stringify({
      kind: 'Secret',
      stringData: { a: '<u|stringData.a|7>' },
      data: { b: b64('<u|data.b|3>') },
    })
    const object = (text: string) => JSON.stringify({ metadata: { uid: 'u', annotations: { [LAST_APPLIED]: text } } })
    assertAnyCut('object', object(manifest), object(masked))
  })

  test('has an annotation that is no manifest masked whole, and still as JSON', () => {
    const body = JSON.stringify({ metadata: { uid: 'u', annotations: { [LAST_APPLIED]: '{"data":' } } })
    const said = JSON.parse(whole('object', body)) as { metadata: { annotations: Record<string, string> } }
    assert.deepEqual(JSON.parse(said.metadata.annotations[LAST_APPLIED] as string), {
      masked: `<u|metadata.annotations[${LAST_APPLIED}]|8>`,
    })
  })

  test('has only those elements of an array masked whose names are asked for', () => {
    const env = {
      ...node(undefined, {}, node(undefined)),
      named: (name: string) => (name === 'TOKEN' || name === '' ? node(undefined, { value: node('text') }) : undefined),
    }
    const by: FieldMasker = { ...masker, select: () => node(undefined, { env }) }
    assert.equal(
      whole(
        'object',
        '{"env":[{"name":"A","value":"x"},{"value":"y","name":"TOKEN"},{"value":"z"},{"name":1},"s"]}',
        by,
      ),
      '{"env":[{"name":"A","value":"x"},{"value":"<|env[1].value|1>","name":"TOKEN"},{"value":"<|env[2].value|1>"},{"name":1},"s"]}',
    )
    assert.throws(() => whole('object', '{"env":[{"name":"A","value":"x","name":"TOKEN"}]}', by), {
      rule: 'json.duplicate_key',
    })
  })

  test('is masked at the member of its root, not at the objects within it, where both are selected', () => {
    const by: FieldMasker = { ...masker, select: () => node(undefined, { object: node('text'), data: node('base64') }) }
    assert.equal(
      whole('object', '{"data":{"b":"YQ=="},"object":{"data":{"a":"YQ=="}},"items":[{"data":{"c":"YQ=="}}]}', by),
      `{"data":{"b":"${b64('<|data.b|1>')}"},"object":{"data":{"a":"<|object.data.a|4>"}},"items":[{"data":{"c":"${b64('<|data.c|1>')}"}}]}`,
    )
  })

  test('is masked at its root whatever it says that it is', () => {
    assert.equal(
      whole('object', '{"kind":"SecretList","items":[],"data":{"a":"YQ=="}}'),
      `{"kind":"SecretList","items":[],"data":{"a":"${b64('<|data.a|1>')}"}}`,
    )
  })

  test('that is not there is nothing', () => {
    assert.equal(run('object', []), '')
  })
})

describe('a list', () => {
  const list = (items: string) =>
    `{"kind":"SecretList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[${items}], "z":1}\n`

  test('has each element masked by itself, under any cut', () => {
    assertAnyCut('list', list(`${ONE}, ${ONE}`), list(`${ONE_MASKED}, ${ONE_MASKED}`))
    assertAnyCut('list', list(''), list(''))
  })

  test('is masked just the same where its items come first', () => {
    assertAnyCut('list', `{"items":[${ONE}],"kind":"SecretList"}`, `{"items":[${ONE_MASKED}],"kind":"SecretList"}`)
  })

  test('passes its elements before it has ended', () => {
    const body = new JsonBody('list', masker, limits.mask)
    const passed = Buffer.from(body.receive(Buffer.from(`{"items":[${ONE},`))).toString()
    assert.equal(passed, `{"items":[${ONE_MASKED},`)
  })

  test('may turn out to be one object, or a Status', () => {
    assertAnyCut('list', ONE, ONE_MASKED)
    const status = '{"kind":"Status","status":"Failure","message":"no","code":403}'
    assertAnyCut('list', status, status)
  })

  test('that is a Table has the objects of its rows masked', () => {
    const table = (object: string) =>
      `{"kind":"Table","columnDefinitions":[{"name":"a"}],"rows":[{"cells":["db",1],"object":${object}}]}`
    assertAnyCut('list', table(ONE), table(ONE_MASKED))
    assertAnyCut('object', table(ONE), table(ONE_MASKED))
  })

  test('of one thousand elements holds one at a time', () => {
    const body = new JsonBody('list', masker, { ...limits.mask, object: 200, item: ONE.length })
    body.receive(Buffer.from('{"items":['))
    for (let at = 0; at < 1_000; at += 1) body.receive(Buffer.from(at === 0 ? ONE : `,${ONE}`))
    body.receive(Buffer.from(']}'))
    assert.equal(Buffer.from(body.end()).toString(), ']}')
  })

  test('that is cut within an element with a fault is refused for it all the same', () => {
    const bytes = Buffer.from(list(`{"data":{"a":"YQ==","a":""}},${ONE}`))
    for (let at = 0; at < bytes.length; at += 1) {
      assert.throws(() => run('list', [bytes.subarray(0, at), bytes.subarray(at)]), { rule: 'json.duplicate_key' })
    }
  })

  for (const [what, text] of [
    ['two lists of items', '{"items":[],"items":[]}'],
    ['a comma too many', `{"items":[${ONE},]}`],
    ['a comma in front', '{"items":[,{}]}'],
    ['no comma', '{"items":[{} {}]}'],
    ['elements that are no objects', '{"items":["x"]}'],
    ['something behind it', '{"items":[]} {}'],
    ['a data key behind its items that is there twice', '{"items":[],"data":{"a":"YQ=="},"data":{}}'],
    ['an end that is missing', '{"items":[{}]'],
  ] as const) {
    test(`is refused with ${what}`, () => {
      assert.throws(() => whole('list', text), JsonError)
    })
  }
})

describe('a watch', () => {
  const event = (object: string) => `{"type":"DELETED","object":${object}}\n`

  test('has the object of each event masked, under any cut', () => {
    assertAnyCut('watch', event(ONE) + event(ONE), event(ONE_MASKED) + event(ONE_MASKED))
  })

  test('passes an event as soon as it is whole', () => {
    const body = new JsonBody('watch', masker, limits.mask)
    const text = event(ONE).trimEnd()
    assert.equal(Buffer.from(body.receive(Buffer.from(text))).toString(), event(ONE_MASKED).trimEnd())
  })

  test('of Tables has the objects of the rows masked', () => {
    const table = (object: string) => event(`{"kind":"Table","rows":[{"cells":[],"object":${object}}]}`)
    assertAnyCut('watch', table(ONE), table(ONE_MASKED))
  })

  test('that breaks off within an event is refused', () => {
    assert.throws(() => whole('watch', event(ONE).slice(0, -9)), JsonError)
  })

  test('takes nothing but events', () => {
    assert.throws(() => whole('watch', `${event(ONE)}[]`), JsonError)
  })
})

describe('a text that is no JSON', () => {
  const bad = [
    '{',
    '{"a"}',
    '{"a":1,}',
    '{a:1}',
    '[1,]',
    '[1 2]',
    '01',
    '1.',
    '.5',
    '+1',
    '1e',
    '-',
    'nul',
    'NaN',
    'tru',
    '"\u0001"',
    '"\\x"',
    '"\\u12g4"',
    '"',
    '"abc',
    '{"a":"b\\"}',
    '{} {}',
    '\ufeff{}',
    "{'a':1}",
    '{"a":1 "b":2}',
    '{"a":1]',
    '[1}',
    '{"data":{"a":1,"a":2}}',
    '{"metadata":{"uid":"a","uid":"b"}}',
    '{"\\u0061":1,"a":2}',
    `{"data":{${Array.from({ length: 40 }, (_, at) => `"k${at % 39}":1`).join()}}}`,
    '{"metadata":{"labels":{"a":"1","a":"2"}}}',
    '{"items":[{"object":{"metadata":{},"metadata":{}}}]}',
  ]
  for (const text of bad) {
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => whole('object', text), JsonError)
    })
  }

  test('cut at any byte is refused', () => {
    for (let at = 1; at < ONE.length; at += 1)
      assert.throws(() => whole('object', ONE.slice(0, at)), JsonError, `at ${at}`)
  })

  test('that is not UTF-8 is refused', () => {
    assert.throws(() => run('object', [Buffer.from('{"a":"\xff"}', 'latin1')]), { rule: 'json.utf8' })
  })

  test('deeper, longer or with longer keys and numbers than is taken is refused', () => {
    const small = { ...limits.mask, depth: 8, key: 16, number: 8, object: 64 }
    const by = (text: string) => () => new JsonBody('object', masker, small).receive(Buffer.from(text))
    const whole = (text: string) => () => {
      const body = new JsonBody('object', masker, small)
      body.receive(Buffer.from(text))
      body.end()
    }
    assert.throws(whole('['.repeat(9) + ']'.repeat(9)), { rule: 'json.depth' })
    assert.throws(whole(`{"${'k'.repeat(16)}":1}`), { rule: 'json.key.length' })
    assert.throws(whole('123456789'), { rule: 'json.number.length' })
    assert.throws(by('x'.repeat(65)), { rule: 'json.length' })
  })

  test('nesting of a hundred thousand costs no stack', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    const body = new JsonBody('object', none, { ...limits.mask, depth: 1_000_000 })
    body.receive(Buffer.from(`{"a":${deep}}`))
    assert.equal(body.end().length, deep.length + 6)
  })
})

test('any keys are the keys that they are, however many objects have them', () => {
  const key = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('a', '\\n', '\n', '\\u0061', 'items'),
  )
  const value = fc.array(fc.dictionary(key, fc.string(), { maxKeys: 24 }))
  fc.assert(
    fc.property(value, fc.boolean(), (objects, escaped) => {
      const token = (text: string): string =>
        escaped
          ? `"${Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
          : JSON.stringify(text)
      const texts = objects.map(
        (object) => `{"stringData":{${Object.entries(object).map(([name, text]) => `${token(name)}:${token(text)}`)}}}`,
      )
      const paths: string[] = []
      const by: FieldMasker = { select: () => SECRET, mask: (_, path) => String(paths.push(path)) }
      whole('list', `{"items":[${texts}]}`, by)
      const expected = objects.flatMap((object) =>
        Object.keys(object).map((name) => (/[.[\]]/.test(name) ? `stringData[${name}]` : `stringData.${name}`)),
      )
      assert.deepEqual(paths, expected)
    }),
  )
})

test('any JSON keeps its values but for the masked strings, and its shape in those', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.nat(6), (inner, data, indent) => {
      const value = { metadata: { uid: 'u' }, spec: inner, stringData: data }
      const masked = JSON.parse(whole('object', JSON.stringify(value, null, indent))) as typeof value
      assert.deepEqual(masked.spec, JSON.parse(JSON.stringify(inner)))
      assert.deepEqual(shapeOf(masked.stringData), shapeOf(JSON.parse(JSON.stringify(data))))
      for (const text of stringsOf(masked.stringData)) assert.match(text, /^<u\|stringData/)
    }),
  )
})

/** A value with every string replaced by a word. */
function shapeOf(value: unknown): unknown {
  if (typeof value === 'string') return 'a string'
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value).map(([key, below]) => [key, shapeOf(below)])
}

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsOf) : []
}
