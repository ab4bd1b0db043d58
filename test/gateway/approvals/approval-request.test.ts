import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../protocols/limits.ts'
import { openBooks } from '../../support/books.ts'
import { answerOf, asked, asking, BOB, outcome, person, TERMS, terms } from './asking.ts'

const OTHERS: readonly (readonly [string, Parameters<typeof asking>[0]])[] = [
  ['another digest', { digest: 'd2' }],
  ['more people who must say yes', { terms: terms({ quorums: [{ ...TERMS.quorums[0]!, quorum: 2 }] }) }],
  [
    'other people who must say yes',
    { terms: terms({ quorums: [{ rule: 'shells', approvers: [{ user: 'oidc:x' }], quorum: 1 }] }) },
  ],
  ['fewer uses', { terms: terms({ uses: 2 }) }],
  ['a ticket', { terms: terms({ ticketRequired: true }) }],
]

for (const [what, changes] of OTHERS) {
  test(`a yes is not good for a call with ${what}`, async () => {
    const books = await openBooks()
    const approval = await asked(books)
    await books.approvals.answer(answerOf(approval.id))
    const changed = asking(changes)
    assert.equal(outcome(await books.approvals.use(changed)), 'approvals.none')
    assert.notEqual((await asked(books, changes)).id, approval.id)
    assert.equal(outcome(await books.approvals.use(changed)), 'approvals.waiting')
  })
}

test('a request can be answered for as long as the call may wait, if that is longer', async () => {
  const books = await openBooks()
  const waitMillis = 2 * limits.approvals.pendingMillis
  const { requestedAt, answerBy } = await asked(books, { terms: terms({ waitMillis }) })
  assert.equal(answerBy - requestedAt, waitMillis)
})

test('a reason is asked for where the rule wants one', async () => {
  const books = await openBooks()
  const reason = { terms: terms({ reasonRequired: true }) }
  assert.equal(
    outcome(await books.approvals.ask(asking({ ...reason, reason: ' \t\u200b ' }))),
    'approvals.reason_required',
  )
  assert.equal(outcome(await books.approvals.ask(asking({ ...reason, reason: 'why' }))), 'requested')
})

test('what people read is bounded and without control characters', async () => {
  const books = await openBooks()
  const nasty = `\u001b[2J\u202ekill\r\n${'x'.repeat(100_000)}`
  const summary = { ...asking().summary, command: nasty, run: nasty, diff: `a\n\t${nasty}` }
  const approval = await asked(books, { summary, reason: nasty, ticket: nasty })
  const { command, run, diff } = approval.summary
  for (const text of [command, run, approval.reason, approval.ticket]) {
    assert.match(text, /^\ufffd\[2J\ufffdkill\ufffd\ufffdx+…$/)
    assert.ok(text.length <= limits.approvals.text)
  }
  assert.ok(diff.startsWith('a\n\t\ufffd[2J') && diff.length <= limits.approvals.diff)
})

test('of what is longer than people are shown, they are told so first', async () => {
  const books = await openBooks()
  const summary = (command: string, diff: string) => ({ ...asking().summary, command, diff, note: 'n' })
  const noteOf = async (digest: string, command: number, diff: number): Promise<string> =>
    (await asked(books, { digest, summary: summary('c'.repeat(command), 'd'.repeat(diff)) })).summary.note
  const { text, diff } = limits.approvals
  assert.equal(await noteOf('1', text, diff), 'n')
  assert.equal(await noteOf('2', text + 1, diff), 'the end of the command is NOT shown; n')
  assert.equal(await noteOf('3', text, diff + 1), 'the end of the changes is NOT shown; n')
})

test('one user’s requests, and all of them, are bounded; answered ones make room', async () => {
  const books = await openBooks()
  const many = limits.approvals.userPending
  const first = await asked(books, { digest: 'n0' })
  for (let at = 1; at < many; at++) await asked(books, { digest: `n${at}` })
  assert.equal(outcome(await books.approvals.ask(asking({ digest: 'more' }))), 'approvals.user_pending')
  assert.equal((await asked(books, { digest: 'n1' })).state, 'requested', 'one that is there already')
  await books.approvals.answer(answerOf(first.id, { answer: 'no' }))
  await asked(books, { digest: 'more' })
  for (let at = many; at < limits.approvals.pending; at++) {
    await asked(books, { digest: `u${at}`, requester: person(`user-${at}`) })
  }
  assert.equal(outcome(await books.approvals.ask(asking({ digest: 'x', requester: BOB }))), 'approvals.pending')
})
