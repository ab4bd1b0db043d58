// Configured rules: which requests and objects they mean, what of them is masked, for whom, and on the tape always.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { maskingOf, nothingLearned } from '../../../gateway/mask/compose.ts'
import { maskingDocument } from '../../../gateway/mask/document.ts'
import type { Principal } from '../../../gateway/principal.ts'
import { requestInfo } from '../../../gateway/request-info.ts'

const KEY = new Uint8Array(32)
const JSON_HEAD = ['Content-Type', 'application/json']

function principal(user: string, groups: readonly string[] = [], actor = ''): Principal {
  return { user, groups, actor, issuer: 'i', expiresAt: 0 }
}

const alice = principal('alice')

interface Shown {
  readonly taped: string
  readonly passed: string
  readonly masked: readonly { readonly rule: string; readonly fields: string; readonly count: number }[]
}

/** What the tape and a caller get of an object that a request is answered with. */
function shown(masking: unknown, target: string, object: unknown, who = alice, method = 'GET'): Shown {
  const attributes = requestInfo(method, target, undefined)
  assert.ok('verb' in attributes)
  const mask = maskingOf(maskingDocument.parse(masking), KEY, nothingLearned())
    .of('lab', who, attributes)
    .answer(200, JSON_HEAD)
  assert.ok('receive' in mask, target)
  const pieces = [mask.receive(Buffer.from(JSON.stringify(object))), mask.end()]
  return {
    taped: Buffer.concat(pieces.map(({ taped }) => taped)).toString(),
    passed: Buffer.concat(pieces.map(({ passed }) => passed)).toString(),
    masked: mask.masked(),
  }
}

/** Values at the leaves that are still there, of those that begin with "v". */
function left(text: string): string[] {
  return [...text.matchAll(/"(v\d+)"/g)].map(([, value]) => value as string)
}

const MAP = '/api/v1/namespaces/prod/configmaps/db-1'
const config = {
  metadata: { name: 'db-1', namespace: 'prod', labels: { app: 'db' }, annotations: { 'x/y': 'v1', other: 'v2' } },
  data: { password: 'v3', 'app.properties': 'v4', user: 'v5' },
}

describe('a rule masks the fields that it names', () => {
  for (const [fields, kept] of [
    [['data.password'], ['v1', 'v2', 'v4', 'v5']],
    [["data['app.properties']"], ['v1', 'v2', 'v3', 'v5']],
    [['data.*'], ['v1', 'v2']],
    [['data'], ['v1', 'v2']],
    [
      ['data["user"]', 'data.password'],
      ['v1', 'v2', 'v4'],
    ],
    [["metadata.annotations['x/y']"], ['v2', 'v3', 'v4', 'v5']],
    [['metadata.annotations.*'], ['v3', 'v4', 'v5']],
  ] as const) {
    test(fields.join(), () => {
      const { taped, passed, masked } = shown(
        { rules: [{ name: 'r', resources: ['configmaps'], fields }] },
        MAP,
        config,
      )
      assert.deepEqual([left(taped), left(passed)], [kept, kept])
      assert.deepEqual(
        masked.map(({ rule, count }) => [rule, count]),
        [['r', 5 - kept.length]],
      )
    })
  }

  test('below arrays too, and in nested manifests', () => {
    const spec = { containers: [{ image: 'v1', args: ['v2', 'v3'] }, { image: 'v4' }] }
    const rules = [{ name: 'r', resources: ['pods'], fields: ['spec.containers[*].args', 'spec.containers[*].image'] }]
    const applied = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ spec }) }
    const { taped } = shown({ rules }, '/api/v1/namespaces/a/pods/p', { metadata: { annotations: applied }, spec })
    assert.deepEqual(left(taped.replaceAll('\\"', '"')), [])
  })

  test('as base64 where the field is base64', () => {
    const rules = [{ name: 'r', resources: ['configmaps', 'secrets'], fields: ['binaryData', 'data.x'] }]
    const builtin = { secrets: false }
    const { taped } = shown({ rules }, MAP, { binaryData: { a: 'dg==' } })
    assert.match(taped, /"c2FsbHlwb3J0LW1hc2tlZC/)
    const secret = { data: { x: 'dg==', y: 'djE=' }, stringData: { x: 'v1', y: 'v2' } }
    const { taped: one } = shown({ rules, builtin }, '/api/v1/namespaces/a/secrets/s', secret)
    assert.match(one, /"x":"c2FsbHlwb3J0LW1hc2tlZC[^"]*","y":"djE="},"stringData":{"x":"sallyport-[^"]*","y":"v2"/)
  })
})

describe('a rule means', () => {
  const rule = { name: 'r', resources: ['configmaps'], fields: ['data'] }
  const inNamespace = (namespace: string, name: string, labels = {}) => ({
    metadata: { name, namespace, labels },
    data: { a: 'v1' },
  })
  for (const [selection, object, isMeant] of [
    [{ namespaces: ['prod'] }, inNamespace('prod', 'a'), true],
    [{ namespaces: ['prod'] }, inNamespace('prod-2', 'a'), false],
    [{ namespaces: ['prod*'] }, inNamespace('prod-2', 'a'), true],
    [{ names: ['db-*'] }, inNamespace('x', 'db-1'), true],
    [{ names: ['db-*'] }, inNamespace('x', 'web'), false],
    [{ labels: 'app=db' }, inNamespace('x', 'a', { app: 'db' }), true],
    [{ labels: 'app=db' }, inNamespace('x', 'a', { app: 'web' }), false],
    [{ labels: { app: 'db' }, names: ['a'] }, inNamespace('x', 'b', { app: 'db' }), false],
    [{ clusters: ['lab'] }, inNamespace('x', 'a'), true],
    [{ clusters: ['prod'] }, inNamespace('x', 'a'), false],
  ] as const) {
    test(`${JSON.stringify(selection)} ${isMeant ? '' : 'not '}${JSON.stringify(object.metadata)}`, () => {
      const masking = { rules: [{ ...rule, ...selection }] }
      const target = '/api/v1/configmaps'
      const { passed } = shown(masking, target, { items: [object] })
      assert.deepEqual(left(passed), isMeant ? [] : ['v1'])
      const { name, namespace } = object.metadata
      const bare = { data: object.data, metadata: { labels: object.metadata.labels } }
      const named = shown(masking, `/api/v1/namespaces/${namespace}/configmaps/${name}`, bare)
      assert.deepEqual(left(named.passed), isMeant ? [] : ['v1'], 'what an object does not say, the request does')
    })
  }

  for (const [resources, target, isMeant] of [
    [['configmaps'], '/api/v1/namespaces/a/configmaps/b/status', true],
    [['pods/status'], '/api/v1/namespaces/a/pods/b/status', true],
    [['pods/status'], '/api/v1/namespaces/a/pods/b', false],
    [['apps/*'], '/apis/apps/v1/namespaces/a/deployments/b', true],
    [['apps/*'], '/apis/batch/v1/namespaces/a/jobs/b', false],
    [['example.com/widgets'], '/apis/example.com/v1/namespaces/a/widgets/b', true],
    [['*'], '/apis/example.com/v1/namespaces/a/widgets/b', true],
    [['*'], '/api/v1/namespaces/a/pods/b/log', false],
    [['*'], '/api/v1/namespaces/a/pods/b/proxy/x', false],
    [['*'], '/version', false],
  ] as const) {
    test(`${resources.join()} ${isMeant ? '' : 'not '}${target}`, () => {
      const { passed } = shown({ rules: [{ ...rule, resources }] }, target, { data: { a: 'v1' } })
      assert.deepEqual(left(passed), isMeant ? [] : ['v1'])
    })
  }
})

describe('a value is masked', () => {
  const rule = { name: 'r', resources: ['configmaps'], fields: ['data'] }
  for (const [what, masking, who, passes] of [
    ['for everybody', {}, alice, false],
    ['for actors alone', { subjects: [{ actor: '*' }] }, alice, true],
    ['for an actor', { subjects: [{ actor: '*' }] }, principal('alice', [], 'bot'), false],
    ['for one user', { subjects: [{ user: 'alice' }] }, alice, false],
    ['not for another one', { subjects: [{ user: 'bob' }] }, alice, true],
    ['not for who is exempt', { exempt: [{ group: 'dba' }] }, principal('x', ['dba']), true],
    ['for the others', { exempt: [{ group: 'dba' }] }, principal('x', ['dbb']), false],
    ['not for an exempt subject', { subjects: [{ user: '*' }], exempt: [{ user: 'alice' }] }, alice, true],
  ] as const) {
    test(`${what}, and on the tape`, () => {
      const object = { data: { a: 'v1' } }
      const { taped, passed } = shown({ rules: [{ ...rule, ...masking }] }, MAP, object, who)
      assert.deepEqual(left(taped), [])
      assert.deepEqual(left(passed), passes ? ['v1'] : [])
      if (passes) assert.equal(passed, JSON.stringify(object))
    })
  }

  test('by every rule on the tape, and by those that mean the caller for them', () => {
    const rules = [
      { ...rule, name: 'one', fields: ['data.a'] },
      { ...rule, name: 'two', fields: ['data.b'], subjects: [{ actor: '*' }] },
      { ...rule, name: 'three', fields: ['data.c', 'data.a'], names: ['other'] },
    ]
    const object = { metadata: { name: 'db-1' }, data: { a: 'v1', b: 'v2', c: 'v3' } }
    const { taped, passed, masked } = shown({ rules }, MAP, object)
    assert.deepEqual([left(taped), left(passed)], [['v3'], ['v2', 'v3']])
    assert.deepEqual(
      masked.map(({ rule, count }) => [rule, count]),
      [
        ['one', 1],
        ['two', 1],
      ],
    )
  })

  test('not by a default that is switched off', () => {
    const secret = { data: { a: 'djE=' } }
    const target = '/api/v1/namespaces/a/secrets/b'
    assert.match(shown({ builtin: { secrets: false } }, target, secret).taped, /djE=/)
    assert.doesNotMatch(shown({}, target, secret).taped, /djE=/)
    const token = { status: { token: 'v1' } }
    const make = '/api/v1/namespaces/a/serviceaccounts/b/token'
    assert.deepEqual(left(shown({ builtin: { tokens: false } }, make, token, alice, 'POST').taped), ['v1'])
    assert.deepEqual(left(shown({}, make, token, alice, 'POST').taped), [])
  })
})

test('releases that Helm keeps in ConfigMaps are masked, other ConfigMaps are not', () => {
  const release = (name: string, labels: object) => ({ metadata: { name, labels }, data: { release: 'v1' } })
  for (const [object, isMasked] of [
    [release('sh.helm.release.v1.a.v1', { owner: 'helm' }), true],
    [release('a.v1', { OWNER: 'TILLER' }), true],
    [release('sh.helm.release.v1.a.v1', {}), true],
    [release('notes', { owner: 'alice' }), false],
  ] as const) {
    const { passed } = shown({}, '/api/v1/namespaces/a/configmaps', { items: [object] })
    assert.deepEqual(left(passed), isMasked ? [] : ['v1'], object.metadata.name)
  }
  const off = shown({ builtin: { helmConfigMaps: false } }, MAP, release('sh.helm.release.v1.a.v1', {}))
  assert.deepEqual(left(off.taped), ['v1'])
})

describe('a request body is taped masked', () => {
  const rules = [
    { name: 'r', resources: ['configmaps'], fields: ['data.password'], labels: 'app=db' },
    { name: 'e', env: ['*_TOKEN'] },
  ]
  const masking = maskingOf(maskingDocument.parse({ rules }), KEY, nothingLearned())
  const taped = (method: string, target: string, type: string, body: string): string => {
    const attributes = requestInfo(method, target, undefined)
    assert.ok('verb' in attributes)
    const mask = masking.of('lab', alice, attributes)
    return Buffer.from(mask.body(['Content-Type', type], Buffer.from(body), true).body).toString()
  }

  for (const [what, method, type, body, kept] of [
    [
      'a patch, whatever its labels',
      'PATCH',
      'application/merge-patch+json',
      '{"data":{"password":"v1","x":"v2"}}',
      ['v2'],
    ],
    ['an object', 'PUT', 'application/json', '{"metadata":{"labels":{"app":"db"}},"data":{"password":"v1"}}', []],
    ['another object not', 'PUT', 'application/json', '{"data":{"password":"v1"}}', ['v1']],
    ['server-side apply in YAML', 'PATCH', 'application/apply-patch+yaml', 'data: {password: v1, x: "v2"}', ['v2']],
    [
      'the values of a JSON patch where its paths lead',
      'PATCH',
      'application/json-patch+json',
      '[{"op":"test","path":"/data/password","value":"v1"},{"op":"add","path":"/data","value":{"password":"v2","x":"v3"}},{"op":"add","path":"/data/x","value":"v4"},{"op":"remove","path":"/data/y"},{"op":"add","path":"","value":{"data":{"password":"v5"}}}]',
      ['v3', 'v4'],
    ],
  ] as const) {
    test(what, () => {
      assert.deepEqual(left(taped(method, MAP, type, body)), kept)
    })
  }

  test('but not what it cannot read', () => {
    for (const [type, body] of [
      ['application/json', '{"data":{"password":"v1"'],
      ['application/json-patch+json', '{"op":"add"}'],
      ['application/json-patch+json', '[{'],
    ] as const) {
      assert.deepEqual(taped('PATCH', MAP, type, body), '{"sallyport":"a body that could not be read is not kept"}')
    }
  })
})
