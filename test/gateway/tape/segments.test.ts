// Long entries in their files beside LevelDB: on disk before what points to them, never half, and named when they are gone.

import assert from 'node:assert/strict'
import { type FileHandle, mkdir, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ClassicLevel } from 'classic-level'
import { main } from '../../../cli/main.ts'
import { forge } from '../../../demo/forge.ts'
import { type Change, del, put } from '../../../gateway/tape/database.ts'
import { openLevelDatabase } from '../../../gateway/tape/leveldb.ts'
import { Segments } from '../../../gateway/tape/segments.ts'
import { openTapeStore } from '../../../gateway/tape/store.ts'
import { TapeFailed } from '../../../gateway/tape/tape.ts'
import { HASH_LENGTH, splitStored } from '../../../protocols/tape/chain.ts'
import { entryRange } from '../../../protocols/tape/keys.ts'
import { decodePointer, LONG_ENTRY, type Pointer, segmentName } from '../../../protocols/tape/pointer.ts'
import { verifyTape } from '../../../protocols/tape/verify.ts'
import { openAtRest } from '../../../replay/store-at-rest.ts'
import { CapturedIo } from '../../support/captured-io.ts'
import { collect, requestBody } from '../../support/recording.ts'
import { dataDirectory, OPENING } from './support/store.ts'

/** A stored value: a hash of `fill`, and an entry of it behind. */
const value = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)
const LONG = 20_000

const pathOf = (tapes: string, segment: number): string => join(tapes, 'segments', segmentName(segment))
const files = async (tapes: string): Promise<string[]> => (await readdir(join(tapes, 'segments'))).sort()

function pointerOf(change: Change | undefined): Pointer {
  assert.ok(change?.type === 'put')
  const pointer = decodePointer(change.value)
  assert.ok(pointer)
  return pointer
}

/** What LevelDB itself holds, without anybody following pointers. */
async function held(tapes: string): Promise<Map<string, Uint8Array>> {
  const level = new ClassicLevel<string, Uint8Array>(tapes, { keyEncoding: 'utf8', valueEncoding: 'view' })
  try {
    return new Map(await level.iterator().all())
  } finally {
    await level.close()
  }
}

/** What all open files have in common: a call of it that is replaced is what a failing disk looks like. */
async function fileHandle(data: string): Promise<FileHandle> {
  const path = join(data, 'probe')
  await writeFile(path, '')
  const probe = await open(path)
  await probe.close()
  return Object.getPrototypeOf(probe) as FileHandle
}

/** A sealed tape with long entries, which are 1, 3 and 4, closed. */
async function recorded(t: TestContext): Promise<{ data: string; tapes: string; tape: string }> {
  const data = await dataDirectory(t)
  const tapes = join(data, 'tapes')
  const onFault = (error: Error): never => assert.fail(error)
  const store = await openTapeStore({ directory: tapes, onFault, ballastBytes: 4_096 })
  const tape = store.open(OPENING)
  tape.append('request', requestBody({ fields: ['X-Long', 'x'.repeat(LONG)] }))
  tape.append('note', { code: 'short', text: 'refund 900 EUR' })
  for (const fill of [1, 2]) tape.append('responseBody', { exchange: 1, bytes: value(LONG, fill) })
  tape.seal('closed')
  await tape.durable()
  await store.close()
  return { data, tapes, tape: tape.id }
}

/** The number of each long entry of the tape, and where it is. */
async function pointers(tapes: string): Promise<Map<number, Pointer>> {
  const found = new Map<number, Pointer>()
  for (const [key, stored] of await held(tapes)) {
    const pointer = key.startsWith('e/') ? decodePointer(stored) : undefined
    if (pointer !== undefined) found.set(Number(key.slice(key.lastIndexOf('/') + 1)), pointer)
  }
  return found
}

async function verify(data: string): Promise<{ code: number; stdout: string }> {
  const io = new CapturedIo()
  const code = await main(['tapes', 'verify', '--data', data], io)
  assert.equal(io.stderr, '')
  return { code, stdout: io.stdout }
}

/** Keys and values as plain bytes: LevelDB's own are Buffers. */
async function plain(entries: AsyncIterable<readonly [string, Uint8Array]>): Promise<Map<string, Uint8Array>> {
  return new Map((await collect(entries)).map(([key, bytes]) => [key, Uint8Array.from(bytes)]))
}

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  bytes[at] = (bytes[at] as number) ^ 1
  await writeFile(path, bytes)
}

test('only values of 8 KiB and more are moved, in order, each to where the one before it ends', async (t) => {
  const tapes = await dataDirectory(t)
  const segments = await Segments.open(tapes)
  const short = [put('a', value(LONG_ENTRY - 1, 1)), del('b'), put('c', new Uint8Array(0))]
  assert.equal(await segments.move(short), short)
  assert.deepEqual(await files(tapes), [], 'no file for nothing')
  const changes = [put('d', value(LONG_ENTRY, 2)), ...short, put('e', value(LONG, 3))]
  const moved = await segments.move(changes)
  assert.deepEqual(
    moved.map(({ type, key }) => [type, key]),
    changes.map(({ type, key }) => [type, key]),
  )
  assert.deepEqual(moved.slice(1, 4), short)
  const first = { segment: 1, offset: 0, length: LONG_ENTRY - HASH_LENGTH }
  assert.deepEqual(pointerOf(moved[0]), first)
  const second = { segment: 1, offset: first.length, length: LONG - HASH_LENGTH }
  assert.deepEqual(pointerOf(moved[4]), second)
  const third = { segment: 1, offset: second.offset + second.length, length: LONG - HASH_LENGTH }
  assert.deepEqual(pointerOf((await segments.move([put('f', value(LONG, 4))]))[0]), third)
  await segments.close()
  const bytes = await readFile(pathOf(tapes, 1))
  const entries = [value(first.length, 2), value(second.length, 3), value(third.length, 4)]
  assert.deepEqual(bytes, Buffer.concat(entries))
  assert.equal((await stat(pathOf(tapes, 1))).mode & 0o777, 0o600)
})

test('a batch of more pieces than one call may have is written whole', async (t) => {
  const tapes = await dataDirectory(t)
  const segments = await Segments.open(tapes)
  const changes = Array.from({ length: 1_030 }, (_, index) => put(`k${index}`, value(LONG_ENTRY, index & 0xff)))
  const moved = await segments.move(changes)
  await segments.close()
  const bytes = await readFile(pathOf(tapes, 1))
  assert.equal(bytes.length, changes.length * (LONG_ENTRY - HASH_LENGTH))
  for (const [index, change] of moved.entries()) {
    const { offset, length } = pointerOf(change)
    assert.ok(bytes.subarray(offset, offset + length).every((byte) => byte === (index & 0xff)))
  }
})

test('a segment is followed by a new one once it is full, and by a new one after every opening', async (t) => {
  const tapes = await dataDirectory(t)
  const length = LONG - HASH_LENGTH
  const segments = await Segments.open(tapes, 2 * length)
  const where: Pointer[] = []
  for (let at = 0; at < 5; at++) where.push(pointerOf((await segments.move([put('k', value(LONG, at))]))[0]))
  assert.deepEqual(
    where.map(({ segment, offset }) => [segment, offset]),
    [1, 1, 2, 2, 3].map((segment, at) => [segment, (at % 2) * length]),
  )
  await segments.close()
  const before = await readFile(pathOf(tapes, 3))
  const again = await Segments.open(tapes, 2 * length)
  assert.deepEqual(pointerOf((await again.move([put('k', value(LONG, 9))]))[0]), { segment: 4, offset: 0, length })
  await again.close()
  assert.deepEqual(await readFile(pathOf(tapes, 3)), before)
  // What a crash left, and what is none of ours, does not confuse the count.
  await writeFile(pathOf(tapes, 12), 'half')
  await mkdir(join(tapes, 'segments', 'lost+found'))
  const third = await Segments.open(tapes)
  assert.equal(pointerOf((await third.move([put('k', value(LONG, 9))]))[0]).segment, 13)
  await third.close()
  assert.equal(await readFile(pathOf(tapes, 12), 'utf8'), 'half')
})

test('the bytes and the name of a segment are synced before LevelDB hears of the batch', async (t) => {
  const data = await dataDirectory(t)
  const database = await openLevelDatabase(join(data, 'tapes'))
  const calls: string[] = []
  const prototype = await fileHandle(data)
  for (const name of ['writev', 'datasync', 'sync'] as const) {
    const original = prototype[name] as (...given: unknown[]) => Promise<unknown>
    t.mock.method(prototype, name, async function (this: FileHandle, ...given: unknown[]) {
      const done = await original.apply(this, given)
      calls.push(name)
      return done
    })
  }
  const batch = ClassicLevel.prototype.batch as (...given: unknown[]) => unknown
  t.mock.method(ClassicLevel.prototype, 'batch', function (this: unknown, ...given: unknown[]) {
    calls.push('batch')
    return batch.apply(this, given)
  })
  await database.write([put('long', value(LONG, 1))])
  assert.deepEqual(calls, ['sync', 'writev', 'datasync', 'batch'])
  calls.length = 0
  await database.write([put('longer', value(LONG, 2)), put('short', value(9, 2))])
  assert.deepEqual(calls, ['writev', 'datasync', 'batch'])
  calls.length = 0
  await database.write([put('short', value(9, 3))])
  assert.deepEqual(calls, ['batch'])
  await database.close()
})

const faults: readonly (readonly [what: string, name: 'writev' | 'datasync' | 'sync', call: () => unknown])[] = [
  ['a write that fails', 'writev', () => Promise.reject(new Error('EIO: i/o error, writev'))],
  ['a write that is short', 'writev', () => Promise.resolve({ bytesWritten: LONG - HASH_LENGTH - 1, buffers: [] })],
  ['a write of nothing', 'writev', () => Promise.resolve({ bytesWritten: 0, buffers: [] })],
  ['a sync that fails', 'datasync', () => Promise.reject(new Error('EIO: i/o error, fdatasync'))],
  ['a sync of the folder that fails', 'sync', () => Promise.reject(new Error('EIO: i/o error, fsync'))],
]

for (const [what, name, call] of faults) {
  test(`${what} rejects the batch, and nothing of it gets into LevelDB`, async (t) => {
    const data = await dataDirectory(t)
    const tapes = join(data, 'tapes')
    const database = await openLevelDatabase(tapes)
    await database.write([put('before', value(9, 1))])
    const mocked = t.mock.method(await fileHandle(data), name, call)
    await assert.rejects(database.write([put('short', value(9, 1)), put('long', value(LONG, 1))]), /EIO|only \d+ of/)
    assert.equal(mocked.mock.callCount(), 1)
    mocked.mock.restore()
    await database.close()
    assert.deepEqual([...(await held(tapes)).keys()], ['before'])
    // As the store does: another database on what is there.
    const again = await openLevelDatabase(tapes)
    await again.write([put('long', value(LONG, 7))])
    assert.deepEqual(await again.get('long'), value(LONG, 7))
    await again.close()
  })
}

test('a tape whose long entry is not written fails, and what was durable before verifies', async (t) => {
  const data = await dataDirectory(t)
  const faults: TapeFailed[] = []
  const onFault = (error: TapeFailed): unknown => faults.push(error)
  const store = await openTapeStore({ directory: join(data, 'tapes'), onFault, ballastBytes: 4_096 })
  const tape = store.open(OPENING)
  await tape.durable()
  const mocked = t.mock.method(await fileHandle(data), 'datasync', () => Promise.reject(new Error('EIO: i/o error')))
  tape.append('responseBody', { exchange: 1, bytes: value(LONG, 1) })
  await assert.rejects(tape.durable(), TapeFailed)
  assert.equal(faults.length, 1)
  mocked.mock.restore()
  await store.close()
  const { code, stdout } = await verify(data)
  assert.equal(code, 0, stdout)
  assert.match(stdout, new RegExp(`${tape.id} .* 1 entr`))
})

test('long values are read back through the database: by key, in ranges, backwards, from several segments', async (t) => {
  const tapes = join(await dataDirectory(t), 'tapes')
  const all = new Map<string, Uint8Array>()
  for (let turn = 0; turn < 3; turn++) {
    const database = await openLevelDatabase(tapes)
    const changes = [0, 1, 2].map((at) => put(`k${turn}${at}`, value(at === 1 ? 9 : LONG + at, 16 * turn + at)))
    for (const change of changes) if (change.type === 'put') all.set(change.key, change.value)
    await database.write(changes)
    await database.close()
  }
  assert.equal((await files(tapes)).length, 3)
  const database = await openLevelDatabase(tapes)
  assert.deepEqual(await plain(database.entries('k', 'l')), all)
  assert.deepEqual(
    (await collect(database.entries('k', 'l', { reverse: true, limit: 2 }))).map(([key, { length }]) => [key, length]),
    [
      ['k22', LONG + 2],
      ['k21', 9],
    ],
  )
  for (const [key, expected] of all) assert.deepEqual(Uint8Array.from((await database.get(key)) ?? []), expected)
  assert.equal(await database.get('k99'), undefined)
  // Readers that stop halfway, and several at once, close the files that they have opened.
  for await (const [key] of database.entries('k', 'l')) if (key === 'k02') break
  const [one, other] = await Promise.all([plain(database.entries('k0', 'k1')), plain(database.entries('k1', 'k2'))])
  assert.deepEqual(new Map([...one, ...other]), new Map([...all].filter(([key]) => key < 'k2')))
  await database.close()
})

test('a value whose segment is missing or cut has its hash and no entry', async (t) => {
  const tapes = join(await dataDirectory(t), 'tapes')
  const database = await openLevelDatabase(tapes)
  await database.write([put('a', value(LONG, 1)), put('b', value(LONG, 2))])
  await truncate(pathOf(tapes, 1), 2 * (LONG - HASH_LENGTH) - 1)
  assert.deepEqual(await database.get('a'), value(LONG, 1))
  const hashes = [value(HASH_LENGTH, 1), value(HASH_LENGTH, 2)]
  assert.deepEqual(Uint8Array.from((await database.get('b')) ?? []), hashes[1])
  await rm(pathOf(tapes, 1))
  assert.deepEqual([...(await plain(database.entries('a', 'c'))).values()], hashes)
  await database.close()
})

test('a tape with long entries is whole at rest, and verifies', async (t) => {
  const { data, tapes, tape } = await recorded(t)
  assert.deepEqual([...(await pointers(tapes)).keys()], [1, 3, 4])
  const rest = await openAtRest(data)
  const { from, to } = entryRange(tape)
  const entries = (await collect(rest.entries(from, to))).map(([, stored]) => splitStored(stored))
  const { problems, integrity, completeness } = verifyTape(tape, entries)
  assert.deepEqual({ problems, integrity, completeness }, { problems: [], integrity: 'intact', completeness: 'sealed' })
  assert.equal(entries.filter(({ bytes }) => bytes.length >= LONG).length, 3)
  await rest.close()
  assert.equal((await verify(data)).code, 0)
})

const tampering: readonly (readonly [
  what: string,
  entry: number,
  tamper: (path: string, pointer: Pointer) => Promise<unknown>,
])[] = [
  ['a missing segment', 1, (path) => rm(path)],
  ['an empty segment', 1, (path) => truncate(path)],
  ['a segment that is cut within its last entry', 4, (path, { offset, length }) => truncate(path, offset + length - 1)],
  ['a segment that is cut before its last entry', 4, (path, { offset }) => truncate(path, offset)],
  ['a changed first byte', 3, (path, { offset }) => flip(path, offset)],
  ['a changed byte in the middle', 3, (path, { offset, length }) => flip(path, offset + (length >> 1))],
  ['a changed last byte', 3, (path, { offset, length }) => flip(path, offset + length - 1)],
]

for (const [what, entry, tamper] of tampering) {
  test(`${what}: verification names entry ${entry}, and the exit code is 3`, async (t) => {
    const { data, tapes, tape } = await recorded(t)
    const pointer = (await pointers(tapes)).get(entry)
    assert.ok(pointer)
    await tamper(pathOf(tapes, pointer.segment), pointer)
    const { code, stdout } = await verify(data)
    assert.match(stdout, new RegExp(`${tape}  broken.*\n.*entry ${entry} changed`))
    assert.equal(code, 3)
  })
}

test('a pointer that was bent to another entry of the segment, or past what an entry may be, is found', async (t) => {
  for (const bend of [
    (view: DataView) => view.setUint32(7, 1),
    (view: DataView) => view.setUint32(0, view.getUint32(0) + 1),
    (view: DataView) => view.setUint32(11, 2 ** 32 - 1),
    (view: DataView) => view.setUint16(5, 0xffff),
  ]) {
    const { data, tapes } = await recorded(t)
    const level = new ClassicLevel<string, Uint8Array>(tapes, { keyEncoding: 'utf8', valueEncoding: 'view' })
    for await (const [key, stored] of level.iterator({ gte: 'e/', lt: 'e0' })) {
      if (!key.endsWith('3')) continue
      const bent = Uint8Array.from(stored)
      assert.ok(decodePointer(bent))
      bend(new DataView(bent.buffer, HASH_LENGTH))
      await level.put(key, bent)
    }
    await level.close()
    const { code, stdout } = await verify(data)
    assert.match(stdout, /broken.*\n.*entry 3 changed/)
    assert.equal(code, 3)
  }
})

test('a forged copy has the long entries as well: what is found in it is the forgery alone', async (t) => {
  const { data, tapes, tape } = await recorded(t)
  const copy = join(await dataDirectory(t), 'copy')
  assert.equal(await forge(data, copy, { tape, find: '900', replace: '100' }), 2)
  const { code, stdout } = await verify(copy)
  assert.equal(code, 3)
  assert.match(stdout, /entry 2 changed/)
  assert.doesNotMatch(stdout, /entry [134] changed/)
  assert.deepEqual(await files(join(copy, 'tapes')), await files(tapes))
  assert.equal((await verify(data)).code, 0)
})
