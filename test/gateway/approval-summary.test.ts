// What people see of a call before they say yes, through a whole gateway: the cluster's own dry run as the caller, taped and
// masked; and what it says where there is none.

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { afterEach, test } from 'node:test'
import { approver, ConsentingGateway, POD, POLICY, type Seen } from '../support/consenting-gateway.ts'

let gateway: ConsentingGateway | undefined
afterEach(async () => {
  await gateway?.close()
  gateway = undefined
})

const SECRET = Buffer.from('hunter2-hunter2').toString('base64')
const WHY = { 'Sallyport-Intent': 'to fix it', 'Content-Type': 'application/merge-patch+json' }

function json(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(body))
}

function deployment(replicas: number, generation: number) {
  const metadata = { name: 'web', namespace: 'prod', generation, uid: 'u', resourceVersion: '7', managedFields: [{}] }
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas } }
}

const DEPLOYMENT = '/apis/apps/v1/namespaces/prod/deployments/web'

interface Case {
  readonly what: string
  readonly method: string
  readonly path: string
  readonly body?: string
  serve(request: Seen, response: ServerResponse): void
  readonly sent: readonly string[]
  readonly diff: string
  readonly note: RegExp
  readonly objects: number | null
}

const PATCH = { method: 'PATCH', path: `${DEPLOYMENT}?fieldManager=kubectl-edit`, body: '{"spec":{"replicas":5}}' }
const DRY = `PATCH ${DEPLOYMENT}?fieldManager=kubectl-edit&dryRun=All`

const THING = '/apis/x.example.com/v1/namespaces/prod/things/t'
const DEFINITION = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.x.example.com'

const CASES: readonly Case[] = [
  {
    what: 'a patch shows what the server makes of it',
    ...PATCH,
    serve: ({ method }, response) => json(response, method === 'GET' ? deployment(2, 1) : deployment(5, 2)),
    sent: [`GET ${DEPLOYMENT}`, DRY],
    diff: '@@ -4,4 +4,4 @@\n   name: web\n   namespace: prod\n spec:\n-  replicas: 2\n+  replicas: 5\n',
    note: /^$/,
    objects: 1,
  },
  {
    what: 'an apply of what is not there shows it whole',
    ...PATCH,
    serve: ({ method }, response) =>
      method === 'GET' ? json(response, { message: 'not found' }, 404) : json(response, deployment(5, 1)),
    sent: [`GET ${DEPLOYMENT}`, DRY],
    diff: '@@ -0,0 +1,7 @@\n+apiVersion: apps/v1\n+kind: Deployment\n+metadata:\n+  name: web\n+  namespace: prod\n+spec:\n+  replicas: 5\n',
    note: /^$/,
    objects: 1,
  },
  {
    what: 'a dry run that fails says why, and nothing that a terminal would act upon',
    ...PATCH,
    serve: ({ method }, response) =>
      method === 'GET' ? json(response, deployment(2, 1)) : json(response, { message: 'quota\u001b[2J exceeded' }, 403),
    sent: [`GET ${DEPLOYMENT}`, DRY],
    diff: '',
    note: /^the dry run failed with 403: quota\ufffd\[2J exceeded$/,
    objects: 1,
  },
  {
    what: 'an answer that is no JSON is no diff',
    ...PATCH,
    serve: (_request, response) => response.end('<html>'),
    sent: [`GET ${DEPLOYMENT}`],
    diff: '',
    note: /^the object as it is failed with 200$/,
    objects: 1,
  },
  {
    what: 'an answer of megabytes is not kept',
    ...PATCH,
    serve: (_request, response) => json(response, { spec: 'x'.repeat(3_000_000) }),
    sent: [`GET ${DEPLOYMENT}`],
    diff: '',
    note: /^the object as it is is too long to be shown$/,
    objects: 1,
  },
  {
    what: 'a call that is a dry run itself has none',
    ...PATCH,
    path: `${DEPLOYMENT}?dryRun=All`,
    serve: (_request, response) => json(response, {}),
    sent: [],
    diff: '',
    note: /^the call is a dry run itself$/,
    objects: 1,
  },
  {
    what: 'a delete is never sent, not as a dry run either: what goes is shown',
    method: 'DELETE',
    path: POD,
    body: '{"kind":"DeleteOptions","apiVersion":"v1"}',
    serve: (_request, response) => json(response, { kind: 'Pod', metadata: { name: 'web' } }),
    sent: [`GET ${POD}`],
    diff: '@@ -1,3 +0,0 @@\n-kind: Pod\n-metadata:\n-  name: web\n',
    note: /^$/,
    objects: 1,
  },
  {
    what: 'a custom resource is known by its definition first',
    ...{ method: 'PATCH', path: THING, body: '{}' },
    serve: ({ method, url }, response) =>
      json(response, url === DEFINITION ? {} : method === 'GET' ? deployment(2, 1) : deployment(5, 2)),
    sent: [`GET ${DEFINITION}`, `GET ${THING}`, `PATCH ${THING}?dryRun=All`],
    diff: '@@ -4,4 +4,4 @@\n   name: web\n   namespace: prod\n spec:\n-  replicas: 2\n+  replicas: 5\n',
    note: /^$/,
    objects: 1,
  },
  {
    what: 'a server of others, which may carry out what it should only try, is sent no dry run',
    ...{ method: 'PATCH', path: THING, body: '{}' },
    serve: ({ url }, response) => json(response, {}, url === DEFINITION ? 404 : 200),
    sent: [`GET ${DEFINITION}`],
    diff: '',
    note: /^it is no custom resource, and its server may not know dry runs$/,
    objects: 1,
  },
  {
    what: 'a patch of which nothing shows says so',
    ...PATCH,
    serve: (_request, response) => json(response, deployment(2, 1)),
    sent: [`GET ${DEPLOYMENT}`, DRY],
    diff: '',
    note: /^the dry run changes nothing that can be shown$/,
    objects: 1,
  },
  {
    what: 'a delete says how, where that is not as usual: what is in its body counts, and not its query',
    method: 'DELETE',
    path: `${POD}?gracePeriodSeconds=30`,
    body: '{"gracePeriodSeconds":0,"propagationPolicy":"Orphan"}',
    serve: (_request, response) => json(response, { kind: 'Pod', metadata: { name: 'web' } }),
    sent: [`GET ${POD}`],
    diff: '@@ -1,3 +0,0 @@\n-kind: Pod\n-metadata:\n-  name: web\n',
    note: /^with gracePeriodSeconds 0, propagationPolicy Orphan$/,
    objects: 1,
  },
  {
    what: 'a delete of many names them, as many as there is room for',
    method: 'DELETE',
    path: '/api/v1/namespaces/prod/pods?labelSelector=app%3Dweb&propagationPolicy=Background',
    serve: (_request, response) =>
      json(response, {
        items: [{ metadata: { name: 'a', namespace: 'prod' } }, { metadata: { name: 'b', namespace: 'prod' } }],
        metadata: { continue: 'x', remainingItemCount: 8 },
      }),
    sent: ['GET /api/v1/namespaces/prod/pods?limit=500&labelSelector=app%3Dweb'],
    diff: '-prod/a\n-prod/b\n',
    note: /^these are the first 2$/,
    objects: 10,
  },
]

for (const { what, method, path, body, serve, sent, diff, note, objects } of CASES) {
  test(what, async () => {
    gateway = await ConsentingGateway.open()
    gateway.serve = serve
    const isParked = method !== 'DELETE'
    const length = body === undefined ? {} : { 'Content-Length': String(body.length) }
    const calling = gateway.call({
      method,
      path,
      headers: { ...WHY, ...length },
      ...(body === undefined ? {} : { body }),
    })
    const { summary, id } = await gateway.waiting(isParked ? 1 : 0)
    assert.deepEqual(
      gateway.seen.map((request) => `${request.method} ${request.url}`),
      sent,
    )
    for (const { headers } of gateway.seen) {
      assert.equal(headers['impersonate-user'], 'oidc:alice')
      assert.equal(headers.authorization, 'Bearer the-gateways-own-token')
    }
    assert.deepEqual([summary.diff, summary.objects], [diff, objects])
    assert.match(summary.note, note)
    await gateway.answer(id, 'no')
    assert.equal((await calling).status, 403)
  })
}

test('a delete of a namespace says what goes with it', async () => {
  const rules = POLICY.rules.map((rule) => (rule.name === 'deletes' ? { ...rule, resources: ['namespaces'] } : rule))
  gateway = await ConsentingGateway.open({ ...POLICY, rules })
  gateway.serve = (_request, response) => json(response, { kind: 'Namespace', metadata: { name: 'prod' } })
  const answer = await gateway.call({ method: 'DELETE', path: '/api/v1/namespaces/prod' })
  assert.equal(answer.status, 403)
  const { summary } = gateway.people.approvals.list()[0] ?? {}
  assert.deepEqual([summary?.objects, summary?.note], [null, 'all that is in the namespace goes with it'])
})

test('a patch is a patch, whatever command of kubectl it says it is of', async () => {
  gateway = await ConsentingGateway.open()
  gateway.serve = ({ method }, response) => json(response, method === 'GET' ? deployment(2, 1) : deployment(5, 2))
  const path = `${DEPLOYMENT}?field%4Danager=kubectl-annotate&force=true`
  const calling = gateway.call({ ...PATCH, path, headers: WHY })
  const { summary, id } = await gateway.waiting()
  assert.equal(summary.command, 'kubectl patch deployment web -n prod')
  await gateway.answer(id, 'no')
  await calling
})

test('what a create makes is named in its body', async () => {
  gateway = await ConsentingGateway.open()
  gateway.serve = (_request, response) => json(response, deployment(2, 1))
  const path = '/apis/apps/v1/namespaces/prod/deployments?fieldManager=kubectl-create'
  const headers = { ...WHY, 'Content-Type': 'application/json' }
  const calling = gateway.call({ method: 'POST', path, headers, body: JSON.stringify(deployment(2, 1)) })
  const { summary, id } = await gateway.waiting()
  assert.equal(summary.name, 'web')
  assert.match(summary.command, /^kubectl create deployment web -n prod/)
  await gateway.answer(id, 'no')
  await calling
})

test('the gateway’s own calls are on the tape before people see what came of them, and secrets are masked in both', async () => {
  gateway = await ConsentingGateway.open()
  const secret = (value: string) => ({
    kind: 'Secret',
    apiVersion: 'v1',
    metadata: { name: 'db', namespace: 'prod', uid: 'u' },
    data: { password: value },
  })
  gateway.serve = ({ method }, response) =>
    json(response, secret(method === 'GET' ? SECRET : Buffer.from('another-secret-value').toString('base64')))
  const path = '/api/v1/namespaces/prod/secrets/db'
  const body = JSON.stringify({ data: { password: Buffer.from('another-secret-value').toString('base64') } })
  const calling = gateway.call({ method: 'PATCH', path, headers: WHY, body })
  const { summary, id } = await gateway.waiting()
  assert.match(summary.diff, /^-\s+password: .+\n\+\s+password: .+$/m)
  assert.doesNotMatch(summary.diff, new RegExp(`${SECRET}|hunter2|another`))
  await gateway.answer(id, 'no')
  await calling
  const tapes = await gateway.close('api')
  gateway = undefined
  const entries = tapes.flat()
  const rules = entries.flatMap((entry) =>
    entry.kind === 'decision' ? [`${entry.body.effect} ${entry.body.rule}`] : [],
  )
  assert.deepEqual(rules, ['allow approvals.preview', 'allow approvals.preview', 'deny writes'])
  const text = entries
    .map((entry) => ('bytes' in entry.body ? Buffer.from(entry.body.bytes).toString() : JSON.stringify(entry.body)))
    .join('\n')
  assert.doesNotMatch(text, new RegExp(`${SECRET}|hunter2|another-secret`))
})

test('what the policy keeps from the caller is not looked up for them', async () => {
  const rules = POLICY.rules.filter(({ name }) => name === 'writes')
  const nothing = { reads: 'deny', writes: 'deny', streams: 'deny' }
  gateway = await ConsentingGateway.open({ ...POLICY, default: nothing, rules })
  const calling = gateway.call({ ...PATCH, headers: WHY })
  const { summary, id } = await gateway.waiting()
  assert.deepEqual(
    [summary.diff, summary.note, gateway.seen.length],
    ['', 'the caller may not see the object as it is', 0],
  )
  await gateway.answer(id, 'no')
  await calling
})

test('a cluster that says nothing: people are asked without a diff once the time is up', async () => {
  gateway = await ConsentingGateway.open()
  let closed = 0
  gateway.serve = (_request, response) => void response.on('close', () => closed++)
  const calling = gateway.call({ ...PATCH, headers: WHY })
  const { summary, id } = await gateway.waiting(1, 1, 8_000)
  assert.match(summary.note, /^the object as it is took longer than 5 s$/)
  assert.equal(closed, 1, 'the question to the cluster is given up')
  await gateway.people.approvals.answer({
    id,
    answer: 'no',
    approver: approver('bob'),
    reason: '',
    ticket: '',
    via: 'test',
  })
  await calling
})

test('a client that goes while the cluster is asked takes that along, and nobody is bothered', async () => {
  gateway = await ConsentingGateway.open()
  let closed = 0
  gateway.serve = (_request, response) => void response.on('close', () => closed++)
  const outgoing = gateway.fixture.open({ token: gateway.token, ...PATCH, headers: WHY })
  outgoing.on('error', () => undefined)
  outgoing.end(PATCH.body)
  const { seen } = gateway
  await gateway.until(() => seen.length === 1, 'the cluster is asked')
  outgoing.destroy()
  await gateway.until(() => closed === 1, 'the question is given up')
  assert.deepEqual(gateway.people.approvals.list(), [])
})
