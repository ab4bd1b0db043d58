// Sentinels: the HMAC that they say they are, of values of every length.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { SENTINEL, sentinelOf } from '../../../gateway/mask/sentinel.ts'

test('a sentinel is an HMAC-SHA256 over uid, field and value, each behind its length', () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 })
  const value = fc.oneof(fc.uint8Array(), fc.uint8Array({ minLength: 8_000, maxLength: 8_300 }))
  fc.assert(
    fc.property(key, fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), value, (key, uid, path, value) => {
      const mac = createHmac('sha256', key)
      for (const part of [Buffer.from(uid), Buffer.from(path), value]) {
        const length = Buffer.alloc(4)
        length.writeUInt32BE(part.length)
        mac.update(length).update(part)
      }
      const expected = SENTINEL + mac.digest().subarray(0, 18).toString('base64url')
      assert.equal(sentinelOf(key, { name: '', namespace: '', uid, labels: new Map() }, path, value), expected)
    }),
  )
})
