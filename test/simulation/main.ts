// npm run simulate -- [--seeds N] [--seed S] [--steps M]: plays seeds one after another and says what happened in them. The
// first that breaks a promise is printed with how to play it again, is kept in kept-seeds.json, and ends it with 1.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { run, type Tally } from './run.ts'

const KEPT = fileURLToPath(new URL('./kept-seeds.json', import.meta.url))
const PROGRESS_MILLIS = 5_000

const { values } = parseArgs({
  options: { seeds: { type: 'string' }, seed: { type: 'string' }, steps: { type: 'string' } },
})
const first = Number(values.seed ?? 1)
const count = Number(values.seeds ?? (values.seed === undefined ? 200 : 1))
const steps = values.steps === undefined ? undefined : Number(values.steps)
if (![first, count, steps ?? 1].every(Number.isSafeInteger)) {
  process.stderr.write('usage: npm run simulate -- [--seeds N] [--seed S] [--steps M]\n')
  process.exit(2)
}

const started = performance.now()
let said = started
const sums: Partial<Tally> = {}
for (let seed = first; seed < first + count; seed++) {
  try {
    const tally = await run(seed, steps)
    for (const [name, value] of Object.entries(tally))
      sums[name as keyof Tally] = (sums[name as keyof Tally] ?? 0) + value
  } catch (error) {
    process.stdout.write(`seed ${seed}: ${(error as Error).stack}\n\nagain: npm run simulate -- --seed ${seed}\n`)
    const kept = new Set(JSON.parse(readFileSync(KEPT, 'utf8')) as number[]).add(seed)
    writeFileSync(KEPT, `${JSON.stringify([...kept].sort((a, b) => a - b))}\n`)
    process.exit(1)
  }
  const now = performance.now()
  if (now - said < PROGRESS_MILLIS) continue
  said = now
  process.stdout.write(`${seed - first + 1} of ${count} seeds\n`)
}
const seconds = (performance.now() - started) / 1000
process.stdout.write(`${count} seeds in ${seconds.toFixed(1)} s, all promises kept: ${JSON.stringify(sums)}\n`)
