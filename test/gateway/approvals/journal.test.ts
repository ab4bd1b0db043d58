import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Book, Journal, JournalFailed, JournalRefused } from '../../../gateway/approvals/journal.ts'
import { JournalHeld } from '../../../gateway/approvals/journal-database.ts'
import { limits } from '../../../protocols/limits.ts'
import { ManualTime, settle } from '../../support/manual-time.ts'
import { MemoryJournal } from '../../support/memory-journal.ts'

/** Keeps its records by their numbers, and what it was told. */
class Notebook implements Book {
  readonly topic: string
  readonly records = new Map<number, unknown>()
  readonly told: string[] = []

  constructor(topic: string) {
    this.topic = topic
  }

  reset(): void {
    this.records.clear()
    this.told.push('reset')
  }

  replay(record: unknown, number: number): void {
    this.records.set(number, record)
  }

  restored(): void {
    this.told.push('restored')
  }

  failed(): void {
    this.told.push('failed')
  }
}

interface Opened {
  readonly time: ManualTime
  readonly journal: Journal
  readonly one: Notebook
  readonly other: Notebook
  readonly faults: JournalFailed[]
}

async function open(disk: MemoryJournal): Promise<Opened> {
  const time = new ManualTime()
  const faults: JournalFailed[] = []
  const journal = new Journal({
    directory: 'approvals',
    timers: time,
    onFault: (error) => faults.push(error),
    database: disk.open,
  })
  const [one, other] = [new Notebook('one'), new Notebook('other')]
  journal.register(one)
  journal.register(other)
  await journal.start()
  return { time, journal, one, other, faults }
}

test('records come back after a restart, to the book that wrote them, in order and without those replaced', async () => {
  const disk = new MemoryJournal()
  const first = await open(disk)
  const a = first.journal.append(first.one, { word: 'a' })
  first.journal.append(first.other, { word: 'b' })
  first.journal.append(first.one, { word: 'c' }, [a])
  const d = first.journal.append(first.other, { word: 'd' })
  await first.journal.durable()
  first.journal.remove([d])
  await first.journal.close()
  const { one, other, journal } = await open(disk)
  assert.deepEqual([...one.records.values()], [{ word: 'c' }])
  assert.deepEqual([...other.records.values()], [{ word: 'b' }])
  const next = journal.append(one, { word: 'e' })
  assert.ok(next > Math.max(...one.records.keys()), 'numbers go on where they were')
})

test('what one turn appends is one write, and who waits is told after it', async () => {
  const disk = new MemoryJournal()
  const { journal, one, other } = await open(disk)
  disk.isHeld = true
  journal.append(one, { word: 'a' })
  journal.append(other, { word: 'b' })
  let isDurable = false
  const durable = journal.durable().then(() => {
    isDurable = true
  })
  await settle()
  assert.deepEqual([isDurable, disk.pairs.size], [false, 0])
  journal.append(one, { word: 'c' })
  disk.release()
  await durable
  await journal.durable()
  assert.deepEqual(disk.writes, [2, 1])
  assert.equal(disk.pairs.size, 3)
})

for (const torn of ['lost', 'kept'] as const) {
  test(`a write that fails (its bytes ${torn}) fails all who wait, and the books are read again once the disk is back`, async () => {
    for (let failAt = 1; failAt <= 4; failAt++) {
      const disk = new MemoryJournal()
      disk.failAt = failAt
      disk.torn = torn
      const { journal, one, faults, time } = await open(disk)
      const promised: unknown[] = []
      for (let at = 1; at <= 4 && journal.failed === undefined; at++) {
        journal.append(one, { at })
        await journal.durable().then(
          () => promised.push({ at }),
          (error) => assert.ok(error instanceof JournalFailed),
        )
      }
      assert.equal(promised.length, failAt - 1)
      assert.throws(() => journal.append(one, { at: 9 }), JournalFailed)
      await assert.rejects(journal.durable(), JournalFailed)
      assert.equal(faults.length, 1)
      assert.deepEqual(
        faults.map(({ cause }) => String(cause)),
        ['Error: ENOSPC'],
      )
      assert.deepEqual(one.told, ['reset', 'restored', 'failed'])
      disk.failAt = Number.POSITIVE_INFINITY
      disk.isBroken = true
      await time.advance(limits.approvals.reopenMillis)
      assert.ok(journal.failed, 'the disk is not back yet')
      disk.isBroken = false
      await time.advance(2 * limits.approvals.reopenMillis)
      assert.equal(journal.failed, undefined)
      assert.deepEqual(one.told.slice(3), ['reset', 'restored'])
      const expected = torn === 'kept' ? [...promised, { at: failAt }] : promised
      assert.deepEqual([...one.records.values()], expected, `what is on disk (write ${failAt})`)
      journal.append(one, { at: 10 })
      await journal.durable()
    }
  })
}

test('what waits behind a write that fails fails with it', async () => {
  const disk = new MemoryJournal()
  const { journal, one } = await open(disk)
  disk.isHeld = true
  disk.failAt = 1
  journal.append(one, { word: 'a' })
  const first = assert.rejects(journal.durable(), JournalFailed)
  await settle()
  journal.append(one, { word: 'b' })
  const second = assert.rejects(journal.durable(), JournalFailed)
  disk.release()
  await Promise.all([first, second])
  assert.equal(disk.pairs.size, 0)
})

test('a closed journal takes nothing, and one that has failed can be closed', async () => {
  const disk = new MemoryJournal()
  const { journal, one } = await open(disk)
  disk.failAt = 1
  journal.append(one, { word: 'a' })
  await assert.rejects(journal.durable(), JournalFailed)
  await journal.close()
  assert.throws(() => journal.append(one, { word: 'b' }), JournalFailed)
})

const STRANGE: readonly (readonly [string, string, string])[] = [
  ['another version', '0000000000000001', JSON.stringify({ version: 2, topic: 'one', record: {} })],
  ['a book that is not there', '0000000000000001', JSON.stringify({ version: 1, topic: 'none', record: {} })],
  ['a record that is no JSON', '0000000000000001', '{"version":1'],
  ['a key that is no number', 'one', JSON.stringify({ version: 1, topic: 'one', record: {} })],
]

for (const [what, key, value] of STRANGE) {
  test(`a journal with ${what} is refused`, async () => {
    const disk = new MemoryJournal()
    disk.pairs.set(key, value)
    await assert.rejects(open(disk), JournalRefused)
  })
}

test('LevelDB keeps records over a restart, and its directory for one process', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-journal-'))
  context.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const directory = join(folder, 'approvals')
  const opened = async () => {
    const journal = new Journal({ directory, timers: new ManualTime(), onFault: () => undefined })
    const one = new Notebook('one')
    journal.register(one)
    await journal.start()
    return { journal, one }
  }
  const first = await opened()
  first.journal.append(first.one, { word: 'a' })
  await first.journal.durable()
  await assert.rejects(opened(), JournalHeld)
  await first.journal.close()
  const second = await opened()
  assert.deepEqual([...second.one.records.values()], [{ word: 'a' }])
  await second.journal.close()
})
