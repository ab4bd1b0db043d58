import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Detection } from '../../../protocols/detect/detection.ts'
import { LearnedValues } from '../../../protocols/detect/learned-values.ts'
import { type CustomPattern, PatternError } from '../../../protocols/detect/patterns.ts'
import { maskAnyCut } from '../../support/masked-text.ts'

function custom(...patterns: readonly CustomPattern[]): Detection {
  return new Detection({ detectors: new Set(), patterns, learned: undefined })
}

const ACME = { name: 'acme', pattern: 'ACME-[0-9]{4,8}\\b' }

test('what a custom pattern matches is masked under its name, under any cut', () => {
  const masked = maskAnyCut(custom(ACME), 'a ACME-123456, b ACME-1 and ACME-12345678901')
  assert.deepEqual(masked, { text: 'a ~mask~~~~~~, b ACME-1 and ACME-12345678901', rules: 'acme', count: 1 })
})

test('the first group of a pattern, where it has one, is all that is masked', () => {
  const pattern = { name: 'order', pattern: 'order[_-]ref=([0-9a-f]{8,})', keywords: ['order_ref', 'order-ref'] }
  assert.equal(maskAnyCut(custom(pattern), 'x order_ref=0123abcd&y ORDER').text, 'x order_ref=~mask~~~&y ORDER')
})

test('a keyword is found in any case where the pattern says so', () => {
  const pattern = { name: 'pin', pattern: '(?i)pin code: ([0-9]{6})' }
  assert.equal(maskAnyCut(custom(pattern), 'PIN Code: 123456').text, 'PIN Code: ~mask~')
})

test('a match does not go past its line', () => {
  const pattern = { name: 'all', pattern: 'from here(?s:.*)' }
  assert.equal(maskAnyCut(custom(pattern), 'from here on\nand on').text, '~mask~~~~~~~\nand on')
})

test('what stands in a pattern is known as bytes: characters past ASCII are matched by their UTF-8', () => {
  const pattern = { name: 'umlaut', pattern: 'schlüssel=(\\w+)', keywords: ['schl'] }
  assert.equal(
    maskAnyCut(custom(pattern), Buffer.from('schlüssel=abcdef1 x')).text,
    Buffer.from('schlüssel=~mask~~ x').toString('latin1'),
  )
})

for (const [pattern, why] of [
  ['a[', 'pattern "p" cannot be read: error parsing regexp: missing closing ]: `[`'],
  ['(a)\\1', undefined],
  ['[0-9]{16}', undefined],
  ['abc[0-9]+', undefined],
  ['.*secret', undefined],
] as const) {
  test(`the pattern ${pattern} is refused`, () => {
    assert.throws(
      () => custom({ name: 'p', pattern }),
      (error) => error instanceof PatternError && error.message.startsWith(why ?? 'pattern "p"'),
    )
  })
}

test('patterns that only look hard take linear time', () => {
  const pattern = { name: 'hard', pattern: 'key=(a+)+\\$' }
  assert.equal(maskAnyCut(custom(pattern), `key=${'a'.repeat(300)}`).count, 0)
})

test('a pattern may begin with backslashes, and be cut anywhere', () => {
  for (const [keyword, text] of [
    [String.raw`AD\\nic`, String.raw`x AD\nick-1234 y`],
    [String.raw`\\\\srv`, String.raw`x \\srv-1234 y`],
    [String.raw`A\\B\\`, String.raw`x A\B\nick-1234 y`],
  ] as const) {
    const pattern = { name: 'account', pattern: `${keyword}[\\w-]*` }
    for (const values of [[], ['some-S3cret']]) {
      const learned = new LearnedValues(Buffer.alloc(32, 7), {
        values: 8,
        bytes: 1_048_576,
        piece: 64,
        depth: 1,
        shortest: 6,
      })
      for (const value of values) learned.learn(Buffer.from(value))
      const detection = new Detection({ detectors: new Set(), patterns: [pattern], learned })
      assert.match(maskAnyCut(detection, text).text, /^x [~mask]+(?:\\n)?[~mask]+ y$/, text)
    }
  }
})
