// People at another terminal, through a whole gateway: a call waits, and what they type lets it go on, refuses it or cuts it.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { main } from '../../cli/main.ts'
import { readConfig } from '../../gateway/config.ts'
import { CapturedIo } from '../support/captured-io.ts'
import {
  ConsentingGateway,
  causeOf,
  closed,
  codesOf,
  EXEC,
  isSocket,
  POLICY,
  statusOf,
} from '../support/consenting-gateway.ts'

let gateway: ConsentingGateway

const GRANTS = [
  {
    name: 'shells-for-a-time',
    subjects: [{ group: 'oidc:admins' }],
    verbs: ['exec'],
    resources: ['pods'],
    namespaces: ['prod'],
    longest: '30m',
    approval: { approvers: [{ group: 'oidc:sre' }] },
  },
]

beforeEach(async () => {
  gateway = await ConsentingGateway.open({ ...POLICY, grants: GRANTS })
})

/** A command of somebody with a token of their own; without one, of who has the gateway's data directory. */
async function type(words: readonly string[], subject?: string, groups: readonly string[] = ['sre']) {
  const { fixture } = gateway
  const options = ['--data', fixture.data]
  if (subject !== undefined) {
    const file = join(fixture.folder, `${subject}.token`)
    writeFileSync(file, await fixture.token({ subject, groups }))
    options.push('--token-file', file)
  }
  const io = new CapturedIo()
  const code = await main([...words, ...options], io)
  return { code, stdout: io.stdout, stderr: io.stderr }
}

/** What people did or tried, of all that is on the control tape. Closes the gateway. */
async function peoplesCodes(): Promise<string[]> {
  return codesOf(await gateway.close()).filter((code) => /^(?:approvals|admin)\./.test(code))
}

let isOpen = false
beforeEach(() => {
  isOpen = true
})
afterEach(async () => {
  if (isOpen) await gateway.close()
})

test('an exec that waits is approved from another terminal, and runs', async () => {
  const opening = gateway.webSocket(EXEC, { 'Sallyport-Intent': 'see why web is down', 'Sallyport-Run': 'run-7' })
  const { id } = await gateway.waiting()
  const shown = await type(['approvals', 'show', id], 'bob')
  assert.match(
    shown.stdout,
    /^Who {6}oidc:alice \(oidc:admins\)\nAgent {4}agent\nRun {6}run-7 .*\nWhy {6}see why web is down/m,
  )
  assert.match(shown.stdout, /^Command {2}kubectl exec -i web -n prod -- sh$/m)
  assert.match(shown.stdout, /^Waiting {2}1 call now$/m)
  assert.equal(gateway.passed.length, 0)
  const approved = await type(['approvals', 'approve', id, '--yes'], 'bob')
  assert.deepEqual([approved.code, approved.stderr], [0, ''])
  const socket = await opening
  assert.ok(isSocket(socket))
  assert.equal(gateway.passed.length, 1)
  socket.terminate()
  isOpen = false
  assert.deepEqual(await peoplesCodes(), ['approvals.request', 'approvals.approve', 'approvals.use'])
})

test('one that is denied says who and why, and attempts of those who may not answer are on the control tape', async () => {
  const opening = gateway.webSocket()
  const { id } = await gateway.waiting()
  assert.equal((await type(['approvals', 'approve', id, '--yes'], 'alice', ['sre'])).code, 4)
  assert.equal((await type(['approvals', 'approve', id, '--yes'])).code, 4)
  assert.equal((await type(['approvals', 'deny', id, '--reason', 'not on a Friday'], 'bob')).code, 0)
  const refused = await opening
  assert.ok(!isSocket(refused))
  assert.equal(causeOf(refused), 'approvals.denied')
  assert.match(statusOf(refused).message, /was denied by oidc:bob: not on a Friday/)
  assert.equal(gateway.passed.length, 0)
  isOpen = false
  assert.deepEqual(await peoplesCodes(), ['approvals.request', 'admin.refused', 'admin.refused', 'approvals.deny'])
})

test('standing access that was asked for and allowed lets the agent’s exec go on at once, until it is taken back', async () => {
  const words = ['request', 'shell', '--verb', 'exec', '-n', 'prod', '--for', '10m', '--actor', 'agent', '--json']
  const asked = await type(words, 'alice', ['admins'])
  assert.equal(asked.code, 0, asked.stderr)
  const { id } = JSON.parse(asked.stdout) as { id: string }
  assert.equal((await type(['approvals', 'approve', id, '--yes'], 'bob')).code, 0)
  const socket = await gateway.webSocket()
  assert.ok(isSocket(socket))
  socket.terminate()
  assert.equal((await type(['grants', 'revoke', id], 'alice', ['admins'])).code, 0)
  const opening = gateway.webSocket()
  const waiting = await gateway.waiting(1, 2)
  assert.equal(waiting.target.kind, 'call')
  await gateway.answer(waiting.id, 'no')
  assert.ok(!isSocket(await opening))
})

test('a lock cuts what runs and what waits, and an unlock lets the next call in', async () => {
  const opening = gateway.webSocket()
  await gateway.answer((await gateway.waiting()).id, 'yes')
  const socket = await opening
  assert.ok(isSocket(socket))
  const waiting = gateway.webSocket()
  await gateway.waiting(1, 2)
  const made = await type(['lock', '--actor', 'agent', '--reason', 'it goes wild', '--json'])
  const { id } = JSON.parse(made.stdout) as { id: string }
  await closed(socket)
  const cut = await waiting
  assert.ok(!isSocket(cut))
  assert.equal(causeOf(cut), 'locks.actor')
  assert.match(statusOf(cut).message, /it goes wild/)
  const refused = await gateway.call({ path: '/api/v1/pods' })
  assert.equal(causeOf(refused), 'locks.actor')
  assert.equal((await type(['unlock', id])).code, 0)
  assert.equal((await gateway.call({ path: '/api/v1/pods' })).status, 200)
})

test('whom a reload names as operators can lock by their own token from then on', async () => {
  const { config, gateway: running } = gateway.fixture
  const lock = ['lock', '--actor', 'another', '--reason', 'x']
  assert.equal((await type(lock, 'bob')).code, 4)
  const document = JSON.parse(readFileSync(config, 'utf8')) as { admin: object }
  document.admin = { ...document.admin, operators: [{ group: 'oidc:sre' }] }
  writeFileSync(config, JSON.stringify(document))
  running.reload(readConfig(config))
  assert.equal((await type(lock, 'bob')).code, 0)
})
