import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { LogRefused } from '../../../gateway/tape/log.ts'
import { WRITER } from '../../../gateway/tape/store.ts'
import { MisuseError } from '../../../protocols/errors.ts'
import { limits } from '../../../protocols/limits.ts'
import { splitStored } from '../../../protocols/tape/chain.ts'
import { decodeEntry } from '../../../protocols/tape/codec.ts'
import type { Entry, StreamBody } from '../../../protocols/tape/entry.ts'
import { CHECKPOINT_KEY, EDGE_KEY, entryRange, indexRange, leafKey, tapeOf } from '../../../protocols/tape/keys.ts'
import { settle, until } from '../../support/manual-time.ts'
import { attributes, collect, requestBody } from '../../support/recording.ts'
import { SimulatedDisk } from '../../support/simulated-disk.ts'
import { judge, OPENING, openStore } from './support/store.ts'

/** The entries of a tape as they are on the disk. */
function entriesOf(disk: SimulatedDisk, id: string): Entry[] {
  const { from, to } = entryRange(id)
  const keys = [...disk.stored.keys()].filter((key) => key >= from && key < to).sort()
  return keys.map((key) => decodeEntry(splitStored(disk.stored.get(key) as Uint8Array).bytes))
}

test('a tape is its opening, what was appended in order, and its seal; the log has all of it', async (t) => {
  const opened = await openStore(t)
  const { store, disk, time } = opened
  const tape = store.open({ ...OPENING, previous: '01KATAPE0000000000000000A0' })
  const durable = tape.durable()
  await time.advance(0)
  await durable
  assert.equal(entriesOf(disk, tape.id).length, 1)
  await time.advance(5)
  tape.append('request', requestBody())
  tape.stream(1, Buffer.from('hello'))
  tape.append('note', { code: 'test', text: 'a note' })
  tape.seal('closed')
  tape.seal('again')
  const closed = store.close()
  await time.advance(20)
  await closed
  const entries = entriesOf(disk, tape.id)
  assert.deepEqual(
    entries.map(({ kind }) => kind),
    ['open', 'request', 'stream', 'note', 'seal'],
  )
  assert.deepEqual(
    entries.map(({ micros }) => micros),
    [0, 5000, 5000, 5000, 5000],
  )
  assert.deepEqual(entries[4]?.body, { reason: 'closed', entries: 5 })
  assert.equal((entries[0] as Entry & { kind: 'open' }).body.openedAt, tape.openedAt * 1000)
  const { log, tapes } = await judge(opened)
  assert.deepEqual(log.problems, [])
  assert.equal(log.signed, log.size)
  assert.equal(tapes.get(tape.id)?.completeness, 'complete')
})

test('stream bytes come back as they went in, whatever their pieces were', async (t) => {
  const opened = await openStore(t)
  const { store, disk, time } = opened
  const piece = fc.record({ channel: fc.nat(4), length: fc.nat(150_000), wait: fc.nat(12) })
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
      const tape = store.open(OPENING)
      const sent: string[] = []
      let fill = 0
      for (const { channel, length, wait } of pieces) {
        const chunk = new Uint8Array(length).map(() => fill++)
        sent.push(`${channel}:${Buffer.from(chunk).toString('hex')}`)
        tape.stream(channel, chunk)
        // The chunk is borrowed: its owner may write over it at once.
        chunk.fill(0xaa)
        await time.advance(wait)
      }
      tape.seal('closed')
      await time.advance(20)
      const read: string[] = []
      for (const entry of entriesOf(disk, tape.id)) {
        if (entry.kind !== 'stream') continue
        let at = 0
        assert.ok(entry.body.bytes.length <= limits.tape.joinBytes)
        for (let run = 0; run < entry.body.runs.length; run += 3) {
          const [, channel, length] = entry.body.runs.slice(run, run + 3) as [number, number, number]
          read.push(`${channel}:${Buffer.from(entry.body.bytes.subarray(at, at + length)).toString('hex')}`)
          at += length
        }
      }
      assert.equal(joined(read), joined(sent))
      assert.equal((await judge(opened)).tapes.get(tape.id)?.completeness, 'complete')
    }),
    { numRuns: 25 },
  )
})

/** Pieces of one channel in a row are one. */
function joined(pieces: readonly string[]): string {
  const list: string[] = []
  for (const piece of pieces) {
    const [channel, hex] = piece.split(':') as [string, string]
    if (hex === '') continue
    const last = list.at(-1)
    if (last?.startsWith(`${channel}:`)) list[list.length - 1] = last + hex
    else list.push(piece)
  }
  return list.join(' ')
}

test('pieces within 10 ms are one entry and keep their times', async (t) => {
  const { store, disk, time } = await openStore(t)
  const tape = store.open(OPENING)
  await time.advance(20)
  tape.stream(1, Buffer.from('ab'))
  await time.advance(4)
  tape.stream(2, Buffer.from('c'))
  await time.advance(7)
  tape.stream(1, Buffer.from('d'))
  await time.advance(10)
  const streams = entriesOf(disk, tape.id).filter(({ kind }) => kind === 'stream')
  assert.deepEqual(
    streams.map(({ micros, body }) => [micros, (body as StreamBody).runs]),
    [
      [20_000, [0, 1, 2, 4000, 2, 1]],
      [31_000, [0, 1, 1]],
    ],
  )
})

test('pieces of one answer are one entry, which its end closes; another answer has entries of its own', async (t) => {
  const { store, disk, time } = await openStore(t)
  const tape = store.open(OPENING)
  const end = { length: 4, sha256: new Uint8Array(32), cut: false }
  tape.body(1, Buffer.from('ab'))
  tape.body(1, Buffer.from('cd'))
  tape.bodyEnd(1, end)
  tape.body(2, Buffer.from('x'))
  tape.body(3, Buffer.from('y'))
  tape.bodyEnd(2, { ...end, length: 1 })
  await time.advance(limits.tape.joinMillis)
  tape.body(3, Buffer.alloc(limits.tape.joinBytes + 1, 'z'))
  await time.advance(limits.tape.joinMillis)
  tape.bodyEnd(3, { ...end, broken: true })
  tape.seal('closed')
  const closed = store.close()
  await time.advance(20)
  await closed
  const bodies = entriesOf(disk, tape.id).flatMap((entry) => (entry.kind === 'responseBody' ? [entry.body] : []))
  assert.deepEqual(
    bodies.map(({ exchange, bytes, end: last }) => [exchange, bytes.length, last?.length]),
    [
      [1, 4, 4],
      [2, 1, undefined],
      [3, 1, undefined],
      [2, 0, 1],
      [3, limits.tape.joinBytes, undefined],
      [3, 1, undefined],
      [3, 0, 4],
    ],
  )
  assert.equal(Buffer.from(bodies[0]?.bytes as Uint8Array).toString(), 'abcd')
})

test('many small pieces make more than one entry', async (t) => {
  const { store, disk, time } = await openStore(t)
  const tape = store.open(OPENING)
  for (let count = 0; count < 600; count++) tape.stream(1, Uint8Array.of(count))
  await time.advance(20)
  const streams = entriesOf(disk, tape.id).filter(({ kind }) => kind === 'stream')
  assert.deepEqual(
    streams.map(({ body }) => (body as StreamBody).bytes.length),
    [256, 256, 88],
  )
})

test('what is durable is on disk with all that came before it, joined bytes as well', async (t) => {
  const { store, disk, time } = await openStore(t)
  const tape = store.open(OPENING)
  tape.stream(0, Buffer.from('x'))
  const durable = tape.durable()
  await time.advance(0)
  await durable
  assert.deepEqual(
    entriesOf(disk, tape.id).map(({ kind }) => kind),
    ['open', 'stream'],
  )
  await tape.durable()
})

test('an opening, its leaf and the search keys are in the batch of the entry', async (t) => {
  const { store, disk, time } = await openStore(t)
  const tape = store.open(OPENING)
  tape.append('request', requestBody({ command: ['sh'] }))
  await time.advance(10)
  const [batch] = disk.batches
  for (const key of [
    `t/${tape.id}`,
    `o/${tape.id}`,
    `e/${tape.id}/000000000001`,
    leafKey(0),
    `i/command/sh/${tape.id}`,
  ]) {
    assert.ok(batch?.includes(key), key)
  }
})

test('requests are found by their terms through the reader, each tape once', async (t) => {
  const { store, time } = await openStore(t)
  const one = store.open(OPENING)
  const other = store.open(OPENING)
  for (let count = 0; count < 3; count++) one.append('request', requestBody())
  other.append('request', requestBody({ attributes: attributes('get', 'secrets', { namespace: 'prod' }) }))
  for (let count = 0; count < 40; count++) {
    other.append('request', requestBody({ attributes: attributes('get', 'pods', { namespace: `n${count}` }) }))
  }
  await time.advance(10)
  const found = async (dimension: 'verb' | 'namespace', value: string): Promise<string[]> => {
    const { from, to } = indexRange(dimension, value)
    return (await collect(store.reader().entries(from, to, { reverse: true }))).map(([key]) => tapeOf(key))
  }
  assert.deepEqual(await found('verb', 'list'), [one.id])
  assert.deepEqual(await found('namespace', 'prod'), [other.id, one.id])
  assert.deepEqual(await found('namespace', 'n39'), [other.id])
})

test('checkpoints are at most a second behind, and the file holds the latest that is on disk', async (t) => {
  const opened = await openStore(t)
  const { store, disk, time, data } = opened
  const size = (): number =>
    Number(
      Buffer.from(disk.stored.get(CHECKPOINT_KEY) ?? [])
        .toString()
        .split('\n')[1],
    )
  store.open(OPENING)
  await time.advance(10)
  assert.equal(size(), 1)
  store.open(OPENING)
  store.open(OPENING)
  await time.advance(500)
  assert.equal(size(), 1)
  await time.advance(510)
  assert.equal(size(), 3)
  assert.equal(disk.stored.get(EDGE_KEY)?.length, 64)
  const closed = store.close()
  await time.advance(10)
  await closed
  assert.equal(
    await readFile(join(data, 'checkpoint'), 'utf8'),
    Buffer.from(disk.stored.get(CHECKPOINT_KEY) ?? []).toString(),
  )
})

test('open tapes that have grown tell the log once a minute', async (t) => {
  const opened = await openStore(t)
  const { store, time } = opened
  const tape = store.open(OPENING)
  const idle = store.open(OPENING)
  tape.stream(1, Buffer.from('x'))
  await time.advance(61_010)
  tape.append('note', { code: 'a', text: 'b' })
  await time.advance(60_000)
  const { log } = await judge(opened)
  assert.deepEqual(
    log.tapes.get(tape.id)?.map(({ type, entries }) => [type, entries]),
    [
      ['open', 1],
      ['head', 2],
      ['head', 3],
    ],
  )
  assert.deepEqual(
    log.tapes.get(idle.id)?.map(({ type }) => type),
    ['open'],
  )
})

test('congested while the backlog is too large or too old, and everybody is told when it ends', async (t) => {
  const { store, disk, time } = await openStore(t)
  const tape = store.open(OPENING)
  await time.advance(10)
  let changes = 0
  const remove = store.onChange(() => changes++)
  disk.held = []
  tape.stream(1, new Uint8Array(1000))
  await time.advance(10)
  assert.equal(store.congested, false)
  await time.advance(limits.tape.groupMillis + 1)
  assert.equal(store.congested, true)
  disk.release()
  await settle()
  assert.equal(store.congested, false)
  assert.equal(changes, 1)
  disk.held = []
  for (let bytes = 0; bytes <= limits.tape.backlogBytes; bytes += 1_048_576) tape.stream(1, new Uint8Array(1_048_576))
  assert.equal(store.congested, true)
  remove()
  await time.advance(0)
  disk.release()
  await time.advance(10)
  assert.equal(store.congested, false)
  assert.equal(changes, 1)
})

test('a sealed tape takes nothing, and a closed store opens nothing', async (t) => {
  const { store, time } = await openStore(t)
  const tape = store.open(OPENING)
  tape.seal('closed')
  assert.throws(() => tape.append('note', { code: 'a', text: 'b' }), MisuseError)
  assert.throws(() => tape.stream(1, new Uint8Array(1)), MisuseError)
  const open = store.open(OPENING)
  const closed = store.close()
  await time.advance(10)
  await closed
  assert.throws(() => store.open(OPENING), MisuseError)
  assert.throws(() => open.append('note', { code: 'a', text: 'b' }))
  await assert.rejects(async () => store.reader().get('c'), MisuseError)
})

test('tapes left open by a writer that was killed are sealed as crashed when the store opens again', async (t) => {
  const killed = await openStore(t)
  const tape = killed.store.open(OPENING)
  tape.append('note', { code: 'a', text: 'on disk' })
  await killed.time.advance(10)
  tape.append('note', { code: 'a', text: 'not yet on disk' })
  // A copy of the disk as it is now, for the next process.
  const disk = new SimulatedDisk()
  for (const [key, value] of killed.disk.stored) disk.stored.set(key, value)
  await killed.time.advance(0)
  const reopened = await openStore(t, disk, killed)
  const entries = entriesOf(disk, tape.id)
  assert.deepEqual(
    entries.map(({ kind }) => kind),
    ['open', 'note', 'seal'],
  )
  assert.deepEqual(entries.at(-1)?.body, { reason: 'crashed', entries: 3 })
  const { log, tapes } = await judge(reopened)
  assert.deepEqual(log.problems, [])
  assert.equal(tapes.get(tape.id)?.completeness, 'complete')
  assert.ok(![...disk.stored.keys()].some((key) => key.startsWith('o/')))
})

test('a store that was put back to an older state is refused', async (t) => {
  const opened = await openStore(t)
  opened.store.open(OPENING)
  await opened.time.advance(10)
  const older = new Map(opened.disk.stored)
  opened.store.open(OPENING)
  const closed = opened.store.close()
  await opened.time.advance(1_000)
  await closed
  const disk = new SimulatedDisk()
  for (const [key, value] of older) disk.stored.set(key, value)
  await assert.rejects(openStore(t, disk, opened), (error: Error) => {
    assert.ok(error instanceof LogRefused)
    assert.match(error.message, /older state/)
    return true
  })
})

const tampering: readonly (readonly [string, (stored: Map<string, Uint8Array>) => void])[] = [
  ['its edge', (stored) => stored.set(EDGE_KEY, new Uint8Array(32))],
  ['its edge taken away', (stored) => void stored.delete(EDGE_KEY)],
  ['its checkpoint', (stored) => stored.set(CHECKPOINT_KEY, Buffer.from('hello\n'))],
  [
    'its checkpoint taken away and a leaf changed',
    (stored) => {
      stored.delete(CHECKPOINT_KEY)
      stored.set(leafKey(0), new Uint8Array(9))
    },
  ],
  ['a leaf behind its checkpoint missing', (stored) => stored.set(leafKey(9), new Uint8Array(9))],
]
for (const [what, tamper] of tampering) {
  test(`a store is refused with ${what}`, async (t) => {
    const opened = await openStore(t)
    opened.store.open(OPENING)
    const closed = opened.store.close()
    await opened.time.advance(1_000)
    await closed
    tamper(opened.disk.stored)
    await assert.rejects(openStore(t, opened.disk, opened), LogRefused)
  })
}

test('the key is made once, for its owner alone, and the ballast is taken', async (t) => {
  const opened = await openStore(t)
  const closed = opened.store.close()
  await opened.time.advance(0)
  await closed
  const pem = await readFile(join(opened.data, 'log-key.pem'), 'utf8')
  assert.equal((await stat(join(opened.data, 'log-key.pem'))).mode & 0o777, 0o600)
  assert.equal((await stat(join(opened.data, 'ballast'))).size, 4_096)
  await openStore(t, opened.disk, opened)
  assert.equal(await readFile(join(opened.data, 'log-key.pem'), 'utf8'), pem)
})

test('tapes name this version of the package as their writer', async () => {
  const { name, version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'))
  assert.equal(WRITER, `${name}/${version}`)
})

test('a store that fails while it closes closes all the same', async (t) => {
  const { store, time, faults } = await openStore(
    t,
    new SimulatedDisk({ write: 1, code: 'EIO', landed: false, opens: 0 }),
  )
  store.open(OPENING)
  let isClosed = false
  void store.close().then(() => {
    isClosed = true
  })
  await time.advance(1_000)
  await until(() => isClosed, 'the store closed')
  assert.equal(faults.length, 1)
})
