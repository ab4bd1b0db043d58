import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { shellWord } from '../../protocols/shell-word.ts'
import { columns, cutToColumns, isPrintable, printable, printableJson } from '../../replay/printable.ts'

const hostile: readonly (readonly [name: string, text: string, shown: string])[] = [
  ['an escape sequence', 'a\x1b[31mb', 'a\\x1b[31mb'],
  ['line ends that would forge a log line', 'a\r\nb', 'a\\r\\nb'],
  ['line separators of Unicode', 'a\u2028b\u2029c', 'a\\u{2028}b\\u{2029}c'],
  ['C1 controls', 'a\u009b31mb', 'a\\x9b31mb'],
  ['DEL and NUL', 'a\x7f\x00', 'a\\x7f\\x00'],
  ['a right-to-left override', 'user\u202egnp.exe', 'user\\u{202e}gnp.exe'],
  ['zero-width characters', 'ad\u200bmin', 'ad\\u{200b}min'],
  ['tag characters', 'a\u{e0041}', 'a\\u{e0041}'],
  ['a surrogate without a partner', 'a\ud800b', 'a\\u{d800}b'],
  ['ordinary text of any script', 'grüße 日本語 🚀', 'grüße 日本語 🚀'],
]

for (const [name, text, shown] of hostile) {
  test(`printable shows ${name}`, () => {
    assert.equal(printable(text), shown)
    assert.equal(isPrintable(text), text === shown)
  })
}

test('printable JSON is the same value to a parser and holds nothing unsafe', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const json = printableJson({ [text]: text })
      assert.deepEqual(JSON.parse(json), Object.fromEntries([[text, text]]))
      assert.ok(isPrintable(json))
    }),
  )
})

const words: readonly (readonly [word: string, quoted: string])[] = [
  ['pods/web-1', 'pods/web-1'],
  ['', "''"],
  ['a b', "'a b'"],
  ['$(reboot)', "'$(reboot)'"],
  ["it's", "'it'\\''s'"],
  ['a\nb', "$'a\\nb'"],
  ["\x1b'\\", "$'\\x1b\\'\\\\'"],
  ['\u202e', "$'\\u202e'"],
]

for (const [word, quoted] of words) {
  test(`a shell word: ${quoted}`, () => assert.equal(shellWord(word), quoted))
}

test('bash reads every quoted word back as it was', () => {
  // One character after an escape that is itself a hexadecimal digit must not join it.
  const list = [...words.map(([word]) => word), '\x01f', '\u00e9\x1bé', '\u2028a0', '\u{e0041}1', '-n', '~', '*', '!x']
  const script = `printf '%s\\0' ${list.map(shellWord).join(' ')}`
  const said = execFileSync('bash', ['-c', script], {
    env: { LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'inherit'],
  }).toString()
  assert.deepEqual(said.split('\0').slice(0, -1), list)
})

test('columns counts what a terminal takes', () => {
  assert.equal(columns('abc'), 3)
  assert.equal(columns('日本'), 4)
  assert.equal(columns('e\u0301'), 1)
  assert.equal(columns('🚀'), 2)
})

test('cutting to columns never splits a character and never exceeds the width', () => {
  assert.equal(cutToColumns('abcdef', 4), 'abc…')
  assert.equal(cutToColumns('日本語', 4), '日…')
  assert.equal(cutToColumns('abcd', 4), 'abcd')
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, width) => {
      assert.ok(columns(cutToColumns(text, width)) <= width)
    }),
  )
})
