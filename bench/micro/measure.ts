// How long a small thing takes: run over and over for a while after a warm-up, and said in nanoseconds and megabytes a second of CPU
// time. (What is passed on without being looked at has a rate that no memory has.)

const WARM_UP_MILLIS = 300
const MEASURED_MILLIS = 1_000
const ROUND = 64

/**
 * Prints what one run of `work` costs. `units`: heads or frames in a run; `octets`: what it reads or writes. `work`
 * returns something made of its result, so that none of it can be left out.
 */
export function measure(what: string, units: number, octets: number, work: () => number): void {
  run(work, WARM_UP_MILLIS)
  const { runs, cpu } = run(work, MEASURED_MILLIS)
  const each = (cpu * 1e9) / (runs * units)
  const rate = (runs * octets) / cpu / 1e6
  process.stdout.write(`${what.padEnd(44)}${each.toFixed(0).padStart(8)} ns each${rate.toFixed(0).padStart(8)} MB/s\n`)
}

/** CPU of this process, its collections of garbage included. */
function run(work: () => number, millis: number): { runs: number; cpu: number } {
  const started = performance.now()
  const before = process.cpuUsage()
  let runs = 0
  let sum = 0
  while (performance.now() - started < millis) {
    for (let round = 0; round < ROUND; round++) sum += work()
    runs += ROUND
  }
  if (!Number.isFinite(sum)) throw new Error('a benchmark whose work comes to nothing')
  const { user, system } = process.cpuUsage(before)
  return { runs, cpu: (user + system) / 1e6 }
}
