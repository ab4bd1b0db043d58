// A tape store over a simulated disk, on a clock that stands still, in a directory of its own; and the judgement of what
// it left on that disk.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type OpenTapeStore, openTapeStore } from '../../../../gateway/tape/store.ts'
import type { TapeFailed } from '../../../../gateway/tape/tape.ts'
import { splitStored } from '../../../../protocols/tape/chain.ts'
import { parseVerifierKey } from '../../../../protocols/tape/checkpoint.ts'
import { CHECKPOINT_KEY } from '../../../../protocols/tape/keys.ts'
import { type TapeReport, verifyTape } from '../../../../protocols/tape/verify.ts'
import { type LogReport, verifyLog } from '../../../../protocols/tape/verify-log.ts'
import { ManualTime } from '../../../support/manual-time.ts'
import { SimulatedDisk } from '../../../support/simulated-disk.ts'

export interface Opened {
  readonly store: OpenTapeStore
  readonly disk: SimulatedDisk
  readonly time: ManualTime
  /** The data directory. */
  readonly data: string
  readonly faults: TapeFailed[]
}

export async function dataDirectory(test: TestContext): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), 'sallyport-tape-'))
  test.after(() => rm(data, { recursive: true, force: true, maxRetries: 5 }))
  return data
}

/** Opens a store; on the same `data` and `disk` again, as after a restart. */
export async function openStore(test: TestContext, disk = new SimulatedDisk(), before?: Opened): Promise<Opened> {
  const data = before?.data ?? (await dataDirectory(test))
  const time = before?.time ?? new ManualTime()
  const faults: TapeFailed[] = []
  const store = await openTapeStore({
    directory: join(data, 'tapes'),
    onFault: (error) => faults.push(error),
    clock: time,
    timers: time,
    random: (bytes) => bytes.fill(1),
    database: disk.open,
    ballastBytes: 4_096,
  })
  test.after(async () => {
    const closed = store.close()
    await time.advance(1_000)
    await closed
  })
  return { store, disk, time, data, faults }
}

/** Waits for the store to come back after a failure. */
export async function reopened({ store, time }: Opened): Promise<void> {
  for (let round = 0; store.failed !== undefined; round++) {
    assert.ok(round < 100, 'the store comes back')
    const next = time.next
    if (next !== undefined) await time.advance(next)
    // Keys, notes and ballast are real files.
    for (let turn = 0; turn < 20 && store.failed !== undefined; turn++) await new Promise((done) => setTimeout(done, 1))
  }
}

export interface Judged {
  readonly log: LogReport
  readonly tapes: ReadonlyMap<string, TapeReport>
}

/** Verifies everything on the disk: the log under its own checkpoint and the file's, and each tape against the log. */
export async function judge({ disk, data }: Pick<Opened, 'disk' | 'data'>): Promise<Judged> {
  const keys = [...disk.stored.keys()].sort()
  const valuesOf = (prefix: string): Uint8Array[] =>
    keys.filter((key) => key.startsWith(prefix)).map((key) => disk.stored.get(key) as Uint8Array)
  const key = parseVerifierKey(await readFile(join(data, 'log-key.pub'), 'utf8'))
  const notes: { source: string; note: string }[] = []
  const stored = disk.stored.get(CHECKPOINT_KEY)
  if (stored !== undefined) notes.push({ source: 'store', note: Buffer.from(stored).toString() })
  const file = await readFile(join(data, 'checkpoint'), 'utf8').catch(() => undefined)
  if (file !== undefined) notes.push({ source: 'file', note: file })
  const log = verifyLog(valuesOf('l/'), notes, key)
  const ids = new Set([
    ...log.tapes.keys(),
    ...keys.filter((name) => name.startsWith('t/')).map((name) => name.slice(2)),
  ])
  const reports = [...ids].map((id) => {
    const report = verifyTape(id, valuesOf(`e/${id}/`).map(splitStored), log.tapes.get(id) ?? [])
    return [id, report] as const
  })
  return { log, tapes: new Map(reports) }
}

export const OPENING = { kind: 'exec', cluster: 'prod', client: '127.0.0.1:51234' } as const
