// The fuzzer's command line: npm run fuzz -- TARGET [--seconds N] [--executions N] [--seed N] [--keep], the same with
// all [--jobs N] for every target, --list, or TARGET FILE to run one input. What breaks a target is stored in its corpus,
// and the process exits 1.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { corpusFiles, corpusFolder } from './corpus.ts'
import { Coverage } from './coverage.ts'
import { type Figures, Fuzzer } from './fuzzer.ts'
import { LONGEST } from './mutator.ts'
import { targets } from './targets.ts'

const DEFAULT_SECONDS = 60
const DEFAULT_SEED = 20_261_123
/** Files of one corpus; a run that keeps more than a person would look over keeps noise. */
const CORPUS_FILES = 60
const REPORT_MILLIS = 10_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    executions: { type: 'string' },
    seed: { type: 'string' },
    jobs: { type: 'string', default: '1' },
  },
})
const [name = '', file] = positionals
const load = Object.hasOwn(targets, name) ? targets[name] : undefined

if (values.list) print(Object.keys(targets).join('\n'))
else if (name === 'all') process.exitCode = await runAll(Number(values.jobs))
else if (load === undefined) {
  print(
    'usage: npm run fuzz -- TARGET|all [--seconds N] [--executions N] [--seed N] [--keep] [--jobs N] | TARGET FILE | --list',
  )
  process.exitCode = 2
} else if (file !== undefined) print((await (await load()).run(readFileSync(file))).join('\n'))
else process.exitCode = await fuzz(load)

/** One process each, since a target's coverage is its own; so many side by side. */
async function runAll(jobs: number): Promise<number> {
  const flags = process.argv.slice(2).filter((argument) => argument !== 'all')
  const waiting = Object.keys(targets)
  let worst = 0
  const job = async (): Promise<void> => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      const run = [...process.execArgv, fileURLToPath(import.meta.url), target, ...flags]
      const [status] = await once(spawn(process.execPath, run, { stdio: 'inherit' }), 'exit')
      worst = Math.max(worst, (status as number | null) ?? 1)
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, job))
  return worst
}

async function fuzz(loadTarget: NonNullable<typeof load>): Promise<number> {
  const seconds = Number(
    values.seconds ?? (values.executions === undefined ? DEFAULT_SECONDS : Number.POSITIVE_INFINITY),
  )
  const executions = Number(values.executions ?? Number.POSITIVE_INFINITY)
  const seed = Number(values.seed ?? DEFAULT_SEED)
  mkdirSync(corpusFolder(name), { recursive: true })
  const coverage = new Coverage()
  const target = await loadTarget()
  const beginning = watch()
  const fuzzer = new Fuzzer(target, seed, coverage, beginning)
  const started = performance.now()
  const files = corpusFiles(name)
  for (const path of files) {
    const finding = await fuzzer.seed(readFileSync(path))
    if (finding !== undefined) return report(finding.error, path)
  }
  const seeds = fuzzer.kept.length
  let reported = started
  while (fuzzer.figures.executions < executions) {
    const now = performance.now()
    if (now - started >= seconds * 1000) break
    if (now - reported >= REPORT_MILLIS) {
      reported = now
      printFigures(fuzzer.figures, now - started)
    }
    const finding = await fuzzer.batch()
    if (finding !== undefined) return report(finding.error, store('crash-', finding.input))
  }
  printFigures(fuzzer.figures, performance.now() - started)
  if (values.keep) keep(fuzzer.kept.slice(seeds), CORPUS_FILES - files.length)
  return 0
}

/** Starts the watchdog; the function returned tells it of each input. */
function watch(): (input: Uint8Array) => void {
  const progress = new Int32Array(new SharedArrayBuffer(8))
  const input = new Uint8Array(new SharedArrayBuffer(LONGEST))
  const workerData = { progress, input, folder: corpusFolder(name) }
  new Worker(new URL('watchdog.js', import.meta.url), { workerData, execArgv: [] }).unref()
  return (next) => {
    input.set(next.subarray(0, LONGEST))
    progress[1] = next.length
    progress[0]! += 1
  }
}

/** The shortest first. */
function keep(found: readonly Uint8Array[], room: number): void {
  const chosen = [...found].sort((a, b) => a.length - b.length).slice(0, Math.max(0, room))
  for (const input of chosen) store('', input)
  print(`${name}: ${chosen.length} inputs of ${found.length} joined the corpus`)
}

function store(prefix: string, input: Uint8Array): string {
  const path = `${corpusFolder(name)}${prefix}${createHash('sha256').update(input).digest('hex').slice(0, 16)}`
  writeFileSync(path, input)
  return path
}

function report(error: unknown, path: string): number {
  const shown = relative('.', path)
  const text = error instanceof Error ? error.stack : String(error)
  print(`${name}: FAILED\n${text}\nThe input is in ${shown}; again: npm run fuzz -- ${name} ${shown}`)
  return 1
}

function printFigures({ executions, functions, gaps, said, kept }: Figures, millis: number): void {
  const pace = `${(millis / 1000).toFixed(0)} s, ${executions} runs, ${Math.round(executions / (millis / 1000))}/s`
  print(`${name}: ${pace}; ${functions} functions with ${gaps} gaps, ${said} said; ${kept} kept`)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
