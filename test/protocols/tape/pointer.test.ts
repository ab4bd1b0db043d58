import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chainNext, chainStart, HASH_LENGTH } from '../../../protocols/tape/chain.ts'
import { encodeEntry } from '../../../protocols/tape/codec.ts'
import type { EntryKind } from '../../../protocols/tape/entry.ts'
import { encodeLeaf } from '../../../protocols/tape/leaf.ts'
import { decodePointer, encodePointer, segmentName } from '../../../protocols/tape/pointer.ts'
import { execRecording, Recording, TAPE_ID } from '../../support/recording.ts'

const hash = fc.uint8Array({ minLength: HASH_LENGTH, maxLength: HASH_LENGTH })
const pointer = fc.record(
  {
    segment: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    offset: fc.maxSafeNat().map((offset) => offset % 2 ** 48),
    length: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  },
  { noNullPrototype: true },
)

test('a pointer reads back as it was, behind its hash, also past 4 GiB and in a view of a larger buffer', () => {
  fc.assert(
    fc.property(hash, pointer, fc.nat(40), (before, given, shift) => {
      const value = encodePointer(before, given)
      assert.deepEqual(value.subarray(0, HASH_LENGTH), before)
      assert.deepEqual(decodePointer(value), given)
      const moved = new Uint8Array(shift + value.length + 3)
      moved.set(value, shift)
      assert.deepEqual(decodePointer(moved.subarray(shift, shift + value.length)), given)
    }),
  )
  const last = { segment: 2 ** 32 - 1, offset: 2 ** 48 - 1, length: 2 ** 32 - 1 }
  assert.deepEqual(decodePointer(encodePointer(new Uint8Array(HASH_LENGTH), last)), last)
})

test('a pointer of another length or without its mark is none', () => {
  const value = encodePointer(new Uint8Array(HASH_LENGTH).fill(0xc1), { segment: 1, offset: 2, length: 3 })
  for (let length = 0; length < value.length; length++)
    assert.equal(decodePointer(value.subarray(0, length)), undefined)
  assert.equal(decodePointer(Uint8Array.of(...value, 0)), undefined)
  for (let mark = 0; mark < 256; mark++) {
    value[HASH_LENGTH] = mark
    assert.equal(decodePointer(value) === undefined, mark !== 0xc1, String(mark))
  }
})

test('no entry, whatever its length and hash, is taken for a pointer, and no leaf of the log', () => {
  const api = new Recording().request(1, {}).answer(2, 1, 200, 'x')
  for (const { seq, micros, kind, body } of [...execRecording().entries, ...api.entries]) {
    const entry = encodeEntry(seq, micros, kind, body)
    const value = Buffer.concat([chainNext(chainStart(TAPE_ID), entry), entry])
    assert.equal(decodePointer(value), undefined, kind)
  }
  fc.assert(
    fc.property(hash, fc.nat(1_000), fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (head, seq, a, b) => {
      const kinds: readonly (readonly [EntryKind, Uint8Array])[] = [
        ['note', encodeEntry(seq, seq, 'note', { code: a, text: b })],
        ['seal', encodeEntry(seq, seq, 'seal', { reason: a, entries: seq + 1 })],
      ]
      for (const [kind, entry] of kinds) assert.equal(decodePointer(Buffer.concat([head, entry])), undefined, kind)
      const leaf = encodeLeaf({ type: 'head', tape: TAPE_ID, entries: seq + 1, head, micros: seq })
      assert.equal(decodePointer(leaf), undefined)
    }),
  )
})

test('files are named so that their names sort as their numbers, as far as eight digits go', () => {
  assert.equal(segmentName(1), '00000001.segment')
  const numbers = [1, 9, 10, 99, 100, 12_345, 99_999_999]
  const names = numbers.map(segmentName)
  assert.deepEqual([...names].sort(), names)
  assert.deepEqual(
    [...names, segmentName(4_000_000_000)].map((name) => Number.parseInt(name, 10)),
    [...numbers, 4_000_000_000],
  )
})
