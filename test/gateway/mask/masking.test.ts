// What of a request and its answer is masked, by what it asks for: narrowed Accept, taped bodies, refused forms, exemptions.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AnswerMask } from '../../../gateway/mask/answer-mask.ts'
import { maskingOf } from '../../../gateway/mask/compose.ts'
import { maskingDocument } from '../../../gateway/mask/document.ts'
import type { RequestMask } from '../../../gateway/mask/masking.ts'
import type { Principal } from '../../../gateway/principal.ts'
import type { RequestAttributes } from '../../../gateway/request-attributes.ts'
import { requestInfo } from '../../../gateway/request-info.ts'

const document = maskingDocument.parse({ exempt: [{ group: 'keepers' }, { actor: 'robot' }] })
const masking = maskingOf(document, new Uint8Array(32))
const alice: Principal = { user: 'alice', groups: [], actor: '', issuer: 'i', expiresAt: 0 }

function asked(method: string, target: string): RequestAttributes {
  const attributes = requestInfo(method, target, undefined)
  assert.ok('verb' in attributes, target)
  return attributes
}

const requestTo = (target: string, principal = alice, method = 'GET'): RequestMask =>
  masking.of('lab', principal, asked(method, target))

const SECRET = '/api/v1/namespaces/prod/secrets/db'
const json = (type = 'application/json') => ['Content-Type', type]

function read(mask: AnswerMask, body: string): { taped: string; passed: string } {
  const pieces = [mask.receive(Buffer.from(body)), mask.end()]
  return {
    taped: Buffer.concat(pieces.map(({ taped }) => taped)).toString(),
    passed: Buffer.concat(pieces.map(({ passed }) => passed)).toString(),
  }
}

function answerTo(target: string, principal = alice, method = 'GET'): AnswerMask {
  const mask = requestTo(target, principal, method).answer(200, json())
  assert.ok('receive' in mask, target)
  return mask
}

describe('an answer', () => {
  const body = '{"metadata":{"name":"db","uid":"u"},"data":{"password":"aHVudGVyMg=="}}'

  test('with a Secret has its values masked, and says which', () => {
    const mask = answerTo(SECRET)
    const { taped, passed } = read(mask, body)
    assert.equal(passed, taped)
    const value = (JSON.parse(taped) as { data: { password: string } }).data.password
    assert.match(Buffer.from(value, 'base64').toString(), /^sallyport-masked-[\w-]{24}$/)
    assert.deepEqual(mask.masked(), [{ rule: 'secrets', fields: 'data.password', count: 1 }])
    assert.deepEqual(mask.masked(), [])
  })

  for (const principal of [
    { ...alice, groups: ['keepers'] },
    { ...alice, actor: 'robot' },
  ]) {
    test(`is as it came for ${principal.actor === '' ? 'a group' : 'an actor'} that is exempt, and masked on the tape`, () => {
      const { taped, passed } = read(answerTo(SECRET, principal), body)
      assert.equal(passed, body)
      assert.doesNotMatch(taped, /aHVudGVyMg/)
    })
  }

  for (const [method, target, text] of [
    ['GET', '/api/v1/secrets', `{"items":[${body}]}`],
    ['GET', '/api/v1/secrets?watch=1', `{"type":"DELETED","object":${body}}\n`],
    ['GET', '/api/v1/watch/secrets', `{"type":"ADDED","object":${body}}\n`],
    ['GET', '/api/v1/secrets?fieldSelector=metadata.name%3Ddb', `{"rows":[{"object":${body}}]}`],
    ['DELETE', '/api/v1/namespaces/prod/secrets', `{"items":[${body}]}`],
    ['DELETE', SECRET, body],
    ['PATCH', SECRET, body],
    ['GET', '/api/v1/namespaces/prod/%73ecrets/db', body],
  ] as const) {
    test(`to ${method} ${target} is masked`, () => {
      const { taped } = read(answerTo(target, alice, method), text)
      assert.doesNotMatch(taped, /aHVudGVyMg/)
      assert.match(taped, /c2FsbHlwb3J0LW1hc2tlZC/)
    })
  }

  test('with a token is masked', () => {
    const token = read(
      answerTo('/api/v1/namespaces/a/serviceaccounts/b/token', alice, 'POST'),
      '{"status":{"token":"x"}}',
    )
    assert.match(token.taped, /"sallyport-masked-/)
    const review = read(
      answerTo('/apis/authentication.k8s.io/v1/tokenreviews', alice, 'POST'),
      '{"spec":{"token":"x"}}',
    )
    assert.match(review.taped, /"sallyport-masked-/)
  })

  test('that cannot be masked is refused', () => {
    for (const fields of [
      json('application/vnd.kubernetes.protobuf'),
      json('application/yaml'),
      [],
      [...json(), 'Content-Encoding', 'gzip'],
    ]) {
      const mask = requestTo(SECRET).answer(200, fields)
      assert.ok('rule' in mask)
      assert.deepEqual([mask.status, mask.rule], [502, 'mask.unreadable_answer'])
    }
  })

  test('of another kind, or a plain refusal, keeps its length, and its head waits for nothing', () => {
    for (const mask of [
      requestTo('/api/v1/pods').answer(200, json('text/plain')),
      requestTo(SECRET).answer(429, json('text/plain')),
      requestTo(SECRET).answer(304, []),
    ]) {
      assert.ok('receive' in mask && mask.keepsLength && mask.isStream)
      assert.deepEqual(read(mask, body), { taped: body, passed: body })
    }
  })
})

describe('what a client accepts', () => {
  const accepted = (accept: string[], target = SECRET): unknown => {
    const fields = requestTo(target).fields([
      ...accept.flatMap((value) => ['Accept', value]),
      'Accept-Encoding',
      'gzip',
      'X',
      'y',
    ])
    return 'status' in fields ? fields.status : fields
  }

  test('is narrowed to JSON with its shape, and never compressed', () => {
    const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    assert.deepEqual(accepted([`${table}, application/json`]), ['X', 'y', 'Accept', `${table},application/json`])
    assert.deepEqual(accepted(['application/vnd.kubernetes.protobuf,application/json']), [
      'X',
      'y',
      'Accept',
      'application/json',
    ])
    assert.deepEqual(accepted([]), ['X', 'y', 'Accept', 'application/json'])
    assert.deepEqual(accepted(['*/*;q=0.5']), ['X', 'y', 'Accept', 'application/json;q=0.5'])
    assert.deepEqual(accepted(['application/yaml', 'Application/JSON']), ['X', 'y', 'Accept', 'application/json'])
  })

  test('without JSON in it is 406', () => {
    assert.equal(accepted(['application/vnd.kubernetes.protobuf']), 406)
    assert.equal(accepted(['application/yaml;q=1, application/cbor']), 406)
  })

  test('is kept where no field is masked, but for compression', () => {
    assert.deepEqual(accepted(['application/yaml'], '/api/v1/pods'), ['Accept', 'application/yaml', 'X', 'y'])
  })
})

describe('a request body', () => {
  const taped = (type: string, body: string) => {
    const { body: bytes, masked } = requestTo(SECRET, alice, 'PATCH').body(json(type), Buffer.from(body), true)
    return { text: Buffer.from(bytes).toString(), count: masked[0]?.count }
  }

  test('is taped masked, in each form that a Secret is written in', () => {
    for (const [type, body] of [
      ['application/json', '{"data":{"a":"aHVudGVyMg=="},"stringData":{"b":"hunter2"}}'],
      ['application/apply-patch+yaml', 'data:\n  a: aHVudGVyMg==\nstringData: {b: hunter2}\n'],
      ['application/merge-patch+json', '{"data":{"a":"aHVudGVyMg=="},"stringData":{"b":"hunter2"}}'],
      [
        'application/json-patch+json',
        '[{"op":"add","path":"/data/a","value":"aHVudGVyMg=="},{"op":"replace","path":"/stringData","value":{"b":"hunter2"}}]',
      ],
    ] as const) {
      const { text, count } = taped(type, body)
      assert.doesNotMatch(text, /hunter2|aHVudGVyMg/, type)
      assert.equal(count, 2, type)
    }
  })

  test('that cannot be read is not kept', () => {
    assert.deepEqual(taped('application/json', '{"data":{"a":"hunter2"'), {
      text: '{"sallyport":"a body that could not be read is not kept"}',
      count: 1,
    })
  })
})

describe('a write', () => {
  const MASK = 'sallyport-masked-AAAAAAAAAAAAAAAAAAAAAAAA'
  const b64 = (text: string) => Buffer.from(text).toString('base64')
  const refusal = (
    type: string,
    body: string | Uint8Array,
    more: string[] = [],
    target = '/api/v1/namespaces/a/services',
  ) => requestTo(target, alice, 'POST').refusal([...json(type), ...more], Buffer.from(body))

  for (const [what, type, body, path] of [
    ['as it is', 'application/json', JSON.stringify({ stringData: { a: MASK } }), 'stringData.a'],
    ['in base64', 'application/json', JSON.stringify({ data: { a: b64(MASK) } }), 'data.a'],
    ['in base64 behind one byte', 'application/json', JSON.stringify({ data: { a: b64(`x${MASK}`) } }), 'data.a'],
    ['in base64 behind two bytes', 'application/json', JSON.stringify({ data: { a: b64(`xy${MASK}`) } }), 'data.a'],
    ['in base64 of base64', 'application/json', JSON.stringify({ data: { a: b64(b64(MASK)) } }), 'data.a'],
    ['written with escapes', 'application/json', '{"data":{"a":"\\u0073allyport-masked-x"}}', 'data.a'],
    [
      'in a nested manifest',
      'application/json',
      JSON.stringify({ a: [JSON.stringify({ data: { x: b64(MASK) } })] }),
      'a[0]',
    ],
    ['in a key', 'application/json', JSON.stringify({ data: { [MASK]: 1 } }), 'data'],
    ['in YAML, folded', 'application/apply-patch+yaml', `data:\n  a: >-\n    ${b64(MASK)}\n`, 'data.a'],
    [
      'in a JSON patch',
      'application/json-patch+json',
      JSON.stringify([{ op: 'test', path: '/a', value: MASK }]),
      '[0].value',
    ],
    ['in protobuf', 'application/vnd.kubernetes.protobuf', `k8s\0\x01\x02${MASK}`, 'the body'],
  ] as const) {
    test(`with a sentinel ${what} is refused, and the field named`, () => {
      const refused = refusal(type, body)
      assert.deepEqual([refused?.status, refused?.rule], [422, 'mask.sentinel'])
      assert.ok(refused?.message.startsWith(`${path} holds`), refused?.message)
      assert.doesNotMatch(refused?.message ?? '', /AAAA/)
    })
  }

  test('without one may pass, in every form that can be read', () => {
    assert.equal(refusal('application/json', '{"data":{"a":"aHVudGVyMg==","b":"sallyport"}}'), undefined)
    assert.equal(refusal('application/yaml', 'a: 1\n---\nb: 2\n'), undefined)
    assert.equal(refusal('', ''), undefined)
    assert.equal(refusal('application/vnd.kubernetes.protobuf', 'k8s\0abc'), undefined)
  })

  test('in a form that cannot be read is refused', () => {
    const seen = [
      refusal('application/json', '{"a":'),
      refusal('application/json', Buffer.from('"\xff"', 'latin1')),
      refusal('application/yaml', 'a: [1'),
      refusal('application/cbor', '\xa0'),
      refusal('application/json', '{}', ['Content-Encoding', 'gzip']),
      refusal('application/vnd.kubernetes.protobuf', 'k8s\0', [], '/api/v1/namespaces/a/secrets'),
    ]
    assert.deepEqual(
      seen.map((refused) => refused?.status),
      [400, 400, 400, 415, 415, 415],
    )
  })

  test('that nests as deep as it is long costs no stack', () => {
    const deep = `${'['.repeat(5_000)}"${MASK}"${']'.repeat(5_000)}`
    assert.equal(refusal('application/json', deep)?.status, 422)
  })
})
