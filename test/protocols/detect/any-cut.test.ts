// Credentials whole and broken off, one in another and side by side, in any order: cuts change nothing of what comes out.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Detection } from '../../../protocols/detect/detection.ts'
import { DETECTORS } from '../../../protocols/detect/detectors.ts'
import { LearnedValues } from '../../../protocols/detect/learned-values.ts'
import type { TextMaskers } from '../../../protocols/kube/text-masker.ts'
import { cut } from '../../support/cut.ts'

const BOUNDS = { values: 100, bytes: 8_388_608, piece: 64, depth: 4, shortest: 6 }
const MIXED = 'aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD'
const JWT = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${MIXED}`
const VALUES = [
  'S3cr3t-Value!9',
  'S3cr3t-Value!9-and-more',
  'two\nl1nes-of\r\ntext',
  JWT,
  MIXED.repeat(6),
  'passw0rd=inner-S3cr3t',
]

const learned = new LearnedValues(Buffer.alloc(32, 5), BOUNDS)
for (const value of VALUES) learned.learn(Buffer.from(value))
const all = new Set(DETECTORS.keys())
const patterns = [{ name: 'acme', pattern: 'ACME-([0-9]{4,8})\\b', keywords: ['ACME-'] }]
const both = new Detection({ detectors: all, patterns, learned })
const detectorsAlone = new Detection({ detectors: all, patterns, learned: undefined })

const WHOLE = [
  ...VALUES,
  ...VALUES.flatMap((value) => [
    Buffer.from(value).toString('base64'),
    Buffer.from(value).toString('hex'),
    encodeURIComponent(value),
  ]),
  `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n${MIXED}\n${MIXED}\n-----END RSA PRIVATE KEY-----\n`,
  `password=hunter22`,
  `"apiKey": "ab12cd34ef56"`,
  `- name: DB_PASSWORD\n  value: hunter22\n`,
  `Authorization: Bearer ${MIXED}`,
  `postgres://app:p4ss@db:5432/x`,
  `ghp_${MIXED}0000`,
  `xoxb-123456789012-${MIXED}`,
  'AKIAIOSFODNN7EXAMPLE',
  `aws_secret_access_key=${MIXED}abcd/+12 `,
  `AccountKey=${MIXED.repeat(2)}==`,
  `abc8Q~${MIXED}`,
  `k8s-aws-v1.${MIXED}${MIXED}`,
  `client-key-data: ${MIXED}${MIXED}`,
  'ACME-123456 ',
]
const NOISE = [
  ' ',
  '\n',
  '\r\n',
  '\\n',
  '\\',
  '"',
  "'",
  '=',
  ':',
  '.',
  '~',
  '-',
  '/',
  '&',
  'pass',
  'x',
  'é',
  '\u001b[31m',
  '\u001b]0;t\u0007',
  '\u001b',
]
const piece = fc.oneof(
  fc.constantFrom(...WHOLE),
  fc
    .tuple(fc.constantFrom(...WHOLE), fc.nat({ max: 90 }), fc.nat({ max: 90 }))
    .map(([text, from, to]) => text.slice(Math.min(from, to), Math.max(from, to))),
  fc.constantFrom(...NOISE),
)
const texts = fc.array(piece, { maxLength: 10 }).map((pieces) => Buffer.from(pieces.join('')))
const lengths = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 8 })

for (const [what, maskers, terminal] of [
  ['everything that is looked for', both, false],
  ['detectors alone', detectorsAlone, false],
  ['a terminal', both, true],
] as const) {
  test(`${what}: any cut of any mixture comes out alike`, () => {
    fc.assert(
      fc.property(texts, lengths, (text, list) => {
        const whole = run(maskers, [text], terminal)
        assert.equal(whole.original, text.toString('latin1'))
        assert.deepEqual(run(maskers, cut(text, list), terminal), whole)
        const single = Array.from({ length: text.length }, (_, at) => text.subarray(at, at + 1))
        assert.deepEqual(run(maskers, single, terminal), whole)
      }),
      { numRuns: 1_000 },
    )
  })

  test(`${what}: flushes change neither length nor original`, () => {
    fc.assert(
      fc.property(texts, lengths, (text, list) => {
        const flushed = run(maskers, cut(text, list), terminal, true)
        assert.equal(flushed.original, text.toString('latin1'))
        assert.equal(flushed.masked.length, text.length)
      }),
      { numRuns: 300 },
    )
  })
}

function run(
  maskers: TextMaskers,
  chunks: readonly Uint8Array[],
  terminal: boolean,
  isFlushed = false,
): { original: string; masked: string; taken: unknown } {
  const masker = maskers.masker({ terminal })
  const [original, masked]: [string[], string[]] = [[], []]
  const take = (shown: { readonly original: Uint8Array; readonly masked: Uint8Array }): void => {
    original.push(Buffer.from(shown.original).toString('latin1'))
    masked.push(Buffer.from(shown.masked).toString('latin1'))
  }
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk)
    take(masker.receive(lent))
    lent.fill(0xa5)
    if (isFlushed) take(masker.flush())
  }
  take(masker.end())
  return { original: original.join(''), masked: masked.join(''), taken: masker.taken() }
}
