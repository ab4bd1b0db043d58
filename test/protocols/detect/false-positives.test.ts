import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Detection } from '../../../protocols/detect/detection.ts'
import { DETECTORS } from '../../../protocols/detect/detectors.ts'
import { maskText } from '../../support/masked-text.ts'
import { ordinaryText } from '../../support/ordinary-text.ts'

const BYTES = 6_000_000
/** Lines that are masked although nothing in them is secret, by what they begin with. */
const LISTED: readonly string[] = []

test('of six megabytes of ordinary text, fewer than one line in a thousand is changed, and those are listed', () => {
  const maskers = new Detection({ detectors: new Set(DETECTORS.keys()), patterns: [], learned: undefined })
  const changed: string[] = []
  let count = 0
  let bytes = 0
  for (const [kind, text] of ordinaryText(BYTES)) {
    const before = text.split('\n')
    const after = maskText(maskers, Buffer.from(text)).text.split('\n')
    assert.equal(after.length, before.length)
    before.forEach((line, at) => {
      if (line !== after[at]) changed.push(`${kind}: ${line} => ${after[at]}`)
    })
    count += before.length
    bytes += text.length
  }
  assert.ok(bytes >= 5_000_000)
  assert.ok(changed.length * 1_000 < count)
  assert.deepEqual(
    changed.filter((line) => !LISTED.some((beginning) => line.startsWith(beginning))),
    [],
  )
})
