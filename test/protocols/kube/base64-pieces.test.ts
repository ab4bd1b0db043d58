// Base64 in pieces equals Node's encoding under any cut, and is refused where it is not the one way to write its bytes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Base64Pieces } from '../../../protocols/kube/base64-pieces.ts'
import { cut } from '../../support/cut.ts'

/** The bytes, or undefined where the text is refused. */
function decode(pieces: readonly Uint8Array[]): Buffer | undefined {
  const base64 = new Base64Pieces()
  const bytes = Buffer.concat(pieces.map((piece) => base64.decode(piece)))
  return !base64.isInvalid && base64.end() ? bytes : undefined
}

/** RFC 4648 as Node reads it, and only what Node would write in the same way. */
function strictly(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

test('decodes what Node encodes, in any pieces', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.array(fc.nat({ max: 9 }), { minLength: 1 }), (bytes, lengths) => {
      const text = Buffer.from(Buffer.from(bytes).toString('base64'))
      assert.deepEqual(decode(cut(text, lengths)), Buffer.from(bytes))
    }),
  )
})

test('takes exactly the texts that are written in the one way, in any pieces', () => {
  const nearly = fc.string({
    unit: fc.constantFrom('A', 'Q', 'g', 'w', '/', '+', '9', '=', '-', '\n', ' '),
    maxLength: 12,
  })
  fc.assert(
    fc.property(nearly, fc.array(fc.nat({ max: 4 }), { minLength: 1 }), (text, lengths) => {
      assert.deepEqual(decode(cut(Buffer.from(text), lengths)), strictly(text))
    }),
    { numRuns: 20_000 },
  )
})

test('every text of four characters out of the decisive ones is judged right', () => {
  const characters = [...'AQg/=*']
  for (const a of characters)
    for (const b of characters)
      for (const c of characters)
        for (const d of characters) {
          const text = a + b + c + d
          assert.deepEqual(decode([Buffer.from(text)]), strictly(text), text)
        }
})

test('after an end the next text begins, also after one that was refused', () => {
  const base64 = new Base64Pieces()
  base64.decode(Buffer.from('eA==x'))
  assert.equal(base64.end(), false)
  assert.equal(Buffer.from(base64.decode(Buffer.from('eHl6'))).toString(), 'xyz')
  assert.equal(base64.end(), true)
})

test('a long message costs each piece its own length, not that of all before it', () => {
  const base64 = new Base64Pieces()
  const piece = Buffer.from('A'.repeat(1_000))
  for (let count = 0; count < 100; count++) assert.equal(base64.decode(piece).buffer.byteLength <= 1_000, true)
})
