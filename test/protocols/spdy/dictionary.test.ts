// The dictionary that is put together from words is the one that every SPDY/3 peer has.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inflateSync } from 'node:zlib'
import { DICTIONARY, DICTIONARY_ID } from '../../../protocols/spdy/dictionary.ts'

test('the dictionary has 1,423 bytes and the Adler-32 that SPDY/3 peers name', () => {
  assert.equal(DICTIONARY.length, 1_423)
  let low = 1
  let high = 0
  for (const byte of DICTIONARY) {
    low = (low + byte) % 65_521
    high = (high + low) % 65_521
  }
  assert.equal(high * 65_536 + low, 0xe3c6a7c2)
  assert.equal(DICTIONARY_ID, 0xe3c6a7c2)
})

test('the first block of a Go client inflates with it', () => {
  const block = Buffer.from('78f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff', 'hex')
  const inflated = inflateSync(block, { dictionary: Buffer.from(DICTIONARY), finishFlush: 2 })
  assert.equal(inflated.toString('latin1'), '\0\0\0\x01\0\0\0\nstreamtype\0\0\0\x05error')
})
