import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openBooks } from '../../support/books.ts'
import { answerOf, asked, asking, CAROL, outcome, person, restarted, terms } from './asking.ts'

const REFUSED: readonly (readonly [string, Partial<Parameters<typeof answerOf>[1]> & object, string])[] = [
  ['an approval that is not there', { id: 'none' }, 'approvals.unknown'],
  ['another cluster', { cluster: 'staging' }, 'approvals.cluster'],
  ['the requester, though in the group', { approver: person('alice', ['oidc:sre']) }, 'approvals.requester'],
  ['the requester’s agent', { approver: person('agent', ['oidc:sre']) }, 'approvals.requester'],
  ['an agent for an approver', { approver: person('bob', ['oidc:sre'], 'oidc:helper') }, 'approvals.agent'],
  ['somebody else', { approver: person('dave', ['oidc:dev']) }, 'approvals.not_approver'],
  [
    'a group whose name only looks like it',
    { approver: person('dave', ['oidc:SRE', 'sre']) },
    'approvals.not_approver',
  ],
]

for (const [who, changes, rule] of REFUSED) {
  test(`a yes and a no by or for ${who} are refused: ${rule}`, async () => {
    const books = await openBooks()
    const { id } = await asked(books)
    for (const answer of ['yes', 'no'] as const) {
      assert.equal(outcome(await books.approvals.answer(answerOf(id, { answer, ...changes }))), rule)
    }
    assert.equal(books.approvals.get(id)?.state, 'requested')
    assert.deepEqual(books.ledger.codes, ['approvals.request'])
  })
}

test('the requester’s agent is known with a token of its own, whose user has its issuer’s prefix', async () => {
  const books = await openBooks()
  const { id } = await asked(books, { requester: person('alice', [], 'agent') })
  const answered = async (user: string): Promise<string> =>
    outcome(await books.approvals.answer(answerOf(id, { approver: { ...person('x', ['oidc:sre']), user } })))
  for (const user of ['agent', 'oidc:agent', 'https://issuer#agent']) {
    assert.equal(await answered(user), 'approvals.requester', user)
  }
  assert.equal(await answered('oidc:magent'), 'approved')
})

test('who acts through an agent of the approver’s own name cannot answer either', async () => {
  const books = await openBooks()
  const { id } = await asked(books, { requester: person('alice', [], 'oidc:bob') })
  assert.equal(outcome(await books.approvals.answer(answerOf(id))), 'approvals.requester')
})

test('of a quorum each person counts once, and one person for all groups that they are in', async () => {
  const two = terms({
    quorums: [
      { rule: 'one', approvers: [{ group: 'oidc:sre' }], quorum: 2 },
      { rule: 'two', approvers: [{ group: 'oidc:leads' }, { user: 'oidc:erin' }], quorum: 1 },
    ],
  })
  const books = await openBooks()
  const { id } = await asked(books, { terms: two })
  assert.equal(outcome(await books.approvals.answer(answerOf(id))), 'requested')
  assert.equal(outcome(await books.approvals.answer(answerOf(id))), 'approvals.twice')
  assert.equal(outcome(await books.approvals.answer(answerOf(id, { approver: person('erin') }))), 'requested')
  assert.equal(outcome(await books.approvals.use(asking({ terms: two }))), 'approvals.waiting')
  const again = await restarted(books)
  assert.equal(outcome(await again.approvals.answer(answerOf(id, { approver: CAROL }))), 'approved')
  assert.equal(outcome(await again.approvals.use(asking({ terms: two }))), 'used')
})

test('a ticket is asked for where the rule wants one, of whoever asks or of whoever answers', async () => {
  const books = await openBooks()
  const ticket = { terms: terms({ ticketRequired: true }), digest: 'd2' }
  const { id } = await asked(books, ticket)
  assert.equal(outcome(await books.approvals.answer(answerOf(id))), 'approvals.ticket_required')
  assert.equal(outcome(await books.approvals.answer(answerOf(id, { ticket: ' \t' }))), 'approvals.ticket_required')
  assert.equal(outcome(await books.approvals.answer(answerOf(id, { ticket: 'OPS-1' }))), 'approved')
  const named = await asked(books, { ...ticket, digest: 'd3', ticket: 'OPS-2' })
  assert.equal(outcome(await books.approvals.answer(answerOf(named.id))), 'approved')
})

test('a yes is taken back by whoever could give it and by the requester, and by nobody else', async () => {
  const takers: readonly (readonly [Parameters<typeof person>, string])[] = [
    [['carol', ['oidc:sre']], 'revoked'],
    [['alice'], 'revoked'],
    [['alice', [], 'oidc:agent'], 'approvals.agent'],
    [['dave'], 'approvals.not_approver'],
  ]
  for (const [who, expected] of takers) {
    const books = await openBooks()
    const { id } = await asked(books)
    const revocation = answerOf(id, { approver: person(...who) })
    const early = outcome(await books.approvals.revoke(revocation))
    assert.equal(early, expected === 'revoked' ? 'approvals.not_approved' : expected)
    await books.approvals.answer(answerOf(id))
    assert.equal(outcome(await books.approvals.revoke(revocation)), expected)
    assert.equal(outcome(await books.approvals.use(asking())), expected === 'revoked' ? 'approvals.revoked' : 'used')
  }
})
