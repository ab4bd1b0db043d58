// What the API server quotes in its refusals: whole objects, values, differences. As the lab's kube-apiserver (1.37) writes
// them.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { maskingOf, nothingLearned } from '../../../gateway/mask/compose.ts'
import { maskingDocument } from '../../../gateway/mask/document.ts'
import type { Principal } from '../../../gateway/principal.ts'
import { requestInfo } from '../../../gateway/request-info.ts'

const document = maskingDocument.parse({
  exempt: [{ group: 'keepers' }],
  rules: [{ name: 'env', env: ['DB_PASSWORD'] }],
})
const masking = maskingOf(document, new Uint8Array(32), nothingLearned())
const alice: Principal = { user: 'alice', groups: [], actor: '', issuer: 'i', expiresAt: 0 }

interface Told {
  readonly message: string
  readonly details: { readonly causes: readonly { readonly message: string; readonly field: string }[] }
}

/** A Status as it comes, or another body. */
function answer(target: string, body: string, principal = alice, type = 'application/json', method = 'PATCH') {
  const attributes = requestInfo(method, target, undefined)
  assert.ok('verb' in attributes, target)
  const mask = masking.of('lab', principal, attributes).answer(422, ['Content-Type', type])
  assert.ok('receive' in mask)
  const pieces = [mask.receive(Buffer.from(body, 'latin1')), mask.end()]
  const whole = (form: 'taped' | 'passed') => Buffer.concat(pieces.map((piece) => piece[form])).toString('latin1')
  return { taped: whole('taped'), passed: whole('passed'), masked: mask.masked() }
}

function told(message: string, causes: readonly string[], target = SECRET): Told {
  const { taped, passed } = answer(target, status(message, causes))
  assert.equal(passed, taped)
  return JSON.parse(passed) as Told
}

function status(message: string, causes: readonly string[] = []): string {
  const details = {
    name: 'db',
    causes: causes.map((text) => ({ reason: 'FieldValueInvalid', message: text, field: 'patch' })),
  }
  return JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'Invalid',
    details,
    code: 422,
  })
}

const SECRET = '/api/v1/namespaces/prod/secrets/db'
const POD = '/api/v1/namespaces/prod/pods/db'
const QUOTED = String.raw`"{\"data\":{\"password\":\"aHVudGVyMg==\"},\"a\":\"\\\"}\"}"`
const MASK = /sallyport-masked-[\w-]{24}/g
const unmasked = (text: string) => text.replace(MASK, '<>')

describe('a refusal of a write to what has masked fields', () => {
  for (const [of, cause, shown] of [
    [
      'an object that does not decode',
      `Invalid value: ${QUOTED}: strict decoding error: unknown field "bogus"`,
      'Invalid value: <>: strict decoding error: unknown field "bogus"',
    ],
    ['a number, and then a value', 'Invalid value: 5: Invalid value: "hunter2"', 'Invalid value: 5: Invalid value: <>'],
    [
      'a template',
      'Invalid value: {"Env":[{"Value":"hunter2 }\\" "}]}: field is immutable',
      'Invalid value: <>: field is immutable',
    ],
    ['a list', 'Duplicate value: ["hunter2","x]"]', 'Duplicate value: <>'],
    ['a value in no form', 'Invalid value: core.Spec{Value:"hunter2"}: field is immutable', 'Invalid value: <>'],
    ['a number that is none', 'Invalid value: 5hunter2', 'Invalid value: <>'],
    ['a value without an end', 'Unsupported value: "hunter2\\"', 'Unsupported value: <>'],
    ['a reference', 'Not found: "hunter2"', 'Not found: <>'],
    [
      'differences',
      'Forbidden: pod updates may not change fields\n-  "Value": "hunter2"\n',
      'Forbidden: pod updates may not change fields\n<>',
    ],
    ['typed values', 'expected string, got &value.valueUnstructured{Value:"hunter2"}', 'expected string, got <>'],
    ['no value', 'Required value: at least one', 'Required value: at least one'],
    ['a length', 'Too long: may not be more than 63 bytes', 'Too long: may not be more than 63 bytes'],
    ['a boolean', 'Invalid value: true: must be false', 'Invalid value: true: must be false'],
  ] as const) {
    test(`says why of ${of}, and not what`, () => {
      const { details } = told('x', [cause])
      assert.equal(unmasked(details.causes[0]?.message ?? ''), shown)
      assert.equal(details.causes[0]?.field, 'patch')
    })
  }

  test('ends with the first value where it tells of all fields at once, since names in it can say anything', () => {
    for (const [message, shown] of [
      [` "" is invalid: patch: Invalid value: ${QUOTED}: strict`, ' "" is invalid: patch: Invalid value: <>'],
      [
        'Secret "db" is invalid: [a: Invalid value: 5, b: Invalid value: "hunter2"]',
        'Secret "db" is invalid: [a: Invalid value: <>',
      ],
      ['X is invalid: data[Invalid value: "]: Invalid value: "hunter2"', 'X is invalid: data[Invalid value: <>'],
      ['Pod "p" is invalid: spec: Forbidden: no\r\n- hunter2', 'Pod "p" is invalid: spec: Forbidden: no\r\n<>'],
      ['.data.x: expected string, got &value{hunter2}', '.data.x: expected string, got <>'],
      ['secrets "db" not found', 'secrets "db" not found'],
    ] as const) {
      assert.equal(unmasked(told(message, []).message), shown)
    }
  })

  test('is masked where rules for a pod’s variables apply as well, and in no other', () => {
    const text = 'Invalid value: "hunter2"'
    assert.equal(unmasked(told(text, [text], POD).message), 'Invalid value: <>')
    assert.equal(told(text, [text], '/api/v1/namespaces/prod/services/db').message, text)
  })

  test('is as it came for who is exempt, and masked on the tape', () => {
    const body = status(`Invalid value: ${QUOTED}`, ['Invalid value: "hunter2"'])
    const { passed, taped, masked } = answer(SECRET, body, { ...alice, groups: ['keepers'] })
    assert.equal(passed, body)
    assert.doesNotMatch(taped, /hunter2|aHVudGVyMg/)
    assert.deepEqual(masked, [{ rule: 'secrets', fields: 'message, details.causes[0].message', count: 2 }])
  })

  test('is masked in YAML and in protobuf', () => {
    const yaml =
      'kind: Status\nmessage: \'x: Invalid value: "hunter2"\'\ndetails:\n  causes:\n  - message: \'Invalid value: "hunter2"\'\n'
    for (const { passed } of [
      answer(SECRET, yaml, alice, 'application/yaml'),
      answer(SECRET, IN_PROTOBUF, alice, 'application/vnd.kubernetes.protobuf'),
    ]) {
      assert.equal(passed.match(MASK)?.length, 2)
      assert.doesNotMatch(passed, /hunter2/)
    }
  })
})

const field = (number: number, content: string) => String.fromCharCode(number * 8 + 2, content.length) + content
const IN_PROTOBUF = `k8s\0${field(1, field(1, 'v1') + field(2, 'Status'))}${field(
  2,
  field(3, 'x: Invalid value: "hunter2"') + field(5, field(4, field(2, 'Invalid value: "hunter2"'))),
)}`

test('a refusal of a read, a watch in protobuf among them, says what the caller asked for', () => {
  for (const target of ['/api/v1/secrets', '/api/v1/secrets?watch=1', SECRET]) {
    const body = status('resourceVersion: Invalid value: "x": invalid syntax')
    assert.equal(answer(target, body, alice, 'application/json', 'GET').passed, body)
    const { passed } = answer(target, IN_PROTOBUF, alice, 'application/vnd.kubernetes.protobuf', 'GET')
    assert.equal(passed, IN_PROTOBUF)
  }
})
