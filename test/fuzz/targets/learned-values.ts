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
    // What begins as filling does is not learned whole, though what is within may be.
    const beginning = value
      .toString('latin1')
      .replaceAll(/\\+[nr]?|[\r\n]/g, '')
      .slice(0, LONGEST_FILLING)
    if (new Set(beginning).size < FEWEST_DIFFERENT) return ['filling']
    const maskers = new Detection({ detectors: new Set(), patterns: [], learned })
    const mask = (text: Uint8Array): Buffer => {
      const masker = maskers.masker({ terminal: false })
      return Buffer.concat([Buffer.from(masker.receive(text).masked), Buffer.from(masker.end().masked)])
    }
    // JSON is masked by its strings, as it is encoded whole.
    const isPlain = !isJson(value.toString())
    const told: string[] = []
    if (isPlain) {
      const text = mask(Buffer.concat([before, value, after]))
      const place = text.subarray(before.length, before.length + value.length)
      assert.ok(!place.equals(value), 'as it is')
      // Parts between many line ends are learned one by one, and words are not.
      if (!/(?:[\r\n]|\\+[nr]?){5}/.test(value.toString('latin1')))
        assert.ok(longestShown(value, place) < SHORTEST_SECRET, 'much of it as it is')
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
      const url = encodeURIComponent(value.toString())
      assert.notEqual(mask(Buffer.from(url)).toString(), url, 'URL')
      told.push('text')
    }
    return told
  },
}

/** Of bytes that are not masked, how many are there in a row, without what is kept for the structure of JSON and lines and what masks are made of? */
function longestShown(value: Uint8Array, masked: Uint8Array): number {
  let longest = 0
  let length = 0
  for (let at = 0; at < value.length; at++) {
    const isShown = masked[at] === value[at] && !STRUCTURE.includes(String.fromCharCode(value[at]!))
    length = isShown ? length + 1 : 0
    longest = Math.max(longest, length)
  }
  return longest
}

const SHORTEST_SECRET = 6
const LONGEST_FILLING = 64
const FEWEST_DIFFERENT = 4
const STRUCTURE = ' \t\r\n"\\,:{}[]+-.0123456789eEtrufalsn~mask'

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}

export default target
