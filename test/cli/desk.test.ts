import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { main } from '../../cli/main.ts'
import { isPrintable } from '../../replay/printable.ts'
import { AdminFixture, TERMS } from '../support/admin-fixture.ts'
import { CapturedIo } from '../support/captured-io.ts'

let desk: AdminFixture
/** Files with tokens: of an approver, of who asks, of their agent, and of a stranger. */
const files: Record<string, string> = {}
const VARIABLES = ['SALLYPORT_SERVER', 'SALLYPORT_CA', 'SALLYPORT_TOKEN', 'SALLYPORT_TOKEN_FILE', 'KUBECONFIG'] as const
const saved = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]))

before(async () => {
  desk = await AdminFixture.open()
  const tokens = {
    eve: await desk.token('eve', ['sre']),
    alice: await desk.token('alice', ['dev']),
    agent: await desk.token('alice', ['dev'], { actor: 'claude' }),
    mallory: await desk.token('mallory'),
    olga: await desk.token('olga', ['operators']),
  }
  for (const [name, token] of Object.entries(tokens)) {
    files[name] = join(desk.data, `${name}.token`)
    writeFileSync(files[name], `${token}\n`)
  }
  for (const name of VARIABLES) delete process.env[name]
  process.env.KUBECONFIG = join(desk.data, 'none')
})

after(async () => {
  for (const [name, value] of Object.entries(saved)) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  await desk.close()
})

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** `who`: whose token; undefined: whatever the machine has. `typed`: what somebody types; undefined: nobody is there. */
async function run(words: readonly string[], who?: string, typed?: string[]): Promise<Ran> {
  const io = new CapturedIo()
  io.today = () => desk.books.time.now()
  io.answers = typed
  const token = who === undefined ? [] : ['--token-file', files[who] as string]
  const code = await main([...words, '--data', desk.data, ...token], io)
  return { code, stdout: io.stdout, stderr: io.stderr }
}

test('ls lists what waits, by the admin token of the gateway on this machine', async () => {
  const { id } = await desk.asked()
  const { code, stdout } = await run(['approvals', 'ls'])
  assert.equal(code, 0)
  assert.deepEqual(stdout.split('\n'), [
    'ID        ASKED  STATE      WHO                  CLUSTER  FROM            COMMAND',
    `${id}  0 s ago  requested  oidc:alice (claude)  prod     group oidc:sre  kubectl exec web -- sh`,
    '',
  ])
  const json = JSON.parse((await run(['approvals', 'ls', '--json', '--user', 'oidc:alice'])).stdout) as { id: string }
  assert.equal(json.id, id)
  assert.deepEqual(await run(['approvals', 'ls', '--state', 'denied']), {
    ...{ code: 0, stdout: '', stderr: 'No approvals.\n' },
  })
})

test('show prints all that an approver must see, and nothing that could act on their terminal', async () => {
  const { id } = await desk.asked('patch deployment web', {
    reason: 'scale\u001b[2J up\u202e',
    summary: {
      ...{ cluster: 'prod', run: 'run-7', command: 'patch deployment web -n prod', verb: 'patch' },
      ...{ resource: 'apps/deployments', namespace: 'prod', name: 'web', objects: 1, note: 'status is not in it' },
      diff: ' spec:\n-\treplicas: 1\n+\treplicas: 2\u001b]0;x\u0007\n',
    },
  })
  const { code, stdout } = await run(['approvals', 'show', id], 'eve')
  assert.equal(code, 0)
  const lines = stdout.trimEnd().split('\n')
  for (const line of lines) assert.ok(isPrintable(line), line)
  const times = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g
  assert.deepEqual(
    lines.map((line) => line.replace(times, 'TIME')),
    [
      `Approval ${id}, waits for an answer`,
      'Who      oidc:alice (oidc:dev)',
      'Agent    claude',
      'Run      run-7 (by its own word)',
      'Why      scale\ufffd[2J up\ufffd (by their own word)',
      'Ticket   -',
      'Cluster  prod',
      'Command  kubectl patch deployment web -n prod',
      'Objects  1',
      'A yes    lets exactly this call once, within 10 m',
      'Asked    TIME (0 s ago); can be answered until TIME (in 1 h)',
      'From     group oidc:sre',
      'Digest   patch deployment web',
      'Changes, as the server said when it was asked, at TIME (0 s ago):',
      '   spec:',
      '  -    replicas: 1',
      '  +    replicas: 2\ufffd]0;x\ufffd',
      'Note: status is not in it',
    ],
  )
})

test('approve shows what it is, asks, and says yes', async () => {
  const { id } = await desk.asked('exec sure -- sh')
  const not = await run(['approvals', 'approve', id], 'eve', ['no'])
  assert.deepEqual([not.code, not.stdout], [1, ''])
  assert.match(not.stderr, /Command {2}kubectl exec sure -- sh\n.*Approve this\? \[y\/N\] Not approved\.\n$/s)
  assert.equal(desk.books.approvals.get(id)?.state, 'requested')
  const yes = await run(['approvals', 'approve', id, '--reason', 'on call', '--ticket', 'OPS-1'], 'eve', ['y'])
  assert.equal(yes.code, 0)
  assert.match(yes.stdout, new RegExp(`^${id} is approved until .* \\(in 10 m\\): kubectl exec sure -- sh\\n$`))
  const [said] = desk.books.approvals.get(id)?.yeses ?? []
  assert.deepEqual([said?.by.user, said?.reason, said?.ticket, said?.via], ['oidc:eve', 'on call', 'OPS-1', 'cli'])
})

test('without a terminal approve wants --yes, and then asks nothing', async () => {
  const { id } = await desk.asked('exec script -- sh')
  const { code, stderr } = await run(['approvals', 'approve', id], 'eve')
  assert.equal(code, 2)
  assert.match(stderr, /nobody is there to be asked; look with `approvals show`, then add --yes/)
  assert.equal((await run(['approvals', 'approve', id, '--yes'], 'eve')).code, 0)
  assert.equal(desk.books.approvals.get(id)?.state, 'approved')
  const revoked = await run(['approvals', 'revoke', id, '--reason', 'wrong pod'], 'eve')
  assert.deepEqual([revoked.code, revoked.stdout], [0, `${id} is revoked: kubectl exec script -- sh\n`])
})

test('deny says no, and --json prints what has become of it', async () => {
  const { id } = await desk.asked('exec no -- sh')
  const { code, stdout } = await run(['approvals', 'deny', id, '--reason', 'not today', '--json'], 'eve')
  const { state, no } = JSON.parse(stdout) as { state: string; no: { reason: string } }
  assert.deepEqual([code, state, no.reason], [0, 'denied', 'not today'])
  const late = await run(['approvals', 'approve', id, '--yes'], 'eve')
  assert.deepEqual(
    [late.code, late.stderr],
    [1, `sallyport: approval ${id} has been answered already: it is denied (approvals.answered)\n`],
  )
})

test('one yes of two says who is still needed', async () => {
  const { id } = await desk.asked('exec two -- sh', {
    terms: { ...TERMS, quorums: [{ rule: 'shells', quorum: 2, approvers: [{ group: 'oidc:sre' }] }] },
  })
  const { stdout } = await run(['approvals', 'approve', id, '--yes'], 'eve')
  assert.equal(stdout, `${id} has 1 yes and waits for the others: 2 of group oidc:sre\n`)
})

const refusals: readonly (readonly [who: string | undefined, message: RegExp])[] = [
  ['alice', /whoever asks cannot say yes, and nor can their agent \(approvals\.requester\)/],
  ['agent', /an agent cannot answer .*\(approvals\.agent\)/],
  ['mallory', /there is no such approval, or it is not for you to see/],
  [undefined, /the admin token is nobody.*--token-file or \$SALLYPORT_TOKEN.*\(admin\.nobody\)/],
]

for (const [who, message] of refusals) {
  test(`approve by ${who ?? 'the admin token'} is refused in one line`, async () => {
    const { id } = await desk.asked('exec refused -- sh')
    const { code, stderr } = await run(['approvals', 'approve', id, '--yes'], who)
    assert.equal(code, who === 'mallory' ? 1 : 4)
    assert.match(stderr, message)
    assert.match(stderr, /^sallyport: [^\n]+\n$/)
    assert.equal(desk.books.approvals.get(id)?.state, 'requested')
  })
}

test('watch shows what waits and what happens, until it is interrupted', async () => {
  const { id } = await desk.asked('exec watched -- sh')
  const io = new CapturedIo()
  const out = io.out.bind(io)
  io.out = async (text) => {
    await out(text)
    if (!text.includes(id)) return
    if (text.includes('  waits')) await run(['approvals', 'deny', id, '--reason', 'no\u0007'], 'eve')
    else io.interrupt.abort()
  }
  const code = await main(['approvals', 'watch', '--data', desk.data, '--token-file', files.eve as string], io)
  assert.equal(code, 130)
  const lines = io.stdout.split('\n').filter((line) => line.includes(id))
  assert.match(
    lines[0] as string,
    /waits {8}.* oidc:alice \(claude\): kubectl exec watched -- sh {2}\[yours to answer\]$/,
  )
  assert.match(lines[1] as string, /no {11}.*: kubectl exec watched -- sh by oidc:eve: no\ufffd$/)
})

const requests: readonly (readonly [words: readonly string[], code: number, expected: RegExp])[] = [
  [
    ['request', '--verb', 'patch', '--resource', 'deploy', '-n', 'prod', '--reason', 'x'],
    0,
    /^Asked for: patch apps\/deployments in prod for 30 minutes\ngroup oidc:sre can answer: sallyport approvals approve id-/,
  ],
  [
    ['request', 'edit', '-n', 'prod', '--for', '10m', '--ticket', 'OPS-1', '--reason', 'x'],
    0,
    /^Asked for: create,delete,patch,update .*apps\/deployments,.* in prod for 10 minutes\n/,
  ],
  [['request', 'restart', '-n', 'prod,web', '--reason', 'x'], 0, /^Asked for: patch .* in prod,web for 30 minutes\n/],
  [['request', 'edit', '-n', 'prod'], 1, /say why: .*\(grants\.reason_required\)/],
  [['request', 'shell', '-n', 'prod', '--reason', 'x'], 4, /You may ask for: edit-web: create, update/],
  [['request', 'edit', '-n', 'prod', '--reason', 'x', '--for', '3h'], 4, /for 60 minutes at most/],
  [['request', 'edit', '-A', '--reason', 'x'], 4, /grants\.not_offered/],
  [['request', 'edit', '--reason', 'x'], 2, /name namespaces with -n, or take all of them with -A/],
  [['request', 'edit', '-n', 'prod', '--for', 'soon'], 2, /--for must be a time/],
  [['request', '-n', 'prod'], 2, /say what for: one of edit, restart, shell, forward/],
  [['request', 'edit', '-n'], 2, /^sallyport: Not enough arguments following: n \(see --help\)\n$/],
  [['request', 'everything', '-n', 'prod'], 2, /Choices: "edit"/],
]

for (const [words, code, expected] of requests) {
  test(words.join(' '), async () => {
    const ran = await run(words, 'alice')
    assert.equal(ran.code, code, ran.stderr)
    assert.match(code === 0 ? ran.stdout : ran.stderr, expected)
    for (const { id, state } of desk.books.approvals.list()) {
      if (state === 'requested') await run(['approvals', 'deny', id], 'eve')
    }
  })
}

test('request --wait ends with the answer, and a no has an exit code of its own', async () => {
  for (const [answer, code, expected] of [
    [['approve', '--yes'], 0, /is approved until/],
    [['deny', '--reason', 'later'], 4, /is denied by oidc:eve: later/],
  ] as const) {
    const namespace = answer[0] === 'deny' ? 'web' : 'prod'
    const io = new CapturedIo()
    io.err = (text) => {
      io.stderr += text
      const id = / waits for /.test(text) ? text.split(' ')[0] : undefined
      if (id === undefined) return
      const [word, ...options] = answer
      void run(['approvals', word, id, ...options], 'eve')
    }
    const words = ['request', 'edit', '-n', namespace, '--reason', 'wait', '--wait', '--data', desk.data]
    assert.equal(await main([...words, '--token-file', files.alice as string], io), code)
    assert.match(io.stdout + io.stderr, expected)
  }
})

test('grants lists standing access, and takes it back', async () => {
  const { stdout } = await run(['grants', 'ls', '--json'], 'alice')
  const { id, state } = JSON.parse(stdout.split('\n')[0] as string) as { id: string; state: string }
  assert.equal(state, 'approved')
  assert.match((await run(['grants', 'ls'])).stdout, new RegExp(`${id} .*approved .*for 30 minutes`))
  assert.match((await run(['grants', 'revoke', id, '--reason', 'done'], 'alice')).stdout, /is revoked/)
  assert.deepEqual(await run(['grants', 'ls']), { code: 0, stdout: '', stderr: 'No grants.\n' })
  assert.match((await run(['grants', 'ls', '--all'])).stdout, new RegExp(id))
})

test('lock, locks and unlock, by the admin token of this machine', async () => {
  const made = await run(['lock', '--actor', 'rogue', '--reason', 'deletes things'])
  const [, id] = /^actor rogue is locked; to end it: sallyport unlock (\S+)\n$/.exec(made.stdout) ?? []
  assert.ok(id !== undefined, made.stderr)
  assert.match((await run(['locks'])).stdout, new RegExp(`${id} .*actor rogue +system:admin-token +deletes things`))
  assert.deepEqual(await run(['locks'], 'eve'), { code: 0, stdout: '', stderr: 'Nothing is locked.\n' })
  assert.match((await run(['unlock', id, '--reason', 'fixed'])).stdout, /actor rogue is no longer locked/)
  assert.match((await run(['lock', '--all', '--reason', 'x'], 'olga')).stdout, /^everything is locked/)
  const [all] = desk.books.locks.list()
  assert.equal((await run(['unlock', all?.id as string], 'olga')).code, 0)
})

const badLocks: readonly (readonly [
  words: readonly string[],
  who: string | undefined,
  code: number,
  message: RegExp,
])[] = [
  [['lock', '--reason', 'x'], undefined, 2, /name one of --user, --actor, --run, --cluster and --all/],
  [['lock', '--all', '--user', 'x', '--reason', 'x'], undefined, 2, /name one of/],
  [['lock', '--all'], undefined, 2, /reason/],
  [
    ['lock', '--all', '--reason', 'x'],
    'eve',
    4,
    /only operators can do that.*admin\.operators.*\(admin\.not_operator\)/,
  ],
  [['unlock', 'none'], undefined, 1, /there is no such lock \(locks\.unknown\)/],
]

for (const [words, who, code, message] of badLocks) {
  test(`${words.join(' ')} by ${who ?? 'the admin token'} is refused`, async () => {
    const ran = await run(words, who)
    assert.equal(ran.code, code)
    assert.match(ran.stderr, message)
    assert.deepEqual(desk.books.locks.list(), [])
  })
}

test('whoami and access tell people who they are and what they may do', async () => {
  const who = (await run(['whoami'], 'agent')).stdout
  assert.match(who, /^User {5}oidc:alice\nGroups {3}oidc:dev\nAgent {4}claude\n/)
  assert.match((await run(['whoami'])).stdout, /^nobody: the holder of the admin token/)
  const may = (await run(['access'], 'agent')).stdout
  assert.match(may, /^oidc:alice \(claude\): where no rule speaks, reads allow, writes deny, streams deny;/)
  assert.match(may, /requireApproval +shells +exec/)
  assert.match(may, /edit-web +1 h +create,update,patch,delete/)
  assert.match(may, /few-deletes +deletions +3 of 3 +-\n/)
  const json = JSON.parse((await run(['access', '--json'], 'agent')).stdout) as { version: number }
  assert.equal(json.version, 1)
  assert.equal((await run(['access'])).code, 4)
})

test('a person elsewhere names the server, its authority and their token by options or variables', async () => {
  const options = ['--server', desk.admin.url, '--ca', desk.caPath, '--token-file', files.eve as string]
  const io = new CapturedIo()
  assert.equal(await main(['whoami', ...options], io), 0)
  assert.match(io.stdout, /^User {5}oidc:eve\n/)
  process.env.SALLYPORT_SERVER = desk.admin.url
  process.env.SALLYPORT_CA = desk.caPath
  const { readFileSync } = await import('node:fs')
  process.env.SALLYPORT_TOKEN = readFileSync(files.mallory as string, 'utf8')
  const other = new CapturedIo()
  assert.equal(await main(['whoami'], other), 0)
  assert.match(other.stdout, /^User {5}oidc:mallory\n/)
  for (const name of ['SALLYPORT_SERVER', 'SALLYPORT_CA', 'SALLYPORT_TOKEN']) delete process.env[name]
})

/** A kubeconfig whose user has a token, or a plugin that prints one. */
function kubeconfig(server: string, user: object): string {
  const path = join(desk.data, 'kubeconfig')
  const document = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'gate' },
    contexts: [{ name: 'gate', context: { cluster: 'gate', user: 'me' } }],
    clusters: [{ name: 'gate', cluster: { server } }],
    users: [{ name: 'me', user }],
  }
  writeFileSync(path, JSON.stringify(document))
  return path
}

test('the user of the gateway’s context is who one is, and a token for another server goes nowhere', async () => {
  const { readFileSync } = await import('node:fs')
  const token = readFileSync(files.eve as string, 'utf8').trim()
  // The fixture's gateway says that it listens on 8443.
  process.env.KUBECONFIG = kubeconfig('https://localhost:8443', { token })
  assert.match((await run(['whoami'])).stdout, /^User {5}oidc:eve\n/)
  process.env.KUBECONFIG = kubeconfig('https://localhost:6443', { token })
  assert.match((await run(['whoami'])).stdout, /^nobody/)
  assert.match((await run(['whoami', '--context', 'gate'])).stdout, /^User {5}oidc:eve\n/)
  assert.match(
    (await run(['whoami', '--context', 'none'])).stderr,
    /the kubeconfig cannot be used: .*no context named "none"/,
  )
  const status = { token }
  const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status }
  process.env.KUBECONFIG = kubeconfig('https://127.0.0.1:8443/clusters/dev', {
    exec: {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', `console.log(${JSON.stringify(JSON.stringify(credential))})`],
      interactiveMode: 'Never',
    },
  })
  assert.match((await run(['whoami'])).stdout, /^User {5}oidc:eve\n/)
  process.env.KUBECONFIG = join(desk.data, 'none')
})

const sources: readonly (readonly [options: readonly string[], code: number, message: RegExp])[] = [
  [
    ['--data', '/nowhere'],
    1,
    /no gateway runs on \/nowhere: name its data directory with --data, or its admin address/,
  ],
  [['--server', 'http://127.0.0.1:1'], 2, /must be an https:\/\/ address/],
  [['--server', 'https://127.0.0.1:1'], 2, /must know who you are: name a file with your OIDC token \(--token-file/],
  [['--server', 'https://127.0.0.1:1', '--data', 'x'], 2, /give either --server or --data/],
  [
    ['--server', 'https://127.0.0.1:1', '--token-file', '/nowhere'],
    1,
    /the token cannot be read from \/nowhere \(ENOENT\)/,
  ],
]

for (const [options, code, message] of sources) {
  test(`whoami ${options.join(' ')} says what to do`, async () => {
    const io = new CapturedIo()
    assert.equal(await main(['whoami', ...options], io), code)
    assert.match(io.stderr, message)
  })
}

test('a gateway that is not there, and a certificate that nobody vouches for, are said in words', async () => {
  const token = ['--token-file', files.eve as string]
  const gone = new CapturedIo()
  assert.equal(await main(['whoami', '--server', 'https://127.0.0.1:1', ...token], gone), 1)
  assert.match(gone.stderr, /cannot be reached \(ECONNREFUSED\): is the gateway running/)
  const stranger = new CapturedIo()
  assert.equal(await main(['whoami', '--server', desk.admin.url, ...token], stranger), 1)
  assert.match(stranger.stderr, /its certificate is not trusted; name its authority with --ca or \$SALLYPORT_CA/)
})

test('an answer that is none of the admin API’s is said to be', async () => {
  writeFileSync(files.mallory as string, 'not-a-token\n')
  const { code, stderr } = await run(['whoami'], 'mallory')
  assert.deepEqual([code, stderr], [4, 'sallyport: the token is not a signed JWT (authn.form)\n'])
})

test('each command has help with an example and the exit codes', async () => {
  for (const line of [
    ...['approvals ls', 'approvals show', 'approvals approve', 'approvals deny', 'approvals revoke', 'approvals watch'],
    ...['grants ls', 'grants revoke', 'request', 'lock', 'unlock', 'locks', 'whoami', 'access'],
  ]) {
    const io = new CapturedIo()
    assert.equal(await main([...line.split(' '), '--help'], io), 0)
    assert.match(io.stdout, /Examples:.*Exit codes: 0 done/s, line)
  }
})
