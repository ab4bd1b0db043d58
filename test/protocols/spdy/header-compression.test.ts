// Header blocks against node:zlib and Go's own bytes, in both directions; and what must not inflate.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { constants, deflateRawSync, deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { DICTIONARY } from '../../../protocols/spdy/dictionary.ts'
import { HeaderDeflater, HeaderInflater } from '../../../protocols/spdy/header-compression.ts'
import { PeerDeflater, PeerInflater } from './frames.ts'

const LIMIT = 262_144
const FLUSH = { finishFlush: constants.Z_SYNC_FLUSH, level: 9 }
const FIRST = Buffer.from('78f9e3c6a7c2', 'hex')
const BLOCKS = fc.array(
  fc.oneof(
    fc.string({ minLength: 1, maxLength: 200 }).map((text) => Buffer.from(text)),
    fc.uint8Array({ minLength: 1, maxLength: 3_000 }),
    // Compresses well and fills the window, so that references reach across its edge.
    fc
      .tuple(fc.constantFrom('streamtype', 'requestid', 'ab'), fc.integer({ min: 1, max: 4_000 }))
      .map(([word, times]) => Buffer.from(word.repeat(times))),
  ),
  { minLength: 1, maxLength: 12 },
)

const ruleOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    return (error as { rule: string }).rule
  }
  return 'nothing was thrown'
}

test('two blocks of a Go client inflate in one context', () => {
  const inflater = new HeaderInflater(LIMIT)
  const first = inflater.inflate(Buffer.from('78f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff', 'hex'))
  assert.equal(Buffer.from(first).toString('latin1'), '\0\0\0\x01\0\0\0\nstreamtype\0\0\0\x05error')
  const second = inflater.inflate(Buffer.from('c22ac5565c92925f5a02000000ffff', 'hex'))
  assert.equal(Buffer.from(second).toString('latin1'), '\0\0\0\x01\0\0\0\nstreamtype\0\0\0\x06stdout')
})

test('what node:zlib deflates, block after block, inflates to the same', () => {
  fc.assert(
    fc.property(BLOCKS, (blocks) => {
      const peer = new PeerDeflater()
      const inflater = new HeaderInflater(LIMIT)
      for (const block of blocks)
        assert.deepEqual(Buffer.from(inflater.inflate(peer.deflate(block))), Buffer.from(block))
    }),
    { numRuns: 60 },
  )
})

test('what we deflate, block after block, node:zlib and our inflater inflate to the same', () => {
  fc.assert(
    fc.property(BLOCKS, (blocks) => {
      const deflater = new HeaderDeflater(0)
      const peer = new PeerInflater()
      const inflater = new HeaderInflater(LIMIT)
      for (const block of blocks) {
        const deflated = deflater.deflate(block)
        assert.deepEqual(peer.inflate(deflated), Buffer.from(block))
        assert.deepEqual(Buffer.from(inflater.inflate(deflated)), Buffer.from(block))
      }
    }),
    { numRuns: 60 },
  )
})

test('behind any number of passed blocks, ours go on in the same zlib stream', () => {
  fc.assert(
    fc.property(BLOCKS, BLOCKS, (passed, own) => {
      const source = new PeerDeflater()
      const receiver = new PeerInflater()
      for (const block of passed) assert.deepEqual(receiver.inflate(source.deflate(block)), Buffer.from(block))
      const deflater = new HeaderDeflater(passed.length)
      for (const block of own) assert.deepEqual(receiver.inflate(deflater.deflate(block)), Buffer.from(block))
    }),
    { numRuns: 60 },
  )
})

test('a block of 1000:1 stops at the cap, long before it is inflated', () => {
  const bomb = deflateRawSync(Buffer.alloc(60_000_000), { ...FLUSH, dictionary: Buffer.from(DICTIONARY) })
  assert.ok(bomb.length < 65_536, 'it must fit a control frame')
  const block = Buffer.concat([FIRST, bomb])
  const before = process.memoryUsage().arrayBuffers
  assert.equal(
    ruleOf(() => new HeaderInflater(LIMIT).inflate(block)),
    'spdy.compression.too_large',
  )
  assert.ok(process.memoryUsage().arrayBuffers - before < 2_000_000, 'held more than the cap and a window')
})

test('the cap is exact', () => {
  const fits = new PeerDeflater().deflate(Buffer.alloc(LIMIT, 7))
  assert.equal(new HeaderInflater(LIMIT).inflate(fits).length, LIMIT)
  assert.equal(
    ruleOf(() => new HeaderInflater(LIMIT - 1).inflate(fits)),
    'spdy.compression.too_large',
  )
})

const good = new PeerDeflater().deflate(Buffer.from('hello'))
const dictionary = Buffer.from(DICTIONARY)
const far = createHash('sha512').update('incompressible').digest()
const REFUSED: readonly [what: string, rule: string, block: Uint8Array][] = [
  ['an empty block', 'spdy.compression.dictionary', Buffer.alloc(0)],
  ['a zlib header alone, cut', 'spdy.compression.dictionary', good.subarray(0, 5)],
  ['a zlib header and nothing behind it', 'spdy.compression.no_flush', good.subarray(0, 6)],
  ['no preset dictionary', 'spdy.compression.dictionary', deflateSync('hello', FLUSH)],
  [
    'another dictionary',
    'spdy.compression.dictionary',
    deflateSync('hello', { ...FLUSH, dictionary: dictionary.subarray(1) }),
  ],
  ['a smaller window than ours may refer to', 'spdy.compression.dictionary', Buffer.concat([Buffer.from('68'), good])],
  ['wrong check bits', 'spdy.compression.dictionary', Buffer.concat([Buffer.from('78f8', 'hex'), good.subarray(2)])],
  ['gzip', 'spdy.compression.dictionary', Buffer.from('1f8b08000000000000030000000000000000', 'hex')],
  ['no flush at the end', 'spdy.compression.no_flush', good.subarray(0, -1)],
  [
    'a finished deflate stream',
    'spdy.compression.bad_deflate',
    // A final stored block whose content looks like the marker.
    Buffer.concat([FIRST, Buffer.from('010400fbff0000ffff', 'hex')]),
  ],
  ['an unknown block type', 'spdy.compression.bad_deflate', Buffer.concat([FIRST, Buffer.from('070000ffff', 'hex')])],
  [
    'a reference behind the dictionary',
    'spdy.compression.bad_deflate',
    Buffer.concat([FIRST, deflateRawSync(far, { ...FLUSH, dictionary: Buffer.concat([far, dictionary]) })]),
  ],
  [
    'the marker within a longer stored block',
    'spdy.compression.no_block_end',
    Buffer.concat([FIRST, Buffer.from('000800f7ff0000ffff', 'hex')]),
  ],
  ['bytes of a next block behind the marker', 'spdy.compression.no_flush', Buffer.concat([good, Buffer.of(0)])],
]

for (const [what, rule, bytes] of REFUSED) {
  test(`refused: ${what}`, () =>
    assert.equal(
      ruleOf(() => new HeaderInflater(LIMIT).inflate(bytes)),
      rule,
    ))
}

test('a block of any length inflates, whether or not it fills the steps of the inflater', () => {
  for (const length of [4_095, 4_096, 4_097, 8_192, 32_767, 32_768, 32_769, 40_000]) {
    const peer = new PeerDeflater()
    const inflater = new HeaderInflater(LIMIT)
    for (const byte of [1, 2]) {
      const block = Buffer.alloc(length, byte)
      assert.deepEqual(Buffer.from(inflater.inflate(peer.deflate(block))), block)
    }
  }
})

test('what is kept of a direction is one window, however many blocks went by', async () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  // Buffers that a collection found dead are freed in the background, and counted by the next one.
  const collect = async (): Promise<void> => {
    gc()
    await turn()
    gc()
  }
  const peer = new PeerDeflater()
  const blocks = Array.from({ length: 400 }, (_, n) => peer.deflate(Buffer.alloc(30_000, n)))
  const inflater = new HeaderInflater(LIMIT)
  await collect()
  const before = process.memoryUsage().arrayBuffers
  for (const block of blocks) inflater.inflate(block)
  await collect()
  assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000, 'of 12 MB that went by')
  assert.equal(inflater.inflate(peer.deflate(Buffer.of(1))).length, 1)
})

test('a block left out shows: the next one does not become its text', () => {
  const peer = new PeerDeflater()
  const inflater = new HeaderInflater(LIMIT)
  inflater.inflate(peer.deflate(Buffer.from('first, with some words')))
  const secret = 'the quick brown fox jumps over the lazy dog'
  peer.deflate(Buffer.from(secret))
  const third = peer.deflate(Buffer.from(secret))
  let text = ''
  try {
    text = Buffer.from(inflater.inflate(third)).toString()
  } catch {
    return
  }
  assert.notEqual(text, secret)
})
