import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { main } from '../../cli/main.ts'
import { isPrintable } from '../../replay/printable.ts'
import { CapturedIo } from '../support/captured-io.ts'

const directory = mkdtempSync(join(tmpdir(), 'sallyport-policy-'))
after(() => rmSync(directory, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

async function run(...argv: readonly string[]) {
  const io = new CapturedIo()
  const code = await main(argv, io, async () => assert.fail('no tapes are asked for'))
  return { code, stdout: io.stdout.replaceAll(`${directory}/`, ''), stderr: io.stderr.replaceAll(`${directory}/`, '') }
}

function json(lines: string): Record<string, unknown>[] {
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

const POLICY = file(
  'policy.yaml',
  `apiVersion: sallyport/v1
kind: AccessPolicy
rules:
- name: admins
  subjects: [{group: "oidc:admins"}]
  verbs: ["*"]
  effect: allow
- name: no-deletes
  subjects: [{actor: "*"}]
  verbs: [delete]
  namespaces: [prod]
  effect: deny
  reason: agents do not delete in prod
- name: shells
  subjects: [{actor: "*"}]
  verbs: [exec]
  effect: requireApproval
  approval: {approvers: [{group: "oidc:sre"}], quorum: 2}
- name: ci
  subjects: [{group: "oidc:ci"}]
  verbs: [create]
  resources: [apps/deployments]
  clusters: [dev]
  effect: allow
  when: object.spec.replicas <= 3
`,
)

const WRONG = file(
  'wrong.yaml',
  `apiVersion: sallyport/v1
kind: AccessPolicy
rules:
- name: a
  subjects: [{user: "*"}]
  verbs: [get, destroy]
  effect: allow
- name: a
  subjects: [{user: "*"}]
  verbs: [get]
  effect: allow
  when: object.spec.replicas <=
`,
)

const SHADOWED = file(
  'shadowed.yaml',
  `apiVersion: sallyport/v1
kind: AccessPolicy
rules:
- name: none
  subjects: [{user: "*"}]
  verbs: ["*"]
  namespaces: [prod]
  effect: deny
- name: some
  subjects: [{user: "oidc:ann"}]
  verbs: [delete]
  namespaces: [prod]
  effect: allow
`,
)

test('check says that a policy is right, and ends with 0', async () => {
  const { code, stdout, stderr } = await run('policy', 'check', POLICY)
  assert.deepEqual([code, stdout, stderr], [0, '4 rules, no mistakes, no warnings\n', ''])
})

test('check names every mistake with its line and column, and ends with 1', async () => {
  const { code, stdout, stderr } = await run('policy', 'check', WRONG)
  assert.equal(code, 1)
  assert.match(
    stdout,
    /^wrong\.yaml:6:16: error: .*"get", .*not "destroy"\nwrong\.yaml:8:3: error: another rule is called "a"/,
  )
  assert.match(stdout, /wrong\.yaml:12:\d+: error: /)
  assert.equal(stderr, '3 mistakes: a gateway would not take this policy\n')
})

test('check warns of what never applies, and ends with 0', async () => {
  const { code, stdout } = await run('policy', 'check', SHADOWED)
  assert.equal(code, 0)
  assert.equal(
    stdout,
    'shadowed.yaml:9:3: warning: it never applies: rule "none" denies all of it\n2 rules, no mistakes, 1 warning\n',
  )
})

test('check --json prints one object a problem, and a sum', async () => {
  const shadowed = json((await run('policy', 'check', '--json', SHADOWED)).stdout)
  assert.deepEqual(shadowed, [
    {
      severity: 'warning',
      file: 'shadowed.yaml',
      line: 9,
      column: 3,
      path: 'rules[1].name',
      message: 'it never applies: rule "none" denies all of it',
    },
    { ok: true, rules: 2, errors: 0, warnings: 1 },
  ])
  const wrong = json((await run('policy', 'check', '--json', WRONG)).stdout)
  assert.deepEqual(wrong.at(-1), { ok: false, errors: 3 })
  assert.deepEqual(
    wrong.slice(0, -1).map(({ severity, line }) => [severity, line]),
    [
      ['error', 6],
      ['error', 8],
      ['error', 12],
    ],
  )
})

test('check of what is not there ends with 1 and no stack', async () => {
  const { code, stdout } = await run('policy', 'check', join(directory, 'nowhere.yaml'))
  assert.equal(code, 1)
  assert.match(stdout, /^nowhere\.yaml:1:1: error: cannot be read/)
})

test('nothing that a policy says reaches the terminal as it is', async () => {
  const evil = file('evil.yaml', 'apiVersion: "\\e]0;x\\a\\u202e"\nkind: "\\e[2J"\n"\\e[1m": 1\n')
  for (const argv of [
    ['check', evil],
    ['check', '--json', evil],
    ['explain', '--policy', evil, '--', 'get', 'pods'],
  ]) {
    const { code, stdout, stderr } = await run('policy', ...argv)
    assert.equal(code, 1)
    for (const line of `${stdout}${stderr}`.split('\n')) assert.ok(isPrintable(line), line)
  }
})

test('explain says which rule decides, why the others do not, and what would be needed', async () => {
  const who = ['--as-user', 'oidc:ann', '--as-actor', 'claude', '--cluster', 'prod']
  const { code, stdout } = await run(
    'policy',
    'explain',
    '--policy',
    POLICY,
    ...who,
    '--',
    'delete',
    'pod',
    '007',
    '-n',
    'prod',
  )
  assert.equal(code, 0)
  assert.equal(
    stdout,
    `DELETE /api/v1/namespaces/prod/pods/007
  denied by rule no-deletes: rule "no-deletes" denies this (agents do not delete in prod): delete pods "007" in namespace "prod". It denies delete in namespace prod, and no other rule can allow that; ask whoever keeps the gateway's policy
  + deny no-deletes: all of it fits
  - requireApproval shells: it names other verbs
  - 2 rules are for other callers
  needed: no denial by rule "no-deletes": no other rule can lift one

oidc:ann (claude): denied by rule no-deletes
`,
  )
})

test('explain names who must say yes', async () => {
  const { stdout } = await run(
    'policy',
    'explain',
    '--policy',
    POLICY,
    '--as-actor',
    'a',
    '--cluster',
    'x',
    '--',
    'exec',
    'web',
    '--',
    'sh',
  )
  assert.match(stdout, /needs an approval by rule shells/)
  assert.match(stdout, /needed: an approval by 2 of group "oidc:sre"/)
  assert.match(stdout, /\n\(somebody\) \(a\): needs an approval by rule shells\n$/)
})

test('explain reads manifests, and says what differs request by request', async () => {
  const manifest = file('d.yaml', 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {replicas: 4}\n')
  const argv = [
    'policy',
    'explain',
    '--json',
    '--policy',
    POLICY,
    '--as-group',
    'oidc:ci',
    '--as-group',
    'x',
    '--cluster',
    'dev',
  ]
  const [row, ...more] = json((await run(...argv, '--', 'create', '-f', manifest)).stdout)
  assert.equal(more.length, 0)
  assert.deepEqual([row?.method, row?.effect, row?.rule], ['POST', 'deny', 'default'])
  const { considered, needed } = row as { considered: { rule: string; obstacle?: string }[]; needed: string[] }
  assert.equal(considered.find(({ rule }) => rule === 'ci')?.obstacle, 'when')
  assert.match(needed.join('\n'), /its condition does not hold/)
})

test('explain without a policy is the gateway’s own default, and says so', async () => {
  const { code, stdout, stderr } = await run('policy', 'explain', '--', 'GET', '/api/v1/secrets')
  assert.equal(code, 0)
  assert.match(stdout, /\(somebody\): allowed by default\n$/)
  assert.match(stderr, /^Without --policy: reads are allowed/)
})

test('explain says what the gateway refuses before it asks the policy', async () => {
  const { stdout } = await run('policy', 'explain', '--', 'GET', '/api/v1/..%2fpods')
  assert.match(stdout, /denied by rule path\.encoded_slash/)
})

test('explain takes a time, for rules with hours', async () => {
  const hours = file(
    'hours.yaml',
    `apiVersion: sallyport/v1
kind: AccessPolicy
rules:
- name: office
  subjects: [{user: "*"}]
  verbs: [delete]
  effect: allow
  hours: [{days: [mon], from: "09:00", to: "17:00", timeZone: UTC}]
`,
  )
  const at = async (time: string): Promise<string> =>
    (await run('policy', 'explain', '--policy', hours, '--at', time, '--', 'delete', 'pod', 'x')).stdout
  assert.match(await at('2026-11-23T12:00:00Z'), /: allowed by rule office\n$/)
  assert.match(await at('2026-11-24T12:00:00Z'), /: denied by default\n$/)
})

const misuses: readonly (readonly string[])[] = [
  ['explain'],
  ['explain', 'get', 'pods'],
  ['explain', '--'],
  ['explain', '--policy', POLICY, '--', 'get', 'pods'],
  ['explain', '--at', 'noon', '--', 'get', 'pods'],
  ['explain', '--', 'frobnicate'],
  ['check'],
  ['test'],
  ['schema', 'x'],
  ['replay'],
  ['nope'],
  [],
]

for (const argv of misuses) {
  test(`wrong usage ends with 2: policy ${argv.join(' ').replaceAll(directory, '')}`, async () => {
    const { code, stdout, stderr } = await run('policy', ...argv)
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.match(stderr.replace(/^Without --policy.*\n/, ''), /^sallyport: [^\n]+ \(see --help\)\n$/)
  })
}

const CASES = `apiVersion: sallyport/v1
kind: PolicyTest
policy: policy.yaml
cases:
- name: agents do not delete in prod
  as: {user: "oidc:ann", actor: claude}
  kubectl: delete pod x -n prod
  expect: deny
  rule: no-deletes
- name: ci deploys
  as: {groups: ["oidc:ci"]}
  cluster: dev
  request: POST /apis/apps/v1/namespaces/web/deployments
  body: {spec: {replicas: 3}}
  expect: allow
  rule: ci
- name: shells are asked about
  as: {actor: claude}
  kubectl: [exec, x, --, sh, -c, "a b"]
  expect: requireApproval
- name: shells over the old protocol too
  as: {actor: claude}
  request: GET /api/v1/namespaces/x/pods/p/exec?command=sh
  expect: requireApproval
`

test('test ends with 0 where all is as expected', async () => {
  const { code, stdout } = await run('policy', 'test', file('right-test.yaml', CASES))
  assert.deepEqual([code, stdout], [0, '4 cases, all as expected\n'])
})

test('test prints what is not as expected as a diff, and ends with 1', async () => {
  const path = file('wrong-test.yaml', CASES.replace('expect: deny', 'expect: allow').replace('rule: ci', 'rule: ops'))
  const { code, stdout } = await run('policy', 'test', path)
  assert.equal(code, 1)
  const [first, second, sum] = stdout.split('\n\n')
  assert.equal(
    first?.split('\n').slice(0, 4).join('\n'),
    `wrong-test.yaml:5: agents do not delete in prod
  DELETE /api/v1/namespaces/prod/pods/x
  - effect: allow
  + effect: deny`,
  )
  assert.match(second as string, /^wrong-test\.yaml:10: ci deploys\n {2}POST \S+\n {2}- rule: ops\n {2}\+ rule: ci\n/)
  assert.equal(sum, '4 cases, 2 not as expected\n')
})

test('test --json prints one object a case; --policy takes another policy', async () => {
  const { code, stdout } = await run('policy', 'test', '--json', '--policy', SHADOWED, file('right-test.yaml', CASES))
  assert.equal(code, 1)
  const [first, second] = json(stdout)
  assert.deepEqual(first, {
    name: 'agents do not delete in prod',
    line: 5,
    passed: false,
    expected: { effect: 'deny', rule: 'no-deletes' },
    actual: { effect: 'deny', rule: 'none', method: 'DELETE', target: '/api/v1/namespaces/prod/pods/x' },
  })
  assert.equal(second?.passed, false)
})

const badTests: readonly (readonly [what: string, text: string, code: number, message: RegExp])[] = [
  [
    'both forms',
    CASES.replace('  kubectl: delete pod x -n prod', '  kubectl: get pods\n  request: GET /x'),
    1,
    /one of kubectl and request/,
  ],
  ['an open quote', CASES.replace('delete pod x -n prod', 'delete pod "x'), 1, /:7:3: a quote is not closed/],
  ['an unknown key', CASES.replace('expect: deny', 'expects: deny'), 1, /expect.*\(and 1 more\)/],
  ['a command that is not understood', CASES.replace('delete pod x -n prod', 'scale x'), 1, /case "agents do not/],
  [
    'a file that is not there',
    CASES.replace('delete pod x -n prod', 'apply -f nowhere'),
    1,
    /cannot be read \(ENOENT\)/,
  ],
  ['no policy', CASES.replace('policy: policy.yaml\n', ''), 2, /name the policy with --policy/],
  ['a policy with mistakes', CASES.replace('policy.yaml', 'wrong.yaml'), 1, /wrong\.yaml:6:16: .*\(and 2 more\)/],
]

for (const [what, text, expected, message] of badTests) {
  test(`a test with ${what} is refused in one line`, async () => {
    const { code, stderr } = await run('policy', 'test', file('bad-test.yaml', text))
    assert.equal(code, expected)
    assert.match(stderr, message)
    assert.match(stderr, /^sallyport: [^\n]+\n$/)
  })
}

test('schema is the JSON Schema of the policy', async () => {
  const { code, stdout } = await run('policy', 'schema')
  assert.equal(code, 0)
  const schema = JSON.parse(stdout) as { properties: { rules: { items: { required: string[] } } }; required: string[] }
  assert.deepEqual(schema.required, ['apiVersion', 'kind'])
  assert.deepEqual(schema.properties.rules.items.required, ['name', 'subjects', 'verbs', 'effect'])
})

test('help has examples and the exit codes', async () => {
  for (const command of ['check', 'explain', 'test', 'replay', 'schema']) {
    const { code, stdout } = await run('policy', command, '--help')
    assert.equal(code, 0)
    assert.match(stdout, /Examples:.*Exit codes: 0 done/s)
  }
})
