// What is masked keeps the structure of what it stands in: JSON stays JSON, base64 stays base64, UTF-8 stays UTF-8, and
// everything stays as long as it was.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Detection } from '../../../protocols/detect/detection.ts'
import { DETECTORS } from '../../../protocols/detect/detectors.ts'
import { LearnedValues } from '../../../protocols/detect/learned-values.ts'
import { hasTextMark } from '../../../protocols/detect/mask-text.ts'
import { cut } from '../../support/cut.ts'
import { maskAnyCut, maskText } from '../../support/masked-text.ts'

const BOUNDS = { values: 100, bytes: 8_388_608, piece: 1_536, depth: 4, shortest: 6 }
const VALUES = [
  'p4ss"w\\rd/é',
  'npassword9',
  'S3cr3t\nof two l1nes',
  '\u{1f511}-k3y-\u{1f511}',
  'back\\',
  '<b>&1234',
  'k3y-\\","name":"k3y',
]

const learned = new LearnedValues(Buffer.alloc(32, 3), BOUNDS)
for (const value of VALUES) learned.learn(Buffer.from(value))
const maskers = new Detection({ detectors: new Set(DETECTORS.keys()), patterns: [], learned })

const MIXED = 'aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD'
const CREDENTIALS = [
  ...VALUES,
  'password=hunter22',
  '\\password="hunter22"',
  `-----BEGIN PRIVATE KEY-----\n${MIXED}\n${MIXED}\n-----END PRIVATE KEY-----\n`,
  `Bearer ${MIXED}`,
  `postgres://a:p"w\\x@h`,
  `ghp_${MIXED}0000`,
  `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${MIXED}`,
  'AKIAIOSFODNN7EXAMPLE',
]
const NAMES = ['password', 'token', 'apiKey', 'name', 'value', 'log', 'client-key-data', 'Authorization']
const strings = fc
  .array(
    fc.oneof(
      fc.constantFrom(...CREDENTIALS),
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom('\\', '"', '\n', ' '),
    ),
    {
      maxLength: 4,
    },
  )
  .map((parts) => parts.join(''))
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    strings,
    strings.map((text) => JSON.stringify({ password: text })),
    fc.constantFrom<unknown>(null, true, 12345678, -1.5e10),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...NAMES), strings), tie('json'), { maxKeys: 4 }),
  ),
}))
const spaces = fc.constantFrom(undefined, 2, '\t')
const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 })

test('JSON with credentials in its strings is JSON of the same structure once masked', () => {
  fc.assert(
    fc.property(json, spaces, lengths, (value, space, list) => {
      const text = Buffer.from(JSON.stringify(value, undefined, space))
      const masked = maskCut(text, list)
      assert.equal(masked.length, text.length)
      assert.deepEqual(
        shapeOf(JSON.parse(masked.toString()) as unknown),
        shapeOf(JSON.parse(text.toString()) as unknown),
      )
      assert.equal(maskText(maskers, text).text, masked.toString('latin1'))
    }),
    { numRuns: 400 },
  )
})

test('UTF-8 with credentials in it is UTF-8 once masked', () => {
  const pieces = fc.array(fc.oneof(fc.constantFrom(...CREDENTIALS), fc.string({ unit: 'binary', maxLength: 5 })), {
    maxLength: 6,
  })
  fc.assert(
    fc.property(pieces, lengths, (parts, list) => {
      const decoder = new TextDecoder('utf-8', { fatal: true })
      decoder.decode(maskCut(Buffer.from(parts.join('')), list))
    }),
    { numRuns: 200 },
  )
})

test('base64 of a document with a learned value in it is base64 once masked', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(...VALUES),
      fc.uint8Array({ maxLength: 40 }),
      (before, value, after) => {
        const text = Buffer.concat([before, Buffer.from(value), after]).toString('base64')
        const masked = maskText(maskers, text).text
        assert.equal(masked.replace(/[^=]/g, ''), text.replace(/[^=]/g, ''))
        assert.equal(masked.length, text.length)
        assert.match(masked, /^[A-Za-z0-9+/]*={0,2}$/)
      },
    ),
    { numRuns: 200 },
  )
})

test('a masked text says that it is masked, also in base64, and others do not', () => {
  for (const value of ['ghp_aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD0000', 'password=hunter22']) {
    const { text } = maskText(maskers, value)
    assert.ok(hasTextMark(text))
    assert.ok(hasTextMark(Buffer.from(text)))
    for (const before of ['', 'a', 'ab']) assert.ok(hasTextMark(Buffer.from(`${before}${text}`).toString('base64')))
    assert.ok(!hasTextMark(value))
  }
  assert.ok(hasTextMark(maskText(maskers, Buffer.from(VALUES[1] as string).toString('base64')).text))
})

function maskCut(text: Uint8Array, list: readonly number[]): Buffer {
  const masker = maskers.masker({ terminal: false })
  const parts = cut(text, list).map((chunk) => new Uint8Array(masker.receive(chunk).masked))
  parts.push(new Uint8Array(masker.end().masked))
  return Buffer.concat(parts)
}

/** Keys may be masked as strings are, so that only their number counts. */
function shapeOf(value: unknown): unknown {
  if (typeof value === 'string') return 'text'
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.values(value).map(shapeOf)
}

test('a value that begins within an escape of JSON leaves the escape whole', () => {
  const known = new LearnedValues(Buffer.alloc(32, 3), BOUNDS)
  for (const value of ['1ab9v4lue-x', 'u001fv4lue-x', '9v4lue-xyz', '00e9v4lue-x']) known.learn(Buffer.from(value))
  const detection = new Detection({ detectors: new Set(), patterns: [], learned: known })
  for (const text of ['"\\u001ab9v4lue-x"', '"\\u001fv4lue-x"', '"\\u00e9v4lue-xyz"', '"\\\\u001fv4lue-x"']) {
    const { text: shown } = maskAnyCut(detection, text)
    assert.doesNotMatch(JSON.parse(shown) as string, /v4lue/)
  }
})
