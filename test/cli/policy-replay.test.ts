import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { main } from '../../cli/main.ts'
import type { RequestBody } from '../../protocols/tape/entry.ts'
import { CapturedIo } from '../support/captured-io.ts'
import { RecordedTapes } from '../support/recorded-tapes.ts'
import { execRecording, OPENED_AT, Recording, requestBody } from '../support/recording.ts'

const directory = mkdtempSync(join(tmpdir(), 'sallyport-replay-'))
after(() => rmSync(directory, { recursive: true }))

const POLICY = join(directory, 'policy.yaml')
writeFileSync(
  POLICY,
  `apiVersion: sallyport/v1
kind: AccessPolicy
rules:
- name: no-secrets
  subjects: [{user: "*"}]
  verbs: [get]
  resources: [secrets]
  effect: deny
- name: small
  subjects: [{user: "oidc:alice"}]
  verbs: [create]
  resources: [apps/deployments]
  effect: allow
  when: object.spec.replicas <= 3
- name: shells
  subjects: [{actor: "*"}]
  verbs: [exec]
  effect: requireApproval
  approval: {approvers: [{group: "oidc:sre"}]}
- name: mornings
  subjects: [{user: "*"}]
  verbs: [delete]
  effect: allow
  hours: [{days: [mon], from: "00:00", to: "12:00", timeZone: UTC}]
`,
)

const A = '01KAQ9V2Y8J4M6T3S5R7W9X0ZA'
const B = '01KAQ9V2Y8J4M6T3S5R7W9X0ZB'
const C = '01KAQ9V2Y8J4M6T3S5R7W9X0ZC'

/** A call as the gateway tapes it: head, body, decision. */
class Tape extends Recording {
  call(
    at: number,
    request: Partial<RequestBody> & { exchange: number },
    decision: { effect: 'allow' | 'deny'; rule: string },
    body?: { text: string; masked?: boolean; cut?: boolean },
  ): this {
    this.add(at, 'request', requestBody(request))
    const { exchange } = request
    if (body !== undefined) {
      const bytes = Buffer.from(body.text)
      const sha256 = createHash('sha256').update(bytes).digest()
      if (body.masked === true) this.add(at, 'masked', { code: 'm', text: '', facts: { exchange, count: 1 } })
      this.add(at, 'requestBody', { exchange, bytes, end: { length: bytes.length, sha256, cut: body.cut ?? false } })
    }
    return this.add(at, 'decision', { exchange, reason: '', ...decision })
  }
}

const ALLOWED = { effect: 'allow', rule: 'default' } as const
const DENIED = { effect: 'deny', rule: 'default' } as const
const POST = { method: 'POST', target: '/apis/apps/v1/namespaces/web/deployments' }

async function replay(tapes: RecordedTapes, ...more: readonly string[]) {
  const io = new CapturedIo()
  const code = await main(['policy', 'replay', '--policy', POLICY, ...more], io, async () => tapes)
  assert.equal(tapes.closed, true)
  return { code, stdout: io.stdout, stderr: io.stderr }
}

async function changes(tapes: RecordedTapes, ...more: readonly string[]) {
  const { stdout } = await replay(tapes, '--json', ...more)
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { rows: rows.slice(0, -1), sums: rows.at(-1) }
}

test('calls that would be decided differently are found, each at its own time and with its own body', async () => {
  const tape = new Tape({ tape: A })
    .call(0, { exchange: 1 }, ALLOWED)
    .call(1, { exchange: 2, target: '/clusters/prod/api/v1/namespaces/prod/secrets/s' }, ALLOWED)
    .call(2, { exchange: 3, ...POST }, DENIED, { text: '{"spec":{"replicas":3}}' })
    .call(3, { exchange: 4, ...POST }, DENIED, { text: '{"spec":{"replicas":4}}' })
    .call(4, { exchange: 5, method: 'DELETE', target: '/api/v1/namespaces/prod/pods/x' }, ALLOWED)
  // The recordings open on a Monday at noon: that tape's delete lies in the morning, this one's does not.
  const early = new Tape({ tape: B, openedAt: OPENED_AT - 60_000_000 }).call(
    0,
    { exchange: 1, method: 'DELETE', target: '/api/v1/namespaces/prod/pods/x' },
    ALLOWED,
  )
  const { rows, sums } = await changes(new RecordedTapes(tape, early))
  assert.deepEqual(
    rows.map(({ exchange, was, becomes, uncertain }) => ({ exchange, was, becomes, uncertain })),
    [
      { exchange: 2, was: ALLOWED, becomes: { effect: 'deny', rule: 'no-secrets' }, uncertain: false },
      { exchange: 3, was: DENIED, becomes: { effect: 'allow', rule: 'small' }, uncertain: false },
      { exchange: 5, was: ALLOWED, becomes: DENIED, uncertain: false },
    ],
  )
  assert.deepEqual(sums, { calls: 6, changed: 3, uncertain: 0, damaged: [] })
  assert.equal(rows[0]?.time, '2026-11-23T12:00:00.001000Z')
  assert.equal(rows[0]?.tape, A)
})

test('what other stages refused, and what was only asked about, is not looked at', async () => {
  const tape = new Tape({ tape: A })
    .call(0, { exchange: 1, target: '/api/v1/secrets' }, { effect: 'deny', rule: 'authn.expired' })
    .call(1, { exchange: 2, target: '/api/v1/secrets', principal: null }, ALLOWED)
    .call(2, { exchange: 3, target: '/api/v1/..%2f', attributes: null }, ALLOWED)
  const upgrade = ['Connection', 'keep-alive, Upgrade', 'Upgrade', 'websocket']
  const principal = { user: 'u', groups: [], actor: 'claude' }
  const exec = { method: 'GET', target: '/api/v1/namespaces/x/pods/p/exec?command=sh', fields: upgrade, principal }
  const asked = new Tape({ tape: B, kind: 'exec' })
    .call(0, { exchange: 1, ...exec }, { effect: 'allow', rule: 'shells' })
    .call(0, { exchange: 2, ...exec }, { effect: 'deny', rule: 'shells' })
    .call(0, { exchange: 3, ...exec }, { effect: 'allow', rule: 'other' })
  const { rows, sums } = await changes(new RecordedTapes(tape, asked))
  assert.deepEqual(
    rows.map(({ exchange, becomes }) => [exchange, becomes]),
    [[3, { effect: 'requireApproval', rule: 'shells' }]],
  )
  assert.equal(sums?.calls, 3)
})

test('an upgrade is judged as one', async () => {
  const proxied = {
    target: '/api/v1/namespaces/x/services/s/proxy/',
    fields: ['Connection', 'Upgrade', 'Upgrade', 'WebSocket'],
  }
  const tape = new Tape({ tape: A }).call(0, { exchange: 1, ...proxied }, { effect: 'allow', rule: 'admins' })
  const { rows } = await changes(new RecordedTapes(tape))
  assert.deepEqual(rows[0]?.becomes, { effect: 'deny', rule: 'policy.unknown_upgrade' })
})

test('a body that is not whole on tape makes the answer uncertain, where it is read', async () => {
  const body = '{"spec":{"replicas":3}}'
  const tape = new Tape({ tape: A })
    .call(0, { exchange: 1, ...POST }, DENIED, { text: body, masked: true })
    .call(0, { exchange: 2, ...POST }, DENIED, { text: body, cut: true })
    .call(0, { exchange: 3, method: 'DELETE', target: '/api/v1/namespaces/prod/pods/x' }, ALLOWED, {
      text: '{}',
      masked: true,
    })
  const { rows } = await changes(new RecordedTapes(tape))
  assert.deepEqual(
    rows.map(({ exchange, uncertain }) => [exchange, uncertain]),
    [
      [1, true],
      [2, true],
      [3, false],
    ],
  )
})

test('only calls since then, and to that cluster, count; also those of tapes that were open before', async () => {
  const hour = 3_600_000
  const secrets = { target: '/api/v1/secrets' }
  const tapes = () =>
    new RecordedTapes(
      new Tape({ tape: A })
        .call(0, { exchange: 1, ...secrets }, ALLOWED)
        .call(1_800_000, { exchange: 2, ...secrets }, ALLOWED),
      new Tape({ tape: B, openedAt: OPENED_AT - 30 * 24 * hour * 1000 }).call(0, { exchange: 1, ...secrets }, ALLOWED),
      new Tape({ tape: C, cluster: 'dev' }).call(1_800_000, { exchange: 1, ...secrets }, ALLOWED),
    )
  const found = async (...more: readonly string[]) =>
    (await changes(tapes(), ...more)).rows.map(({ tape, exchange }) => [tape, exchange])
  // It is an hour after the recordings began.
  assert.deepEqual(await found('--since', '45m'), [
    [C, 1],
    [A, 2],
  ])
  assert.deepEqual(await found('--since', '45m', '--cluster', 'prod'), [[A, 2]])
  assert.equal((await found('--since', '2026-10-01')).length, 4)
})

test('the table counts like calls together and names the latest', async () => {
  const tape = new Tape({ tape: A })
    .call(0, { exchange: 1, target: '/api/v1/namespaces/prod/secrets/a' }, ALLOWED)
    .call(1_000, { exchange: 2, target: '/api/v1/namespaces/prod/secrets/b' }, ALLOWED)
    .call(2_000, { exchange: 3 }, ALLOWED)
  const { code, stdout, stderr } = await replay(new RecordedTapes(tape, execRecording({ tape: B })))
  assert.equal(code, 0)
  assert.equal(
    stdout,
    `CALLS  WAS              BECOMES                   USER                  LATEST               COMMAND
    2  allow (default)  deny (no-secrets)         oidc:alice            2026-11-23 12:00:01  get pods -n prod
    1  allow (readers)  requireApproval (shells)  oidc:alice (agent-7)  2026-11-23 12:00:00  exec -it shell -c main -- sh
4 calls, 3 would be decided differently
`,
  )
  assert.equal(stderr, '')
})

test('a tape that cannot be read is named, and the answer is not called whole', async () => {
  const tapes = new RecordedTapes(new Tape({ tape: A }).call(0, { exchange: 1 }, ALLOWED))
  const list = tapes.list.bind(tapes)
  tapes.list = async function* (filter) {
    for await (const summary of list(filter)) yield { ...summary, kind: 'damaged' as const }
  }
  const { code, stdout, stderr } = await replay(tapes)
  assert.equal(code, 1)
  assert.equal(stdout, '0 calls, none would be decided differently\n')
  assert.match(stderr, new RegExp(`^Tape ${A} cannot be read`))
})
