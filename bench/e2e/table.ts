// The benchmark's samples as a table: medians, and each figure as a ratio to that of the floor, or of what a scenario names.

import type { Contender, Sample, Scenario } from './scenarios.ts'

export function table(
  scenarios: readonly Scenario[],
  proxies: readonly Contender[],
  samples: ReadonlyMap<string, ReadonlyMap<string, readonly Sample[]>>,
): string {
  const rows: string[][] = [
    ['scenario', 'proxy', 'rate', 'p50', 'p99', 'proxy CPU', 'memory', 'rate/floor', 'CPU/floor'],
  ]
  for (const scenario of scenarios) {
    const byProxy = samples.get(scenario.name)
    if (byProxy === undefined) continue
    const floor = summary(byProxy.get(scenario.beside ?? 'floor') ?? [])
    for (const proxy of proxies) {
      if (!byProxy.has(proxy.name)) continue
      const own = summary(byProxy.get(proxy.name) ?? [])
      rows.push([
        scenario.name,
        proxy.name,
        own.rate === undefined ? '' : rate(own.rate, scenario.unit),
        own.p50 === undefined ? '' : `${own.p50.toFixed(2)} ms`,
        own.p99 === undefined ? '' : `${own.p99.toFixed(2)} ms`,
        own.cpu === undefined ? '' : cpu(own.cpu, scenario.unit),
        own.memory === undefined ? '' : `${(own.memory / 1024).toFixed(0)} KiB`,
        ratio(own.rate, floor.rate),
        ratio(own.cpu, floor.cpu),
      ])
    }
  }
  const widths = (rows[0] as string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  )
  return rows
    .map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] as number)).join(' | ')} |`)
    .toSpliced(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`)
    .join('\n')
}

interface Summary {
  readonly rate: number | undefined
  readonly p50: number | undefined
  readonly p99: number | undefined
  readonly cpu: number | undefined
  readonly memory: number | undefined
}

function summary(samples: readonly Sample[]): Summary {
  const times = samples.flatMap((sample) => sample.times ?? []).sort((a, b) => a - b)
  return {
    rate: median(samples.map((sample) => sample.rate)),
    p50: times[Math.floor(times.length / 2)],
    p99: times[Math.floor(times.length * 0.99)],
    cpu: median(samples.map((sample) => sample.cpu)),
    memory: median(samples.map((sample) => sample.memory)),
  }
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b)
  return known[Math.floor(known.length / 2)]
}

function rate(perSecond: number, unit: Scenario['unit']): string {
  return unit === 'GB' ? `${(perSecond * 1000).toFixed(0)} MB/s` : `${perSecond.toFixed(0)}/s`
}

function cpu(seconds: number, unit: Scenario['unit']): string {
  return unit === 'GB' ? `${seconds.toFixed(2)} s/GB` : `${(seconds * 1e6).toFixed(0)} µs`
}

function ratio(own: number | undefined, floor: number | undefined): string {
  return own === undefined || floor === undefined || floor === 0 ? '' : `${(own / floor).toFixed(2)}`
}
