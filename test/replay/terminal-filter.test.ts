import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TerminalFilter } from '../../replay/terminal-filter.ts'
import { cut } from '../support/cut.ts'

/** Every text the filter may give: printable characters, four controls and the sequences of the allow-list. */
const ALLOWED = new RegExp(
  [
    '[\\r\\n\\t\\b]',
    '[\\x20-\\x7e]',
    '[^\\x00-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff]',
    '\\x1b[78DEM]',
    '\\x1b\\([0B]',
    '\\x1b\\[[0-9;:]*m',
    '\\x1b\\[[0-9]{0,4}(;[0-9]{0,4})?[A-IZ`adefrSTX@LMP]',
    '\\x1b\\[[012]?[JK]',
    '\\x1b\\[[0-9]{0,3}b',
    '\\x1b\\[[su]',
    '\\x1b\\[\\?(7|25|47|1047|1049)(;(7|25|47|1047|1049))*[hl]',
  ].join('|'),
  'gu',
)

function filtered(text: string | Uint8Array): { text: string; dropped: number } {
  const filter = new TerminalFilter()
  const shown = filter.filter(typeof text === 'string' ? Buffer.from(text) : text)
  return { text: shown + filter.end(), dropped: filter.dropped }
}

const harmless: readonly (readonly [name: string, text: string])[] = [
  ['text with tabs and line ends', 'a\tb\r\nc\b'],
  ['text of any script', 'grüße 日本語 🚀'],
  ['colours, also direct ones', '\x1b[1;38;2;10;20;30mx\x1b[4:3my\x1b[0m'],
  ['cursor movement', '\x1b[2A\x1b[10;20Hx\x1b[G'],
  ['erasing', '\x1b[2J\x1b[K\x1b[1K\x1b[3P'],
  ['saving and restoring the cursor', '\x1b7\x1b8\x1b[s\x1b[u'],
  ['index and reverse index', '\x1bD\x1bM\x1bE'],
]

for (const [name, text] of harmless) {
  test(`passes ${name}`, () => {
    const { text: shown, dropped } = filtered(text)
    assert.equal(shown, text.includes('\x1b[1;38') ? `${text}\x1b[0m` : text)
    assert.equal(dropped, 0)
  })
}

const hostile: readonly (readonly [name: string, text: string | Uint8Array, shown: string])[] = [
  ['a clipboard write (OSC 52)', 'a\x1b]52;c;cm0gLXJmIC8=\x07b', 'ab'],
  ['a title (OSC 0) ended by ST', 'a\x1b]0;evil\x1b\\b', 'ab'],
  ['a link (OSC 8)', '\x1b]8;;file:///etc/passwd\x1b\\x\x1b]8;;\x1b\\', 'x'],
  ['a question for settings (DECRQSS)', 'a\x1bP$q"p\x1b\\b', 'ab'],
  ['a key definition (DECUDK)', '\x1bP0;1|17/17\x1b\\x', 'x'],
  ['application and privacy strings', '\x1b_Gi=1\x1b\\a\x1b^x\x1b\\b\x1bXs\x1b\\c', 'abc'],
  ['bracketed paste', '\x1b[?2004hx\x1b[?2004l', 'x'],
  ['mouse tracking', '\x1b[?1000;1006hx', 'x'],
  ['application keys', '\x1b[?1h\x1b=x\x1b>', 'x'],
  ['modes that are allowed, out of a list with others', '\x1b[?2004;7hx', '\x1b[?7hx'],
  ['questions for status, attributes and position', '\x1b[6n\x1b[c\x1b[>c\x1b[0q\x1b[?25$px', 'x'],
  ['window operations', '\x1b[21tx\x1b[8;1;1t', 'x'],
  ['keyboard options', '\x1b[>4;2mx\x1b[>1u\x1b[=5u', 'x'],
  ['printing', '\x1b[5ix\x1b[4i', 'x'],
  ['a reset', '\x1bcx\x1b[!p', 'x'],
  ['erasing what was on the terminal before', '\x1b[3Jx', 'x'],
  ['margins and mouse highlighting', '\x1b[2;5sx\x1b[1;2;3;4;5T', 'x'],
  ['endless repetition', 'x\x1b[999999999b\x1b[501b', 'x'],
  ['numbers without end', `\x1b[${'9'.repeat(5000)}Ax`, 'x'],
  ['C1 controls as UTF-8', 'a\u009b31mb\u009d0;t\u009c', 'a31mb0;t'],
  ['C1 controls as bytes', Uint8Array.of(0x61, 0x9b, 0x33, 0x6d), 'a\ufffd3m'],
  ['other C0 controls', 'a\x00\x05\x07\x0b\x0c\x0e\x0fb\x7f', 'ab'],
  ['other character sets', '\x1b)0\x1b%G\x1b#8\x1b*Bx', 'x'],
  ['what hides or turns text around', 'a\u202eb\u2066c', 'a\ufffdb\ufffdc'],
  ['a sequence within a sequence', '\x1b[3\x1b]0;t\x07x', 'x'],
  ['a sequence that was cancelled', '\x1b[3\x18x\x1b]0;t\x1ay', 'xy'],
  ['a line end inside a sequence, in its place', '\x1b[3\n1mx', '\n\x1b[31mx\x1b[0m'],
  ['a string without an end', 'x\x1b]0;never', 'x'],
]

for (const [name, text, shown] of hostile) {
  test(`leaves out ${name}`, () => {
    assert.equal(filtered(text).text, shown)
  })
}

test('what was left out is counted', () => {
  assert.equal(filtered('\x1b]0;t\x07\x1b[6n\x07x\x1b]').dropped, 4)
})

test('a string that does not end cannot hide the rest of the tape', () => {
  const { text } = filtered(`\x1b]0;${'x'.repeat(70_000)}rm -rf /`)
  assert.ok(text.endsWith('rm -rf /'))
})

test('at the end the terminal is put back to rest', () => {
  const { text } = filtered('\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[31m\x1b[2;5r\x1b(0x')
  assert.ok(text.endsWith('x\x1b(B\x1b7\x1b[r\x1b8\x1b[?1049l\x1b[?7h\x1b[?25h\x1b[0m'))
  assert.equal(filtered('\x1b[?25l\x1b[?25hx').text, '\x1b[?25l\x1b[?25hx')
})

test('any cut gives the same text', () => {
  const texts = [...harmless.map(([, text]) => text), ...hostile.map(([, text]) => text)]
  const bytes = Buffer.concat(texts.flatMap((text) => [Buffer.from(text), Buffer.from('é')]))
  const whole = filtered(bytes)
  for (let at = 1; at < bytes.length; at++) {
    const filter = new TerminalFilter()
    const shown = filter.filter(bytes.subarray(0, at)) + filter.filter(bytes.subarray(at)) + filter.end()
    assert.deepEqual({ text: shown, dropped: filter.dropped }, whole, `cut at ${at}`)
  }
  for (const lengths of [[1], [0, 1, 3], [7, 2]]) {
    const filter = new TerminalFilter()
    const pieces = cut(bytes, lengths).map((piece) => filter.filter(new Uint8Array(piece)))
    assert.deepEqual({ text: pieces.join('') + filter.end(), dropped: filter.dropped }, whole)
  }
})

test('every piece is made of allowed sequences only, whatever the bytes', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '\x1b',
      '\x1b[',
      '\x1b]',
      '\x1bP',
      '\x1b(',
      '?',
      '25',
      ';',
      ':',
      '>',
      ' ',
      '$',
      '\\',
      '\x07',
      '\x9b',
    ),
    fc.constantFrom(...'hlmnJKTbrsuqpctABHf0123456789'),
    fc.string({ unit: 'binary', maxLength: 4 }),
  )
  const chunk = fc.oneof(
    fc.array(piece, { maxLength: 12 }).map((pieces) => Buffer.from(pieces.join(''))),
    fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes)),
  )
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 6 }), (chunks) => {
      const filter = new TerminalFilter()
      for (const shown of [...chunks.map((bytes) => filter.filter(bytes)), filter.end()]) {
        assert.equal(shown.replace(ALLOWED, ''), '')
      }
    }),
    { numRuns: 2_000 },
  )
})
