// HPACK both ways: the standard's examples, every refusal, tables that stay in step, and hpack.js beside us.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { HpackDecoder } from '../../../protocols/hpack/decoder.ts'
import { DynamicTable } from '../../../protocols/hpack/dynamic-table.ts'
import { HpackEncoder } from '../../../protocols/hpack/encoder.ts'
import { HpackError } from '../../../protocols/hpack/errors.ts'
import { huffmanDecode, huffmanEncode, huffmanLength, huffmanRoom } from '../../../protocols/hpack/huffman.ts'
import { limits } from '../../../protocols/limits.ts'
import { PeerHpackDecoder } from '../../fuzz/hpack-reading.ts'
import { EXAMPLES } from './examples.ts'

const hex = (text: string): Uint8Array => Buffer.from(text, 'hex')

for (const { name, table, blocks } of EXAMPLES) {
  test(`reads RFC 7541 ${name}`, () => {
    const decoder = new HpackDecoder({ ...limits.hpack, tableSize: table })
    for (const block of blocks) assert.deepEqual(decoder.decode(hex(block.hex)), block.fields)
  })

  test(`writes what reads as RFC 7541 ${name}`, () => {
    const encoder = new HpackEncoder(limits.hpack)
    encoder.setTableSize(table)
    const decoder = new HpackDecoder(limits.hpack)
    for (const { fields } of blocks) assert.deepEqual(decoder.decode(encoder.encode(fields)), fields)
  })
}

test('the table counts as the standard does, and evicts the oldest', () => {
  const table = new DynamicTable(164)
  table.add(':authority', 'www.example.com')
  assert.equal(table.size, 57)
  table.add('cache-control', 'no-cache')
  assert.equal(table.size, 110)
  table.add('custom-key', 'custom-value')
  assert.equal(table.size, 164)
  table.add('a', 'b')
  assert.deepEqual([table.count, table.name(0), table.name(2)], [3, 'a', 'cache-control'])
  table.add('large', 'x'.repeat(200))
  assert.deepEqual([table.count, table.size], [0, 0])
})

/** Each rule with a block that breaks it; a table of 128 octets with nothing in it. */
const REFUSED: readonly [rule: string, block: string][] = [
  ['hpack.index.zero', '80'],
  ['hpack.index.unknown', 'be'],
  ['hpack.index.unknown', 'ffffff7f'],
  ['hpack.index.unknown', '7f0001'],
  ['hpack.integer.cut', 'ff'],
  ['hpack.integer.cut', 'ff80'],
  ['hpack.integer.overflow', 'ffffffffffff7f'],
  ['hpack.integer.overflow', 'ff8080808000'],
  ['hpack.string.missing', '40'],
  ['hpack.string.missing', '400161'],
  ['hpack.string.cut', '40036101'],
  ['hpack.string.cut', '4001617fffff7f'],
  ['hpack.size_update.limit', '3f62'],
  ['hpack.size_update.late', '8220'],
  ['hpack.size_update.count', '20202020'],
  ['hpack.block.bomb', '82'.repeat(8 * limits.hpack.fieldCount + 1)],
  ['hpack.huffman.eos', '40016184ffffffff'],
  ['hpack.huffman.padding', '4001618100'],
  ['hpack.huffman.padding', '400161821fff'],
]

for (const [rule, block] of REFUSED) {
  test(`refuses ${block.slice(0, 40)} (${rule})`, () => {
    const decoder = new HpackDecoder({ ...limits.hpack, tableSize: 128 })
    assert.throws(
      () => decoder.decode(hex(block)),
      (error) => error instanceof HpackError && error.rule === rule && error.code === 9,
    )
  })
}

test('every rule of the sources has a case', () => {
  const folder = fileURLToPath(new URL('../../../protocols/hpack/', import.meta.url))
  const sources = readdirSync(folder).map((file) => readFileSync(`${folder}${file}`, 'utf8'))
  const rules = new Set(
    sources.flatMap((source) => source.match(/'hpack\.[a-z_.]+'/g) ?? []).map((rule) => rule.slice(1, -1)),
  )
  assert.deepEqual([...rules].sort(), [...new Set(REFUSED.map(([rule]) => rule))].sort())
})

test('a block cut anywhere is a shorter list or refused, and nothing else', () => {
  for (const { table, blocks } of EXAMPLES) {
    const whole = hex(blocks[0]?.hex ?? '')
    const fields = blocks[0]?.fields ?? []
    for (let length = 0; length < whole.length; length++) {
      const decoder = new HpackDecoder({ ...limits.hpack, tableSize: table })
      try {
        const read = decoder.decode(whole.subarray(0, length)) ?? []
        assert.deepEqual(read, fields.slice(0, read.length))
      } catch (error) {
        assert.ok(error instanceof HpackError)
      }
    }
  }
})

test('more fields or octets than are taken give nothing, and the tables stay in step', () => {
  const small = { ...limits.hpack, fieldCount: 3, fieldBytes: 200 }
  for (const many of [
    ['a', '1', 'b', '2', 'c', '3', 'd', '4'],
    ['a', 'x'.repeat(190), 'b', '2'],
  ]) {
    const encoder = new HpackEncoder(limits.hpack)
    const decoder = new HpackDecoder(small)
    assert.equal(decoder.decode(encoder.encode(many)), undefined)
    assert.deepEqual(decoder.decode(encoder.encode(['b', '2'])), ['b', '2'])
  }
  // Two octets stand for 4 KiB each time (CVE-2026-49975).
  const decoder = new HpackDecoder(limits.hpack)
  const entry = Buffer.concat([hex('4001617fa11e'), Buffer.alloc(4_000, 'x')])
  assert.equal(decoder.decode(entry)?.length, 2)
  assert.equal(decoder.decode(Buffer.alloc(8 * limits.hpack.fieldCount, 0xbe)), undefined)
  assert.deepEqual(decoder.decode(hex('82')), [':method', 'GET'])
})

test('credentials are never indexed, and what is another in every message is not', () => {
  const encoder = new HpackEncoder(limits.hpack)
  for (const name of [
    'authorization',
    'proxy-authorization',
    'cookie',
    'set-cookie',
    'x-amz-security-token',
    'x-api-key',
  ]) {
    const first = encoder.encode([name, 'secret'])
    assert.equal((first[0] as number) & 0xf0, 0x10, name)
    assert.deepEqual(encoder.encode([name, 'secret']), first, `${name} was kept`)
  }
  assert.equal((encoder.encode(['content-length', '12345'])[0] as number) & 0xf0, 0x00)
  assert.equal(encoder.encode(['user-agent', 'kubectl']).length > 1, true)
  assert.equal(encoder.encode(['user-agent', 'kubectl']).length, 1)
})

test('Huffman codes are the standard’s, and go there and back', () => {
  const text = 'www.example.com'
  const packed = new Uint8Array(huffmanLength(text))
  assert.equal(huffmanEncode(text, packed, 0), packed.length)
  assert.equal(Buffer.from(packed).toString('hex'), 'f1e3c2e5f23a6ba0ab90f4ff')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
      const original = Buffer.from(octets).toString('latin1')
      const bytes = new Uint8Array(huffmanLength(original))
      huffmanEncode(original, bytes, 0)
      const room = Buffer.alloc(huffmanRoom(bytes.length))
      assert.equal(room.toString('latin1', 0, huffmanDecode(bytes, 0, bytes.length, room)), original)
    }),
  )
})

const name = fc.constantFrom('accept', 'x-a', 'x-b', 'user-agent', ':path', 'authorization', 'etag', 'x-long')
const value = fc.oneof(
  fc.constantFrom('', '1', 'application/json', 'x'.repeat(130), 'y'.repeat(600)),
  fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets).toString('latin1')),
)
const conversation = fc.array(
  fc.record({
    fields: fc.array(fc.tuple(name, value), { maxLength: 12 }).map((pairs) => pairs.flat()),
    sizes: fc.array(fc.integer({ min: 0, max: 4_096 }), { maxLength: 2 }),
  }),
  { maxLength: 20 },
)

test('whatever is written reads back, here and in hpack.js, through tables of every size', () => {
  fc.assert(
    fc.property(conversation, (blocks) => {
      const encoder = new HpackEncoder(limits.hpack)
      const decoder = new HpackDecoder(limits.hpack)
      const peer = new PeerHpackDecoder(limits.hpack.encoderTableSize)
      for (const { fields, sizes } of blocks) {
        for (const size of sizes) encoder.setTableSize(size)
        const block = encoder.encode(fields)
        assert.deepEqual(decoder.decode(block), fields)
        assert.deepEqual(peer.decode(block), fields)
      }
    }),
    { numRuns: 300 },
  )
})
