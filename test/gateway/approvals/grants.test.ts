import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GrantRequest } from '../../../gateway/approvals/grants.ts'
import { requestInfo } from '../../../gateway/request-info.ts'
import { limits } from '../../../protocols/limits.ts'
import { type Books, openBooks } from '../../support/books.ts'
import { ALICE, answerOf, BOB, outcome, person, TERMS } from './asking.ts'

const MINUTES_30 = 1_800_000

function requested(changes: Partial<GrantRequest> = {}): GrantRequest {
  return {
    requester: ALICE,
    cluster: 'prod',
    verbs: ['update', 'patch', 'exec'],
    resources: [
      { group: 'apps', resource: 'deployments', subresource: '' },
      { group: '', resource: 'pods', subresource: '' },
    ],
    namespaces: ['web'],
    durationMillis: MINUTES_30,
    reason: 'to fix it',
    ticket: 'OPS-1',
    terms: TERMS,
    ...changes,
  }
}

async function granted(books: Books, changes: Partial<GrantRequest> = {}): Promise<string> {
  const approval = await books.grants.request(requested(changes))
  assert.ok('state' in approval, JSON.stringify(approval))
  assert.equal(outcome(await books.approvals.answer(answerOf(approval.id))), 'approved')
  return approval.id
}

interface Asked {
  readonly method?: string
  readonly target?: string
  readonly cluster?: string
  readonly user?: string
  readonly actor?: string
}

const PATCH = '/apis/apps/v1/namespaces/web/deployments/shop'

function covers({ grants }: Books, asked: Asked = {}): boolean {
  const { method = 'PATCH', target = PATCH, cluster = 'prod', user = ALICE.user, actor = ALICE.actor } = asked
  const upgrade = method === 'GET' && target.includes('/exec') ? 'websocket' : undefined
  const attributes = requestInfo(method, target, upgrade)
  assert.ok(!('status' in attributes))
  return grants.covers({ principal: { user, actor }, cluster, attributes }) !== undefined
}

const CALLS: readonly (readonly [string, Asked, boolean])[] = [
  ['what it names', {}, true],
  ['an update as well', { method: 'PUT' }, true],
  ['exec in a pod there', { method: 'GET', target: '/api/v1/namespaces/web/pods/p/exec?command=sh' }, true],
  ['another verb', { method: 'DELETE' }, false],
  ['another namespace', { target: PATCH.replace('/web/', '/prod/') }, false],
  ['another group of the same name', { target: PATCH.replace('/apps/', '/extensions/') }, false],
  ['a subresource', { target: `${PATCH}/scale` }, false],
  ['another cluster', { cluster: 'staging' }, false],
  ['another user', { user: BOB.user }, false],
  ['the user without the agent', { actor: '' }, false],
  ['another agent of the user', { actor: 'oidc:other' }, false],
  ['a path that is no resource', { target: '/healthz' }, false],
  ['the namespace itself', { target: '/api/v1/namespaces/web' }, false],
]

for (const [what, asked, expected] of CALLS) {
  test(`a grant ${expected ? 'opens' : 'does not open'} ${what}`, async () => {
    const books = await openBooks()
    assert.equal(covers(books, asked), false)
    await granted(books)
    assert.equal(covers(books, asked), expected)
  })
}

test('a grant holds over a restart until its time is up, or it is taken back', async () => {
  let books = await openBooks()
  const id = await granted(books)
  books = await openBooks({ disk: books.disk, time: books.time })
  await books.time.advance(MINUTES_30 - 1)
  assert.equal(covers(books), true)
  await books.time.advance(1)
  assert.equal(covers(books), false, 'at the very moment, looked at or not')
  books.approvals.look()
  await books.journal.durable()
  assert.equal(books.approvals.get(id)?.state, 'expired')
  const other = await granted(books)
  await books.approvals.revoke(answerOf(other))
  assert.equal(covers(books), false)
})

test('a grant opens nothing before its yes is on the disk, nor while revocations could be lost', async () => {
  const books = await openBooks()
  const approval = await books.grants.request(requested())
  assert.ok('state' in approval)
  books.disk.isHeld = true
  const answering = books.approvals.answer(answerOf(approval.id))
  assert.equal(covers(books), false)
  books.disk.release()
  await answering
  assert.equal(covers(books), true)
  books.disk.failAt = 1
  await books.approvals.ask({ ...requested(), digest: 'd', summary: approval.summary })
  assert.equal(covers(books), false)
})

test('the same request is one approval, in whatever order it is written', async () => {
  const books = await openBooks()
  const one = await books.grants.request(requested())
  const { verbs, resources } = requested()
  const other = await books.grants.request(
    requested({ verbs: [...verbs, 'exec'].reverse(), resources: [...resources].reverse() }),
  )
  assert.ok('id' in one && 'id' in other && one.id === other.id)
  assert.equal(
    one.summary.command,
    'exec,patch,update pods,apps/deployments in web for 30 minutes, by agent oidc:agent',
  )
})

test('all namespaces, and what lies in none, are opened only where it says so', async () => {
  const books = await openBooks()
  const nodes = { group: '', resource: 'nodes', subresource: '' }
  await granted(books, { verbs: ['patch'], resources: [nodes], namespaces: 'all' })
  assert.equal(covers(books, { target: '/api/v1/nodes/n' }), true)
  assert.equal(covers(books), false)
})

const REFUSED: readonly (readonly [string, Partial<GrantRequest>, string])[] = [
  ['for nobody’s verbs', { verbs: [] }, 'grants.scope'],
  ['for all verbs', { verbs: ['*'] }, 'grants.scope'],
  ['for no resource', { resources: [] }, 'grants.scope'],
  ['for a resource without a name', { resources: [{ group: '', resource: '', subresource: '' }] }, 'grants.scope'],
  ['for no namespace', { namespaces: [] }, 'grants.scope'],
  ['for namespaces by a pattern', { namespaces: ['web-*'] }, 'grants.scope'],
  ['for more words than are read', { verbs: Array.from({ length: 65 }, (_, at) => `v${at}`) }, 'grants.scope'],
  ['for ever', { durationMillis: limits.approvals.grantMillis + 1 }, 'grants.duration'],
  ['for no time', { durationMillis: 0 }, 'grants.duration'],
  ['for part of a millisecond', { durationMillis: 0.5 }, 'grants.duration'],
  ['by an agent for another', { actor: 'oidc:other' }, 'grants.actor'],
  ['by an agent for its user', { actor: '' }, 'grants.actor'],
]

for (const [what, changes, rule] of REFUSED) {
  test(`a request ${what} is refused: ${rule}`, async () => {
    const books = await openBooks()
    assert.equal(outcome(await books.grants.request(requested(changes))), rule)
    assert.deepEqual(books.ledger.notes, [])
  })
}

test('a user asks for their agent, and the agent alone may use it', async () => {
  const books = await openBooks()
  await granted(books, { requester: person('alice'), actor: ALICE.actor })
  assert.deepEqual([covers(books), covers(books, { actor: '' })], [true, false])
})

test('the agent that is to have the access does not say yes to it, with a token of its own either', async () => {
  const books = await openBooks()
  const approval = await books.grants.request(requested({ requester: person('alice'), actor: 'agent' }))
  assert.ok('state' in approval)
  const agent = person('agent', ['oidc:sre'])
  assert.equal(outcome(await books.approvals.answer(answerOf(approval.id, { approver: agent }))), 'approvals.requester')
  assert.equal(outcome(await books.approvals.answer(answerOf(approval.id))), 'approved')
})
