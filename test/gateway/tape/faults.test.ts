import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Tape, TapeFailed } from '../../../gateway/tape/tape.ts'
import { splitStored } from '../../../protocols/tape/chain.ts'
import { decodeEntry } from '../../../protocols/tape/codec.ts'
import { until } from '../../support/manual-time.ts'
import { requestBody } from '../../support/recording.ts'
import { type Fault, SimulatedDisk } from '../../support/simulated-disk.ts'
import { judge, OPENING, type Opened, openStore, reopened } from './support/store.ts'

/** What was put on a tape: requests and bytes of its stream. */
interface Content {
  readonly requests: number
  readonly bytes: number
}

/** What the store promised to be on disk, by tape. */
type Promised = Map<string, Content>

/** Opens tapes, appends, streams and waits, step after step, as long as the store takes it. Returns what it promised. */
async function work({ store, time }: Opened): Promise<Promised> {
  const promised: Promised = new Map()
  const contents = new Map<Tape, Content>()
  try {
    for (let step = 0; step < 16; step++) {
      if (step % 4 === 0) contents.set(store.open(OPENING), { requests: 0, bytes: 0 })
      for (const [tape, { requests, bytes }] of contents) {
        tape.append('request', requestBody({ exchange: requests + 1 }))
        tape.stream(1, new Uint8Array(20_000).fill(step))
        const content = { requests: requests + 1, bytes: bytes + 20_000 }
        contents.set(tape, content)
        if (step % 2 === 1) continue
        tape.durable().then(
          () => promised.set(tape.id, content),
          (error) => assert.ok(error instanceof TapeFailed),
        )
      }
      const [oldest] = contents.keys()
      if (step === 7 && oldest !== undefined) {
        oldest.seal('closed')
        contents.delete(oldest)
      }
      await time.advance(step % 3 === 0 ? 300 : 7)
    }
  } catch (error) {
    if (!(error instanceof TapeFailed)) throw error
  }
  await time.advance(20)
  return promised
}

/** What is really on the disk of a tape. */
function contentOf({ disk }: Opened, id: string): Content {
  let requests = 0
  let bytes = 0
  for (const [key, value] of disk.stored) {
    if (!key.startsWith(`e/${id}/`)) continue
    const entry = decodeEntry(splitStored(value).bytes)
    if (entry.kind === 'request') requests++
    if (entry.kind === 'stream') bytes += entry.body.bytes.length
  }
  return { requests, bytes }
}

for (const code of ['ENOSPC', 'EIO'] as const) {
  for (const landed of [false, true]) {
    test(`${code} at any write, its bytes ${landed ? 'on disk' : 'lost'}: nothing promised is missing`, async (t) => {
      const undisturbed = await openStore(t)
      await work(undisturbed)
      const { writes } = undisturbed.disk
      assert.ok(writes > 10)
      for (let write = 1; write <= writes; write++) {
        const disk = new SimulatedDisk({ write, code, landed, opens: write % 3 })
        const opened = await openStore(t, disk)
        const promised = await work(opened)
        await reopened(opened)
        assert.equal(opened.faults.length, 1, `write ${write} failed`)
        assert.equal(disk.misuses, 0, 'the handle that failed is not written to')
        const closed = opened.store.close()
        await opened.time.advance(1_000)
        await closed
        const { log, tapes } = await judge(opened)
        assert.deepEqual(log.problems, [])
        for (const report of tapes.values()) assert.deepEqual(report.problems, [], JSON.stringify(report))
        if (write > 2) assert.ok(promised.size > 0)
        for (const [id, { requests, bytes }] of promised) {
          const found = contentOf(opened, id)
          assert.ok(
            found.requests >= requests && found.bytes >= bytes,
            `fault at write ${write}: tape ${id} lost entries`,
          )
        }
      }
    })
  }
}

async function broken(
  t: Parameters<typeof openStore>[0],
  fault: Partial<Fault> = {},
): Promise<Opened & { tape: Tape }> {
  const disk = new SimulatedDisk({ write: 2, code: 'ENOSPC', landed: false, opens: 0, ...fault })
  const opened = await openStore(t, disk)
  const tape = opened.store.open(OPENING)
  await opened.time.advance(10)
  return { ...opened, tape }
}

test('from the failure on nothing is taken, all who wait are told, and the message says what to do', async (t) => {
  const { store, time, tape, faults } = await broken(t)
  let told = 0
  store.onChange(() => told++)
  const other = store.open(OPENING)
  tape.append('request', requestBody())
  const waiting = [tape.durable(), other.durable()]
  const outcomes = Promise.allSettled(waiting)
  await time.advance(0)
  for (const outcome of await outcomes) {
    assert.equal(outcome.status, 'rejected')
    assert.ok((outcome as PromiseRejectedResult).reason instanceof TapeFailed)
  }
  assert.equal(told, 1)
  assert.equal(store.failed, faults[0])
  assert.match(store.failed?.message ?? '', /the disk is full; make room/)
  assert.match(String(store.failed?.cause), /No space left/)
  assert.throws(() => tape.append('note', { code: 'a', text: 'b' }), TapeFailed)
  assert.throws(() => tape.stream(1, new Uint8Array(1)), TapeFailed)
  assert.throws(() => store.open(OPENING), TapeFailed)
  await assert.rejects(tape.durable(), TapeFailed)
  await assert.rejects(store.reader().get('c'), TapeFailed)
  assert.equal(store.congested, false)
  tape.seal('tape failed')
})

test('tapes that were open are sealed as faulty after what is there, and never go on', async (t) => {
  const opened = await broken(t)
  const { store, time, tape } = opened
  tape.append('note', { code: 'a', text: 'lost' })
  await time.advance(20)
  assert.ok(store.failed instanceof TapeFailed)
  await reopened(opened)
  assert.throws(() => tape.append('note', { code: 'a', text: 'b' }), TapeFailed)
  const next = store.open(OPENING)
  const durable = next.durable()
  await time.advance(0)
  await durable
  const { tapes } = await judge(opened)
  assert.equal(tapes.get(tape.id)?.sealed, 'fault')
  assert.equal(tapes.get(tape.id)?.entries, 2)
  assert.equal(tapes.get(tape.id)?.completeness, 'complete')
  assert.equal(tapes.get(next.id)?.completeness, 'open')
})

test('a disk that stays full is given the ballast, and is tried at growing intervals', async (t) => {
  const opened = await broken(t, { opens: 3 })
  const { store, time, tape, data } = opened
  const isThere = (): boolean => existsSync(join(data, 'ballast'))
  tape.append('note', { code: 'a', text: 'lost' })
  await time.advance(20)
  const start = time.now()
  // It is filled in the background since the store was opened.
  await until(isThere, 'the ballast was taken')
  const tried: number[] = []
  while (store.failed !== undefined) {
    const next = time.next
    if (next !== undefined && next > 0) {
      await time.advance(next)
      tried.push(time.now() - start)
    }
    await new Promise((done) => setTimeout(done, 1))
    if (tried.length === 2) assert.equal(isThere(), false)
  }
  assert.deepEqual(
    tried.slice(1).map((at, index) => at - tried[index]!),
    [200, 400, 800],
  )
})

test('a store that is closed while it has failed lets go at once', async (t) => {
  const { store, time, tape } = await broken(t, { opens: 100 })
  tape.append('note', { code: 'a', text: 'lost' })
  await time.advance(20)
  assert.ok(store.failed)
  let isClosed = false
  void store.close().then(() => {
    isClosed = true
  })
  await until(() => isClosed, 'the store closed')
})
