// Ways round the masks, each tried as a caller would: values moved out of masked fields, bodies that cost more to read than
// to write, masks too short to be known again.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { maskingOf, nothingLearned } from '../../../gateway/mask/compose.ts'
import { maskingDocument } from '../../../gateway/mask/document.ts'
import type { RequestMask } from '../../../gateway/mask/masking.ts'
import type { Principal } from '../../../gateway/principal.ts'
import { requestInfo } from '../../../gateway/request-info.ts'
import { limits } from '../../../protocols/limits.ts'

const alice: Principal = { user: 'alice', groups: [], actor: '', issuer: 'i', expiresAt: 0 }
const rules = [
  { name: 'db', resources: ['configmaps'], fields: ['data.password', 'binaryData'] },
  { name: 'env', env: ['DB_PASSWORD'] },
]
const document = maskingDocument.parse({ exempt: [{ group: 'keepers' }], rules })
const masking = maskingOf(document, new Uint8Array(32), nothingLearned())

function requestTo(target: string, method: string, principal = alice): RequestMask {
  const attributes = requestInfo(method, target, undefined)
  assert.ok('verb' in attributes, target)
  return masking.of('lab', principal, attributes)
}

const SECRET = '/api/v1/namespaces/prod/secrets/db?dryRun=All'
const CONFIG_MAP = '/api/v1/namespaces/prod/configmaps/db'
const DEPLOYMENT = '/apis/apps/v1/namespaces/prod/deployments/web'
const ENV = '/spec/template/spec/containers/0/env'
const type = (mediaType: string): string[] => ['Content-Type', mediaType]
const LAST_APPLIED = '/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration'

describe('a JSON patch that takes a value out of a masked field', () => {
  const patched = (target: string, operation: object, principal = alice) =>
    requestTo(target, 'PATCH', principal).refusal(
      type('application/json-patch+json'),
      Buffer.from(JSON.stringify([{ op: 'test', path: '/kind', value: 'x' }, operation])),
    )

  for (const [target, op, from, path] of [
    [SECRET, 'move', '/data/password', '/metadata/annotations/x'],
    [SECRET, 'copy', '/data/password', '/metadata/labels/x'],
    [SECRET, 'copy', '/data', '/metadata/annotations'],
    [SECRET, 'copy', '', '/metadata/annotations/x'],
    [SECRET, 'move', 'x/data/pass~0word', '/metadata/annotations/x'],
    [SECRET, 'copy', LAST_APPLIED, '/metadata/annotations/x'],
    [SECRET, 'move', '/metadata/annotations', '/metadata/labels'],
    [SECRET, 'copy', '/data/password', '/stringData/password'],
    [SECRET, 'copy', '/data/password', LAST_APPLIED],
    [CONFIG_MAP, 'copy', '/data/password', '/data/other'],
    [CONFIG_MAP, 'move', '/data', '/metadata/annotations'],
    [DEPLOYMENT, 'copy', `${ENV}/0/value`, '/metadata/annotations/x'],
    // Go reads these as places of a list too.
    [DEPLOYMENT, 'copy', `${ENV}/-1/value`, '/metadata/annotations/x'],
    [DEPLOYMENT, 'copy', `${ENV}/+0/value`, '/metadata/annotations/x'],
    // The value stays, and is masked no more.
    [DEPLOYMENT, 'copy', '/metadata/name', `${ENV}/0/name`],
    [DEPLOYMENT, 'move', `${ENV}/0/name`, '/metadata/annotations/x'],
    [DEPLOYMENT, 'replace', '', `${ENV}/-1/name`],
    [DEPLOYMENT, 'add', '', `x${ENV}/0/name`],
    [DEPLOYMENT, 'remove', '', `${ENV}/0/name`],
  ] as const) {
    test(`by ${op} from ${from} to ${path} is refused, exempt or not`, () => {
      for (const principal of [alice, { ...alice, groups: ['keepers'] }]) {
        const refused = patched(target, { op, from, path }, principal)
        assert.deepEqual([refused?.status, refused?.rule], [422, 'mask.moved'])
      }
    })
  }

  test('may pass where the value stays in a field that is masked alike, or was never masked', () => {
    for (const [target, operation] of [
      [SECRET, { op: 'move', from: '/data/a', path: '/data/b' }],
      [SECRET, { op: 'copy', from: '/metadata/labels/a', path: '/metadata/labels/b' }],
      [SECRET, { op: 'add', from: '/data/a', path: '/metadata/labels/b', value: '1' }],
      [CONFIG_MAP, { op: 'copy', from: '/data/other', path: '/metadata/annotations/x' }],
      [CONFIG_MAP, { op: 'move', from: '/binaryData/a', path: '/binaryData/b' }],
      ['/api/v1/namespaces/prod/services/x', { op: 'copy', from: '/spec', path: '/metadata/annotations' }],
      [DEPLOYMENT, { op: 'test', path: `${ENV}/0/name`, value: 'DB_PASSWORD' }],
      [DEPLOYMENT, { op: 'add', path: `${ENV}/-`, value: { name: 'A', value: 'b' } }],
      [DEPLOYMENT, { op: 'replace', path: '/spec/template/spec/containers/0/name', value: 'b' }],
    ] as const) {
      assert.equal(patched(target, operation), undefined, JSON.stringify(operation))
    }
  })
})

describe('a body in YAML', () => {
  const refusal = (body: string) =>
    requestTo('/api/v1/namespaces/prod/secrets', 'POST').refusal(type('application/yaml'), Buffer.from(body))

  test('of more parts than are read is refused before they are put together', () => {
    const many = Array.from({ length: limits.mask.yamlTokens }, (_, at) => `k${at}: 1\n`).join('')
    assert.equal(refusal(many)?.rule, 'mask.unreadable_body')
    assert.equal(refusal('['.repeat(1_000_000))?.rule, 'mask.unreadable_body')
  })

  test('with a merge key, or a key twice, is refused: the tape would have another object than the cluster', () => {
    for (const body of [
      'kind: Secret\n<<:\n  stringData: {password: hunter2-x}\n',
      'a: &a {stringData: {password: hunter2-x}}\nb: {<<: *a}\n',
      'stringData: {a: b}\nstringData: {b: c}\n',
      'a: 1\n"a": 2\n',
    ]) {
      assert.equal(refusal(body)?.rule, 'mask.unreadable_body', body)
    }
    assert.equal(refusal('a: &x {b: c}\nd: *x\n"<<": 1\n---\na: 1\n'), undefined)
  })
})

test('a value that a JSON patch gives to a variable is masked on the tape, wherever it says it is', () => {
  for (const place of ['0', '-', '-1', '+0']) {
    const body = JSON.stringify([{ op: 'replace', path: `${ENV}/${place}/value`, value: 'hunter2-x' }])
    const { body: taped } = requestTo(DEPLOYMENT, 'PATCH').body(
      type('application/json-patch+json'),
      Buffer.from(body),
      false,
    )
    assert.doesNotMatch(Buffer.from(taped).toString(), /hunter2/, place)
  }
})

test('a JSON patch behind a byte order mark is judged as any other', () => {
  const body = `\ufeff[{"op":"copy","from":"/data/password","path":"/metadata/annotations/x"}]`
  const refused = requestTo(SECRET, 'PATCH').refusal(type('application/json-patch+json'), Buffer.from(body))
  assert.equal(refused?.rule, 'mask.moved')
})

test('a key that is there twice is refused: Go writes what is in either, and JSON.parse shows the last', () => {
  const hidden = Buffer.from(`sallyport-masked-${'a'.repeat(24)}`)
    .toString('base64')
    .replace('w', '\\u0077')
  const body = Buffer.from(`{"kind":"Secret","data":{"a":"${hidden}"},"d\\u0061ta":{"b":"eA=="}}`)
  for (const mediaType of ['', 'application/json', 'application/yaml', 'application/merge-patch+json']) {
    for (const target of [SECRET, DEPLOYMENT]) {
      const refused = requestTo(target, 'PATCH').refusal(type(mediaType), body)
      assert.deepEqual([refused?.status, refused?.rule], [400, 'mask.unreadable_body'], mediaType)
    }
  }
})

test('nobody asks for part of an answer, in which a value could not be known', () => {
  const fields = ['Range', 'bytes=5-9', 'If-Range', '"x"', 'X', 'y']
  for (const target of ['/api/v1/namespaces/prod/services/files/proxy/key', '/logs/x', SECRET]) {
    const passed = requestTo(target, 'GET', { ...alice, groups: ['keepers'] }).fields(fields)
    assert.ok(Array.isArray(passed))
    assert.deepEqual(passed.slice(0, 2), ['X', 'y'], target)
    assert.ok(!passed.some((name) => /range/i.test(name)))
  }
})

describe('a body that the tape could not hold masked', () => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
  const part = (number: number, content: string) => String.fromCharCode(number * 8 + 2, content.length) + content
  const entry = part(2, part(1, 'a') + part(2, 'hunter2-x'))
  const secret = (...parts: string[]) => `k8s\0${part(1, part(1, 'v1') + part(2, 'Secret'))}${part(2, parts.join(''))}`
  for (const [what, mediaType, body] of [
    [
      'a patch that nests as deep as it is long',
      'application/json-patch+json',
      `[{"op":"add","path":"/data","value":${deep}}]`,
    ],
    ['JSON that nests so', 'application/json', `{"data":${deep}}`],
    ['a number without end', 'application/merge-patch+json', `{"data":{"a":${'1'.repeat(2_000)}}}`],
    ['protobuf with a key twice', 'application/vnd.kubernetes.protobuf', secret(entry, entry)],
    ['protobuf with a number for a map', 'application/vnd.kubernetes.protobuf', secret(entry, '\x10\x01')],
  ] as const) {
    test(`goes nowhere, and is not kept: ${what}`, () => {
      const [fields, bytes] = [type(mediaType), Buffer.from(body, 'latin1')]
      assert.equal(requestTo(SECRET, 'PATCH').refusal(fields, bytes)?.rule, 'mask.unreadable_body')
      const { body: taped } = requestTo(SECRET, 'PATCH').body(fields, bytes, false)
      assert.match(Buffer.from(taped).toString(), /not kept/)
    })
  }

  test('is none that clients write', () => {
    for (const [mediaType, body] of [
      ['application/vnd.kubernetes.protobuf', secret(entry, part(3, 'Opaque'))],
      ['application/json', '{"kind":"DeleteOptions","propagationPolicy":"Background"}'],
      ['application/apply-patch+yaml', 'kind: Secret\nstringData: {a: b}\n'],
      ['application/json-patch+json', '[]'],
      ['application/merge-patch+json', '{}'],
      ['', 'null'],
    ] as const) {
      assert.equal(requestTo(SECRET, 'PATCH').refusal(type(mediaType), Buffer.from(body, 'latin1')), undefined, body)
    }
  })
})

describe('a mask of fewer than six bytes', () => {
  const refusal = (text: string) =>
    requestTo('/api/v1/namespaces/prod/services', 'POST').refusal(
      type('application/json'),
      Buffer.from(JSON.stringify({ spec: { url: text } })),
    )

  test('in place of a password in a connection string is known again', () => {
    for (const url of ['mysql://root:~~~~@db/x', 'see postgres://a:~~~@h and b', 'amqp://u.v:~~~~~@h']) {
      assert.equal(refusal(url)?.rule, 'mask.sentinel', url)
    }
  })

  test('is not seen in ordinary text', () => {
    for (const text of ['~~~~', 'see ~/x and http://h:80/~~~@x', '~~~\ncode\n~~~', 'mysql://root:x~~~@db']) {
      assert.equal(refusal(text), undefined, text)
    }
  })
})

test('what the tape says of masked fields is bounded, however long their names are', () => {
  const data = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`${'k'.repeat(60_000)}${at}`, 'dmFsdWU=']))
  const { masked } = requestTo(SECRET, 'PUT').body(
    type('application/json'),
    Buffer.from(JSON.stringify({ data })),
    true,
  )
  assert.ok((masked[0]?.fields.length ?? 0) < 8_192, String(masked[0]?.fields.length))
  assert.equal(masked[0]?.count, 20)
})

test('an object as large as etcd takes passes in a list and in a watch, though each of its bytes is six in JSON', () => {
  const object = `{"metadata":{"name":"big"},"data":{"a":"${'\\u003c'.repeat(1_572_864)}"}}`
  for (const [target, body] of [
    ['/api/v1/configmaps', `{"items":[${object}]}`],
    ['/api/v1/configmaps?watch=1', `{"type":"ADDED","object":${object}}\n`],
  ] as const) {
    const mask = requestTo(target, 'GET').answer(200, type('application/json'))
    assert.ok('receive' in mask)
    let length = 0
    for (let at = 0; at < body.length; at += 1_048_576) {
      length += mask.receive(Buffer.from(body.slice(at, at + 1_048_576))).passed.length
    }
    assert.equal(length + mask.end().passed.length, body.length, target)
  }
  assert.ok(limits.kubernetes.watchEvent > object.length)
})

test('a mask is not written by way of a proxy either, nor of a path that is no resource', () => {
  for (const target of ['/api/v1/namespaces/prod/services/vault/proxy/v1/secret', '/x']) {
    const refused = (body: string) => requestTo(target, 'PUT').refusal(type('text/plain'), Buffer.from(body))
    for (const body of ['a=~mask~~~', `b=sallyport-masked-${'a'.repeat(24)}`, 'c=/mask+//']) {
      assert.deepEqual([refused(body)?.status, refused(body)?.rule], [422, 'mask.sentinel'], body)
    }
    assert.equal(refused('{"a":1,"a":2'), undefined)
  }
})

test('a token that is the name of a field is masked where the tape says what is masked', () => {
  const key = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`
  const body = JSON.stringify({ metadata: { name: 'db' }, data: { [key]: 'dmFsdWU=' } })
  const taped = requestTo(SECRET, 'PUT').body(type('application/json'), Buffer.from(body), true)
  const answer = requestTo(SECRET, 'GET').answer(200, type('application/json'))
  assert.ok('receive' in answer)
  answer.receive(Buffer.from(body))
  answer.end()
  for (const masked of [taped.masked, answer.masked()]) {
    assert.equal(masked[0]?.rule, 'secrets')
    assert.doesNotMatch(JSON.stringify(masked), /ghp_/)
  }
})

test('timestamps that a caller has set before the lines of a log do not hide what is on several', () => {
  const line = 'aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cDaB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD'
  const lines = ['-----BEGIN PRIVATE KEY-----', line, line, '-----END PRIVATE KEY-----', 'done']
  const log = lines.map((text, at) => `2026-11-28T10:00:0${at}.123456789Z ${text}\n`).join('')
  for (const target of [
    '/api/v1/namespaces/prod/pods/web/log?timestamps=true',
    '/api/v1/namespaces/prod/pods/web/log?%74imestamps',
    '/api/v1/nodes/n/proxy/containerLogs/prod/web/main?timestamps=1',
  ]) {
    const answer = requestTo(target, 'GET').answer(200, type('text/plain'))
    assert.ok('receive' in answer)
    const [first, last] = [answer.receive(Buffer.from(log)), answer.end()]
    for (const bytes of [Buffer.concat([first.passed, last.passed]), Buffer.concat([first.taped, last.taped])]) {
      assert.equal(bytes.length, log.length)
      assert.ok(!bytes.includes(line.slice(0, 8)), target)
      assert.ok(bytes.toString().endsWith('Z done\n'))
    }
  }
})
