import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { AdminFixture, TERMS } from '../../support/admin-fixture.ts'

let desk: AdminFixture
/** Tokens: two approvers, who asks, their agent, a stranger, an operator, and the admin token. */
let eve: string
let sam: string
let alice: string
let agent: string
let mallory: string
let olga: string

before(async () => {
  desk = await AdminFixture.open()
  eve = await desk.token('eve', ['sre'])
  sam = await desk.token('sam', ['sre'])
  alice = await desk.token('alice', ['dev'])
  agent = await desk.token('alice', ['dev'], { actor: 'claude' })
  mallory = await desk.token('mallory')
  olga = await desk.token('olga', ['operators'])
})

after(() => desk.close())

/** The last note for auditors. */
function lastNote() {
  return desk.books.ledger.notes.at(-1)
}

function ids(json: Readonly<Record<string, unknown>>, list = 'approvals'): string[] {
  return (json[list] as { id: string }[]).map(({ id }) => id)
}

test('an approver says yes, and the call’s approval is good', async () => {
  const { id } = await desk.asked('exec a -- sh')
  const { status, json } = await desk.call('POST', `/v1/approvals/${id}/answer`, {
    token: eve,
    body: { answer: 'yes', reason: 'on call', ticket: 'OPS-1', cluster: 'prod', via: 'cli' },
  })
  assert.equal(status, 200)
  assert.equal(json.state, 'approved')
  const [yes] = json.yeses as Record<string, unknown>[]
  assert.deepEqual([yes?.by, yes?.reason, yes?.ticket, yes?.via], ['oidc:eve', 'on call', 'OPS-1', 'cli'])
  assert.equal(desk.books.approvals.get(id)?.state, 'approved')
})

test('an approver says no, with the reason that the caller is told', async () => {
  const { id } = await desk.asked('exec b -- sh')
  const { status, json } = await desk.call('POST', `/v1/approvals/${id}/answer`, {
    token: eve,
    body: { answer: 'no', reason: 'not today' },
  })
  assert.deepEqual([status, json.state], [200, 'denied'])
  assert.deepEqual((json.no as { reason: string }).reason, 'not today')
})

const refusedAnswers: readonly (readonly [
  what: string,
  token: () => string,
  body: object,
  expected: readonly [status: number, rule: string],
])[] = [
  ['whoever asks', () => alice, { answer: 'yes' }, [403, 'approvals.requester']],
  ['the agent that asks', () => agent, { answer: 'yes' }, [403, 'approvals.agent']],
  ['a stranger', () => mallory, { answer: 'yes' }, [403, 'approvals.not_approver']],
  ['an operator who is no approver', () => olga, { answer: 'yes' }, [403, 'approvals.not_approver']],
  ['the admin token', () => desk.adminToken, { answer: 'yes' }, [403, 'admin.nobody']],
  ['the admin token that says no', () => desk.adminToken, { answer: 'no' }, [403, 'admin.nobody']],
  ['an approver who means another cluster', () => eve, { answer: 'yes', cluster: 'dev' }, [403, 'approvals.cluster']],
]

for (const [what, token, body, expected] of refusedAnswers) {
  test(`${what} cannot answer, and the attempt is noted`, async () => {
    const { id } = await desk.asked(`exec ${what.replaceAll(' ', '-')} -- sh`)
    const { status, json } = await desk.call('POST', `/v1/approvals/${id}/answer`, { token: token(), body })
    assert.deepEqual([status, json.rule], expected)
    assert.equal(typeof json.message, 'string')
    assert.equal(desk.books.approvals.get(id)?.state, 'requested')
    const note = lastNote()
    assert.equal(note?.code, 'admin.refused')
    assert.deepEqual([note?.facts?.subject, note?.facts?.rule], [id, expected[1]])
    await desk.books.approvals.answer({
      ...{ id, answer: 'no', reason: '', ticket: '', via: 'test' },
      approver: { user: 'oidc:eve', groups: ['oidc:sre'], actor: '', issuer: '', expiresAt: 0 },
    })
  })
}

test('a second answer is a conflict, whoever gives it', async () => {
  const { id } = await desk.asked('exec c -- sh', {
    terms: { ...TERMS, quorums: [{ rule: 'shells', quorum: 2, approvers: [{ group: 'oidc:sre' }] }] },
  })
  const say = (token: string, answer: string) =>
    desk.call('POST', `/v1/approvals/${id}/answer`, { token, body: { answer } })
  assert.equal((await say(eve, 'yes')).json.state, 'requested')
  const twice = await say(eve, 'yes')
  assert.deepEqual([twice.status, twice.json.rule], [409, 'approvals.twice'])
  assert.equal((await say(sam, 'yes')).json.state, 'approved')
  const late = await say(sam, 'no')
  assert.deepEqual([late.status, late.json.rule], [409, 'approvals.answered'])
})

test('a yes is taken back by whoever could give it or asked for it, and by no other', async () => {
  const { id } = await desk.asked('exec d -- sh')
  await desk.call('POST', `/v1/approvals/${id}/answer`, { token: eve, body: { answer: 'yes' } })
  const revoke = (token: string) => desk.call('POST', `/v1/approvals/${id}/revoke`, { token, body: {} })
  assert.deepEqual((await revoke(mallory)).json.rule, 'approvals.not_approver')
  assert.deepEqual((await revoke(agent)).json.rule, 'approvals.agent')
  assert.deepEqual((await revoke(alice)).json.state, 'revoked')
  const again = await revoke(sam)
  assert.deepEqual([again.status, again.json.rule], [409, 'approvals.not_approved'])
})

test('whoever asks, can answer or operates sees an approval, and nobody else', async () => {
  const { id } = await desk.asked('exec e -- sh')
  const other = await desk.asked('exec f -- sh', {
    requester: { user: 'oidc:bob', groups: [], actor: '', issuer: '', expiresAt: 0 },
  })
  const sees = async (token: string): Promise<readonly [boolean, boolean, number, number]> => {
    const listed = ids((await desk.call('GET', '/v1/approvals?state=open', { token })).json)
    const one = await desk.call('GET', `/v1/approvals/${id}`, { token })
    const two = await desk.call('GET', `/v1/approvals/${other.id}`, { token })
    return [listed.includes(id), listed.includes(other.id), one.status, two.status]
  }
  assert.deepEqual(await sees(eve), [true, true, 200, 200])
  assert.deepEqual(await sees(desk.adminToken), [true, true, 200, 200])
  assert.deepEqual(await sees(olga), [true, true, 200, 200])
  assert.deepEqual(await sees(alice), [true, false, 200, 404])
  assert.deepEqual(await sees(agent), [true, false, 200, 404])
  assert.deepEqual(await sees(mallory), [false, false, 404, 404])
  assert.deepEqual(await sees(await desk.token('alice', ['dev'], { actor: 'other' })), [false, false, 404, 404])
})

test('an approval shows all that an approver must see', async () => {
  const { id } = await desk.asked('patch web', {
    summary: {
      ...{ cluster: 'prod', run: 'run-7', command: 'patch deployment web -n prod', verb: 'patch' },
      ...{
        resource: 'apps/deployments',
        namespace: 'prod',
        name: 'web',
        diff: '-replicas: 1\n+replicas: 2\n',
        note: '',
        objects: 1,
      },
    },
  })
  const { json } = await desk.call('GET', `/v1/approvals/${id}`, { token: eve })
  const { requestedAt, answerBy, ...rest } = json
  assert.match(String(requestedAt), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.match(String(answerBy), /^\d{4}-\d\d-\d\dT/)
  assert.deepEqual(rest, {
    id,
    state: 'requested',
    kind: 'call',
    requester: { user: 'oidc:alice', groups: ['oidc:dev'], actor: 'claude' },
    cluster: 'prod',
    run: 'run-7',
    command: 'patch deployment web -n prod',
    verb: 'patch',
    resource: 'apps/deployments',
    namespace: 'prod',
    name: 'web',
    objects: 1,
    hasDiff: true,
    diff: '-replicas: 1\n+replicas: 2\n',
    note: '',
    reason: 'look why web does not start',
    ticket: '',
    approvers: 'group oidc:sre',
    terms: {
      quorums: [{ rule: 'shells', quorum: 1, approvers: [{ group: 'oidc:sre' }] }],
      validForSeconds: 600,
      uses: 1,
      reasonRequired: false,
      ticketRequired: false,
    },
    yeses: [],
    used: 0,
    digest: 'patch web',
    waiting: 0,
    mayAnswer: true,
  })
  const [line] = (await desk.call('GET', '/v1/approvals?limit=1', { token: eve })).json.approvals as object[]
  assert.deepEqual([Object.hasOwn(line as object, 'diff'), (line as { hasDiff: boolean }).hasDiff], [false, true])
})

test('a list goes from page to page, newest first, and by state and user', async () => {
  const one = await desk.asked('exec page-1 -- sh')
  const two = await desk.asked('exec page-2 -- sh')
  const first = (await desk.call('GET', '/v1/approvals?limit=1', { token: eve })).json
  assert.deepEqual([ids(first), first.cursor], [[two.id], two.id])
  const second = (await desk.call('GET', `/v1/approvals?limit=1&cursor=${two.id}`, { token: eve })).json
  assert.deepEqual(ids(second), [one.id])
  const denied = (await desk.call('GET', '/v1/approvals?state=denied', { token: eve })).json.approvals as object[]
  assert.ok(denied.length > 0 && denied.every((each) => (each as { state: string }).state === 'denied'))
  const none = await desk.call('GET', '/v1/approvals?user=oidc:nobody', { token: eve })
  assert.deepEqual(none.json, { approvals: [] })
})

for (const query of [
  'state=nonsense',
  'limit=0',
  'limit=1001',
  'limit=1e3',
  'state=open&state=denied',
  'colour=blue',
  '__proto__=x',
  'constructor=x',
]) {
  test(`the query ${query} is refused`, async () => {
    const { status, json } = await desk.call('GET', `/v1/approvals?${query}`, { token: eve })
    assert.deepEqual([status, json.rule], [400, 'admin.invalid'])
  })
}

const bodies: readonly (readonly [what: string, body: unknown, headers: Record<string, string>, status: number])[] = [
  ['nothing', undefined, {}, 415],
  ['a form', 'answer=yes', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ['text', '{"answer":"yes"}', { 'content-type': 'text/plain' }, 415],
  ['another charset', '{"answer":"yes"}', { 'content-type': 'application/json; charset=utf-16' }, 415],
  ['compressed', '{"answer":"yes"}', { 'content-encoding': 'gzip' }, 415],
  ['no JSON', '{"answer":', {}, 400],
  ['a list', '[]', {}, 400],
  ['a key twice', '{"answer":"no","answer":"yes"}', {}, 400],
  ['a key twice, escaped', '{"answer":"no","\\u0061nswer":"yes"}', {}, 400],
  ['an unknown field', { answer: 'yes', force: true }, {}, 422],
  ['__proto__', '{"answer":"yes","__proto__":{"x":1}}', {}, 422],
  ['another answer', { answer: 'maybe' }, {}, 422],
  ['no answer', {}, {}, 422],
  ['a number for a reason', { answer: 'yes', reason: 7 }, {}, 422],
  ['a long reason', { answer: 'yes', reason: 'x'.repeat(1_001) }, {}, 422],
  ['a long body', { answer: 'yes', reason: 'x'.repeat(20_000) }, {}, 413],
  ['a webhook’s name', { answer: 'yes', via: 'slack' }, {}, 422],
]

for (const [what, body, headers, status] of bodies) {
  test(`a body of ${what} is ${status}, in the form of every refusal, and changes nothing`, async () => {
    const { id } = await desk.asked('exec bodies -- sh')
    const answer = await desk.call('POST', `/v1/approvals/${id}/answer`, { token: eve, body, headers })
    assert.equal(answer.status, status)
    assert.deepEqual(Object.keys(answer.json), ['rule', 'message'])
    assert.equal(desk.books.approvals.get(id)?.state, 'requested')
  })
}

test('a body in chunks that grows too long is 413', async () => {
  const answer = await desk.call('POST', '/v1/locks', {
    token: olga,
    body: JSON.stringify({ target: { kind: 'all' }, reason: 'x'.repeat(20_000) }),
    isChunked: true,
  })
  assert.deepEqual([answer.status, answer.json.rule], [413, 'admin.body_length'])
})

test('hidden text in a reason is made visible', async () => {
  const { id } = await desk.asked('exec hidden -- sh')
  const body = { answer: 'no', reason: 'fine\u001b[2K\u202eeno on' }
  const { json } = await desk.call('POST', `/v1/approvals/${id}/answer`, { token: eve, body })
  assert.equal((json.no as { reason: string }).reason, 'fine\ufffd[2K\ufffdeno on')
})

const elsewhere: readonly (readonly [method: string, path: string, status: number, rule: string])[] = [
  ['GET', '/v1/approvals/none', 404, 'approvals.unknown'],
  ['GET', '/v1/approvals/..%2f..%2fetc', 404, 'approvals.unknown'],
  ['GET', '/v1/approvals/__proto__', 404, 'approvals.unknown'],
  ['GET', `/v1/approvals/${'x'.repeat(5_000)}`, 404, 'approvals.unknown'],
  ['GET', '/v1/approvals/id/answer', 405, 'admin.method'],
  ['POST', '/v1/approvals', 405, 'admin.method'],
  ['DELETE', '/v1/approvals/id', 405, 'admin.method'],
  ['POST', '/v1/approvals/watch', 405, 'admin.method'],
  ['POST', '/v1/access', 405, 'admin.method'],
  ['PUT', '/v1/locks', 405, 'admin.method'],
  ['PATCH', '/v1/approvals/id', 405, 'admin.method'],
  ['HEAD', '/v1/approvals', 405, ''],
  ['OPTIONS', '/v1/approvals', 405, 'admin.method'],
  ['GET', '/v2/approvals', 404, 'admin.path'],
  ['GET', '/v1/approvals/id/answer/more', 404, 'admin.path'],
  ['GET', '/v1/tapes', 403, 'admin.token_only'],
  ['GET', '/v1/log/checkpoint', 403, 'admin.token_only'],
  ['GET', '/metrics', 403, 'admin.token_only'],
]

for (const [method, path, status, rule] of elsewhere) {
  test(`${method} ${path.slice(0, 40)} by a person is ${status}`, async () => {
    const answer = await desk.call(method, path, { token: eve })
    assert.deepEqual([answer.status, answer.json.rule ?? ''], [status, rule])
    if (status === 405) assert.match(String(answer.headers.allow), /GET|POST|DELETE/)
  })
}

test('without a token, with an old one or another issuer’s, everything is 401 in the same form', async () => {
  const old = await desk.token('eve', ['sre'], { expiresAt: Math.floor(Date.now() / 1000) - 1 })
  const foreign = await desk.token('eve', ['sre'], { audience: 'another' })
  for (const token of [undefined, 'x', old, foreign, `${eve.slice(0, -4)}AAAA`]) {
    for (const path of ['/v1/approvals', '/v1/approvals/id', '/v1/access', '/v1/whoami', '/v1/locks', '/v1/nothing']) {
      const { status, json, headers } = await desk.call('GET', path, { token })
      assert.deepEqual([status, Object.keys(json)], [401, ['rule', 'message']])
      assert.match(String(headers['www-authenticate']), /^Bearer /)
    }
  }
})

test('pages of other origins are refused, whatever token they have', async () => {
  const own = new URL(desk.admin.url).host
  const ask = async (headers: Record<string, string>) =>
    (await desk.call('GET', '/v1/whoami', { token: eve, headers })).status
  assert.equal(await ask({ origin: `https://${own}`, 'sec-fetch-site': 'same-origin' }), 200)
  assert.equal(await ask({ origin: 'https://evil.example' }), 403)
  assert.equal(await ask({ origin: 'null' }), 403)
  assert.equal(await ask({ origin: `http://${own}` }), 403)
  assert.equal(await ask({ 'sec-fetch-site': 'cross-site' }), 403)
  assert.equal(await ask({ 'sec-fetch-site': 'same-site' }), 403)
  const { headers } = await desk.call('GET', '/v1/whoami', { token: eve, headers: { origin: `https://${own}` } })
  assert.equal(headers['access-control-allow-origin'], undefined)
})

test('whoami says who a token is to the gateway', async () => {
  const { json } = await desk.call('GET', '/v1/whoami', { token: agent })
  const { issuer, expiresAt, ...rest } = json
  assert.equal(issuer, desk.issuer.url)
  assert.ok(Date.parse(String(expiresAt)) > Date.now())
  assert.deepEqual(rest, {
    ...{ kind: 'agent', user: 'oidc:alice', groups: ['oidc:dev'], actor: 'claude', operator: false },
    gateway: 'https://127.0.0.1:8443',
    clusters: ['prod', 'dev'],
  })
  assert.equal((await desk.call('GET', '/v1/whoami', { token: eve })).json.kind, 'person')
  assert.equal((await desk.call('GET', '/v1/whoami', { token: olga })).json.operator, true)
  const agentOfOlga = await desk.token('olga', ['operators'], { actor: 'claude' })
  assert.equal((await desk.call('GET', '/v1/whoami', { token: agentOfOlga })).json.operator, false)
  assert.deepEqual((await desk.call('GET', '/v1/whoami', { token: desk.adminToken })).json.kind, 'admin-token')
})

const GRANT = {
  verbs: ['patch', 'update'],
  resources: ['apps/deployments'],
  namespaces: ['prod'],
  duration: '30m',
  reason: 'roll back',
  ticket: 'OPS-1',
}

test('a person asks for standing access, sees it wait, and has it once somebody says yes', async () => {
  const { status, json, headers } = await desk.call('POST', '/v1/grants', { token: alice, body: GRANT })
  assert.equal(status, 201)
  assert.equal(headers.location, `/v1/approvals/${json.id}`)
  assert.deepEqual(
    [json.state, json.kind, json.cluster, json.command, json.ticket],
    ['requested', 'grant', 'prod', 'patch,update apps/deployments in prod for 30 minutes', 'OPS-1'],
  )
  const again = await desk.call('POST', '/v1/grants', { token: alice, body: GRANT })
  assert.equal(again.json.id, json.id)
  const access = async () =>
    (await desk.call('GET', '/v1/access', { token: alice })).json.grants as Record<string, unknown>[]
  assert.deepEqual((await access())[0]?.state, 'requested')
  await desk.call('POST', `/v1/approvals/${json.id}/answer`, { token: eve, body: { answer: 'yes' } })
  const [grant] = await access()
  const { validUntil, ...rest } = grant as Record<string, unknown>
  assert.equal(Date.parse(String(validUntil)), desk.books.time.now() + 1_800_000)
  assert.deepEqual(rest, {
    ...{ id: json.id, state: 'approved', cluster: 'prod', verbs: ['patch', 'update'] },
    ...{ resources: ['apps/deployments'], namespaces: ['prod'] },
  })
  assert.deepEqual(ids((await desk.call('GET', '/v1/grants', { token: alice })).json, 'grants'), [json.id])
  const revoked = await desk.call('POST', `/v1/grants/${json.id}/revoke`, { token: alice, body: { reason: 'done' } })
  assert.deepEqual([revoked.status, revoked.json.state], [200, 'revoked'])
  assert.deepEqual(await access(), [])
})

test('an agent asks for itself with its own token, and a person for an agent of theirs', async () => {
  const own = await desk.call('POST', '/v1/grants', { token: agent, body: GRANT })
  assert.deepEqual((own.json.scope as { actor: string }).actor, 'claude')
  const forAgent = await desk.call('POST', '/v1/grants', { token: alice, body: { ...GRANT, actor: 'claude' } })
  assert.deepEqual((forAgent.json.scope as { actor: string }).actor, 'claude')
  const forOther = await desk.call('POST', '/v1/grants', { token: agent, body: { ...GRANT, actor: 'other' } })
  assert.deepEqual([forOther.status, forOther.json.rule], [403, 'grants.actor'])
})

const refusedGrants: readonly (readonly [what: string, change: object, status: number, rule: string])[] = [
  ['more than the policy has', { namespaces: ['kube-system'] }, 403, 'grants.not_offered'],
  ['all namespaces', { namespaces: 'all' }, 403, 'grants.not_offered'],
  ['a longer time', { duration: '2h' }, 403, 'grants.too_long'],
  ['no reason', { reason: ' ' }, 422, 'grants.reason_required'],
  ['another gateway’s cluster', { cluster: 'elsewhere' }, 422, 'grants.cluster'],
  ['a resource of no kind', { resources: ['deploy'] }, 422, 'grants.resource'],
  ['every resource', { resources: ['*'] }, 422, 'grants.resource'],
  ['all subresources', { resources: ['pods/*'] }, 422, 'grants.resource'],
  ['every verb', { verbs: ['*'] }, 422, 'admin.invalid'],
  ['a verb of other paths', { verbs: ['post'] }, 422, 'admin.invalid'],
  ['no verb', { verbs: [] }, 422, 'admin.invalid'],
  ['many verbs', { verbs: Array(65).fill('get') }, 422, 'admin.invalid'],
  ['a namespace that is none', { namespaces: ['Prod\u0000'] }, 422, 'admin.invalid'],
  ['a time that is none', { duration: '-1m' }, 422, 'admin.invalid'],
  ['no time', { duration: '0m' }, 422, 'grants.duration'],
]

for (const [what, change, status, rule] of refusedGrants) {
  test(`standing access to ${what} is refused`, async () => {
    const answer = await desk.call('POST', '/v1/grants', { token: alice, body: { ...GRANT, ...change } })
    assert.deepEqual([answer.status, answer.json.rule], [status, rule])
  })
}

test('nobody by name has no access to ask for, and no approval of a call is revoked as a grant', async () => {
  const nobody = await desk.call('POST', '/v1/grants', { token: desk.adminToken, body: GRANT })
  assert.deepEqual([nobody.status, nobody.json.rule], [403, 'admin.nobody'])
  const { id } = await desk.asked('exec no-grant -- sh')
  const wrong = await desk.call('POST', `/v1/grants/${id}/revoke`, { token: eve, body: {} })
  assert.deepEqual([wrong.status, wrong.json.rule], [404, 'grants.unknown'])
})

test('operators lock and unlock, by the admin token or their own', async () => {
  for (const [token, by] of [
    [desk.adminToken, 'system:admin-token'],
    [olga, 'oidc:olga'],
  ] as const) {
    const target = { kind: 'actor', name: 'rogue' }
    const made = await desk.call('POST', '/v1/locks', { token, body: { target, reason: 'it deletes things' } })
    const { id, at, ...rest } = made.json
    assert.equal(made.status, 201)
    assert.match(String(at), /^\d{4}-\d\d-\d\dT/)
    assert.deepEqual(rest, { target, reason: 'it deletes things', by, recorded: true })
    assert.deepEqual(ids((await desk.call('GET', '/v1/locks', { token })).json, 'locks'), [id])
    const gone = await desk.call('DELETE', `/v1/locks/${id}`, { token, body: { reason: 'fixed' } })
    assert.deepEqual([gone.status, gone.json.id], [200, id])
    assert.equal((await desk.call('DELETE', `/v1/locks/${id}`, { token, body: {} })).json.rule, 'locks.unknown')
  }
})

const badLocks: readonly (readonly [what: string, body: object])[] = [
  ['no reason', { target: { kind: 'all' }, reason: '' }],
  ['no target', { reason: 'x' }],
  ['a target of another kind', { target: { kind: 'group', name: 'g' }, reason: 'x' }],
  ['a name for everything', { target: { kind: 'all', name: 'x' }, reason: 'x' }],
  ['no name', { target: { kind: 'user' }, reason: 'x' }],
  ['a hidden name', { target: { kind: 'user', name: 'oidc:al\u202eice' }, reason: 'x' }],
  ['a long name', { target: { kind: 'user', name: 'x'.repeat(513) }, reason: 'x' }],
]

for (const [what, body] of badLocks) {
  test(`a lock with ${what} is 422`, async () => {
    assert.equal((await desk.call('POST', '/v1/locks', { token: olga, body })).status, 422)
    assert.deepEqual(desk.books.locks.list(), [])
  })
}

test('others lock nobody but themselves, and are then shut out until an operator unlocks them', async () => {
  const lock = (token: string, kind: string, name: string) =>
    desk.call('POST', '/v1/locks', { token, body: { target: { kind, name }, reason: 'my token is stolen' } })
  assert.equal((await lock(eve, 'user', 'oidc:alice')).json.rule, 'admin.not_operator')
  assert.equal((await lock(agent, 'user', 'oidc:alice')).json.rule, 'admin.not_operator')
  assert.equal((await lock(eve, 'all', '')).json.rule, 'admin.not_operator')
  const pat = await desk.token('pat', ['sre', 'operators'])
  const made = await lock(pat, 'user', 'oidc:pat')
  assert.equal(made.status, 201)
  const { id: asked } = await desk.asked('exec locked -- sh')
  for (const [method, path, body] of [
    ['GET', '/v1/approvals', undefined],
    ['GET', '/v1/approvals/watch', undefined],
    ['POST', `/v1/approvals/${asked}/answer`, { answer: 'yes' }],
    ['DELETE', `/v1/locks/${made.json.id}`, { reason: '' }],
    ['POST', '/v1/grants', GRANT],
  ] as const) {
    const { status, json } = await desk.call(method, path, { token: pat, body })
    assert.deepEqual([status, json.rule], [403, 'locks.user'])
    assert.match(String(json.message), /is locked by oidc:pat .*my token is stolen/)
  }
  const access = await desk.call('GET', '/v1/access', { token: pat })
  assert.deepEqual(ids(access.json, 'locks'), [made.json.id])
  assert.deepEqual(ids((await desk.call('GET', '/v1/locks', { token: mallory })).json, 'locks'), [])
  assert.equal((await desk.call('DELETE', `/v1/locks/${made.json.id}`, { token: eve, body: {} })).status, 403)
  assert.equal((await desk.call('DELETE', `/v1/locks/${made.json.id}`, { token: olga, body: {} })).status, 200)
})

test('access says which rules, locks and requests there are for a caller, and nothing of others', async () => {
  const { json } = await desk.call('GET', '/v1/access?cluster=prod', { token: agent })
  assert.equal(json.version, 1)
  assert.deepEqual(json.principal, { user: 'oidc:alice', groups: ['oidc:dev'], actor: 'claude' })
  assert.deepEqual(
    (json.rules as { name: string }[]).map(({ name }) => name),
    ['shells', 'no-secrets'],
  )
  assert.deepEqual(
    (json.requestable as { name: string }[]).map(({ name }) => name),
    ['edit-web'],
  )
  assert.deepEqual(json.clusters, ['prod'])
  const few = { counted: 'deletions', limit: 3, left: 3, windowSeconds: 3_600, renewsAt: null }
  assert.deepEqual(json.budgets, [{ name: 'few-deletes', per: 'actor', limits: [few] }])
  assert.deepEqual((await desk.call('GET', '/v1/access', { token: alice })).json.budgets, [])
  assert.equal((await desk.call('GET', '/v1/access?cluster=none', { token: agent })).json.rule, 'access.cluster')
  assert.equal((await desk.call('GET', '/v1/access', { token: desk.adminToken })).json.rule, 'admin.nobody')
  assert.deepEqual(
    ((await desk.call('GET', '/v1/access', { token: mallory })).json.rules as { name: string }[]).map(
      ({ name }) => name,
    ),
    ['no-secrets'],
  )
})

/** The next line of a stream as JSON. */
async function* linesOf(token: string, path = '/v1/approvals/watch') {
  const stream = await desk.stream(path, token)
  try {
    for await (const line of createInterface(stream)) yield JSON.parse(line) as Record<string, unknown>
  } finally {
    stream.destroy()
  }
}

test('a watch shows what stands, and then each transition to those who may see it', async () => {
  const { id } = await desk.asked('exec watched -- sh')
  const lines = linesOf(eve)
  const hidden = linesOf(mallory)
  const seen: string[] = []
  for await (const { event, approval } of lines) {
    if ((approval as { id?: string } | undefined)?.id === id) seen.push(String(event))
    if (event === 'synced') {
      assert.deepEqual((await hidden.next()).value, { event: 'synced' })
      await desk.call('POST', `/v1/approvals/${id}/answer`, { token: eve, body: { answer: 'yes' } })
    }
    if (event === 'approve') break
  }
  assert.deepEqual(seen, ['standing', 'approve'])
  await desk.books.time.advance(15_000)
  // Nothing of the approval came in between.
  assert.deepEqual((await hidden.next()).value, { event: 'ping' })
  await hidden.return(undefined)
})

test('a watch of one approval begins with it, whatever its state', async () => {
  const { id } = await desk.asked('exec one -- sh')
  await desk.asked('exec another -- sh')
  await desk.call('POST', `/v1/approvals/${id}/answer`, { token: eve, body: { answer: 'no' } })
  const lines = linesOf(agent, `/v1/approvals/watch?id=${id}`)
  const { event, approval } = (await lines.next()).value as { event: string; approval: { state: string } }
  assert.deepEqual([event, approval.state], ['standing', 'denied'])
  assert.deepEqual((await lines.next()).value, { event: 'synced' })
  await lines.return(undefined)
})

test('a watch ends when its reader is locked, or their token ends', async () => {
  const pat = await desk.stream('/v1/approvals/watch', await desk.token('pat2', ['sre']))
  pat.resume()
  const isOver = once(pat, 'end')
  const made = await desk.call('POST', '/v1/locks', {
    token: olga,
    body: { target: { kind: 'user', name: 'oidc:pat2' }, reason: 'leaves' },
  })
  await isOver
  await desk.call('DELETE', `/v1/locks/${made.json.id}`, { token: olga, body: {} })

  const expiresAt = Math.floor(Date.now() / 1000) + 60
  const ending = await desk.stream('/v1/approvals/watch', await desk.token('pat3', ['sre'], { expiresAt }))
  let text = ''
  ending.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const hasEnded = once(ending, 'end')
  await desk.books.time.advance(61_000)
  await hasEnded
  assert.match(text, /"synced"/)
})

test('one user has so many requests in hand and no more, and a stream’s end makes room', async () => {
  const token = await desk.token('busy', ['sre'])
  const streams = await Promise.all(Array.from({ length: 16 }, () => desk.stream('/v1/approvals/watch', token)))
  assert.deepEqual(new Set(streams.map(({ statusCode }) => statusCode)), new Set([200]))
  const refused = await desk.call('GET', '/v1/whoami', { token })
  assert.deepEqual([refused.status, refused.json.rule], [429, 'admin.user_requests'])
  assert.equal((await desk.call('GET', '/v1/whoami', { token: eve })).status, 200)
  for (const stream of streams) stream.destroy()
  let status = 429
  for (let tries = 0; status === 429 && tries < 1_000; tries++) {
    status = (await desk.call('GET', '/v1/whoami', { token })).status
  }
  assert.equal(status, 200)
})
