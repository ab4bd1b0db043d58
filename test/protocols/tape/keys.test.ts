import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  entryKey,
  entryRange,
  indexKey,
  indexRange,
  leafKey,
  leafRange,
  openKey,
  openRange,
  searchTerms,
  tapeKey,
  tapeOf,
  tapeRange,
} from '../../../protocols/tape/keys.ts'
import { firstUlid } from '../../../protocols/tape/ulid.ts'
import { requestBody } from '../../support/recording.ts'

const A = '01KATAPE0000000000000000A1'
const B = '01KATAPE0000000000000000B1'

const table: readonly (readonly [actual: string, expected: string])[] = [
  [entryKey(A, 0), `e/${A}/000000000000`],
  [entryKey(A, 123), `e/${A}/000000000123`],
  [leafKey(7), 'l/0000000000000007'],
  [tapeKey(A), `t/${A}`],
  [openKey(A), `o/${A}`],
  [indexKey('user', 'oidc:alice@example.com', A), `i/user/oidc:alice@example.com/${A}`],
  [indexKey('namespace', 'a/b', A), `i/namespace/a%2Fb/${A}`],
  [indexKey('user', 'Zoë ~%', A), `i/user/Zo%C3%AB%20%7E%25/${A}`],
]
for (const [actual, expected] of table) test(`a key is ${expected}`, () => assert.equal(actual, expected))

const inside = (key: string, range: { from: string; to: string }): boolean => key >= range.from && key < range.to

test("a range holds its own keys and nobody else's", () => {
  assert.ok(inside(entryKey(A, 0), entryRange(A)))
  assert.ok(inside(entryKey(A, 999_999_999_999), entryRange(A)))
  assert.ok(!inside(entryKey(B, 0), entryRange(A)))
  assert.ok(!inside(entryKey(A, 4), entryRange(A, 5)))
  assert.ok(inside(leafKey(9), leafRange(9)))
  assert.ok(!inside(openKey(A), leafRange()))
  assert.ok(inside(openKey(A), openRange()))
  assert.ok(!inside(tapeKey(A), openRange()))
})

test('entries sort by their number', () => {
  const numbers = [0, 1, 9, 10, 99, 100, 1_000_000, 999_999_999_999]
  const keys = numbers.map((seq) => entryKey(A, seq))
  assert.deepEqual([...keys].sort(), keys)
})

test('tapes are found by when they were opened, and before a cursor', () => {
  const early = firstUlid(1_000_000)
  const late = firstUlid(2_000_000)
  assert.ok(inside(tapeKey(early), tapeRange(1_000_000, 2_000_000)))
  assert.ok(!inside(tapeKey(late), tapeRange(1_000_000, 2_000_000)))
  assert.ok(!inside(tapeKey(early), tapeRange(1_000_001)))
  assert.ok(inside(tapeKey(early), tapeRange(undefined, undefined, late)))
  assert.ok(!inside(tapeKey(late), tapeRange(undefined, 3_000_000, late)))
})

test('no value reaches into the range of another, and keys are short ASCII', () => {
  const value = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(value, value, (one, other) => {
      const key = indexKey('user', one, A)
      assert.match(key, /^[\x21-\x7e]{1,180}$/)
      assert.equal(key.split('/').length, 4)
      assert.equal(tapeOf(key), A)
      assert.ok(inside(key, indexRange('user', one)))
      assert.equal(inside(key, indexRange('user', other)), one === other)
    }),
  )
})

test('long values with one beginning have keys of their own', () => {
  const long = 'x'.repeat(200)
  assert.notEqual(indexKey('user', `${long}a`, A), indexKey('user', `${long}b`, A))
})

test('a request is found by what it has', () => {
  assert.deepEqual(searchTerms(requestBody({ command: ['sh', '-c', 'id'] })), [
    ['user', 'oidc:alice'],
    ['verb', 'list'],
    ['resource', 'pods'],
    ['namespace', 'prod'],
    ['command', 'sh'],
  ])
  assert.deepEqual(searchTerms(requestBody({ principal: null, attributes: null })), [])
})
