// What the tape costs: bulk through stream() to disk, durable small requests alone and together, memory of an idle tape.
// Run: node --expose-gc --import tsx bench/micro/tape.ts [MEGABYTES]. CPU is this process's, LevelDB's threads included.

import { randomFillSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OpenTapeStore, openTapeStore } from '../../gateway/tape/store.ts'
import type { Tape } from '../../gateway/tape/tape.ts'

const MEGABYTES = Number(process.argv[2] ?? 512)
const PIECE = 16_384
const REQUESTS = 4_000
const IDLE = 2_000
const ANSWER = randomFillSync(new Uint8Array(1_000))
const REQUEST = {
  exchange: 1,
  method: 'POST',
  target: '/api/v1/namespaces/prod/pods/shell/exec?command=sh',
  fields: [],
  principal: { user: 'oidc:alice', groups: [], actor: 'agent-7' },
  attributes: null,
  command: ['sh'],
  auditId: '',
} as const

const directory = await mkdtemp(join(tmpdir(), 'sallyport-bench-'))
const store = await openTapeStore({
  directory: join(directory, 'tapes'),
  onFault: (error) => {
    throw error
  },
})
try {
  await bulk(store, 64)
  await bulk(store, MEGABYTES)
  for (const concurrent of [1, 8, 64]) await requests(store, concurrent)
  await idle(store)
} finally {
  await store.close()
  await rm(directory, { recursive: true })
}

async function bulk(store: OpenTapeStore, megabytes: number): Promise<void> {
  const tape = store.open({ kind: 'exec', cluster: 'bench', client: '127.0.0.1:1' })
  const piece = randomFillSync(new Uint8Array(PIECE))
  const pieces = (megabytes * 1_000_000) / PIECE
  const stop = measure()
  for (let at = 0; at < pieces; at++) {
    tape.stream(1, piece)
    // A socket gives a few pieces a turn, and a source pauses while the store is behind.
    if (at % 16 === 15) await new Promise((turn) => setImmediate(turn))
    if (store.congested) await relief(store)
  }
  await tape.durable()
  const { seconds, cpu } = stop()
  tape.seal('closed')
  const perGigabyte = cpu / (megabytes / 1000)
  print(`bulk ${megabytes} MB`, `${(megabytes / seconds).toFixed(0)} MB/s, ${perGigabyte.toFixed(2)} CPU s/GB`)
}

async function requests(store: OpenTapeStore, concurrent: number): Promise<void> {
  const tapes = Array.from({ length: concurrent }, () =>
    store.open({ kind: 'api', cluster: 'bench', client: '127.0.0.1:1' }),
  )
  await Promise.all(tapes.map((tape) => tape.durable()))
  const stop = measure()
  await Promise.all(
    tapes.map(async (tape) => {
      for (let exchange = 1; exchange <= REQUESTS / concurrent; exchange++) await request(tape, exchange)
    }),
  )
  const { seconds, cpu } = stop()
  for (const tape of tapes) tape.seal('closed')
  const wall = ((seconds / REQUESTS) * 1e6).toFixed(0)
  print(
    `durable requests, ${concurrent} at once`,
    `${wall} us each, ${((cpu / REQUESTS) * 1e6).toFixed(0)} us CPU each`,
  )
}

/** Four entries; the answer's are not waited for. */
async function request(tape: Tape, exchange: number): Promise<void> {
  tape.append('request', {
    exchange,
    method: 'GET',
    target: '/api/v1/namespaces/prod/pods?limit=500',
    fields: [
      'User-Agent',
      'kubectl/v1.37.0 (linux/amd64)',
      'Accept',
      'application/json',
      'Authorization',
      '<redacted>',
    ],
    principal: { user: 'oidc:alice', groups: ['oidc:dev', 'oidc:sre'], actor: 'agent-7' },
    attributes: {
      verb: 'list',
      apiGroup: '',
      apiVersion: 'v1',
      namespace: 'prod',
      resource: 'pods',
      subresource: '',
      name: '',
      path: '/api/v1/namespaces/prod/pods',
    },
    command: [],
    auditId: '8f1c1d8e-0000-4000-8000-000000000001',
  })
  tape.append('decision', { exchange, effect: 'allow', rule: 'readers', reason: 'a read' })
  await tape.durable()
  const fields = ['Content-Type', 'application/json', 'Audit-Id', '8f1c1d8e-0000-4000-8000-000000000001']
  tape.append('response', { exchange, status: 200, fields, by: 'cluster' })
  const end = { length: ANSWER.length, sha256: new Uint8Array(32), cut: false }
  tape.append('responseBody', { exchange, bytes: ANSWER, end })
}

async function idle(store: OpenTapeStore): Promise<void> {
  const open = (): Tape => store.open({ kind: 'exec', cluster: 'bench', client: '127.0.0.1:1' })
  const warm = Array.from({ length: IDLE }, open)
  for (const tape of warm) tape.seal('closed')
  await settled(store)
  const before = memory()
  const tapes = Array.from({ length: IDLE }, open)
  for (const tape of tapes) {
    tape.append('request', { ...REQUEST })
    tape.stream(1, ANSWER)
  }
  await settled(store)
  const bytes = (memory() - before) / IDLE
  for (const tape of tapes) tape.seal('closed')
  print('an idle open tape', `${bytes.toFixed(0)} bytes`)
}

async function settled(store: OpenTapeStore): Promise<void> {
  const tape = store.open({ kind: 'exec', cluster: 'bench', client: '127.0.0.1:1' })
  await new Promise((done) => setTimeout(done, 50))
  await tape.durable()
  tape.seal('closed')
  await new Promise((done) => setTimeout(done, 200))
}

/** Bytes of this process's heap and buffers after a collection; LevelDB's own are not in it. */
function memory(): number {
  for (let round = 0; round < 3; round++) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function relief(store: OpenTapeStore): Promise<void> {
  return new Promise((done) => {
    const remove = store.onChange(() => {
      remove()
      done()
    })
  })
}

function measure(): () => { seconds: number; cpu: number } {
  const started = performance.now()
  const before = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(before)
    return { seconds: (performance.now() - started) / 1000, cpu: (user + system) / 1e6 }
  }
}

function print(what: string, figures: string): void {
  process.stdout.write(`${what.padEnd(34)}${figures}\n`)
}
