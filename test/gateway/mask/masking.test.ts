// What of a request and its answer is masked, by what it asks for: narrowed Accept, taped bodies, refused forms, exemptions.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Refusal } from '../../../gateway/decision.ts'
import type { AnswerMask } from '../../../gateway/mask/answer-mask.ts'
import { maskingOf, nothingLearned } from '../../../gateway/mask/compose.ts'
import { maskingDocument } from '../../../gateway/mask/document.ts'
import type { RequestMask } from '../../../gateway/mask/masking.ts'
import type { Principal } from '../../../gateway/principal.ts'
import type { RequestAttributes } from '../../../gateway/request-attributes.ts'
import { requestInfo } from '../../../gateway/request-info.ts'

const document = maskingDocument.parse({ exempt: [{ group: 'keepers' }, { actor: 'robot' }] })
const masking = maskingOf(document, new Uint8Array(32), nothingLearned())
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

function read(mask: AnswerMask, body: string | Uint8Array): { taped: string; passed: string } {
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
    for (const fields of [json('application/cbor'), json('text/html'), [], [...json(), 'Content-Encoding', 'br']]) {
      const mask = requestTo(SECRET).answer(200, fields)
      assert.ok('rule' in mask)
      assert.deepEqual([mask.status, mask.rule], [502, 'mask.unreadable_answer'])
    }
  })

  test('in YAML is masked, and one in gzip is inflated first', () => {
    const yaml = requestTo(SECRET).answer(200, json('application/yaml'))
    assert.ok('receive' in yaml)
    const text = 'data:\n  password: aHVudGVyMg==\nkind: Secret\nmetadata:\n  name: db\n'
    const { passed } = read(yaml, text)
    assert.match(passed, /^data:\n {2}password: \S*c2FsbHlwb3J0LW1hc2tlZC\S+\nkind: Secret\n/)
    const zipped = (mask: AnswerMask | Refusal, plain: string) => {
      assert.ok('receive' in mask && !mask.keepsLength)
      assert.deepEqual(mask.head(['Content-Encoding', 'gzip', 'X', 'y']).passed, ['X', 'y'])
      return read(mask, gzipSync(plain))
    }
    const coding = [...json(), 'Content-Encoding', 'gzip']
    assert.doesNotMatch(zipped(requestTo(SECRET).answer(200, coding), body).taped, /aHVudGVyMg/)
    const logs = [...json('text/plain'), 'Content-Encoding', 'gzip']
    const { taped } = zipped(requestTo('/api/v1/namespaces/a/pods/b/log').answer(200, logs), 'password=Xk29-fja8q\n')
    assert.equal(taped, 'password=~mask~~~~~\n')
  })

  test('that nobody here can inflate passes from behind a proxy alone, and the tape says so', () => {
    const coding = [...json('text/html'), 'Content-Encoding', 'br']
    const proxied = requestTo('/api/v1/namespaces/a/services/b/proxy/x').answer(200, coding)
    assert.ok('receive' in proxied)
    assert.equal(read(proxied, 'password=Xk29-fja8q').passed, 'password=~mask~~~~~')
    assert.equal(proxied.masked()[0]?.rule, 'mask.opaque')
    const denying = maskingOf(maskingDocument.parse({ opaque: 'deny' }), new Uint8Array(32), nothingLearned())
    const asks = asked('GET', '/api/v1/namespaces/a/services/b/proxy/x')
    for (const answer of [
      requestTo('/api/v1/namespaces/a/pods').answer(200, coding),
      denying.of('lab', alice, asks).answer(200, coding),
    ]) {
      assert.ok('rule' in answer)
      assert.equal(answer.status, 502)
    }
  })

  test('of another kind, or a plain refusal, keeps its length, and its head waits for nothing', () => {
    for (const mask of [
      requestTo('/api/v1/pods').answer(200, json('text/plain')),
      requestTo(SECRET).answer(429, json('text/plain')),
      requestTo(SECRET).answer(304, []),
    ]) {
      assert.ok('receive' in mask && mask.keepsLength && mask.isStream)
      assert.deepEqual(read(mask, 'as it came'), { taped: 'as it came', passed: 'as it came' })
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

  test('is narrowed to what can be masked, in its order and shape, and never compressed', () => {
    const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    assert.deepEqual(accepted([`${table}, application/json`]), ['X', 'y', 'Accept', `${table},application/json`])
    const both = 'application/vnd.kubernetes.protobuf,application/json'
    for (const target of [SECRET, '/api/v1/secrets?watch=1']) {
      assert.deepEqual(accepted([both], target), ['X', 'y', 'Accept', both])
    }
    // A list in protobuf would have to be held to its end.
    assert.deepEqual(accepted([both], '/api/v1/secrets'), ['X', 'y', 'Accept', 'application/json'])
    assert.deepEqual(accepted([]), ['X', 'y', 'Accept', 'application/json'])
    assert.deepEqual(accepted(['*/*;q=0.5']), ['X', 'y', 'Accept', 'application/json;q=0.5'])
    assert.deepEqual(accepted(['application/yaml', 'Application/JSON']), ['X', 'y', 'Accept', 'application/json'])
  })

  test('without JSON in it is 406', () => {
    assert.equal(accepted(['application/yaml'], '/api/v1/secrets?watch=1'), 406)
    assert.equal(accepted(['application/cbor;q=1, text/html']), 406)
  })

  test('is protobuf for who takes no JSON, where the kind can be masked in it', () => {
    const shaped = 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
    for (const range of ['application/vnd.kubernetes.protobuf', shaped, 'Application/vnd.kubernetes.protobuf;q=0.1']) {
      assert.deepEqual(accepted([`${range}, application/yaml`]), ['X', 'y', 'Accept', range])
    }
    const rules = [{ name: 'r', resources: ['pods', 'services'], fields: ['spec.password'] }]
    const ruled = maskingOf(maskingDocument.parse({ rules }), new Uint8Array(32), nothingLearned())
    const take = (target: string) =>
      ruled.of('lab', alice, asked('GET', target)).fields(['Accept', 'application/vnd.kubernetes.protobuf'])
    assert.deepEqual(take('/api/v1/pods'), ['Accept', 'application/vnd.kubernetes.protobuf'])
    const services = take('/api/v1/services')
    assert.ok('status' in services)
    assert.equal(services.status, 406)
  })

  test('is YAML for who takes nothing else', () => {
    assert.deepEqual(accepted(['application/yaml;q=1, application/cbor']), ['X', 'y', 'Accept', 'application/yaml;q=1'])
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

  test('in protobuf is taped masked in protobuf', () => {
    const mask = requestTo('/api/v1/namespaces/a/secrets', alice, 'POST')
    const { body, masked } = mask.body(json(PROTOBUF), protobufSecret('hunter2-xyz'), true)
    assert.match(Buffer.from(body).toString('latin1'), /^k8s\0.*Secret.*sallyport-masked-/s)
    assert.doesNotMatch(Buffer.from(body).toString('latin1'), /hunter2/)
    assert.deepEqual(masked, [{ rule: 'secrets', fields: 'data.a', count: 1 }])
  })

  test('that cannot be read is not kept', () => {
    assert.deepEqual(taped('application/json', '{"data":{"a":"hunter2"'), {
      text: '{"sallyport":"a body that could not be read is not kept"}',
      count: 1,
    })
  })
})

const PROTOBUF = 'application/vnd.kubernetes.protobuf'

/** A Secret with one value, as a typed client writes it. */
function protobufSecret(value: string): Buffer {
  const field = (number: number, bytes: Uint8Array | string): Buffer => {
    const content = Buffer.from(bytes)
    return Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content])
  }
  const entry = Buffer.concat([field(1, 'a'), field(2, value)])
  const type = Buffer.concat([field(1, 'v1'), field(2, 'Secret')])
  return Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, field(2, entry))])
}

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
    ['in protobuf', PROTOBUF, protobufSecret(MASK), 'data.a'],
    ['in base64 in protobuf', PROTOBUF, protobufSecret(b64(MASK)), 'data.a'],
    [
      'that is a text mask',
      'application/json',
      JSON.stringify({ spec: { args: ['--token=~mask~~~~'] } }),
      'spec.args[0]',
    ],
    [
      'that is a text mask in base64',
      'application/json',
      JSON.stringify({ data: { a: b64('x ~mask~~~ y') } }),
      'data.a',
    ],
    ['that is a mask of base64', 'application/json', JSON.stringify({ data: { a: '/mask+//////' } }), 'data.a'],
    [
      'that is a text mask in a patch',
      'application/json-patch+json',
      '[{"op":"test","path":"/a","value":"~mask~"}]',
      '[0].value',
    ],
    ['that is a text mask in protobuf', PROTOBUF, protobufSecret('~mask~~'), 'data.a'],
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
    assert.equal(refusal(PROTOBUF, protobufSecret('hunter2')), undefined)
  })

  test('in a form that cannot be read is refused', () => {
    const seen = [
      refusal('application/json', '{"a":'),
      refusal('application/json', Buffer.from('"\xff"', 'latin1')),
      refusal('application/yaml', 'a: [1'),
      refusal('application/cbor', '\xa0'),
      refusal('application/json', '{}', ['Content-Encoding', 'gzip']),
      refusal(PROTOBUF, 'k8s\0abc'),
    ]
    assert.deepEqual(
      seen.map((refused) => refused?.status),
      [400, 400, 400, 415, 415, 400],
    )
  })

  test('that nests as deep as it is long costs no stack', () => {
    const deep = `${'['.repeat(5_000)}"${MASK}"${']'.repeat(5_000)}`
    assert.equal(refusal('application/json', deep)?.status, 422)
  })
})

describe('what was masked in an object', () => {
  const VALUE = 'Tr0ub4dor-and-3'
  const masked = (mask: RequestMask, text: string): { taped: string; passed: string } => {
    const answer = mask.answer(200, json('text/plain'))
    assert.ok('receive' in answer)
    return read(answer, text)
  }

  test('is masked in whatever is asked for then, for all but who is exempt, and on tapes', () => {
    const masking = maskingOf(document, new Uint8Array(32), nothingLearned())
    const of = (target: string, principal = alice) => masking.of('lab', principal, asked('GET', target))
    const logs = '/api/v1/namespaces/prod/pods/web/log'
    assert.equal(masked(of(logs), `it is ${VALUE}`).passed, `it is ${VALUE}`)
    const secret = of(SECRET, { ...alice, groups: ['keepers'] }).answer(200, json())
    assert.ok('receive' in secret)
    const object = JSON.stringify({ data: { a: Buffer.from(VALUE).toString('base64') } })
    assert.equal(read(secret, object).passed, object)
    const { taped, passed } = masked(of(logs), `it is ${VALUE} `)
    assert.equal(taped, 'it is ~mask~~~~~~~~~~ ')
    assert.equal(passed, taped)
    const keeper = masked(of(logs, { ...alice, groups: ['keepers'] }), `it is ${VALUE} `)
    assert.deepEqual(keeper, { taped, passed: `it is ${VALUE} ` })
    assert.deepEqual(masking.words.command(['echo', VALUE]), ['echo', '~mask~~~~~~~~~~'])
    assert.equal(
      masking.words.target(`/x?command=echo&command=${VALUE.replace('-', '%2D')}&tty=1`),
      '/x?command=echo&command=~mask~~~~~~~~~~&tty=1',
    )
    assert.deepEqual(masking.words.fields(['Warning', `299 - "${VALUE}"`, 'Date', VALUE]), [
      'Warning',
      '299 - "~mask~~~~~~~~~~"',
      'Date',
      VALUE,
    ])
  })

  test('by a write is learned once it is allowed, and masked in its own other fields', () => {
    const masking = maskingOf(document, new Uint8Array(32), nothingLearned())
    const body = JSON.stringify({ metadata: { annotations: { note: VALUE } }, stringData: { a: VALUE } })
    const write = masking.of('lab', alice, asked('POST', '/api/v1/namespaces/prod/secrets'))
    const refused = Buffer.from(write.body(json(), Buffer.from(body), false).body).toString()
    assert.match(refused, /"note":"Tr0ub4dor/)
    const allowed = write.body(json(), Buffer.from(body), true)
    assert.match(Buffer.from(allowed.body).toString(), /"note":"~mask~+"/)
    assert.deepEqual(
      allowed.masked.map(({ rule, fields }) => [rule, fields]),
      [
        ['secrets', 'stringData.a'],
        ['learned', 'text'],
      ],
    )
  })

  test('is not what names the object, and nothing is where learning is off', () => {
    for (const [masking, value] of [
      [maskingOf(document, new Uint8Array(32), nothingLearned()), 'xq-shop-7a'],
      [maskingOf({ ...document, learn: false }, new Uint8Array(32), nothingLearned()), VALUE],
    ] as const) {
      const of = (target: string) => masking.of('lab', alice, asked('GET', target))
      const answer = of('/api/v1/namespaces/xq-shop-7a/secrets/db').answer(200, json())
      assert.ok('receive' in answer)
      const data = { a: Buffer.from(value).toString('base64') }
      read(answer, JSON.stringify({ metadata: { name: 'db', namespace: 'xq-shop-7a' }, data }))
      const text = `it is ${value} `
      assert.equal(masked(of('/api/v1/namespaces/a/pods/b/log'), text).passed, text)
    }
  })

  test('is seen by who is exempt from its rule, where that rule masks, and nowhere else', () => {
    const rules = [{ name: 'r', resources: ['configmaps'], fields: ['data.a'], exempt: [{ group: 'dba' }] }]
    const masking = maskingOf(maskingDocument.parse({ rules }), new Uint8Array(32), nothingLearned())
    const dba = { ...alice, groups: ['dba'] }
    const of = (target: string, principal: Principal) => masking.of('lab', principal, asked('GET', target))
    const object = JSON.stringify({ data: { a: VALUE, b: VALUE } })
    for (const principal of [dba, alice, dba]) {
      const answer = of('/api/v1/namespaces/a/configmaps/b', principal).answer(200, json())
      assert.ok('receive' in answer)
      const { taped, passed } = read(answer, object)
      assert.match(taped, /"a":"sallyport-masked-[^"]+","b":"~mask~+"/)
      assert.equal(passed, principal === dba ? object : taped)
    }
    const text = `it is ${VALUE} `
    assert.doesNotMatch(masked(of('/api/v1/namespaces/a/pods/b/log', dba), text).passed, /Tr0ub/)
  })
})
