// What is measured, each as a function of a proxy: its throughput or times, and the CPU seconds that the proxy itself
// spent, which stay comparable when the machine is busy with other things.

import { keptHttp2, paced, watches } from './http2-load.ts'
import { bulkIn, bulkOut, connections, echo, fresh, idle, kept, type Target } from './load.ts'
import type { Measured } from './process.ts'

export interface Contender {
  readonly name: string
  readonly process: Measured
  readonly target: Target
}

/** One measurement of one proxy. */
export interface Sample {
  /** Units of work a second, where throughput is the question. */
  readonly rate?: number
  /** Milliseconds, sorted, where time is the question. */
  readonly times?: readonly number[]
  /** The proxy's own CPU seconds for each unit of work. */
  readonly cpu?: number
  /** Resident bytes for each thing held. */
  readonly memory?: number
}

export interface Scenario {
  readonly name: string
  /** What `rate` counts and `cpu` is divided by. */
  readonly unit: 'GET' | 'GB' | 'round trip' | 'idle exec' | 'idle watch' | 'idle connection'
  /** The contender whose figures the ratios are to, in place of the floor's: only it and the gateway are run. */
  readonly beside?: typeof UNMASKED
  run(proxy: Contender, effort: number): Promise<Sample>
}

/** A gateway that looks for nothing in what streams by. */
export const UNMASKED = 'unmasked'

/** Whether a scenario is run for a contender. */
export function takesPart({ beside }: Scenario, name: string): boolean {
  return beside === undefined ? name !== UNMASKED : name === beside || name === 'sallyport'
}

const SMALL = '/api/v1/namespaces/default/services/small'
const SECRETS = '/api/v1/secrets'
const BIG = '/api/v1/namespaces/default/services/big'
const MIB = 1_048_576
const GB = 1_000_000_000
const IDLE = 300
const WATCHES = 200
/** The full run's; each costs a handshake or two. */
const CONNECTIONS = 2_000
const FEW_CONNECTIONS = 300

async function timed(
  proxy: Contender,
  units: number,
  work: () => Promise<readonly number[] | undefined>,
): Promise<Sample> {
  const cpu = proxy.process.cpu()
  const started = performance.now()
  const times = await work()
  const seconds = (performance.now() - started) / 1000
  const spent = { rate: units / seconds, cpu: (proxy.process.cpu() - cpu) / units }
  return times === undefined ? spent : { ...spent, times: [...times].sort((a, b) => a - b) }
}

/** `effort` is 1 for the quick run and more for the full one. */
export const scenarios: readonly Scenario[] = [
  {
    // First, in fresh processes: behind bulk, a collector that gives memory back would hide what is held.
    name: 'memory of an idle exec',
    unit: 'idle exec',
    run: async (proxy) => {
      const warm = await idle(proxy.target, 50)
      const before = proxy.process.memory()
      const sockets = await idle(proxy.target, IDLE)
      const memory = (proxy.process.memory() - before) / IDLE
      for (const socket of [...warm, ...sockets]) socket.destroy()
      return { memory }
    },
  },
  {
    // For the floor each is two TLS connections, its own and the cluster's; for the others one.
    name: 'memory of an idle connection',
    unit: 'idle connection',
    run: async (proxy, effort) => {
      const warm = await connections(proxy.target, SMALL, 50)
      const before = proxy.process.memory()
      const count = effort === 1 ? FEW_CONNECTIONS : CONNECTIONS
      const sockets = await connections(proxy.target, SMALL, count)
      const memory = (proxy.process.memory() - before) / count
      for (const socket of [...warm, ...sockets]) socket.destroy()
      return { memory }
    },
  },
  {
    name: `memory of ${WATCHES} idle watches, one HTTP/2 connection`,
    unit: 'idle watch',
    run: async (proxy) => {
      const warm = await watches(proxy.target, WATCHES)
      const before = proxy.process.memory()
      const others = await watches(proxy.target, WATCHES)
      const memory = proxy.process.memory() - before
      warm.destroy()
      others.destroy()
      return { memory }
    },
  },
  {
    name: 'small GET, HTTP/2',
    unit: 'GET',
    run: (proxy, effort) => timed(proxy, 1500 * effort, () => keptHttp2(proxy.target, SMALL, 1500 * effort, 1)),
  },
  {
    name: 'small GET, HTTP/2, 8 at a time',
    unit: 'GET',
    run: (proxy, effort) => timed(proxy, 4000 * effort, () => keptHttp2(proxy.target, SMALL, 4000 * effort, 8)),
  },
  {
    name: 'small GET, HTTP/2, 500 a second',
    unit: 'GET',
    run: (proxy, effort) => timed(proxy, 1000 * effort, () => paced(proxy.target, SMALL, 1000 * effort, 500)),
  },
  {
    name: '1 MiB GET, HTTP/2',
    unit: 'GB',
    run: (proxy, effort) =>
      timed(proxy, (200 * effort * MIB) / GB, () => keptHttp2(proxy.target, BIG, 200 * effort, 1)),
  },
  {
    name: 'small GET, kept connection',
    unit: 'GET',
    run: (proxy, effort) => timed(proxy, 1500 * effort, () => kept(proxy.target, SMALL, 1500 * effort)),
  },
  {
    name: 'small GET, 8 kept connections',
    unit: 'GET',
    run: (proxy, effort) =>
      timed(proxy, 4000 * effort, async () => {
        const each = Array.from({ length: 8 }, () => kept(proxy.target, SMALL, 500 * effort))
        return (await Promise.all(each)).flat()
      }),
  },
  {
    name: 'small GET, new connection each',
    unit: 'GET',
    run: (proxy, effort) => timed(proxy, 150 * effort, () => fresh(proxy.target, SMALL, 150 * effort)),
  },
  {
    name: '1 MiB GET',
    unit: 'GB',
    run: (proxy, effort) => timed(proxy, (200 * effort * MIB) / GB, () => kept(proxy.target, BIG, 200 * effort)),
  },
  ...(['websocket', 'spdy'] as const).flatMap((transport): Scenario[] => [
    {
      name: `exec stdout in bulk, ${transport}`,
      unit: 'GB',
      run: (proxy, effort) =>
        timed(proxy, (256 * effort * MIB) / GB, async () => {
          await bulkOut(proxy.target, transport, 256 * effort * MIB)
          return undefined
        }),
    },
    {
      name: `exec stdin in bulk, ${transport}`,
      unit: 'GB',
      run: (proxy, effort) =>
        timed(proxy, (256 * effort * MIB) / GB, async () => {
          await bulkIn(proxy.target, transport, 256 * effort * MIB)
          return undefined
        }),
    },
  ]),
  ...(['websocket', 'spdy'] as const).map(
    (transport): Scenario => ({
      // All detectors, and 500 values learned from a list of Secrets; nothing in the text is masked.
      name: `exec of a log in bulk, ${transport}, beside a gateway that does not mask streams`,
      unit: 'GB',
      beside: UNMASKED,
      run: async (proxy, effort) => {
        await keptHttp2(proxy.target, SECRETS, 1, 1)
        return timed(proxy, (256 * effort * MIB) / GB, async () => {
          await bulkOut(proxy.target, transport, 256 * effort * MIB, 'text')
          return undefined
        })
      },
    }),
  ),
  {
    name: 'exec echo, 16 bytes',
    unit: 'round trip',
    run: (proxy, effort) => timed(proxy, 1000 * effort, () => echo(proxy.target, 1000 * effort)),
  },
]
