import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entryKey } from '../../protocols/tape/keys.ts'
import { firstUlid } from '../../protocols/tape/ulid.ts'
import { StoredTapes } from '../../replay/stored-tapes.ts'
import { DamagedTape } from '../../replay/stream-runs.ts'
import { NoSuchTape } from '../../replay/tapes.ts'
import { attributes, collect, execRecording, OPENED_AT, Recording, requestBody } from '../support/recording.ts'
import { stored } from '../support/stored-recordings.ts'

const MINUTE = 60_000_000

/** The id and opening of a tape that was opened so many minutes after the first one. */
function opened(minutes: number) {
  return { tape: firstUlid(OPENED_AT / 1000 + minutes * 60_000), openedAt: OPENED_AT + minutes * MINUTE }
}

const reads = new Recording(opened(0)).request(1, {}).answer(2, 1, 200, 'x').seal(3)
const deletes = new Recording(opened(1))
  .request(1, { attributes: attributes('get', 'nodes', { name: 'n1' }) })
  .request(2, { exchange: 2, attributes: attributes('delete', 'pods', { namespace: 'web', name: 'x' }) })
const exec = execRecording(opened(2))
const store = () => new StoredTapes(stored(reads, deletes, exec))

const lists: readonly (readonly [name: string, filter: object, ids: readonly string[]])[] = [
  ['everything, newest first', {}, [exec.id, deletes.id, reads.id]],
  ['at most so many', { limit: 2 }, [exec.id, deletes.id]],
  ['older than a cursor', { cursor: exec.id }, [deletes.id, reads.id]],
  ['by a verb of any request', { verb: 'delete' }, [deletes.id]],
  ['by two parts of one request', { verb: 'delete', namespace: 'web' }, [deletes.id]],
  ['not by parts of different requests', { verb: 'delete', resource: 'nodes' }, []],
  ['by caller', { user: 'oidc:alice', limit: 1 }, [exec.id]],
  ['by actor', { actor: 'agent-7' }, [exec.id]],
  ['by kind', { kind: 'api' }, [deletes.id, reads.id]],
  ['by time', { since: OPENED_AT / 1000 + 60_000, until: OPENED_AT / 1000 + 120_000 }, [deletes.id]],
  ['by command line', { text: 'delete pod x' }, [deletes.id]],
  ['of nobody', { user: 'oidc:bob' }, []],
  ['of a value with the separators of keys in it', { user: '/oidc:alice/' }, []],
]

for (const [name, filter, ids] of lists) {
  test(`lists tapes: ${name}`, async () => {
    const list = await collect(store().list({ limit: 50, ...filter }))
    assert.deepEqual(
      list.map(({ id }) => id),
      ids,
    )
  })
}

test('a summary names the request that matched', async () => {
  const [summary] = await collect(store().list({ limit: 1, verb: 'delete' }))
  assert.equal(summary?.line, 'delete pod x -n web')
  assert.equal(summary?.sealed, '')
  assert.equal(summary?.entries, 5)
})

test('entries come as they were written, with their bytes and hashes', async () => {
  const entries = await collect(store().entries(exec.id))
  assert.deepEqual(
    entries.map(({ entry }) => plain(entry)),
    exec.entries.map(plain),
  )
  for (const { hash, bytes } of entries) assert.ok(hash.length === 32 && bytes.length > 0)
})

test('a tape that is not there', async () => {
  await assert.rejects(collect(store().entries(firstUlid(0))), NoSuchTape)
})

test('a damaged tape stays in the list, says so, and hides no other', async () => {
  const reader = stored(reads, deletes, exec)
  reader.values.get(entryKey(deletes.id, 0))!.fill(0xc1, 32)
  reader.values.set(entryKey(exec.id, 3), new Uint8Array(3))
  const tapes = new StoredTapes(reader)
  const list = await collect(tapes.list({ limit: 50 }))
  assert.deepEqual(
    list.map(({ id, kind }) => [id, kind]),
    [
      [exec.id, 'exec'],
      [deletes.id, 'damaged'],
      [reads.id, 'api'],
    ],
  )
  assert.equal(list[1]?.openedAt, OPENED_AT + MINUTE)
  await assert.rejects(collect(tapes.entries(exec.id)), DamagedTape)
  assert.equal((await collect(tapes.stored(exec.id))).length, exec.entries.length)
})

test('a request that nobody was found for is not listed under a name', async () => {
  const nobody = new Recording(opened(3)).add(0, 'request', requestBody({ principal: null, attributes: null }))
  const [summary] = await collect(new StoredTapes(stored(nobody)).list({ limit: 1 }))
  assert.deepEqual([summary?.user, summary?.actor], ['', ''])
})

/** Bytes compare by content, whatever kind of array they are in. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, inner) => (ArrayBuffer.isView(inner) ? [...(inner as Uint8Array)] : inner)),
  )
}
