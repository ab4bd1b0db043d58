// The UTF-8 check equals the platform's strict decoder for any bytes in any pieces, and names the octet that is wrong.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Utf8 } from '../../../protocols/websocket/utf8.ts'
import { cut } from '../../support/cut.ts'

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}

/** How many octets are taken in all, and whether the text may end there. */
function check(pieces: readonly Uint8Array[]): { valid: number; isWhole: boolean } {
  const utf8 = new Utf8()
  let valid = 0
  for (const piece of pieces) {
    const taken = utf8.valid(piece)
    valid += taken
    if (taken < piece.length) return { valid, isWhole: false }
  }
  return { valid, isWhole: utf8.isWhole }
}

/** Bytes that are often nearly UTF-8. */
const nearly = fc
  .array(
    fc.oneof(
      fc.constantFrom(...['a', 'é', '€', '😀', '\u{10ffff}', '\ud7ff', '\ue000'].map((text) => Buffer.from(text))),
      fc.uint8Array({ minLength: 1, maxLength: 2 }),
      fc.constantFrom(0x80, 0xbf, 0xc1, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xf5).map((octet) => Uint8Array.of(octet)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts))

test('agrees with TextDecoder, in any pieces', () => {
  fc.assert(
    fc.property(nearly, fc.array(fc.nat({ max: 6 }), { minLength: 1 }), (bytes, lengths) => {
      const { valid, isWhole } = check(cut(bytes, lengths))
      assert.equal(isWhole && valid === bytes.length, isUtf8(bytes))
      assert.deepEqual(check([bytes]), { valid, isWhole })
    }),
    { numRuns: 2_000 },
  )
})

test('what it takes can be completed to UTF-8, and with the next octet it cannot', () => {
  const tails = [
    '',
    '\x80',
    '\xbf',
    '\x90',
    '\x80\x80',
    '\xbf\xbf',
    '\x90\x80',
    '\x80\x80\x80',
    '\xbf\xbf\xbf',
    '\x90\x80\x80',
  ]
  const canBecome = (bytes: Uint8Array): boolean =>
    tails.some((tail) => isUtf8(Buffer.concat([bytes, Buffer.from(tail, 'latin1')])))
  fc.assert(
    fc.property(nearly, (bytes) => {
      const { valid } = check([bytes])
      assert.ok(canBecome(bytes.subarray(0, valid)))
      if (valid < bytes.length) assert.ok(!canBecome(bytes.subarray(0, valid + 1)))
    }),
  )
})

test('every first and second octet is judged as the platform does', () => {
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      const bytes = Uint8Array.of(first, second)
      const { valid, isWhole } = check([bytes])
      assert.equal(isWhole && valid === 2, isUtf8(bytes), bytes.join())
    }
  }
})

test('a text is whole between characters, and the next one may begin there', () => {
  const utf8 = new Utf8()
  assert.equal(utf8.valid(Buffer.from('€').subarray(0, 2)), 2)
  assert.equal(utf8.isWhole, false)
  assert.equal(utf8.valid(Buffer.from('€').subarray(2)), 1)
  assert.equal(utf8.isWhole, true)
  assert.equal(utf8.valid(Uint8Array.of(0xc3, 0x80)), 2)
})
