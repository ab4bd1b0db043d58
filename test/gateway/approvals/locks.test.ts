import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Lock, type LockTarget, lockRefusal } from '../../../gateway/approvals/locks.ts'
import { personOf } from '../../../gateway/approvals/quorum.ts'
import type { Refusal } from '../../../gateway/decision.ts'
import { limits } from '../../../protocols/limits.ts'
import { type Books, openBooks } from '../../support/books.ts'
import { BOB } from './asking.ts'

const BY = personOf(BOB)
const CALL = [{ user: 'oidc:alice', actor: 'oidc:agent' }, 'run-1', 'prod'] as const

async function locked({ locks }: Books, target: LockTarget, reason = 'stolen token'): Promise<Lock> {
  const result = await locks.lock(target, BY, reason)
  assert.ok('lock' in result, JSON.stringify(result))
  return result.lock
}

function ruleOf(result: object): string {
  return (result as Refusal).rule
}

const TARGETS: readonly (readonly [LockTarget, boolean])[] = [
  [{ kind: 'user', name: 'oidc:alice' }, true],
  [{ kind: 'actor', name: 'oidc:agent' }, true],
  [{ kind: 'run', name: 'run-1' }, true],
  [{ kind: 'cluster', name: 'prod' }, true],
  [{ kind: 'all', name: '' }, true],
  [{ kind: 'user', name: 'oidc:agent' }, false],
  [{ kind: 'user', name: 'oidc:Alice' }, false],
  [{ kind: 'actor', name: 'oidc:alice' }, false],
  [{ kind: 'run', name: 'run-2' }, false],
  [{ kind: 'cluster', name: 'staging' }, false],
]

for (const [target, stops] of TARGETS) {
  test(`a lock on ${target.kind} ${target.name} ${stops ? 'stops' : 'does not stop'} the call, until it is taken away`, async () => {
    const books = await openBooks()
    assert.equal(books.locks.lockOn(...CALL), undefined)
    const lock = await locked(books, target)
    assert.equal(books.locks.lockOn(...CALL), stops ? lock : undefined)
    const again = await openBooks({ disk: books.disk, ledger: books.ledger })
    assert.deepEqual(again.locks.lockOn(...CALL), stops ? lock : undefined, 'over a restart')
    assert.ok(!('status' in (await again.locks.unlock(lock.id, BY, 'found'))))
    assert.equal(again.locks.lockOn(...CALL), undefined)
    const last = await openBooks({ disk: books.disk })
    assert.deepEqual(last.locks.list(), [])
    assert.deepEqual(books.ledger.codes, ['locks.lock', 'locks.unlock'])
  })
}

test('the refusal says what is locked, by whom and why', async () => {
  const books = await openBooks()
  const lock = await locked(books, { kind: 'user', name: 'oidc:alice' })
  const { status, rule, message } = lockRefusal(lock)
  assert.deepEqual([status, rule], [403, 'locks.user'])
  assert.equal(message, `user oidc:alice is locked by oidc:bob (lock ${lock.id}): stolen token`)
})

test('a lock is in force at once, on the disk or not, and comes to it when the disk is back', async () => {
  const books = await openBooks()
  books.disk.isHeld = true
  const heard: string[] = []
  books.locks.onEvent(({ kind }) => heard.push(kind))
  const locking = books.locks.lock({ kind: 'all', name: '' }, BY, '')
  assert.deepEqual([heard, books.locks.lockOn(...CALL)?.target.kind], [['lock'], 'all'])
  books.disk.failAt = 1
  books.disk.release()
  assert.equal(((await locking) as { isRecorded: boolean }).isRecorded, false)
  assert.equal(books.locks.lockOn(...CALL)?.target.kind, 'all')
  const { id } = books.locks.list()[0] as Lock
  assert.equal(ruleOf(await books.locks.unlock(id, BY, '')), 'approvals.unrecorded')
  books.disk.failAt = Number.POSITIVE_INFINITY
  await books.time.advance(limits.approvals.reopenMillis)
  await books.journal.durable()
  const again = await openBooks({ disk: books.disk })
  assert.equal(again.locks.lockOn(...CALL)?.target.kind, 'all')
})

test('a lock that the ledger did not take is in force, and in the ledger once that is back', async () => {
  const books = await openBooks()
  books.ledger.isBroken = true
  const result = await books.locks.lock({ kind: 'all', name: '' }, BY, '')
  assert.deepEqual('isRecorded' in result && result.isRecorded, false)
  assert.equal(books.locks.lockOn(...CALL)?.target.kind, 'all')
  const { id } = books.locks.list()[0] as Lock
  assert.equal(ruleOf(await books.locks.unlock(id, BY, '')), 'approvals.unrecorded')
  assert.equal(books.locks.lockOn(...CALL)?.target.kind, 'all', 'an unlock is in the ledger first')
  books.locks.look()
  books.ledger.isBroken = false
  books.locks.look()
  books.locks.look()
  assert.deepEqual(books.ledger.codes, ['locks.lock'])
})

test('an unlock that fails on the disk leaves the lock in force, after the disk is back as well', async () => {
  const books = await openBooks()
  const lock = await locked(books, { kind: 'all', name: '' })
  books.disk.failAt = 2
  assert.equal(ruleOf(await books.locks.unlock(lock.id, BY, '')), 'approvals.unrecorded')
  assert.equal(books.locks.lockOn(...CALL), lock)
  books.disk.failAt = Number.POSITIVE_INFINITY
  await books.time.advance(limits.approvals.reopenMillis)
  assert.deepEqual(books.locks.lockOn(...CALL), lock)
})

test('of two unlocks at once one finds nothing, and a lock that is there already stays as it is', async () => {
  const books = await openBooks()
  const lock = await locked(books, { kind: 'all', name: '' })
  assert.equal((await locked(books, { kind: 'all', name: '' }, 'another reason')).id, lock.id)
  const [one, other] = await Promise.all([books.locks.unlock(lock.id, BY, ''), books.locks.unlock(lock.id, BY, '')])
  assert.deepEqual([one, ruleOf(other)], [lock, 'locks.unknown'])
})

test('what is locked while an unlock of the same is on its way stays locked, over a restart as well', async () => {
  const books = await openBooks()
  const old = await locked(books, { kind: 'all', name: '' })
  const unlocking = books.locks.unlock(old.id, BY, 'a mistake')
  const lock = await locked(books, { kind: 'all', name: '' }, 'no, it was none')
  assert.deepEqual(await unlocking, old)
  assert.notEqual(lock.id, old.id)
  assert.equal(books.locks.lockOn(...CALL), lock)
  const again = await openBooks({ disk: books.disk })
  assert.deepEqual(again.locks.lockOn(...CALL), lock)
  assert.ok(!('status' in (await again.locks.unlock(lock.id, BY, ''))))
  assert.equal(again.locks.lockOn(...CALL), undefined)
})

test('of two locks on the same, after an unlock that failed, the one that is left is in force', async () => {
  const books = await openBooks()
  const old = await locked(books, { kind: 'all', name: '' })
  books.ledger.isLate = true
  const unlocking = books.locks.unlock(old.id, BY, '')
  const locking = books.locks.lock({ kind: 'all', name: '' }, BY, 'again')
  assert.equal(ruleOf(await unlocking), 'approvals.unrecorded')
  const { lock } = (await locking) as { lock: Lock }
  books.ledger.isLate = false
  assert.ok(!('status' in (await books.locks.unlock(lock.id, BY, ''))))
  assert.equal(books.locks.lockOn(...CALL), old)
  assert.ok(!('status' in (await books.locks.unlock(old.id, BY, ''))))
  assert.equal(books.locks.lockOn(...CALL), undefined)
})

test('a name where none belongs, none where one does, and too many of them are refused; everything can always be locked', async () => {
  const books = await openBooks()
  for (const [kind, name] of [
    ['all', 'x'],
    ['user', ''],
    ['run', 'x'.repeat(limits.approvals.lockName + 1)],
  ] as const) {
    assert.equal(ruleOf(await books.locks.lock({ kind, name }, BY, '')), 'locks.name')
  }
  await Promise.all(
    Array.from({ length: limits.approvals.locks }, (_, at) => locked(books, { kind: 'run', name: `r${at}` })),
  )
  assert.equal(ruleOf(await books.locks.lock({ kind: 'run', name: 'more' }, BY, '')), 'locks.many')
  await locked(books, { kind: 'all', name: '' })
})
