// Name/value blocks: what they say, what makes them ambiguous, and back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MisuseError } from '../../../protocols/errors.ts'
import { headerBlock, parseHeaderBlock } from '../../../protocols/spdy/header-block.ts'
import { block, unblock, word } from './frames.ts'

const MAX = 64
const many = (count: number): [string, string][] => Array.from({ length: count }, (_, n) => [`n${n}`, ''])

test('lines come in order, several values of a name as several lines', () => {
  const bytes = block(['streamtype', 'data'], [':x', ''], ['multi', 'a\0b\0c'])
  assert.deepEqual(parseHeaderBlock(bytes, MAX), [
    ...['streamtype', 'data', ':x', ''],
    ...['multi', 'a', 'multi', 'b', 'multi', 'c'],
  ])
})

test('bytes above 0x7f keep their value', () => {
  assert.deepEqual(parseHeaderBlock(block(['a', '\x80\xff']), MAX), ['a', '\x80\xff'])
})

const REFUSED: readonly [what: string, rule: string, bytes: Uint8Array][] = [
  ['no count', 'spdy.headers.short', Buffer.alloc(3)],
  ['2^31 names', 'spdy.headers.too_many', word(0x80000000)],
  ['one name too many', 'spdy.headers.too_many', block(...many(MAX + 1))],
  [
    'one value too many',
    'spdy.headers.too_many',
    block([
      'a',
      Array(MAX + 1)
        .fill('v')
        .join('\0'),
    ]),
  ],
  ['fewer pairs than counted', 'spdy.headers.short', Buffer.concat([word(2), block(['a', 'b']).subarray(4)])],
  ['a name that is longer than the block', 'spdy.headers.short', Buffer.concat([word(1), word(0xffffffff)])],
  ['a value that is longer than the block', 'spdy.headers.short', block(['a', 'b']).subarray(0, -1)],
  ['bytes behind the last value', 'spdy.headers.trailing', Buffer.concat([block(['a', 'b']), Buffer.of(0)])],
  ['fewer counted than there are', 'spdy.headers.trailing', Buffer.concat([word(0), block(['a', 'b']).subarray(4)])],
  ['an empty name', 'spdy.headers.name', block(['', 'x'])],
  ['an upper-case name', 'spdy.headers.name', block(['streamType', 'error'])],
  ['a name with NUL', 'spdy.headers.name', block(['a\0b', 'x'])],
  ['a name with a space', 'spdy.headers.name', block(['streamtype ', 'x'])],
  ['a name above ASCII', 'spdy.headers.name', block(['\xe9', 'x'])],
  ['a name twice', 'spdy.headers.duplicate', block(['port', '80'], ['port', '22'])],
  ['a header of the connection', 'spdy.headers.connection', block(['transfer-encoding', 'chunked'])],
  ['a line feed in a value', 'spdy.headers.value', block(['a', 'b\nc'])],
  ['a NUL in front', 'spdy.headers.value', block(['a', '\0b'])],
  ['a NUL at the end', 'spdy.headers.value', block(['a', 'b\0'])],
  ['an empty value between others', 'spdy.headers.value', block(['a', 'b\0\0c'])],
]

for (const [what, rule, bytes] of REFUSED) {
  test(`refused: ${what}`, () => assert.throws(() => parseHeaderBlock(bytes, MAX), { rule }))
}

test('the limit itself passes', () => {
  assert.equal(parseHeaderBlock(block(...many(MAX)), MAX).length, 2 * MAX)
})

test('what is written is read back, names in lower case and lines of one name joined', () => {
  const name = fc
    .stringMatching(/^:?[a-z0-9-]{1,12}$/)
    .filter((one) => !['host', 'connection', 'keep-alive'].includes(one))
  const value = fc.stringMatching(/^[\x20-\x7e\x80-\xff]{1,20}$/)
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(name, fc.array(value, { minLength: 1, maxLength: 3 })), {
        selector: ([n]) => n,
        maxLength: 8,
      }),
      (list) => {
        const fields = list.flatMap(([n, values]) => values.flatMap((v) => [n, v]))
        const upper = fields.map((text, at) => (at % 2 === 0 ? text.toUpperCase() : text))
        const bytes = Buffer.from(headerBlock(upper))
        assert.deepEqual(parseHeaderBlock(bytes, MAX), fields)
        assert.deepEqual(
          unblock(bytes),
          list.map(([n, values]) => [n, values.join('\0')]),
        )
      },
    ),
  )
})

test('a header that SPDY cannot say is our own mistake', () => {
  for (const fields of [
    ['', 'x'],
    ['a', 'b\n'],
    ['a', 'b', 'a', ''],
  ]) {
    assert.throws(() => headerBlock(fields), MisuseError)
  }
})
