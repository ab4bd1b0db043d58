// Calls that the policy puts to people, through a whole gateway: what waits, what they are told, what reaches the cluster
// and what is on the tapes.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { connect, constants } from 'node:http2'
import { afterEach, beforeEach, test } from 'node:test'
import { readConfig } from '../../gateway/config.ts'
import type { Entry } from '../../protocols/tape/entry.ts'
import {
  approver,
  ConsentingGateway,
  causeOf,
  closed,
  codesOf,
  EXEC,
  isSocket,
  POD,
  POLICY,
  statusOf,
} from '../support/consenting-gateway.ts'

let gateway: ConsentingGateway
let isOpen = false

beforeEach(async () => {
  gateway = await ConsentingGateway.open()
  isOpen = true
})
afterEach(async () => {
  if (isOpen) await gateway.close()
})

async function close(kind?: Parameters<ConsentingGateway['close']>[0]): Promise<Entry[][]> {
  isOpen = false
  return gateway.close(kind)
}

function decisionsOf(tapes: Entry[][]) {
  return tapes.flat().flatMap((entry) => {
    if (entry.kind !== 'decision' || entry.body.rule === 'approvals.preview') return []
    const { effect, rule, approval } = entry.body
    return [[effect, rule, approval === undefined ? '' : 'approval']]
  })
}

const APPLY = { method: 'PATCH', path: `${POD}?fieldManager=kubectl-edit`, body: '{"metadata":{"labels":{"a":"b"}}}' }
const HTTP2 = { ':method': 'PATCH', 'content-type': 'application/merge-patch+json', 'sallyport-intent': 'to fix it' }
const WHY = {
  'Content-Type': 'application/merge-patch+json',
  'Sallyport-Intent': 'to fix it',
  'Sallyport-Run': 'run-7',
  'Sallyport-Ticket': 'OPS-1',
}

test('an exec waits, is allowed by somebody who may, and runs: once, and on the tapes with its approval', async () => {
  const opening = gateway.webSocket()
  const approval = await gateway.waiting()
  assert.equal(approval.summary.command, 'kubectl exec -i web -n prod -- sh')
  assert.deepEqual([approval.requester.user, approval.requester.actor], ['oidc:alice', 'agent'])
  assert.equal(gateway.passed.length, 0)
  await gateway.answer(approval.id, 'yes')
  const socket = await opening
  assert.ok(isSocket(socket))
  assert.equal(gateway.passed.length, 1)
  assert.equal(gateway.people.approvals.get(approval.id)?.state, 'used')
  socket.terminate()
  const again = gateway.webSocket()
  again.catch(() => undefined)
  assert.notEqual((await gateway.waiting(1, 2)).id, approval.id, 'the next one is asked for anew')
  const tapes = await close('exec')
  assert.deepEqual(decisionsOf(tapes), [['allow', 'shells', 'approval']])
  await again
})

test('a no is told with who and why, to the WebSocket and to its repetition as SPDY, and people are asked once', async () => {
  const opening = gateway.webSocket()
  const approval = await gateway.waiting()
  await gateway.answer(approval.id, 'no', 'not on a Friday')
  const refused = await opening
  assert.ok(!isSocket(refused))
  const repeated = await gateway.spdy()
  for (const answer of [refused, repeated]) {
    assert.equal(answer.status, 403)
    assert.equal(causeOf(answer), 'approvals.denied')
    assert.equal(causeOf(answer, 'SallyportApproval'), approval.id)
    assert.match(statusOf(answer).message, /was denied by oidc:bob: not on a Friday/)
  }
  assert.equal(gateway.people.approvals.list().length, 1)
  assert.equal(gateway.passed.length, 0)
  const other = gateway.webSocket(EXEC.replace('command=sh', 'command=bash'))
  other.catch(() => undefined)
  assert.notEqual((await gateway.waiting(1, 2)).id, approval.id, 'another argv is another question')
  const api = await close('api')
  assert.deepEqual(decisionsOf(api).slice(0, 2), [
    ['deny', 'shells', 'approval'],
    ['deny', 'shells', 'approval'],
  ])
  await other
})

test('SPDY that comes while its WebSocket still waits is the same question, and both hear the answer', async () => {
  const [one, other] = [gateway.webSocket(), gateway.spdy()]
  const approval = await gateway.waiting(2)
  await gateway.answer(approval.id, 'no')
  const answers = await Promise.all([one, other])
  assert.deepEqual(
    answers.map((answer) => !isSocket(answer) && causeOf(answer)),
    ['approvals.denied', 'approvals.denied'],
  )
  const codes = codesOf(await close())
  assert.deepEqual(
    codes.filter((code) => code.startsWith('approvals.')),
    ['approvals.request', 'approvals.deny'],
  )
})

test('a yes whose WebSocket the cluster does not take is good for its repetition as SPDY, once', async () => {
  gateway.refusesUpgrades = true
  const opening = gateway.webSocket()
  await gateway.answer((await gateway.waiting()).id, 'yes')
  const refused = await opening
  assert.ok(!isSocket(refused))
  assert.equal(refused.status, 400)
  assert.equal((await gateway.spdy()).status, 400)
  const third = gateway.spdy()
  await gateway.answer((await gateway.waiting(1, 2)).id, 'no')
  assert.equal((await third).status, 403)
  assert.deepEqual(
    gateway.passed.map(({ method, headers }) => `${method} ${headers.upgrade}`),
    ['GET websocket', 'POST SPDY/3.1'],
  )
  const codes = codesOf(await close()).filter((code) => code.startsWith('approvals.'))
  assert.deepEqual(codes, [
    'approvals.request',
    'approvals.approve',
    'approvals.use',
    'approvals.request',
    'approvals.deny',
  ])
})

test('a rule that lets nobody wait: 403 with what to do, and the same call passes once it is allowed', async () => {
  const call = { method: 'DELETE', path: POD }
  const first = await gateway.call(call)
  assert.equal(first.status, 403)
  assert.equal(causeOf(first), 'approvals.waiting')
  const id = causeOf(first, 'SallyportApproval')
  assert.match(statusOf(first).message, new RegExp(`group oidc:sre.* sallyport approvals approve ${id}`))
  const repeated = await gateway.call(call)
  assert.equal(causeOf(repeated, 'SallyportApproval'), id)
  await gateway.answer(id, 'yes')
  const other = await gateway.call({ ...call, path: `${POD}-2` })
  assert.equal(causeOf(other), 'approvals.waiting', 'another pod is another question')
  const dry = await gateway.call({ ...call, path: `${POD}?dryRun=All` })
  assert.equal(causeOf(dry), 'approvals.waiting', 'and so is another query')
  assert.equal(gateway.passed.length, 0)
  assert.equal((await gateway.call(call)).status, 200)
  assert.equal((await gateway.call(call)).status, 403, 'a yes is for one call')
  const api = await close('api')
  const effects = decisionsOf(api).map(([effect, rule]) => `${effect} ${rule}`)
  assert.deepEqual(effects, [
    'ask deletes',
    'ask deletes',
    'ask deletes',
    'ask deletes',
    'allow deletes',
    'ask deletes',
  ])
})

test('a changed body is another question, and what the caller says of itself goes on the tape and no further', async () => {
  const patch = gateway.call({ ...APPLY, headers: WHY })
  const approval = await gateway.waiting()
  assert.deepEqual([approval.reason, approval.ticket, approval.summary.run], ['to fix it', 'OPS-1', 'run-7'])
  await gateway.answer(approval.id, 'yes')
  assert.equal((await patch).status, 200)
  const request = gateway.seen.at(-1)
  assert.ok(request)
  assert.deepEqual(
    Object.keys(request.headers).filter((name) => name.startsWith('sallyport')),
    [],
  )
  assert.equal(request.body, APPLY.body)
  const changed = gateway.call({ ...APPLY, headers: WHY, body: APPLY.body.replace('"b"', '"c"') })
  const other = await gateway.waiting(1, 2)
  assert.notEqual(other.id, approval.id)
  await gateway.answer(other.id, 'no')
  assert.equal((await changed).status, 403)
  const unsaid = await gateway.call({ ...APPLY, headers: { ...WHY, 'Sallyport-Intent': ' ' } })
  assert.equal(causeOf(unsaid), 'approvals.reason_required')
  const api = (await close('api')).flat()
  const claims = api.flatMap((entry) => (entry.kind === 'request' ? [entry.body.claims] : []))
  assert.deepEqual(
    claims.find((each) => each !== undefined),
    { run: 'run-7', intent: 'to fix it', ticket: 'OPS-1' },
  )
})

test('a client that goes cancels its wait; the request can still be answered, and the call made again passes', async () => {
  const outgoing = gateway.fixture.open({ token: gateway.token, ...APPLY, headers: WHY })
  outgoing.on('error', () => undefined)
  outgoing.end(APPLY.body)
  const { id } = await gateway.waiting()
  outgoing.destroy()
  await gateway.until(() => gateway.people.approvals.get(id)?.state === 'cancelled', 'it is cancelled')
  await gateway.answer(id, 'yes')
  assert.equal((await gateway.call({ ...APPLY, headers: WHY })).status, 200)
  const codes = codesOf(await close()).filter((code) => code.startsWith('approvals.'))
  assert.deepEqual(codes, ['approvals.request', 'approvals.cancel', 'approvals.approve', 'approvals.use'])
})

test('over HTTP/2 a stream that is reset cancels its own wait, and the others of its connection hear their answers', async () => {
  const { address, ca } = gateway.fixture.gateway
  const session = connect(address, { ca: readFileSync(ca) })
  const ask = (body: string) => {
    const authorization = `Bearer ${gateway.token}`
    const stream = session.request({ ...HTTP2, ':path': APPLY.path, authorization })
    stream.on('error', () => undefined)
    stream.end(body)
    return stream
  }
  const [one, other] = [ask('{"a":1}'), ask('{"a":2}')]
  const answered = once(other, 'response')
  await gateway.waiting(2, 2)
  one.close(constants.NGHTTP2_CANCEL)
  const { approvals } = gateway.people
  await gateway.until(() => approvals.list().some(({ state }) => state === 'cancelled'), 'one is cancelled')
  const left = approvals.list().find(({ state }) => state === 'requested')
  assert.ok(left)
  await gateway.answer(left.id, 'yes')
  const [head] = (await answered) as [Record<string, unknown>]
  assert.equal(head[':status'], 200)
  assert.deepEqual(gateway.passed.map(({ body }) => body).length, 1)
  session.destroy()
})

test('a restart in the middle keeps the question and the yes', async () => {
  const first = await gateway.call({ method: 'DELETE', path: POD })
  const id = causeOf(first, 'SallyportApproval')
  await gateway.answer(id, 'yes')
  const { token } = gateway
  const restarted = await gateway.fixture.restart()
  const call = { token, method: 'DELETE', path: POD }
  assert.equal((await restarted.call(call)).status, 200)
  assert.equal((await restarted.call(call)).status, 403)
})

test('a drain tells parked calls that their question stands', async () => {
  const patch = gateway.call({ ...APPLY, headers: WHY })
  const { id } = await gateway.waiting()
  const control = await close()
  const answer = await patch
  assert.equal(answer.status, 503)
  assert.equal(causeOf(answer), 'approvals.drained')
  assert.equal(causeOf(answer, 'SallyportApproval'), id)
  const last = control.flat().at(-1)
  assert.deepEqual(last?.kind === 'seal' && last.body.reason, 'drained')
})

test('a token that ends while its call waits is over', async () => {
  const expiresAt = Math.floor(Date.now() / 1000) + 2
  const token = await gateway.fixture.token({ actor: 'agent', expiresAt })
  const patch = gateway.call({ ...APPLY, headers: WHY, token })
  const { id } = await gateway.waiting()
  await gateway.until(() => Date.now() >= expiresAt * 1000, 'the token has ended')
  await gateway.answer(id, 'yes')
  const answer = await patch
  assert.deepEqual([answer.status, causeOf(answer)], [401, 'authn.expired'])
  assert.equal(gateway.people.approvals.get(id)?.state, 'approved', 'nothing is spent')
  assert.equal(gateway.passed.length, 0)
})

const CHANGES: readonly (readonly [string, object, string])[] = [
  ['denies it', { effect: 'deny', approval: undefined }, 'writes'],
  [
    'asks for more',
    { approval: { approvers: [{ group: 'oidc:sre' }], quorum: 2, reasonRequired: true } },
    'approvals.policy_changed',
  ],
  ['allows it', { effect: 'allow', approval: undefined }, 'approvals.policy_changed'],
]

for (const [what, change, rule] of CHANGES) {
  test(`a policy that meanwhile ${what} is the one that counts`, async () => {
    const patch = gateway.call({ ...APPLY, headers: WHY })
    const { id } = await gateway.waiting()
    const { fixture } = gateway
    const rules = POLICY.rules.map((each) => (each.name === 'writes' ? { ...each, ...change } : each))
    writeFileSync(`${fixture.folder}/people.yaml`, JSON.stringify({ ...POLICY, rules }))
    fixture.gateway.reload(readConfig(fixture.config))
    await gateway.answer(id, 'yes')
    const answer = await patch
    assert.deepEqual([answer.status, causeOf(answer)], [403, rule])
    assert.equal(gateway.passed.length, 0)
  })
}

test('a standing grant lifts a default and a question, and never a denial', async () => {
  const { grants, approvals } = gateway.people
  const principal = { ...approver('carol', ['oidc:dev']), actor: 'agent' }
  const token = await gateway.fixture.token({ subject: 'carol', groups: ['dev'], actor: 'agent' })
  const calls = [
    { token, method: 'PATCH', path: POD, body: '{}', headers: WHY },
    { token, method: 'PUT', path: '/api/v1/nodes/n', body: '{}', headers: WHY },
    { token, method: 'DELETE', path: '/api/v1/nodes/n' },
  ]
  const before = await gateway.call({ token, method: 'DELETE', path: `${POD}/eviction` })
  assert.equal(causeOf(before), 'default')
  const quorums = [{ rule: 'g', approvers: [{ group: 'oidc:sre' }], quorum: 1 }]
  const terms = { quorums, waitMillis: 0, validForMillis: 0, uses: 1, reasonRequired: false, ticketRequired: false }
  const granted = await grants.request({
    requester: principal,
    cluster: 'test',
    verbs: ['patch', 'update', 'delete'],
    resources: ['pods', 'nodes'].map((resource) => ({ group: '', resource, subresource: '' })),
    namespaces: 'all',
    durationMillis: 60_000,
    reason: '',
    ticket: '',
    terms,
  })
  assert.ok('state' in granted)
  await gateway.answer(granted.id, 'yes')
  const answers = []
  for (const call of calls) answers.push(await gateway.call(call))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 403],
  )
  assert.equal(causeOf(answers[2] as (typeof answers)[number]), 'never-nodes')
  await approvals.revoke({ id: granted.id, approver: approver('bob'), reason: '', ticket: '', via: 'test' })
  const after = gateway.call(calls[0] as (typeof calls)[number])
  await gateway.waiting(1, 2)
  const tapes = await close('api')
  await after
  assert.equal(decisionsOf(tapes).filter(([, rule]) => rule === 'grants.standing').length, 2)
})

/** A grant of exec for carol, given, and a stream that goes on by it. */
async function openByGrant(durationMillis: number) {
  const quorums = [{ rule: 'g', approvers: [{ group: 'oidc:sre' }], quorum: 1 }]
  const terms = { quorums, waitMillis: 0, validForMillis: 0, uses: 1, reasonRequired: false, ticketRequired: false }
  const granted = await gateway.people.grants.request({
    requester: { ...approver('carol', ['oidc:dev']), actor: 'agent' },
    ...{ cluster: 'test', verbs: ['exec'], resources: [{ group: '', resource: 'pods', subresource: '' }] },
    ...{ namespaces: 'all', durationMillis, reason: '', ticket: '', terms },
  })
  assert.ok('state' in granted)
  await gateway.answer(granted.id, 'yes')
  const token = await gateway.fixture.token({ subject: 'carol', groups: ['dev'], actor: 'agent' })
  const socket = await gateway.webSocket(EXEC, { Authorization: `Bearer ${token}` })
  assert.ok(isSocket(socket))
  return { id: granted.id, socket }
}

async function endOf(tapes: Promise<Entry[][]>): Promise<string> {
  const seal = (await tapes).flat().at(-1)
  return seal?.kind === 'seal' ? seal.body.reason : ''
}

test('a stream by a standing grant ends when the grant is taken back', async () => {
  const { id, socket } = await openByGrant(60_000)
  const over = closed(socket)
  await gateway.people.approvals.revoke({ id, approver: approver('bob'), reason: '', ticket: '', via: 'test' })
  await over
  assert.equal(await endOf(close('exec')), 'consent ended')
})

test('a stream by a standing grant ends with the grant', async () => {
  const { socket } = await openByGrant(1_500)
  await closed(socket)
  assert.equal(await endOf(close('exec')), 'consent ended')
})

test('a lock cuts streams, watches and parked calls of its target within a second, and new calls are told', async () => {
  gateway.serve = ({ url }, response) => {
    response.setHeader('Content-Type', 'application/json')
    if (url.includes('watch')) response.write('{"type":"BOOKMARK","object":{}}\n')
    else response.end('{}')
  }
  const opening = gateway.webSocket()
  await gateway.answer((await gateway.waiting()).id, 'yes')
  const socket = await opening
  assert.ok(isSocket(socket))
  const watching = gateway.fixture.open({ token: gateway.token, path: '/api/v1/pods?watch=1' })
  watching.on('error', () => undefined)
  watching.end()
  const [watch] = (await once(watching, 'response')) as [IncomingMessage]
  watch.on('error', () => undefined)
  const bystander = await gateway.fixture.token({ subject: 'dave', groups: ['admins'] })
  const other = gateway.fixture.open({ token: bystander, path: '/api/v1/pods?watch=1' })
  other.end()
  const [kept] = (await once(other, 'response')) as [IncomingMessage]
  const patch = gateway.call({ ...APPLY, headers: WHY })
  await gateway.waiting(1, 2)

  const begun = performance.now()
  const ended = Promise.all([closed(socket), new Promise((done) => watch.once('close', done)), patch])
  watch.resume()
  await gateway.people.locks.lock({ kind: 'user', name: 'oidc:alice' }, approver('bob'), 'stolen token')
  const [, , parked] = await ended
  assert.ok(performance.now() - begun < 1_000)
  assert.equal(kept.destroyed, false, 'a bystander goes on')
  for (const answer of [parked, await gateway.call({})]) {
    assert.deepEqual([answer.status, causeOf(answer)], [403, 'locks.user'])
    assert.match(statusOf(answer).message, /user oidc:alice is locked by oidc:bob \(lock [0-9a-f]+\): stolen token/)
  }
  assert.equal((await gateway.call({ token: bystander })).status, 200)
  const [lock] = gateway.people.locks.list()
  assert.ok(lock)
  await gateway.people.locks.unlock(lock.id, approver('bob'), 'found')
  assert.equal((await gateway.call({})).status, 200)
  other.destroy()
  const exec = await close('exec')
  const seal = exec.flat().at(-1)
  assert.deepEqual(seal?.kind === 'seal' && seal.body.reason, 'locked')
})

test('a locked run is stopped by what it says of itself, and a locked cluster for everybody', async () => {
  await gateway.people.locks.lock({ kind: 'run', name: 'run-7' }, approver('bob'), '')
  assert.equal(causeOf(await gateway.call({ headers: { 'Sallyport-Run': 'run-7' } })), 'locks.run')
  assert.equal((await gateway.call({ headers: { 'Sallyport-Run': 'run-8' } })).status, 200)
  await gateway.people.locks.lock({ kind: 'cluster', name: 'test' }, approver('bob'), '')
  assert.equal(causeOf(await gateway.call({})), 'locks.cluster')
})
