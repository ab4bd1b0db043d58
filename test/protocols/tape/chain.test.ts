import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { chainNext, chainStart, HASH_LENGTH, LINK_LENGTH, link, splitStored } from '../../../protocols/tape/chain.ts'

const sha256 = (...parts: Uint8Array[]): string => createHash('sha256').update(Buffer.concat(parts)).digest('hex')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const TAPE = '01KATAPE0000000000000000A1'

test('the chain begins with SHA-256(0x00 ‖ tape id)', () => {
  assert.equal(hex(chainStart(TAPE)), sha256(Uint8Array.of(0), Buffer.from(TAPE)))
})

test('a link is SHA-256(0x01 ‖ hash before ‖ entry)', () => {
  const entry = Uint8Array.of(1, 2, 3)
  const start = chainStart(TAPE)
  assert.equal(hex(chainNext(start, entry)), sha256(Uint8Array.of(1), start, entry))
})

test('hashing in place gives the same chain, and the stored value is hash and entry', () => {
  const chain = Uint8Array.from(chainStart(TAPE))
  let expected = chainStart(TAPE)
  for (const entry of [Uint8Array.of(9), new Uint8Array(70_000).fill(4)]) {
    const around = new Uint8Array(LINK_LENGTH + entry.length + 5)
    around.set(entry, LINK_LENGTH)
    expected = chainNext(expected, entry)
    const stored = splitStored(link(chain, around.subarray(0, LINK_LENGTH + entry.length)))
    assert.equal(hex(stored.hash), hex(expected))
    assert.equal(hex(chain), hex(expected))
    assert.deepEqual(stored.bytes, entry)
  }
})

test('a stored value without an entry is refused', () => {
  assert.throws(() => splitStored(new Uint8Array(HASH_LENGTH)), { rule: 'tape.stored.short' })
})
