// Unmodified kubectl and people's answers, before a real kube-apiserver: what waits, what it prints when it is told no, what
// approvers see, and what a lock ends.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Approval } from '../../gateway/approvals/approvals.ts'
import { approver } from '../support/consenting-gateway.ts'
import { GatewayFixture } from '../support/running-gateway.ts'
import { kubectls, type Lab, startLab } from './support/lab.ts'
import { run } from './support/run.ts'

const SRE = { approvers: [{ group: 'oidc:sre' }], wait: '60s' }

const POLICY = {
  apiVersion: 'sallyport/v1',
  kind: 'AccessPolicy',
  rules: [
    { name: 'admins', subjects: [{ group: 'oidc:admins' }], verbs: ['*'], effect: 'allow' },
    { name: 'no-deletes', subjects: [{ actor: '*' }], verbs: ['delete'], effect: 'deny', reason: 'ask the team first' },
    {
      name: 'shells',
      subjects: [{ actor: '*' }],
      verbs: ['exec'],
      commands: [{ argv: ['sh', '...'] }],
      effect: 'requireApproval',
      approval: SRE,
    },
    {
      name: 'applies',
      subjects: [{ actor: '*' }],
      verbs: ['create', 'update', 'patch'],
      resources: ['apps/deployments'],
      effect: 'requireApproval',
      approval: SRE,
    },
  ],
}

const DEPLOYMENT = (replicas: number): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: default}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: main, image: shop}]}
`

describe('approvals', () => {
  let lab: Lab
  let fixture: GatewayFixture
  let config: string
  const kubectl = kubectls()[0] as string

  before(async () => {
    lab = await startLab()
    fixture = await GatewayFixture.open(
      (_request, response) => response.end(),
      undefined,
      (document, { folder }) => {
        document.clusters = [{ name: 'lab', kubeconfig: lab.gatewayKubeconfig }]
        document.policyFile = join(folder, 'people.yaml')
        writeFileSync(join(folder, 'people.yaml'), JSON.stringify(POLICY))
      },
    )
    config = join(fixture.folder, 'agent.kubeconfig')
    const { address, ca } = fixture.gateway
    writeFileSync(
      config,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'agent' } }],
        clusters: [{ name: 'c', cluster: { server: address, 'certificate-authority': ca } }],
        users: [{ name: 'agent', user: { token: await fixture.token({ actor: 'agent' }) } }],
      }),
    )
  })
  after(async () => {
    await fixture?.close()
    fixture?.remove()
    await lab?.stop()
  })

  function k(...args: string[]) {
    return run(kubectl, ['--kubeconfig', config, ...args])
  }

  async function until(condition: () => boolean, what: string): Promise<void> {
    const end = performance.now() + 20_000
    while (!condition()) {
      assert.ok(performance.now() < end, `it did not come about that ${what}`)
      await new Promise((done) => setImmediate(done))
    }
  }

  /** The next approval that a call waits for. */
  async function waiting(): Promise<Approval> {
    const { approvals } = fixture.gateway.people
    await until(() => approvals.parked > 0, 'a call waits')
    return approvals.list().at(-1) as Approval
  }

  async function say(answer: 'yes' | 'no', { id }: Approval, reason = ''): Promise<void> {
    const common = { id, answer, reason, ticket: '', via: 'test' }
    const result = await fixture.gateway.people.approvals.answer({ ...common, approver: approver('bob') })
    assert.ok('state' in result, JSON.stringify(result))
  }

  test('a denied delete says why and ends with 1, after one attempt', async () => {
    const { code, err } = await k('delete', 'pod', 'shell', '--wait=false')
    assert.equal(code, 1)
    assert.match(
      err.toString(),
      /Error from server \(Forbidden\): .*rule "no-deletes" denies this.*ask the team first/s,
    )
  })

  test('an exec waits for a yes and runs; another argv is another question', async () => {
    const running = k('exec', 'shell', '--', 'sh', '-c', 'echo hello')
    const approval = await waiting()
    assert.match(approval.summary.command, /^kubectl exec shell (-c \S+ )?-- sh -c 'echo hello'$/)
    await say('yes', approval)
    const { code, out, err } = await running
    assert.deepEqual([code, out.toString()], [0, 'hello\n'], err.toString())
    const other = k('exec', 'shell', '--', 'sh', '-c', 'echo other')
    const asked = await waiting()
    assert.notEqual(asked.id, approval.id)
    const before = fixture.gateway.people.approvals.list().length
    await say('no', asked, 'not today')
    const refused = await other
    assert.equal(refused.code, 1)
    assert.match(refused.err.toString(), /was denied by oidc:bob: not today/)
    assert.equal(fixture.gateway.people.approvals.list().length, before, 'its repetition as SPDY asks nobody')
  })

  test('an apply shows the approver its dry run, and what was shown is what runs', async () => {
    const file = join(fixture.folder, 'shop.yaml')
    writeFileSync(file, DEPLOYMENT(1))
    const creating = k('apply', '-f', file)
    const first = await waiting()
    assert.match(first.summary.diff, /^\+ {2}replicas: 1$/m, first.summary.note)
    await say('yes', first)
    assert.equal((await creating).code, 0)
    writeFileSync(file, DEPLOYMENT(3))
    const changing = k('apply', '-f', file)
    const second = await waiting()
    assert.match(second.summary.diff, /^- {2}replicas: 1\n\+ {2}replicas: 3$/m, second.summary.note)
    await say('yes', second)
    const { code, err } = await changing
    assert.equal(code, 0, err.toString())
  })

  test('a lock ends an exec -i, a logs -f and a port-forward within a second, and says so to what comes', async () => {
    const held = (...args: string[]) => {
      const child = spawn(kubectl, ['--kubeconfig', config, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
      let said = ''
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (bytes: Buffer) => (said += bytes.toString()))
      const ended = new Promise<number>((resolve) => child.once('exit', () => resolve(performance.now())))
      return { said: () => said, ended }
    }
    const shell = held('exec', '-i', 'shell', '--', 'sh', '-c', 'echo ready; cat')
    await say('yes', await waiting())
    const logs = held('logs', '-f', 'shell')
    const forward = held('port-forward', 'pod/web', ':80')
    await until(() => shell.said().includes('ready') && [logs, forward].every((each) => each.said() !== ''), 'they run')
    const begun = performance.now()
    const lock = await fixture.gateway.people.locks.lock(
      { kind: 'actor', name: 'agent' },
      approver('bob'),
      'odd behaviour',
    )
    for (const ended of await Promise.all([shell.ended, logs.ended, forward.ended])) assert.ok(ended - begun < 1_000)
    const { code, err } = await k('get', 'pods')
    assert.equal(code, 1)
    assert.match(err.toString(), /actor agent is locked by oidc:bob .*odd behaviour/)
    assert.ok('lock' in lock)
    await fixture.gateway.people.locks.unlock(lock.lock.id, approver('bob'), '')
    assert.equal((await k('get', 'pods')).code, 0)
  })
})
