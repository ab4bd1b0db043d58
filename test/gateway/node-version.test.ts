import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOfLife } from '../../gateway/node-version.ts'

const cases: readonly (readonly [version: string, today: string, old: boolean])[] = [
  ['20.20.2', '2026-04-30', false],
  ['20.20.2', '2026-05-01', true],
  ['22.23.3', '2026-11-23', false],
  ['23.1.0', '2026-11-23', true],
  ['24.21.0', '2026-11-23', false],
  ['99.0.0', '2099-01-01', false],
]

for (const [version, today, old] of cases) {
  test(`Node ${version} on ${today} is ${old ? 'end-of-life, in one line' : 'alive'}`, () => {
    const line = endOfLife(version, today)
    assert.equal(line !== undefined, old)
    if (line !== undefined) assert.match(line, /^Node \S+ has been end-of-life since \d{4}-\d\d-\d\d and [^\n]+$/)
  })
}
