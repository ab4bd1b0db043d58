// The end-to-end benchmark: the gateway, a raw TLS relay (the floor) and Go's ReverseProxy, interleaved in one run in
// front of the same stand-in cluster, with figures as ratios to the floor. `--quick` takes under 90 seconds, `--json`
// prints the samples, `--only TEXT` picks scenarios by name.

import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProxies } from './proxies.ts'
import { type Sample, scenarios, takesPart } from './scenarios.ts'
import { table } from './table.ts'

const quick = process.argv.includes('--quick')
const json = process.argv.includes('--json')
const onlyAt = process.argv.indexOf('--only')
const only = onlyAt < 0 ? '' : (process.argv[onlyAt + 1] ?? '')
/** Times that each scenario is run for each proxy; the median counts. */
const ROUNDS = quick ? 1 : 3
const EFFORT = quick ? 1 : 3

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  const stops: (() => Promise<unknown> | unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  try {
    const proxies = await startProxies(folder, stops)
    const samples = new Map<string, Map<string, Sample[]>>()
    for (const scenario of scenarios) {
      if (!scenario.name.includes(only)) continue
      const contenders = proxies.filter(({ name }) => takesPart(scenario, name))
      const byProxy = new Map<string, Sample[]>(contenders.map((proxy) => [proxy.name, []]))
      samples.set(scenario.name, byProxy)
      // A short warm-up, then the proxies in turn, so that a slow minute of the machine meets all of them.
      for (let round = quick ? 0 : -1; round < ROUNDS; round++) {
        for (const proxy of contenders) {
          const sample = await scenario.run(proxy, EFFORT)
          if (round >= 0) byProxy.get(proxy.name)?.push(sample)
          process.stderr.write('.')
        }
      }
    }
    process.stderr.write('\n')
    if (json)
      process.stdout.write(`${JSON.stringify([...samples].map(([name, by]) => [name, Object.fromEntries(by)]))}\n`)
    else process.stdout.write(`${heading()}\n${table(scenarios, proxies, samples)}\n`)
    return 0
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

function heading(): string {
  const cpu = cpus()
  return `node ${process.version}, ${cpu.length} x ${cpu[0]?.model ?? 'unknown CPU'}, group durability, ${quick ? 'quick' : 'full'} run\n`
}

process.exitCode = await main()
