// Learned values with characters that JSON escapes, in JSON within JSON: by default only a Secret's own fields are masked, and
// the same value may stand in a Deployment's variable, whose manifest kubectl keeps in an annotation.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { maskingOf, nothingLearned } from '../../../gateway/mask/compose.ts'
import { maskingDocument } from '../../../gateway/mask/document.ts'
import type { Principal } from '../../../gateway/principal.ts'
import { requestInfo } from '../../../gateway/request-info.ts'

const alice: Principal = { user: 'alice', groups: [], actor: '', issuer: 'i', expiresAt: 0 }
const masking = maskingOf(
  maskingDocument.parse({ exempt: [{ group: 'keepers' }] }),
  new Uint8Array(32),
  nothingLearned(),
)

function read(target: string, body: string, type = 'application/json', principal = alice) {
  const attributes = requestInfo('GET', target, undefined)
  assert.ok('verb' in attributes, target)
  const mask = masking.of('lab', principal, attributes).answer(200, ['Content-Type', type])
  assert.ok('receive' in mask)
  const pieces = [mask.receive(Buffer.from(body)), mask.end()]
  const whole = (form: 'taped' | 'passed') => Buffer.concat(pieces.map((piece) => piece[form])).toString()
  return { taped: whole('taped'), passed: whole('passed'), masked: mask.masked() }
}

const answer = (target: string, body: string): string => read(target, body).passed

/** encoding/json, as the API server and kubectl write. */
function go(text: string): string {
  return JSON.stringify(text).replace(/[<>&]/g, (each) => `\\u00${each.charCodeAt(0).toString(16)}`)
}

const VALUES = ['Zk<<4>>&&pw77', 'a"b\\c9Zkq', 'tab\tand\n9Zkq', 'all<of"them&\\9Zk', '\u00e4&\u00f6-9Zk-\u{1f600}']

describe('a learned value that JSON escapes', () => {
  const data = Object.fromEntries(VALUES.map((value, at) => [`k${at}`, Buffer.from(value).toString('base64')]))
  answer('/api/v1/namespaces/prod/secrets/db', JSON.stringify({ metadata: { uid: 'u' }, data }))

  for (const [writer, quote] of [
    ['Go', go],
    ['others', JSON.stringify],
  ] as const) {
    for (const levels of [1, 2, 3, 4]) {
      test(`is masked in ${levels} strings of JSON, one in another, as ${writer} write them`, () => {
        for (const value of VALUES) {
          let text = value
          for (let level = 1; level < levels; level += 1) text = `{"v":${quote(text)}}`
          const body = `{"metadata":{"annotations":{"a":${go(text)}}}}`
          const passed = answer('/apis/apps/v1/namespaces/prod/deployments/web', body)
          assert.match(passed, /~mask~/, `${value} in ${body}`)
          assert.equal(Buffer.byteLength(passed), Buffer.byteLength(body))
          assert.doesNotMatch(passed, /9Zk|pw77/)
        }
      })
    }
  }
})

describe('a learned value in YAML', () => {
  const values = ['Horse7 battery9 Staple3 x', "it's-9Zkq77'", 'bell\u0007-9Zkq77']
  const data = Object.fromEntries(values.map((value, at) => [`k${at}`, Buffer.from(value).toString('base64')]))
  read('/api/v1/namespaces/prod/secrets/yaml', JSON.stringify({ metadata: { uid: 'u' }, data }))

  for (const [how, value] of [
    ['folded at a blank', 'lorem ipsum Horse7 battery9\n      Staple3 x dolor'],
    ['folded within quotes', '"lorem \\" Horse7 battery9\n      Staple3 x dolor"'],
    ['in single quotes', "'it''s-9Zkq77'' x'"],
    ['with an escape that JSON has not', '"bell\\a-9Zkq77"'],
    ['with an escape of two digits', '"bell\\x07-9Zkq77"'],
    ['in a block', '|\n      lorem\n      Horse7 battery9 Staple3 x\n'],
  ] as const) {
    const body = `metadata:\n  annotations:\n    a: ${value}\n    b: 'it''s fine'\n    c: 5\n`
    for (const kind of ['services', 'configmaps', 'secrets']) {
      test(`${how} is masked in ${kind}, and the rest as it came`, () => {
        const target = `/api/v1/namespaces/prod/${kind}/x`
        const { taped, passed, masked } = read(target, body, 'application/yaml')
        assert.equal(passed, taped)
        assert.match(passed, /^metadata:\n {2}annotations:\n {4}a: .*~mask~.*\n {4}b: 'it''s fine'\n {4}c: 5\n$/s)
        assert.doesNotMatch(passed, /Horse7|Staple3|9Zkq77/)
        assert.ok(
          masked.some(({ rule, count }) => rule === 'learned' && count > 0),
          JSON.stringify(masked),
        )
        const shown = read(target, body, 'application/yaml', { ...alice, groups: ['keepers'] })
        assert.equal(shown.passed, body)
        assert.equal(shown.taped, taped)
      })
    }
  }
})
