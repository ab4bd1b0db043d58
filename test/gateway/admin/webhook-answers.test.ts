// Signed answers from a webhook's other end, through the admin API: what counts, what is refused, and what is on the control
// tape of it.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sign } from '../../../gateway/webhooks/signature.ts'
import { limits } from '../../../protocols/limits.ts'
import { AdminFixture, CHAT } from '../../support/admin-fixture.ts'

let desk: AdminFixture
let ids = 0

before(async () => {
  desk = await AdminFixture.open()
})
after(() => desk.close())

interface Posting {
  readonly id?: string
  /** Milliseconds from now. */
  readonly late?: number
  readonly secret?: Uint8Array
  readonly path?: string
  readonly method?: string
}

async function post(
  body: object | string,
  { id = `m${++ids}`, late = 0, secret = CHAT.secret, path, method }: Posting = {},
) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const timestamp = String(Math.floor((desk.books.time.now() + late) / 1000))
  const signature = sign(secret, { id, timestamp, body: Buffer.from(text) })
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature }
  return desk.call(method ?? 'POST', path ?? '/v1/webhooks/chat/answers', { body: text, headers })
}

function refusedNotes(): (readonly [unknown, unknown])[] {
  return desk.books.ledger.notes.flatMap(({ code, facts }) =>
    code === 'webhooks.refused' ? [[facts?.rule, facts?.approval] as const] : [],
  )
}

test('a signed answer is as good as one with a token of one’s own, and says where it came from', async () => {
  const approval = await desk.asked('exec a -- sh')
  const { status, json } = await post({ approver: 'U1', approval: approval.id, cluster: 'prod', answer: 'approve' })
  assert.deepEqual([status, json.approval, json.state], [200, approval.id, 'approved'])
  const [yes] = desk.books.approvals.get(approval.id)?.yeses ?? []
  assert.deepEqual([yes?.by.user, yes?.via], ['oidc:bob', 'chat'])
})

test('forged, replayed, late, for another cluster, by the requester, by nobody: refused, and on the control tape', async () => {
  const { id: approval } = await desk.asked('exec b -- sh')
  const good = { approver: 'U1', approval, cluster: 'prod', answer: 'approve' }
  await post({ ...good, approval: 'none' }, { id: 'seen' })
  const cases: readonly [object, Posting, number, string][] = [
    [good, { secret: Buffer.alloc(32, 6) }, 401, 'webhooks.signature'],
    [good, { id: 'seen' }, 409, 'webhooks.replayed'],
    [good, { late: -limits.approvals.answerMillis - 2_000 }, 401, 'webhooks.timestamp'],
    [{ ...good, cluster: 'dev' }, {}, 403, 'approvals.cluster'],
    [{ ...good, approver: 'U2' }, {}, 403, 'approvals.requester'],
    [{ ...good, approver: 'U3' }, {}, 403, 'webhooks.approver'],
    [{ ...good, answer: 'yes' }, {}, 422, 'webhooks.body'],
    [{ ...good, approval: 'none' }, {}, 404, 'approvals.unknown'],
  ]
  for (const [body, how, status, rule] of cases) {
    const before = refusedNotes().length
    const answer = await post(body, how)
    assert.deepEqual([answer.status, answer.json.rule], [status, rule])
    assert.deepEqual(
      refusedNotes()
        .slice(before)
        .map(([noted]) => noted),
      [rule],
    )
  }
  assert.equal(desk.books.approvals.get(approval)?.state, 'requested')
})

test('whoever is locked does not answer', async () => {
  const { id: approval } = await desk.asked('exec c -- sh')
  const locked = await desk.books.locks.lock(
    { kind: 'user', name: 'oidc:bob' },
    { user: 'x', groups: [], actor: '' },
    '',
  )
  assert.ok('lock' in locked)
  const { status, json } = await post({ approver: 'U1', approval, cluster: 'prod', answer: 'approve' })
  assert.deepEqual([status, json.rule], [403, 'locks.user'])
  await desk.books.locks.unlock(locked.lock.id, { user: 'x', groups: [], actor: '' }, '')
})

test('there is nothing else there: other webhooks, other methods, other paths, long answers', async () => {
  assert.equal((await post('{}', { path: '/v1/webhooks/other/answers' })).json.rule, 'webhooks.unknown')
  assert.equal((await post('{}', { path: '/v1/webhooks/__proto__/answers' })).json.rule, 'webhooks.unknown')
  assert.equal((await desk.call('GET', '/v1/webhooks/chat/answers')).status, 401)
  assert.equal((await post('{}', { path: '/v1/webhooks/chat' })).status, 401)
  assert.equal((await post(' '.repeat(limits.approvals.answerBytes + 1))).json.rule, 'webhooks.length')
  const chunked = await desk.call('POST', '/v1/webhooks/chat/answers', {
    body: ' '.repeat(limits.approvals.answerBytes + 1),
    isChunked: true,
  })
  assert.equal(chunked.json.rule, 'webhooks.length')
})

test('nobody can fill the control tape from outside', async () => {
  desk.books.time.millis += 60_000
  const before = refusedNotes().length
  for (let at = 0; at < limits.approvals.refusedNotes + 5; at++) {
    assert.equal((await post('{}', { secret: Buffer.alloc(32, 6) })).status, 401)
  }
  assert.equal(refusedNotes().length - before, limits.approvals.refusedNotes)
})

test('what is left of budgets is part of what the caller may do', async () => {
  const person = await desk.call('GET', '/v1/access', { token: await desk.token('alice', ['dev']) })
  assert.deepEqual(person.json.budgets, [])
  const agent = await desk.call('GET', '/v1/access', { token: await desk.token('alice', ['dev'], { actor: 'claude' }) })
  const limit = { counted: 'deletions', limit: 3, left: 3, windowSeconds: 3_600, renewsAt: null }
  assert.deepEqual(agent.json.budgets, [{ name: 'few-deletes', per: 'actor', limits: [limit] }])
})
