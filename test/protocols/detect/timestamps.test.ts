// Logs with the kubelet's timestamps before their lines: what goes over several lines is masked all the same.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Detection } from '../../../protocols/detect/detection.ts'
import { DETECTORS } from '../../../protocols/detect/detectors.ts'
import { LearnedValues } from '../../../protocols/detect/learned-values.ts'
import { maskAnyCut } from '../../support/masked-text.ts'

const MIXED = 'aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD'
const SHORT_LINES = 'f1rst-p\ns3cond\nth1rd-p'
const STAMP = '2026-11-29T00:00:00.123456789Z '
const ZONED = '2026-11-29T00:00:00.123456789+01:00 '

const learned = new LearnedValues(Buffer.alloc(32, 7), {
  values: 8,
  bytes: 1_048_576,
  piece: 1_536,
  depth: 4,
  shortest: 6,
})
learned.learn(Buffer.from(SHORT_LINES))
const detection = new Detection({ detectors: new Set(DETECTORS.keys()), patterns: [], learned })

function masked(lines: readonly string[], stamp: string): string[] {
  const text = lines.map((line) => `${stamp}${line}\n`).join('')
  const shown = maskAnyCut(detection, text, { terminal: false, timestamps: true }).text
  assert.equal(shown.length, text.length)
  return shown.split('\n').slice(0, -1)
}

for (const stamp of [STAMP, ZONED]) {
  test(`a key and a value of several lines are masked behind ${stamp}`, () => {
    const key = ['-----BEGIN PRIVATE KEY-----', MIXED, MIXED, '-----END PRIVATE KEY-----']
    const lines = masked(['ready', ...key, ...SHORT_LINES.split('\n'), 'password=hunter22x', 'done 7'], stamp)
    assert.ok(lines.every((line) => line.startsWith(stamp)))
    assert.deepEqual(
      lines.map((line) => line.slice(stamp.length).replace(/[~mask]{4,}/, '#')),
      ['ready', key[0], '#', '#', key[3], '#', '#', '#', 'password=#', 'done 7'],
    )
  })
}

test('lines without a timestamp, with half of one or with more are text', () => {
  const lines = masked(['2026 password=hunter22x', '', ' password=hunter22x', `${STAMP}password=hunter22x`], '')
  assert.deepEqual(
    lines.map((line) => line.replace(/[~mask]{4,}/, '#')),
    ['2026 password=#', '', ' password=#', `${STAMP}password=#`],
  )
})

test('without timestamps asked for, a log is looked at once', () => {
  const { text } = maskAnyCut(detection, `${STAMP}f1rst-p\n${STAMP}s3cond\n`)
  assert.match(text, /f1rst-p/)
})
