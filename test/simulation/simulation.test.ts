// A few seeds, those that once broke a promise, and the proof that a seed is a run: twice the same gives twice the same.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { run } from './run.ts'

const SEEDS = 25
const kept = JSON.parse(readFileSync(new URL('./kept-seeds.json', import.meta.url), 'utf8')) as number[]

test('the promises hold in every seed', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) await run(seed)
})

test('seeds that once broke a promise break none', async () => {
  for (const seed of kept) await run(seed)
})

test('a seed plays the same way twice', async () => {
  for (const seed of [3, 4]) assert.deepEqual(await run(seed), await run(seed))
})

test('runs do what they are for', async () => {
  const tally = await run(1)
  assert.ok(tally.whole > 5 && tally.broken > 5, JSON.stringify(tally))
})
