import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode as peerDecode, encode as peerEncode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { MisuseError } from '../../../protocols/errors.ts'
import { readMsgpack } from '../../../protocols/tape/msgpack-reader.ts'
import { MsgpackWriter } from '../../../protocols/tape/msgpack-writer.ts'

const DEPTH = 16
const encode = (value: unknown): Uint8Array => new MsgpackWriter(DEPTH).begin().value(value).written.slice()
const decode = (bytes: Uint8Array): unknown => readMsgpack(bytes, DEPTH)

const key = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => text !== '__proto__')
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.integer({ min: -40, max: 70_000 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes)),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(key, tie('value'), { maxKeys: 20, noNullPrototype: true }),
  ),
})).value

test('what is written reads back as it was', () => {
  fc.assert(fc.property(values, (value) => assert.deepEqual(decode(encode(value)), value)))
})

test('@msgpack/msgpack reads what we write, and we read what it writes', () => {
  const plain = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return Uint8Array.from(value)
    if (typeof value === 'bigint') return Number(value)
    if (Array.isArray(value)) return value.map(plain)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
  }
  fc.assert(
    fc.property(values, (value) => {
      assert.deepEqual(plain(peerDecode(encode(value))), value)
      assert.deepEqual(decode(peerEncode(value)), value)
    }),
  )
})

test('integers keep their value at every width', () => {
  const edges = [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 1, 2 ** 53 - 1]
  for (const edge of [...edges, -1, -32, -33, -128, -129, -(2 ** 31), -(2 ** 53) + 1]) {
    assert.equal(decode(encode(edge)), edge)
  }
})

test('a surrogate without its other half is written as U+FFFD, so that the text stays readable', () => {
  assert.equal(decode(encode('alice\ud800')), 'alice\ufffd')
  const long = 'and more than thirty-two bytes of text behind it'
  assert.equal(decode(encode(`\udc00 ${long}`)), `\ufffd ${long}`)
})

test('values that are no data are not written', () => {
  const looped: unknown[] = []
  looped.push(looped)
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1n, undefined, Symbol('s'), () => 0, looped]) {
    assert.throws(() => encode(value), MisuseError)
  }
  assert.throws(() => encode(JSON.parse('{"__proto__": 1}')), MisuseError)
})

test('a key whose value is undefined is left out', () => {
  assert.deepEqual(decode(encode({ a: 1, b: undefined })), { a: 1 })
})

test('bytes nest nothing: they are written as deep as they are read', () => {
  let value: unknown = Uint8Array.of(1)
  for (let depth = 0; depth < DEPTH; depth++) value = [value]
  assert.deepEqual(decode(encode(value)), value)
  assert.throws(() => encode([value]), MisuseError)
})

const hostile: readonly (readonly [name: string, rule: string, bytes: readonly number[]])[] = [
  ['nothing', 'tape.msgpack.truncated', []],
  ['an array of 2^32-1 elements', 'tape.msgpack.truncated', [0xdd, 0xff, 0xff, 0xff, 0xff, 1]],
  ['a map of 2^32-1 keys', 'tape.msgpack.truncated', [0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1, 0x61, 1]],
  ['bytes of 4 GiB', 'tape.msgpack.truncated', [0xc6, 0xff, 0xff, 0xff, 0xff, 1]],
  ['text of 4 GiB', 'tape.msgpack.truncated', [0xdb, 0xff, 0xff, 0xff, 0xff, 1]],
  ['an integer that is cut', 'tape.msgpack.truncated', [0xcf, 0, 0, 0]],
  ['a depth bomb', 'tape.msgpack.depth', [...new Array<number>(100_000).fill(0x91), 0xc0]],
  ['a depth bomb of maps', 'tape.msgpack.depth', new Array<number>(20).fill(0).flatMap(() => [0x81, 0xa1, 0x61])],
  ['__proto__', 'tape.msgpack.proto_key', [0x81, 0xa9, ...Buffer.from('__proto__'), 0x80]],
  ['a key twice', 'tape.msgpack.duplicate_key', [0x82, 0xa1, 0x61, 1, 0xa1, 0x61, 2]],
  ['a key that is a number', 'tape.msgpack.key', [0x81, 1, 1]],
  ['a key that is a map', 'tape.msgpack.depth', [0x81, 0x80, 1]],
  ['fixext', 'tape.msgpack.type', [0xd4, 0, 0]],
  ['ext 8', 'tape.msgpack.type', [0xc7, 1, 0xff, 0]],
  ['a timestamp', 'tape.msgpack.type', [0xd6, 0xff, 0, 0, 0, 0]],
  ['the type that is never used', 'tape.msgpack.type', [0xc1]],
  ['float 32', 'tape.msgpack.type', [0xca, 0, 0, 0, 0]],
  ['NaN', 'tape.msgpack.number', [0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]],
  ['an integer past 2^53', 'tape.msgpack.integer', [0xcf, 0, 0x20, 0, 0, 0, 0, 0, 1]],
  ['a negative integer past 2^53', 'tape.msgpack.integer', [0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]],
  ['text that is not UTF-8', 'tape.msgpack.utf8', [0xa2, 0xc3, 0x28]],
  ['a surrogate in UTF-8', 'tape.msgpack.utf8', [0xa3, 0xed, 0xa0, 0x80]],
  ['something behind the value', 'tape.msgpack.trailing', [0x01, 0x02]],
]

for (const [name, rule, bytes] of hostile) {
  test(`refused: ${name}`, () => {
    assert.throws(() => decode(Uint8Array.from(bytes)), { rule, protocol: 'tape' })
  })
}

test('whatever the bytes are, reading them ends with a value or a TapeError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decode(bytes)
      } catch (error) {
        assert.equal((error as { protocol?: string }).protocol, 'tape')
      }
    }),
  )
})

test('binary values are views of what was read, wherever it lies', () => {
  const around = new Uint8Array(20)
  around.set([0xc4, 3, 7, 8, 9], 5)
  const value = decode(around.subarray(5, 10)) as Uint8Array
  assert.deepEqual([...value], [7, 8, 9])
  assert.equal(value.buffer, around.buffer)
})
