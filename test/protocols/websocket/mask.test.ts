// Masking equals RFC 6455's definition, octet by octet, whatever the length, the phase and the place in memory.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mask, wordAligned } from '../../../protocols/websocket/mask.ts'

/** Section 5.3 as it is written. */
function defined(octets: Uint8Array, key: number, phase: number): Uint8Array {
  const keyOctets = [key >>> 24, (key >>> 16) & 0xff, (key >>> 8) & 0xff, key & 0xff]
  return octets.map((octet, at) => octet ^ keyOctets[(at + phase) % 4]!)
}

test('is the XOR of the definition', () => {
  const numbers = { key: fc.integer(), phase: fc.nat(), offset: fc.nat({ max: 9 }), skip: fc.nat({ max: 7 }) }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.record(numbers), (bytes, { key, phase, offset, skip }) => {
      const octets = Buffer.concat([Buffer.alloc(skip), bytes]).subarray(skip)
      const room = wordAligned(offset + bytes.length + 4)
      room.fill(0x55)
      const masked = mask(octets, key, phase, room, offset)
      assert.deepEqual(masked, defined(new Uint8Array(bytes), key, phase))
      assert.deepEqual(room.subarray(offset, offset + bytes.length), masked)
      assert.ok(room.subarray(0, offset).every((octet) => octet === 0x55))
      assert.ok(room.subarray(offset + bytes.length).every((octet) => octet === 0x55))
      assert.deepEqual(new Uint8Array(octets), new Uint8Array(bytes))
    }),
  )
})

test('room begins on a word and has the length asked for', () => {
  for (let length = 0; length < 70; length++) {
    const room = wordAligned(length)
    assert.equal(room.length, length)
    assert.equal(room.byteOffset % 4, 0)
  }
  assert.equal(wordAligned(100_001).byteOffset % 4, 0)
})
