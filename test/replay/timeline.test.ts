import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FORWARD, forwardChannel } from '../../protocols/kube/channels.ts'
import { type CallRow, timeline } from '../../replay/timeline.ts'
import { attributes, collect, execRecording, Recording } from '../support/recording.ts'

test('a call is one row: who, what, the decision, the answer and the sums', async () => {
  const tape = new Recording().request(10, {}).answer(22, 1, 200, 'NAME\n').seal(30)
  assert.deepEqual(await collect(timeline(tape)), [
    {
      row: 'call',
      micros: 10_000,
      exchange: 1,
      user: 'oidc:alice',
      actor: '',
      line: 'get pods -n prod',
      effect: 'allow',
      rule: 'readers',
      reason: 'a read',
      status: 200,
      by: 'cluster',
      duration: 12_000,
      sent: 0,
      received: 5,
      cut: false,
      broken: false,
      exitCode: undefined,
      approval: '',
      run: '',
      intent: '',
      ticket: '',
    },
    { row: 'seal', micros: 30_000, reason: 'closed', entries: 6 },
  ])
})

test('an exec has the bytes of its streams, its length and its exit code', async () => {
  const [row] = (await collect(timeline(execRecording()))) as [CallRow]
  assert.equal(row.line, 'exec -it shell -c main -- sh')
  assert.equal(row.actor, 'agent-7')
  assert.deepEqual([row.status, row.sent, row.received, row.exitCode, row.duration], [101, 3, 22, 3, 5_010_000])
})

test('a port-forward has a row for each connection', async () => {
  const at = attributes('portforward', 'pods', { namespace: 'web', name: 'web', subresource: 'portforward' })
  const tape = new Recording({ kind: 'portforward' })
    .request(0, { attributes: at, target: '/x' })
    .add(1, 'response', { exchange: 1, status: 101, fields: [], by: 'cluster' })
    .add(5, 'note', { code: 'forward.open', text: 'opened', facts: { connection: 0, port: 80 } })
    .stream(6, [0, forwardChannel(0, FORWARD.TO_POD), 'GET /'], [4, forwardChannel(0, FORWARD.FROM_POD), '200 OK'])
    .stream(20, [0, forwardChannel(1, FORWARD.ERROR_FROM_POD), 'refused'])
    .seal(30)
  const [call, first, second] = await collect(timeline(tape))
  assert.equal((call as CallRow).line, 'port-forward pod/web 80 -n web')
  assert.deepEqual([(call as CallRow).sent, (call as CallRow).received], [5, 6])
  const connection = { row: 'connection', connection: 0, port: 80, sent: 5, received: 6, errorBytes: 0 }
  assert.deepEqual(first, { ...connection, micros: 5_000, duration: 5_000 })
  assert.deepEqual(second, {
    ...{ ...connection, connection: 1, port: undefined, sent: 0, received: 0, errorBytes: 7 },
    ...{ micros: 20_000, duration: 0 },
  })
})

test('rows come in the order of their beginnings, and notes stand where they were written', async () => {
  const tape = new Recording()
    .request(0, { exchange: 1 })
    .add(1, 'note', { code: 'slow', text: 'the cluster is slow' })
    .request(2, { exchange: 2 })
    .answer(3, 2, 200)
    .answer(4, 1, 404)
  const rows = await collect(timeline(tape))
  assert.deepEqual(
    rows.map((row) => (row.row === 'call' ? `${row.exchange} ${row.status}` : row.row)),
    ['1 404', 'note', '2 200'],
  )
})

test('a call is given as soon as its answer is whole, long before the tape ends', async () => {
  const given: string[] = []
  async function* entries() {
    for (const entry of new Recording().request(0, {}).answer(1, 1, 200).request(2, { exchange: 2 }).entries) {
      if (entry.kind === 'request' && entry.body.exchange === 2) assert.deepEqual(given, ['1'])
      yield entry
    }
  }
  for await (const row of timeline(entries())) if (row.row === 'call') given.push(String(row.exchange))
  assert.deepEqual(given, ['1', '2'])
})

test('a refusal without a caller has no user and says which rule refused', async () => {
  const tape = new Recording()
    .add(0, 'request', { ...requestOf(), principal: null, attributes: null, target: '/a%2fb' })
    .add(0, 'decision', { exchange: 1, effect: 'deny', rule: 'authn.expired', reason: 'the token has expired' })
    .add(1, 'response', { exchange: 1, status: 401, fields: [], by: 'gateway' })
  const [row] = (await collect(timeline(tape))) as [CallRow]
  assert.deepEqual(
    [row.user, row.line, row.effect, row.rule, row.by],
    ['', 'GET /a%2fb', 'deny', 'authn.expired', 'gateway'],
  )
})

function requestOf() {
  const [, request] = new Recording().request(0, {}).entries
  assert.ok(request?.kind === 'request')
  return request.body
}
