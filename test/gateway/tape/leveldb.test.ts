import assert from 'node:assert/strict'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { del, put } from '../../../gateway/tape/database.ts'
import { openLevelDatabase, StoreHeld } from '../../../gateway/tape/leveldb.ts'
import { type OpenTapeStore, openTapeStore } from '../../../gateway/tape/store.ts'
import { splitStored } from '../../../protocols/tape/chain.ts'
import { entryRange, leafRange } from '../../../protocols/tape/keys.ts'
import { type TapeReport, verifyTape } from '../../../protocols/tape/verify.ts'
import { verifyLog } from '../../../protocols/tape/verify-log.ts'
import { collect, requestBody } from '../../support/recording.ts'
import { dataDirectory, OPENING } from './support/store.ts'

function open(data: string): Promise<OpenTapeStore> {
  const onFault = (error: Error): never => assert.fail(error)
  return openTapeStore({ directory: join(data, 'tapes'), onFault, ballastBytes: 4_096 })
}

async function report(store: OpenTapeStore, id: string): Promise<TapeReport> {
  const reader = store.reader()
  const leaves = await collect(reader.entries(leafRange().from, leafRange().to))
  const entries = await collect(reader.entries(entryRange(id).from, entryRange(id).to))
  const log = verifyLog(
    leaves.map(([, leaf]) => leaf),
    [],
  )
  assert.deepEqual(log.problems, [])
  return verifyTape(
    id,
    entries.map(([, value]) => splitStored(value)),
    log.tapes.get(id),
  )
}

test('keys and values are there after a close, in order, also empty ones', async (t) => {
  const directory = join(await dataDirectory(t), 'tapes')
  const small = Array.from({ length: 300 }, (_, index) =>
    put(`k/${String(index).padStart(3, '0')}`, Uint8Array.of(index)),
  )
  const large = put('large', new Uint8Array(100_000).fill(7))
  const database = await openLevelDatabase(directory)
  await database.write(small)
  await database.write([large])
  await database.write([put('nothing', new Uint8Array(0)), del('k/001')])
  await database.close()
  const again = await openLevelDatabase(directory)
  const keys = (await collect(again.entries('k/', 'k0'))).map(([key]) => key)
  assert.deepEqual(
    keys,
    small.map(({ key }) => key).filter((key) => key !== 'k/001'),
  )
  assert.deepEqual(
    (await collect(again.entries('k/', 'k0', { reverse: true, limit: 2 }))).map(([key]) => key),
    ['k/299', 'k/298'],
  )
  assert.equal((await again.get('large'))?.length, 100_000)
  assert.equal((await again.get('nothing'))?.length, 0)
  assert.equal(await again.get('k/001'), undefined)
  await again.close()
})

test('a directory that is in use is refused by name', async (t) => {
  const data = await dataDirectory(t)
  const store = await open(data)
  await assert.rejects(open(data), (error: Error) => {
    assert.ok(error instanceof StoreHeld)
    assert.ok(error.message.includes(join(data, 'tapes')))
    return true
  })
  await store.close()
})

test('a tape on LevelDB verifies, with bulk and small entries', async (t) => {
  const store = await open(await dataDirectory(t))
  const tape = store.open(OPENING)
  tape.append('request', requestBody())
  await tape.durable()
  for (let count = 0; count < 300; count++) tape.stream(count % 3, new Uint8Array(16_384).fill(count))
  tape.stream(1, Buffer.from('end'))
  tape.seal('closed')
  await tape.durable()
  const found = await report(store, tape.id)
  assert.deepEqual(found.problems, [])
  assert.equal(found.completeness, 'complete')
  await store.close()
})

test('a store that was killed has all that was durable, and its open tapes are sealed', async (t) => {
  const data = await dataDirectory(t)
  const store = await open(data)
  const tape = store.open(OPENING)
  tape.append('request', requestBody())
  tape.stream(1, Buffer.from('output'))
  await tape.durable()
  // What a killed process leaves: the files as they are, without a close. The lock was the process's.
  const killed = `${data}-killed`
  t.after(() => rm(killed, { recursive: true, force: true }))
  for (const name of ['tapes', 'log-key.pem']) await cp(join(data, name), join(killed, name), { recursive: true })
  await store.close()
  const reopened = await open(killed)
  const found = await report(reopened, tape.id)
  assert.deepEqual(found.problems, [])
  assert.equal(found.sealed, 'crashed')
  assert.equal(found.entries, 4)
  await reopened.close()
})
