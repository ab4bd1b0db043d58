import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Change, type Database, put } from '../../../gateway/tape/database.ts'
import { type Batch, GroupCommit } from '../../../gateway/tape/group-commit.ts'
import { ManualTime, settle } from '../../support/manual-time.ts'
import { SimulatedDisk } from '../../support/simulated-disk.ts'

interface Rig {
  readonly disk: SimulatedDisk
  readonly time: ManualTime
  readonly commit: GroupCommit
  readonly failures: Error[]
  add(key: string, length?: number): Batch
}

async function rig(disk = new SimulatedDisk()): Promise<Rig> {
  const time = new ManualTime()
  const failures: Error[] = []
  const commit = new GroupCommit(await disk.open(), time, time, {
    paced: () => undefined,
    writing: () => undefined,
    written: () => undefined,
    failed: (error) => {
      failures.push(error)
      commit.stop(error)
    },
  })
  return { disk, time, commit, failures, add: (key, length = 1) => commit.add(put(key, new Uint8Array(length))) }
}

/** What became of a promise: "waits", "on disk" or the error's message. */
function state(promise: Promise<void>): () => string {
  let now = 'waits'
  promise.then(
    () => {
      now = 'on disk'
    },
    (error: Error) => {
      now = error.message
    },
  )
  return () => now
}

test('who waits is written in the same turn, together with all others, and released together', async () => {
  const { disk, time, commit, add } = await rig()
  const states = ['a', 'b', 'c'].map((key) => state(commit.durable(add(key))))
  add('d')
  await time.advance(0)
  assert.deepEqual(disk.batches, [['a', 'b', 'c', 'd']])
  assert.deepEqual(
    states.map((now) => now()),
    ['on disk', 'on disk', 'on disk'],
  )
})

test('while a batch is being written the next one collects, and is begun after it', async () => {
  const { disk, time, commit, add } = await rig()
  disk.held = []
  const first = state(commit.durable(add('a')))
  await time.advance(0)
  const second = state(commit.durable(add('b')))
  add('c')
  await time.advance(100)
  assert.equal(disk.writes, 1)
  assert.deepEqual([first(), second()], ['waits', 'waits'])
  disk.release()
  await settle()
  assert.deepEqual(disk.batches, [['a'], ['b', 'c']])
  assert.deepEqual([first(), second()], ['on disk', 'on disk'])
})

test('without anybody waiting a batch is written after 10 ms', async () => {
  const { disk, time, add } = await rig()
  add('a')
  await time.advance(9)
  assert.equal(disk.writes, 0)
  add('b')
  await time.advance(1)
  assert.deepEqual(disk.batches, [['a', 'b']])
})

test('a megabyte is written before its time', async () => {
  const { disk, time, add } = await rig()
  add('a', 1_048_576)
  await time.advance(0)
  assert.deepEqual(disk.batches, [['a']])
})

test('the oldest that is not on disk, and how much there is', async () => {
  const { disk, time, commit, add } = await rig()
  assert.equal(commit.oldest, undefined)
  disk.held = []
  const start = time.micros()
  add('a', 99)
  await time.advance(10)
  add('b', 199)
  assert.equal(commit.oldest, start)
  assert.equal(commit.backlog, 300)
  disk.release()
  await settle()
  assert.equal(commit.oldest, start + 10_000)
  assert.equal(commit.backlog, 200)
  await time.advance(10)
  assert.equal(commit.oldest, undefined)
  assert.equal(commit.backlog, 0)
})

test('values stay borrowed until their batch is done', async () => {
  const { disk, time, add } = await rig()
  let done = false
  disk.held = []
  add('a').whenDone(() => {
    done = true
  })
  await time.advance(10)
  assert.equal(done, false)
  disk.release()
  await settle()
  assert.equal(done, true)
})

test('after the first failure all who wait are told, values are given back, and nothing is written', async () => {
  const { disk, time, commit, failures, add } = await rig(
    new SimulatedDisk({ write: 1, code: 'EIO', landed: false, opens: 0 }),
  )
  disk.held = []
  const batch = add('a')
  let done = 0
  batch.whenDone(() => done++)
  const first = state(commit.durable(batch))
  await time.advance(0)
  const next = add('b')
  next.whenDone(() => done++)
  const second = state(commit.durable(next))
  disk.release()
  await time.advance(100)
  assert.equal(failures.length, 1)
  assert.match(first(), /Input\/output error/)
  assert.match(second(), /Input\/output error/)
  assert.equal(done, 2)
  assert.equal(disk.writes, 1)
  await assert.rejects(commit.durable(next), /Input\/output error/)
})

test('what is on disk stays durable after a failure', async () => {
  const { time, commit, add } = await rig(new SimulatedDisk({ write: 2, code: 'EIO', landed: false, opens: 0 }))
  const first = add('a')
  await time.advance(10)
  add('b')
  await time.advance(10)
  await commit.durable(first)
})

test('a database that throws rather than rejects has failed as well', async () => {
  const time = new ManualTime()
  const failures: Error[] = []
  const database = {
    write: async (_: readonly Change[]): Promise<void> => {
      throw new Error('closed')
    },
  } as unknown as Database
  const commit = new GroupCommit(database, time, time, {
    paced: () => undefined,
    writing: () => undefined,
    written: () => undefined,
    failed: (error) => failures.push(error),
  })
  commit.add(put('a', new Uint8Array(1)))
  await time.advance(10)
  assert.deepEqual(
    failures.map(({ message }) => message),
    ['closed'],
  )
})
