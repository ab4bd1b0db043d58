// Policy, approvals, locks and budgets with real kubectl and the command line, in front of a real API server: what a caller
// sees while it waits, who can say yes to what, how fast a lock cuts, and what a crash in the middle leaves.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Gateway, startGateway } from './support/gateway.ts'
import { kubectls, type Lab, startLab } from './support/lab.ts'
import { type Ran, run } from './support/run.ts'
import { readTapes } from './support/tapes.ts'

const BIN = fileURLToPath(new URL('../../bin/sallyport.js', import.meta.url))
const SPDY = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }

/** Longer than a test takes. */
const WAIT = '60s'

const POLICY = {
  apiVersion: 'sallyport/v1',
  kind: 'AccessPolicy',
  default: { reads: 'allow', writes: 'deny', streams: 'deny' },
  rules: [
    {
      name: 'agents-shells',
      subjects: [{ actor: '*' }],
      verbs: ['exec'],
      commands: [{ argv: ['sh', '...'] }],
      effect: 'requireApproval',
      approval: { approvers: [{ group: 'oidc:sre' }], wait: WAIT, validFor: '10m', uses: 1 },
    },
    { name: 'agents-exec', subjects: [{ actor: '*' }], verbs: ['exec'], effect: 'allow' },
    {
      name: 'deployments',
      subjects: [{ group: 'oidc:developers' }],
      verbs: ['create', 'update', 'patch'],
      resources: ['apps/deployments'],
      dryRun: 'never',
      effect: 'requireApproval',
      approval: { approvers: [{ group: 'oidc:sre' }], wait: WAIT, validFor: '10m', uses: 1 },
    },
    {
      name: 'developers-write',
      subjects: [{ group: 'oidc:developers' }],
      verbs: ['create', 'update', 'patch', 'delete'],
      resources: ['configmaps', 'apps/deployments'],
      effect: 'allow',
    },
    { name: 'sre', subjects: [{ group: 'oidc:sre' }], verbs: ['*'], effect: 'allow' },
  ],
  grants: [
    {
      name: 'edit-for-a-while',
      subjects: [{ group: 'oidc:developers' }],
      verbs: ['*'],
      longest: '1h',
      approval: { approvers: [{ group: 'oidc:sre' }], ticketRequired: true },
    },
  ],
  budgets: [
    { name: 'few-deletions', subjects: [{ group: 'oidc:developers' }], per: 'principal', window: '1h', deletions: 3 },
  ],
}

interface Line {
  readonly id: string
  readonly state: string
  readonly command: string
  readonly diff: string
  readonly objects: number | null
  readonly requester: { readonly user: string; readonly actor: string }
}

describe('people in the way of a call', () => {
  let lab: Lab
  let gateway: Gateway
  let agent: string
  let developer: string
  let sre: string
  let sreToken: string
  const kubectl = kubectls()[0] as string

  const as = (kubeconfig: string, args: readonly string[], input = '', env = {}): Promise<Ran> =>
    run(kubectl, args, { KUBECONFIG: kubeconfig, ...env }, Buffer.from(input))
  /** The command line, as the SRE unless another token is given. */
  const sallyport = async (args: readonly string[], tokenFile = sreToken): Promise<Ran> =>
    run(process.execPath, [BIN, ...args, '--server', gateway.admin, '--ca', gateway.ca, '--token-file', tokenFile])
  const done = async (args: readonly string[], tokenFile = sreToken): Promise<string> => {
    const { code, out, err } = await sallyport(args, tokenFile)
    assert.equal(code, 0, `${args.join(' ')}: ${out}${err}`)
    return out.toString()
  }
  const lines = async (state: string): Promise<Line[]> =>
    (await done(['approvals', 'ls', '--state', state, '--json']))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line)
  /** The open request whose command has these words in it; `call` waits for its answer. */
  const asked = async (words: string, call?: Promise<Ran>): Promise<Line> => {
    let ended: Ran | undefined
    void call?.then((ran) => {
      ended = ran
    })
    for (let tries = 0; tries < 50; tries++) {
      if (ended !== undefined) throw new Error(`it did not wait: ${ended.code} ${ended.out}${ended.err}`)
      const found = (await lines('open')).find(({ command }) => command.includes(words))
      if (found !== undefined) return JSON.parse(await done(['approvals', 'show', found.id, '--json'])) as Line
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error(`nobody asked for ${words}`)
  }

  before(async () => {
    lab = await startLab()
    gateway = await startGateway(lab, { policy: POLICY })
    agent = await gateway.kubeconfig('alice', ['developers', 'admins'], { act: 'claude-code' })
    developer = await gateway.kubeconfig('dave', ['developers', 'admins'])
    sre = await gateway.kubeconfig('sam', ['sre', 'admins'])
    sreToken = await gateway.tokenFile('sam', ['sre', 'admins'])
  })
  after(async () => {
    await gateway?.stop()
    gateway?.remove()
    await lab?.stop()
  })

  test('a denied delete is one attempt, and says by which rule', async () => {
    const { code, err } = await as(developer, ['delete', 'pod', 'repl', '-v=6'])
    assert.equal(code, 1)
    assert.match(err.toString(), /no rule|denied|Forbidden/)
    assert.equal(err.toString().match(/verb="DELETE"/g)?.length, 1, err.toString())
  })

  for (const env of [{}, SPDY]) {
    const over = env === SPDY ? 'SPDY' : 'WebSocket'
    test(`an agent’s shell waits, is approved elsewhere, and runs, over ${over}`, async () => {
      const script = `echo approved ${over}`
      const waiting = as(agent, ['exec', 'shell', '-c', 'main', '--', 'sh', '-c', script], '', env)
      const request = await asked(script, waiting)
      assert.deepEqual([request.requester.user, request.requester.actor], ['oidc:alice', 'claude-code'])
      // Another script is another call: it is not what was asked for.
      await done(['approvals', 'approve', request.id, '--yes', '--reason', 'looks fine'])
      const { code, out, err } = await waiting
      assert.equal(code, 0, err.toString())
      assert.equal(out.toString(), `approved ${over}\n`)
      // The yes was for one call.
      assert.equal((await lines('all')).find(({ id }) => id === request.id)?.state, 'used')
    })
  }

  test('a changed argv is not what was approved', async () => {
    const first = as(agent, ['exec', 'shell', '-c', 'main', '--', 'sh', '-c', 'echo one'])
    const request = await asked('echo one', first)
    const second = as(agent, ['exec', 'shell', '-c', 'main', '--', 'sh', '-c', 'echo two'])
    const other = await asked('echo two', second)
    assert.notEqual(other.id, request.id)
    await done(['approvals', 'approve', request.id, '--yes'])
    assert.equal((await first).out.toString(), 'one\n')
    await done(['approvals', 'deny', other.id, '--reason', 'not that one'])
    const { code, err } = await second
    assert.equal(code, 1)
    assert.match(err.toString(), /denied by oidc:sam: not that one/)
    // kubectl tried again over SPDY, and nobody was asked twice.
    assert.equal((await lines('all')).filter(({ command }) => command.includes('echo two')).length, 1)
  })

  test('whoever asks cannot answer, nor can an agent or a stranger', async () => {
    const waiting = as(agent, ['exec', 'shell', '-c', 'main', '--', 'sh', '-c', 'echo three'])
    const { id } = await asked('echo three', waiting)
    for (const [user, groups, claims] of [
      ['alice', ['developers', 'sre'], {}],
      ['sam', ['sre'], { act: 'claude-code' }],
      ['mallory', ['developers'], {}],
    ] as const) {
      const token = await gateway.tokenFile(user, groups, claims)
      const { code, err } = await sallyport(['approvals', 'approve', id, '--yes'], token)
      assert.notEqual(code, 0, `${user}: ${err}`)
    }
    await done(['approvals', 'deny', id])
    assert.equal((await waiting).code, 1)
  })

  const deployment = (replicas: number, image: string): string =>
    JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'made', namespace: 'default' },
      spec: {
        replicas,
        selector: { matchLabels: { app: 'made' } },
        template: {
          metadata: { labels: { app: 'made' } },
          spec: { containers: [{ name: 'main', image, env: [{ name: 'PASSWORD', value: 'default-s3cret' }] }] },
        },
      },
    })

  test('an apply shows the approver what the server’s dry run would change', async () => {
    const created = as(developer, ['apply', '-f', '-'], deployment(1, 'registry.example.com/app:1'))
    const request = await asked('made', created)
    assert.match(request.diff, /\+.*registry\.example\.com\/app:1/)
    assert.equal(request.objects, 1)
    await done(['approvals', 'approve', request.id, '--yes'])
    assert.equal((await created).code, 0, (await created).err.toString())

    const changed = as(developer, ['apply', '-f', '-'], deployment(3, 'registry.example.com/app:2'))
    const change = await asked('made', changed)
    assert.match(change.diff, /-.*registry\.example\.com\/app:1/)
    assert.match(change.diff, /\+.*registry\.example\.com\/app:2/)
    assert.match(change.diff, /\+.*replicas"?: 3/)
    await done(['approvals', 'deny', change.id, '--reason', 'not today'])
    const { code, err } = await changed
    assert.equal(code, 1)
    assert.match(err.toString(), /not today/)
    assert.match(
      (await as(sre, ['get', 'deployment', 'made', '-o', 'jsonpath={.spec.replicas}'])).out.toString(),
      /^1$/,
    )
  })

  test('the budget of three deletions stops the fourth', async () => {
    const names = [1, 2, 3, 4].map((number) => `budget-${number}`)
    for (const name of names) {
      const { code, err } = await as(developer, ['create', 'configmap', name])
      assert.equal(code, 0, err.toString())
    }
    for (const name of names.slice(0, 3)) {
      const { code, err } = await as(developer, ['delete', 'configmap', name])
      assert.equal(code, 0, err.toString())
    }
    const { code, err } = await as(developer, ['delete', 'configmap', 'budget-4'])
    assert.equal(code, 1)
    assert.match(err.toString(), /few-deletions/)
  })

  test('a lock ends what runs within a second, and what comes is told why', async () => {
    const locked = await gateway.kubeconfig('lena', ['sre', 'admins'])
    const open = [
      spawned(locked, [
        'exec',
        '-it',
        'shell',
        '-c',
        'main',
        '--',
        'sh',
        '-c',
        'while :; do echo tick; sleep 0.2; done',
      ]),
      spawned(
        locked,
        ['exec', 'shell', '-c', 'main', '--', 'sh', '-c', 'while :; do echo tick; sleep 0.2; done'],
        SPDY,
      ),
      spawned(locked, ['logs', '-f', 'shell', '-c', 'main']),
      spawned(locked, ['get', 'configmaps', '--watch']),
      spawned(locked, ['port-forward', 'pod/web', ':80']),
    ]
    await Promise.all(open.map(({ began }) => began))
    const at = Date.now()
    const lock = JSON.parse(
      (
        await run(process.execPath, [
          BIN,
          'lock',
          '--user',
          'oidc:lena',
          '--reason',
          'lost laptop',
          '--json',
          '--data',
          gateway.data,
        ])
      ).out.toString(),
    ) as { id: string; at: string }
    const lockedAt = Date.parse(lock.at)
    assert.ok(lockedAt >= at)
    // kubectl port-forward ends when its connection does; watch and logs at the end of their answer.
    for (const { ended, what } of open) {
      const took = (await ended) - lockedAt
      assert.ok(took < 1_500, `${what} ended ${took} ms after the lock`)
    }
    const { code, err } = await as(locked, ['get', 'pods'])
    assert.equal(code, 1)
    assert.match(err.toString(), /locked.*lost laptop/)
    assert.equal((await run(process.execPath, [BIN, 'unlock', lock.id, '--data', gateway.data])).code, 0)
    assert.equal((await as(locked, ['get', 'pods'])).code, 0)
  })

  /** Begun once its first line has come. */
  function spawned(kubeconfig: string, args: readonly string[], env = {}) {
    const child: ChildProcess = spawn(kubectl, args, {
      env: { ...process.env, KUBECONFIG: kubeconfig, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const began = new Promise<void>((resolve, reject) => {
      child.stdout?.once('data', () => resolve())
      child.once('exit', () => reject(new Error(`${args.join(' ')} ended before it began`)))
    })
    const ended = new Promise<number>((resolve) => child.once('exit', () => resolve(Date.now())))
    return { began, ended, what: args.slice(0, 2).join(' ') }
  }

  test('access for a while is asked for, given, used and taken back', async () => {
    const dave = await gateway.tokenFile('dave', ['developers', 'admins'])
    const before = await as(developer, ['create', 'serviceaccount', 'granted'])
    assert.equal(before.code, 1)
    const wanted = [
      'request',
      '--verb',
      'create',
      '--verb',
      'delete',
      '--resource',
      'serviceaccounts',
      '-n',
      'default',
      '--for',
      '30m',
    ]
    const { id } = JSON.parse(await done([...wanted, '--reason', 'a release', '--json'], dave)) as Line
    const { code, err } = await sallyport(['approvals', 'approve', id, '--yes'])
    assert.notEqual(code, 0)
    assert.match(err.toString(), /ticket/)
    await done(['approvals', 'approve', id, '--yes', '--ticket', 'OPS-1'])
    const created = await as(developer, ['create', 'serviceaccount', 'granted'])
    assert.equal(created.code, 0, created.err.toString())
    await done(['grants', 'revoke', id, '--reason', 'done'])
    assert.equal((await as(developer, ['delete', 'serviceaccount', 'granted'])).code, 1)
  })

  test('a crash in the middle loses no request, yes, grant, lock or budget', async () => {
    const dave = await gateway.tokenFile('dave', ['developers', 'admins'])
    const words = [
      'request',
      '--verb',
      'create',
      '--resource',
      'services',
      '-n',
      'default',
      '--for',
      '30m',
      '--ticket',
      'OPS-2',
    ]
    const grant = JSON.parse(await done([...words, '--json'], dave)) as Line
    await done(['approvals', 'approve', grant.id, '--yes'])
    const parked = as(agent, ['exec', 'shell', '-c', 'main', '--', 'sh', '-c', 'echo after'])
    const request = await asked('echo after', parked)
    const lock = await run(process.execPath, [
      BIN,
      'lock',
      '--actor',
      'rogue',
      '--reason',
      'r',
      '--json',
      '--data',
      gateway.data,
    ])
    assert.equal(lock.code, 0, lock.err.toString())

    await gateway.crash()
    assert.notEqual((await parked).code, 0, 'the call that waited has lost its connection')
    assert.equal((await asked('echo after')).id, request.id)
    await done(['approvals', 'approve', request.id, '--yes'])
    const again = await as(agent, ['exec', 'shell', '-c', 'main', '--', 'sh', '-c', 'echo after'])
    assert.equal(again.out.toString(), 'after\n', again.err.toString())
    const granted = await as(developer, ['create', 'service', 'clusterip', 'granted', '--tcp=80:80'])
    assert.equal(granted.code, 0, granted.err.toString())
    assert.match((await as(developer, ['delete', 'configmap', 'budget-4'])).err.toString(), /few-deletions/)
    const rogue = await gateway.kubeconfig('alice', ['developers', 'admins'], { act: 'rogue' })
    assert.match((await as(rogue, ['get', 'pods'])).err.toString(), /locked/)
  })

  test('all of it is on tapes that verify', async () => {
    assert.equal(await gateway.stop(), 0, gateway.log())
    const tapes = await readTapes(gateway.data)
    const codes = new Set(
      tapes
        .filter(({ kind }) => kind === 'control')
        .flatMap(({ entries }) => entries.map((entry) => (entry.kind === 'note' ? entry.body.code : ''))),
    )
    for (const word of ['request', 'approve', 'deny', 'use', 'revoke', 'lock', 'unlock']) {
      assert.ok(
        [...codes].some((code) => code.includes(word)),
        `${word} is not among ${[...codes].join(', ')}`,
      )
    }
    const verified = await run(process.execPath, [BIN, 'tapes', 'verify', '--data', gateway.data])
    assert.equal(verified.code, 0, verified.out.toString() + verified.err.toString())
  })
})
