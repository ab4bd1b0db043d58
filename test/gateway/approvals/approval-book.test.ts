import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WaitOutcome } from '../../../gateway/approvals/approvals.ts'
import { limits } from '../../../protocols/limits.ts'
import { type Books, openBooks } from '../../support/books.ts'
import { settle } from '../../support/manual-time.ts'
import { ALICE, answerOf, asked, asking, CAROL, outcome, pass, restarted, TERMS, terms } from './asking.ts'

test('asked, allowed and used once: each step is in the ledger before anybody hears of it', async () => {
  const books = await openBooks()
  const { approvals, ledger } = books
  const heard: string[] = []
  approvals.onEvent(({ kind }) => {
    assert.equal(ledger.codes.at(-1), `approvals.${kind}`)
    heard.push(kind)
  })
  const approval = await asked(books)
  assert.equal(approval.state, 'requested')
  assert.equal(outcome(await approvals.use(asking())), 'approvals.waiting')
  assert.equal(outcome(await approvals.answer(answerOf(approval.id))), 'approved')
  assert.equal(outcome(await approvals.use(asking())), 'used')
  assert.equal(outcome(await approvals.use(asking())), 'approvals.used')
  assert.deepEqual(heard, ['request', 'approve', 'use'])
  assert.notEqual((await asked(books)).id, approval.id, 'then it is asked for anew')
})

test('the same call again waits for the same approval, whatever its summary says', async () => {
  const books = await openBooks()
  const approval = await asked(books)
  const again = await asked(books, { reason: 'another', summary: { ...asking().summary, command: 'x' } })
  assert.equal(again.id, approval.id)
  assert.deepEqual(books.ledger.codes, ['approvals.request'])
})

test('of two answers at once the first one counts', async () => {
  for (const [first, second] of [
    ['yes', 'no'],
    ['no', 'yes'],
  ] as const) {
    const books = await openBooks()
    const { id } = await asked(books)
    const answers = await Promise.all([
      books.approvals.answer(answerOf(id, { answer: first })),
      books.approvals.answer(answerOf(id, { answer: second, approver: CAROL })),
    ])
    const state = first === 'yes' ? 'approved' : 'denied'
    assert.deepEqual(answers.map(outcome), [state, 'approvals.answered'])
    assert.equal(books.approvals.get(id)?.state, state)
  }
})

test('of two uses at once only one is spent where there is one', async () => {
  const books = await openBooks()
  const { id } = await asked(books)
  await books.approvals.answer(answerOf(id))
  const uses = await Promise.all([books.approvals.use(asking()), books.approvals.use(asking())])
  assert.deepEqual(uses.map(outcome), ['used', 'approvals.used'])
})

test('a use that the cluster did not take is there once more, for the same call and for moments', async () => {
  const books = await openBooks()
  const { approvals } = books
  const { id } = await asked(books)
  await approvals.answer(answerOf(id))
  await approvals.use(asking())
  assert.equal(approvals.spare(asking()), undefined)
  approvals.unspent(id)
  assert.equal(approvals.spare(asking({ digest: 'd2' })), undefined)
  assert.equal(approvals.spare(asking())?.id, id)
  assert.equal(approvals.spare(asking()), undefined)
  approvals.unspent(id)
  await books.time.advance(limits.approvals.fallbackMillis)
  assert.equal(approvals.spare(asking()), undefined)
})

test('a yes of several uses is good for as many, over a restart as well', async () => {
  const several = { terms: terms({ uses: 3 }) }
  let books = await openBooks()
  const { id } = await asked(books, several)
  await books.approvals.answer(answerOf(id))
  const use = async (): Promise<string> => outcome(await books.approvals.use(asking(several)))
  assert.equal(await use(), 'approved')
  books = await restarted(books)
  assert.equal(await use(), 'approved')
  books = await restarted(books)
  assert.equal(await use(), 'used')
  books = await restarted(books)
  assert.equal(await use(), 'approvals.used')
})

test('one no ends it, though another has said yes; it is told again for a while, and then asked anew', async () => {
  const two = terms({ quorums: [{ rule: 'one', approvers: [{ group: 'oidc:sre' }], quorum: 2 }] })
  const books = await openBooks()
  const { id } = await asked(books, { terms: two })
  await books.approvals.answer(answerOf(id))
  await books.approvals.answer(answerOf(id, { answer: 'no', approver: CAROL, reason: 'not today' }))
  const denied = await asked(books, { terms: two })
  assert.deepEqual(
    [denied.id, denied.state, denied.no?.reason, denied.no?.by.user],
    [id, 'denied', 'not today', 'oidc:carol'],
  )
  assert.equal(outcome(await books.approvals.use(asking({ terms: two }))), 'approvals.denied')
  await pass(books, limits.approvals.denialMillis)
  assert.notEqual((await asked(books, { terms: two })).id, id)
})

test('the clock ends a request and a yes, at the very moment', async () => {
  const books = await openBooks()
  const { id, answerBy } = await asked(books)
  await books.time.advance(answerBy - books.time.now())
  assert.equal(outcome(await books.approvals.answer(answerOf(id))), 'approvals.late')
  const next = await asked(books)
  await books.approvals.answer(answerOf(next.id))
  await books.time.advance(TERMS.validForMillis)
  assert.equal(outcome(await books.approvals.use(asking())), 'approvals.expired')
  assert.deepEqual(books.ledger.codes.filter((code) => code.endsWith('expire')).length, 2)
})

// -- parked calls

interface Parked {
  readonly told: (readonly [WaitOutcome, string])[]
  readonly gone: () => void
}

function park({ approvals }: Books, id: string): Parked {
  const told: (readonly [WaitOutcome, string])[] = []
  const gone = approvals.wait(id, (how, approval) => told.push([how, approval.state]))
  assert.deepEqual(told, [], 'not before it returns')
  return { told, gone }
}

test('all who wait hear of a yes, a no, a revocation and an end by the clock; of half a quorum nobody', async () => {
  const books = await openBooks()
  const two = terms({ quorums: [{ rule: 'one', approvers: [{ group: 'oidc:sre' }], quorum: 2 }] })
  const { id } = await asked(books, { terms: two })
  const [one, other] = [park(books, id), park(books, id)]
  assert.equal(books.approvals.waiting(id), 2)
  await books.approvals.answer(answerOf(id))
  await settle()
  assert.deepEqual([one.told, other.told], [[], []])
  await books.approvals.answer(answerOf(id, { approver: CAROL }))
  await settle()
  assert.deepEqual([one.told, other.told], [[['answered', 'approved']], [['answered', 'approved']]])
  assert.equal(books.approvals.parked, 0)
  const late = park(books, id)
  await settle()
  assert.deepEqual(late.told, [['answered', 'approved']], 'who comes behind the answer too')
  const short = await asked(books, { digest: 'd2', terms: terms({ waitMillis: limits.approvals.pendingMillis }) })
  const clocked = park(books, short.id)
  await pass(books, limits.approvals.pendingMillis)
  assert.equal(clocked.told.length, 1)
})

test('a wait ends with its time; the same call again within moments is told at once, and later waits anew', async () => {
  const books = await openBooks()
  const { id } = await asked(books)
  const first = park(books, id)
  await pass(books, TERMS.waitMillis - 1)
  assert.deepEqual(first.told, [])
  await pass(books, 1)
  assert.deepEqual(first.told, [['timeout', 'requested']])
  const fallback = park(books, id)
  await settle()
  assert.deepEqual(fallback.told, [['timeout', 'requested']])
  await pass(books, limits.approvals.fallbackMillis)
  const later = park(books, id)
  await settle()
  assert.deepEqual(later.told, [])
})

test('a rule that lets nobody wait has the call told at once', async () => {
  const books = await openBooks()
  const { id } = await asked(books, { terms: terms({ waitMillis: 0 }) })
  const parked = park(books, id)
  await settle()
  assert.deepEqual(parked.told, [['timeout', 'requested']])
})

test('a client that goes leaves a request that can still be answered, and coming back finds it', async () => {
  const books = await openBooks()
  const { id } = await asked(books)
  const [one, other] = [park(books, id), park(books, id)]
  one.gone()
  await settle()
  assert.equal(books.approvals.get(id)?.state, 'requested', 'another one still waits')
  other.gone()
  other.gone()
  await settle()
  assert.equal(books.approvals.get(id)?.state, 'cancelled')
  const again = await restarted(books)
  const returned = await asked(again)
  assert.deepEqual([returned.id, returned.state], [id, 'requested'])
  park(again, id).gone()
  await settle()
  assert.equal(outcome(await again.approvals.answer(answerOf(id))), 'approved')
  assert.equal(outcome(await again.approvals.use(asking())), 'used')
  assert.deepEqual(one.told, [])
})

test('more calls than may be parked are told at once', async () => {
  const books = await openBooks()
  const { id } = await asked(books)
  for (let at = 0; at < limits.approvals.parked; at++) park(books, id)
  const over = park(books, id)
  await settle()
  assert.deepEqual(over.told, [['timeout', 'requested']])
})

// -- restarts and failures

test('a restart loses nothing: every state is as it was', async () => {
  const books = await openBooks()
  const { approvals } = books
  const ids: string[] = []
  for (const digest of ['waits', 'cancelled', 'approved', 'half', 'denied', 'used', 'revoked']) {
    ids.push((await asked(books, { digest, terms: terms({ uses: digest === 'half' ? 2 : 1 }) })).id)
  }
  const [, cancelled, approved, half, denied, used, revoked] = ids as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  approvals.wait(cancelled, () => undefined)()
  for (const id of [approved, half, used, revoked]) await approvals.answer(answerOf(id))
  await approvals.answer(answerOf(denied, { answer: 'no' }))
  await approvals.use(asking({ digest: 'half', terms: terms({ uses: 2 }) }))
  await approvals.use(asking({ digest: 'used' }))
  await approvals.revoke(answerOf(revoked))
  const before = approvals.list()
  assert.equal(new Set(before.map(({ state }) => state)).size, 6)
  // As the process ends: nothing is closed.
  const again = await restarted(books)
  assert.deepEqual(again.approvals.list(), before)
  await pass(again, limits.approvals.pendingMillis)
  assert.equal(again.approvals.get(ids[0] as string)?.state, 'expired')
})

test('whichever write fails, nothing is believed that is not on the disk, and nobody hears of it', async () => {
  for (let failAt = 1; failAt <= 3; failAt++) {
    const books = await openBooks()
    const { approvals, disk, time } = books
    disk.failAt = failAt
    const heard: string[] = []
    approvals.onEvent(({ kind }) => heard.push(kind))
    const steps = [
      () => approvals.ask(asking()),
      () => approvals.answer(answerOf(approvals.list()[0]?.id ?? 'none')),
      () => approvals.use(asking()),
    ]
    const done: string[] = []
    for (const step of steps) done.push(outcome(await step()))
    assert.equal(done[failAt - 1], 'approvals.unrecorded')
    assert.deepEqual(heard, ['request', 'approve', 'use'].slice(0, failAt - 1))
    disk.failAt = Number.POSITIVE_INFINITY
    await time.advance(limits.approvals.reopenMillis)
    assert.equal(books.journal.failed, undefined)
    assert.deepEqual(
      approvals.list().map(({ state }) => state),
      [[], ['requested'], ['approved']][failAt - 1],
    )
  }
})

test('parked calls hear at once that nothing can be recorded, and nobody waits while it cannot', async () => {
  const books = await openBooks()
  const { id } = await asked(books)
  const parked = park(books, id)
  books.disk.failAt = 1
  await books.approvals.answer(answerOf(id))
  await settle()
  assert.deepEqual(parked.told, [['failed', 'approved']])
  const late = park(books, id)
  await settle()
  assert.deepEqual(late.told[0]?.[0], 'failed')
  assert.equal(outcome(await books.approvals.ask(asking())), 'approvals.unrecorded')
})

test('what the ledger does not take has not happened', async () => {
  const books = await openBooks()
  books.ledger.isBroken = true
  assert.equal(outcome(await books.approvals.ask(asking())), 'approvals.unrecorded')
  assert.deepEqual([books.approvals.list(), books.disk.pairs.size], [[], 0])
  books.ledger.isBroken = false
  const { id } = await asked(books)
  books.ledger.isBroken = true
  assert.equal(outcome(await books.approvals.answer(answerOf(id))), 'approvals.unrecorded')
  await pass(books, limits.approvals.pendingMillis)
  assert.equal(books.approvals.get(id)?.state, 'requested', 'not even the clock ends it')
  books.ledger.isBroken = false
  await pass(books, 0)
  assert.equal(books.approvals.get(id)?.state, 'expired')
})

test('what the ledger cannot say is on disk, nobody hears of until it can', async () => {
  const books = await openBooks()
  const { id } = await asked(books)
  const parked = park(books, id)
  const heard: string[] = []
  books.approvals.onEvent(({ kind }) => heard.push(kind))
  books.ledger.isLate = true
  assert.equal(outcome(await books.approvals.answer(answerOf(id))), 'approvals.unrecorded')
  assert.equal(outcome(await books.approvals.ask(asking())), 'approvals.unrecorded')
  await pass(books, limits.approvals.lookMillis)
  assert.deepEqual([parked.told, heard, books.approvals.isSettled(id)], [[], [], false])
  books.ledger.isLate = false
  await pass(books, limits.approvals.lookMillis)
  assert.deepEqual([parked.told, heard, books.approvals.isSettled(id)], [[['answered', 'approved']], ['approve'], true])
})

test('an agent and its user are two requesters, and neither uses the other’s yes', async () => {
  const books = await openBooks()
  const { id } = await asked(books)
  assert.equal(books.approvals.get(id)?.requester.actor, ALICE.actor)
  assert.equal(outcome(await books.approvals.use(asking({ digest: 'by alice herself' }))), 'approvals.none')
})
