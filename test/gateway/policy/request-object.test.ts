import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RequestObject, type Value } from '../../../gateway/policy/request-object.ts'
import { limits } from '../../../protocols/limits.ts'

const JSON_TYPE = 'application/json'
const YAML_TYPE = 'application/yaml'

function read(text: string | Uint8Array, type: string): unknown {
  const { decoded } = new RequestObject(typeof text === 'string' ? new TextEncoder().encode(text) : text, type)
  return 'value' in decoded ? plain(decoded.value) : decoded.status
}

/** Maps as objects without a prototype's names, whole numbers as numbers. */
function plain(value: Value): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(plain)
  return value instanceof Map ? Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)])) : value
}

test('JSON is read as it is, whatever its keys are called', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (text) => {
      const expected = JSON.parse(text) as unknown
      assert.deepEqual(read(text, JSON_TYPE), plain(expected as Value))
    }),
  )
  assert.deepEqual(read('{"constructor": {"name": 1}, "get": 2, "size": 3}', JSON_TYPE), {
    constructor: { name: 1 },
    get: 2,
    size: 3,
  })
})

test('a key that is there twice is refused, however it is written', () => {
  assert.equal(read('{"a": 1, "a": 2}', JSON_TYPE), 400)
  assert.equal(read('{"a": 1, "\\u0061": 2}', JSON_TYPE), 400)
  assert.equal(read('{"x": [{"a": {"b": 1, "b": {}}}]}', JSON_TYPE), 400)
  assert.equal(read('{"__proto__": 1, "__proto__": 2}', JSON_TYPE), 400)
  assert.deepEqual(read('{"a:b,{": ":\\"{", "c": {"a": 1}}', JSON_TYPE), { 'a:b,{': ':"{', c: { a: 1 } })
})

test('media types are told apart as Kubernetes tells them', () => {
  const types = ['', 'application/json', 'Application/JSON; charset=utf-8', 'application/merge-patch+json', YAML_TYPE]
  for (const type of [...types, 'application/apply-patch+yaml', 'application/strategic-merge-patch+json']) {
    assert.deepEqual(read('{"a": 1}', type), { a: 1 }, type)
  }
  for (const type of ['application/vnd.kubernetes.protobuf', 'application/apply-patch+cbor', 'text/plain', 'json']) {
    assert.equal(read('{"a": 1}', type), 415, type)
  }
  assert.equal(read('a: 1', JSON_TYPE), 400)
  const patch = (type: string): string => new RequestObject(new Uint8Array(0), type).patchType('patch')
  assert.deepEqual(
    ['json-patch+json', 'merge-patch+json', 'strategic-merge-patch+json', 'apply-patch+yaml', 'json'].map((type) =>
      patch(`application/${type}`),
    ),
    ['json', 'merge', 'strategic', 'apply', 'other'],
  )
})

test('what is not text is refused', () => {
  assert.equal(read(new Uint8Array([0x22, 0xff, 0x22]), JSON_TYPE), 400)
  assert.equal(read('\ufeff{}', JSON_TYPE), 400)
  assert.equal(read('{} {}', JSON_TYPE), 400)
  assert.equal(read('', JSON_TYPE), null)
})

test('plain YAML is read, and what two versions of YAML take apart is refused', () => {
  assert.deepEqual(read('a: x\nl: [1, "0777", 1.5]\nm:\n  k:\n  t: true\nb: |\n  yes\n', YAML_TYPE), {
    a: 'x',
    l: [1, '0777', 1.5],
    m: { k: null, t: true },
    b: 'yes\n',
  })
  const ambiguous = ['yes', 'On', 'y', 'TRUE', '0777', '0o17', '1_000', '1:30', '1e3', '2024-01-01', '.inf', '+1', '<<']
  for (const word of ambiguous) {
    assert.equal(read(`a: ${word}`, YAML_TYPE), 400, word)
    assert.deepEqual(read(`a: "${word}"`, YAML_TYPE), { a: word })
  }
  const refused = [
    'a: &x 1\nb: *x',
    'a: !!int "3"',
    '- !x {b: 1}',
    'a: 1\n---\nb: 2',
    'a: 1\na: 2',
    'a: 1\n"a": 2',
    '? [a]\n: 1',
    'yes: 1',
    '{a: 1',
    'a: [',
    `${'- '.repeat(limits.policy.bodyDepth + 2)}x`,
  ]
  for (const text of refused) assert.equal(read(text, YAML_TYPE), 400, text)
})

test('what is too deep, too long or too much is refused before it is parsed', () => {
  assert.equal(read('['.repeat(1_000_000), JSON_TYPE), 413)
  assert.equal(read(`[${'{},'.repeat(limits.policy.bodyValues)}1]`, JSON_TYPE), 413)
  assert.equal(read(`a: ${'x'.repeat(limits.policy.yamlLength)}`, YAML_TYPE), 413)
  const depth = limits.policy.bodyDepth
  assert.notEqual(read('['.repeat(depth) + ']'.repeat(depth), JSON_TYPE), 413)
})
