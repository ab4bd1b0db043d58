import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstUlid, isUlid, UlidSequence, ulidTime } from '../../../protocols/tape/ulid.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

test('an id is the time and the random bytes in base 32', () => {
  // The example of the specification: 1469918176385 is 01ARYZ6S41.
  const id = new UlidSequence().next(1_469_918_176_385, bytes(0, 0, 0, 0, 0, 0, 0, 0, 0, 31))
  assert.equal(id, '01ARYZ6S41000000000000000Z')
  assert.equal(ulidTime(id), 1_469_918_176_385)
  assert.ok(isUlid(id))
})

test('all random bits are used, but for the one that leaves room to count', () => {
  const id = new UlidSequence().next(0, new Uint8Array(10).fill(0xff))
  assert.equal(id, '0000000000FZZZZZZZZZZZZZZZ')
})

test('ids of one millisecond, and of a clock that goes back, go up', () => {
  const sequence = new UlidSequence()
  const ids = [5, 5, 4, 5, 6].map((millis) => sequence.next(millis, bytes(1, 2, 3, 4, 5, 6, 7, 8, 255, 255)))
  assert.deepEqual([...ids].sort(), ids)
  assert.equal(new Set(ids).size, ids.length)
  assert.equal(ulidTime(ids[2]!), 5)
})

test('the first id of a millisecond is below all of them', () => {
  assert.ok(firstUlid(7) <= new UlidSequence().next(7, new Uint8Array(10)))
  assert.ok(firstUlid(8) > new UlidSequence().next(7, new Uint8Array(10).fill(0xff)))
})

test('what is no id is seen', () => {
  for (const text of ['', '01ARYZ6S41', '81ARYZ6S410000000000000000', '01ARYZ6S41000000000000000I', '../etc/passwd']) {
    assert.ok(!isUlid(text))
  }
})
