// A value that was learned, and a text with it in every form: it is masked in each of them, whatever value it is and
// whatever stands around it. What is not learned costs nothing.

import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { Detection } from '../../../protocols/detect/detection.ts'
import { LearnedValues } from '../../../protocols/detect/learned-values.ts'
import { choice } from '../machine.ts'
import type { Target } from '../target.ts'

const BOUNDS = { values: 64, bytes: 4_194_304, piece: 96, depth: 4, shortest: 6 }
const LONGEST_AROUND = 256
const KEY = Buffer.alloc(32, 9)

const target: Target = {
  words: [
    'S3cr3t', 'password=', '{"auths":{"r":{"auth":"', '"}}}', 'postgres://a:', '@host/db', '-----BEGIN CERTIFICATE-----\n', '\n', '\\n', '\r\n', '"',
    '\\', '%2F', 'é', '\u{1f511}', 'eyJhbGciOiJIUzI1NiJ9.', 'token: ', '=', 'dXNlcjpodW50ZXIyMg==', '\0', 'aaaaaaaa', 'localhost', '12345678',
  ], // biome-ignore format: a list to look over, not to read
  run: (input) => {
    const [length, rest] = choice(input)
    const value = Buffer.from(rest.subarray(0, length))
    const around = rest.subarray(length, length + LONGEST_AROUND)
    const [before, after] = [around.subarray(0, around.length >> 1), around.subarray(around.length >> 1)]
    const learned = new LearnedValues(KEY, BOUNDS)
    learned.learn(value)
    assert.ok(learned.bytes <= BOUNDS.bytes, 'too much memory')
    if (learned.size === 0) return ['not learned']
    // Open, and said in SECURITY: with line ends in great number it is not promised to be found.
    if ((value.toString('latin1').match(LINE_END)?.length ?? 0) > MOST_LINE_ENDS) return ['blank lines']
    const maskers = new Detection({ detectors: new Set(), patterns: [], learned })
    const mask = (text: Uint8Array): Buffer => {
      const masker = maskers.masker({ terminal: false })
      return Buffer.concat([Buffer.from(masker.receive(text).masked), Buffer.from(masker.end().masked)])
    }
    // JSON is masked by its strings, and what joins them is kept wherever there is a quote. What an early line end breaks is
    // masked behind that (beginnings.ts).
    const written = value.toString('latin1')
    const masked = withoutWords(behindEarlyLineEnds(written).replaceAll(LINE_END, ''))
    const isJoint = masked.includes('"') && /^[\s:,{}[\]\d.eE+"\\-]*$/.test(masked)
    // Open, and said in SECURITY: a backslash beside what may be an escaped line end is read in two ways.
    const isAmbiguous = written.includes('\\')
    const isKept = /^[\s"\\]*$/.test(masked)
    const isPlain = !/^[[{]/.test(written) && !isJoint && !isKept && !isAmbiguous
    const told: string[] = []
    if (isPlain) {
      const text = mask(Buffer.concat([before, value, after]))
      const place = text.subarray(before.length, before.length + value.length)
      assert.ok(!place.equals(value), 'as it is')
      told.push('as it is')
    }
    const encoded = Buffer.concat([before, value, after]).toString('base64')
    const decoded = Buffer.from(mask(Buffer.from(encoded)).toString(), 'base64')
    assert.equal(decoded.length, before.length + value.length + after.length, 'base64 of another length')
    assert.ok(!decoded.subarray(before.length, before.length + value.length).equals(value), 'base64')
    const hex = value.toString('hex')
    assert.notEqual(mask(Buffer.from(hex)).toString(), hex, 'hexadecimal digits')
    if (isUtf8(value)) {
      const json = JSON.stringify({ a: value.toString() })
      const shown = mask(Buffer.from(json)).toString()
      assert.notEqual(shown, json, 'JSON')
      assert.equal(typeof (JSON.parse(shown) as { a: unknown }).a, 'string')
      told.push('JSON')
    }
    return told
  },
}

const MOST_LINE_ENDS = 8
const LINE_END = /[\r\n]|\\[nr]/g

/** What stands behind the last line end before the sixth character. */
function behindEarlyLineEnds(text: string): string {
  let from = 0
  for (const { 0: end, index } of text.matchAll(LINE_END)) {
    if (text.slice(0, index).replaceAll(LINE_END, '').length < 6) from = index + end.length
  }
  return text.slice(from)
}

/** Between two strings JSON has true, false and null as well, of which a value may have a part at its ends. */
function withoutWords(text: string): string {
  return text
    .replace(/^(?:r?ue|e|(?:a?l)?se|u?ll|l)(?=[\s,}\]"])/, '')
    .replace(/(?:t|tru?|f|fals?|fa|n|nu|nul)$/, '')
    .replaceAll(/true|false|null/g, '')
}

export default target
