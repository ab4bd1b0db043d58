import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { main } from '../../cli/main.ts'
import { CapturedIo } from '../support/captured-io.ts'

const directory = mkdtempSync(join(tmpdir(), 'sallyport-mask-'))
after(() => rmSync(directory, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

async function run(...argv: readonly string[]) {
  const io = new CapturedIo()
  const code = await main(['mask', 'test', ...argv], io, async () => assert.fail('no tapes are asked for'))
  return { code, stdout: io.stdout, stderr: io.stderr.replaceAll(`${directory}/`, '') }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

const PASSWORD = 'correct-horse-battery'
const API_KEY = 'staple-9f3k-lime'
const VALUES = [PASSWORD, API_KEY, base64(PASSWORD), base64(API_KEY)]

function hides(text: string): boolean {
  return VALUES.every((value) => !text.includes(value))
}

const MANIFESTS = file(
  'manifests.yaml',
  `# what is not masked stays: comments, "quotes", order
apiVersion: v1
kind: ConfigMap
metadata: {name: app, namespace: prod}
data:
  url: "the password is ${PASSWORD}"   # learned from below
---
apiVersion: v1
kind: Secret
metadata: {namespace: prod, name: db}
data:
  password: ${base64(PASSWORD)}
`,
)

const LIST = `apiVersion: v1
items:
- apiVersion: v1
  data:
    key: ${base64(API_KEY)}
  kind: Secret
  metadata:
    name: one
    namespace: prod
- apiVersion: v1
  data:
    motto: |
      two lines,
      ${API_KEY} among them
  kind: ConfigMap
  metadata:
    name: two
    namespace: prod
kind: List
metadata:
  resourceVersion: ""
`

test('manifests: values are masked where they stand, learned ones in what comes before, and all else is as it was', async () => {
  const { code, stdout, stderr } = await run(MANIFESTS)
  assert.equal(code, 0)
  assert.equal(
    stdout.replace(/"c2FsbHlwb3J0LW1hc2tlZC[\w+/=]+"/, 'MASK'),
    `# what is not masked stays: comments, "quotes", order
apiVersion: v1
kind: ConfigMap
metadata: {name: app, namespace: prod}
data:
  url: "the password is ~mask~${'~'.repeat(PASSWORD.length - 6)}"   # learned from below
---
apiVersion: v1
kind: Secret
metadata: {namespace: prod, name: db}
data:
  password: MASK
`,
  )
  assert.match(stderr, /^OBJECT +RULE +FIELDS +VALUES\n/)
  assert.match(stderr, /^ConfigMap prod\/app +learned +text +1$/m)
  assert.match(stderr, /^Secret prod\/db +secrets +data\.password +1$/m)
  assert.match(stderr, /key of this run's masks is thrown away/)
  assert.ok(hides(stderr))
})

test('a list of mixed kinds, as kubectl prints it: each object by the rules of its kind', async () => {
  for (const [name, text] of [
    ['list.yaml', LIST],
    ['list.json', JSON.stringify(parseAllDocuments(LIST)[0]?.toJS(), undefined, 4)],
  ] as const) {
    const { code, stdout, stderr } = await run(file(name, text))
    assert.equal(code, 0)
    assert.ok(hides(stdout))
    assert.equal(stdout.split('\n').length, text.split('\n').length)
    const before = parseAllDocuments(text)[0]?.toJS()
    const after = parseAllDocuments(stdout)[0]?.toJS()
    assert.match(Buffer.from(after.items[0].data.key, 'base64').toString(), /^sallyport-masked-/)
    assert.match(after.items[1].data.motto, /^two lines,\n~mask~~+ among them\n$/)
    for (const one of [before, after]) for (const item of one.items) delete item.data
    assert.deepEqual(after, before)
    assert.match(stderr, /^Secret prod\/one +secrets +data\.key +1$/m)
  }
})

test('watch events, lists of one kind, and tokens', async () => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', namespace: 'n' }, data: { k: VALUES[2] } }
  const events = ['ADDED', 'DELETED'].map((type) => JSON.stringify({ type, object: secret })).join('\n')
  const list = JSON.stringify({ kind: 'SecretList', apiVersion: 'v1', metadata: {}, items: [secret, secret] })
  const token = JSON.stringify({
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name: 'sa', namespace: 'n' },
    status: { token: PASSWORD },
  })
  for (const [text, rows] of [
    [
      events,
      [
        ['secrets', 1],
        ['secrets', 1],
      ],
    ],
    [list, [['secrets', 2]]],
    [token, [['service-account-tokens', 1]]],
  ] as const) {
    // biome-ignore format: pairs
    const { stdout } = await run(file('forms.json', text), '--json')
    const told = stdout.trimEnd().split('\n').map((line) => JSON.parse(line)) // biome-ignore format: one step
    assert.deepEqual(
      told.map(({ masked: [{ rule, count }] }) => [rule, count]),
      rows,
    )
    assert.ok(hides((await run(file('forms.json', text))).stdout))
  }
})

const CONFIG = file(
  'gateway.yaml',
  `apiVersion: sallyport/v1
kind: Gateway
clusters: [{name: prod, kubeconfig: ${file('kubeconfig', '{}')}}, {name: dev, kubeconfig: ${join(directory, 'kubeconfig')}}]
authentication:
  jwt:
  - issuer: {url: "https://issuer.example", audiences: [sallyport]}
    claimMappings: {username: {claim: sub, prefix: "oidc:"}}
masking:
  exempt: [{group: break-glass}]
  rules:
  - {name: mottos, clusters: [dev], resources: [configmaps], fields: [data.motto], exempt: [{user: ann}]}
`,
)

test('what is masked is what the rules of a configuration mask for the caller, and the tape holds no less', async () => {
  const path = file('list.yaml', LIST)
  const rules = async (...argv: readonly string[]) => {
    const { code, stdout } = await run(path, '--config', CONFIG, '--json', ...argv)
    assert.equal(code, 0)
    return stdout.trimEnd().split('\n').map((line) => JSON.parse(line).masked.map(({ rule }: { rule: string }) => rule)) // biome-ignore format: one step
  }
  assert.deepEqual(await rules(), [['secrets'], ['learned']])
  assert.deepEqual(await rules('--cluster', 'dev'), [['secrets'], ['mottos']])
  assert.deepEqual(await rules('--cluster', 'dev', '--as', 'ann'), [['secrets'], []])
  assert.deepEqual(await rules('--group', 'other', '--group', 'break-glass'), [[], []])
  assert.deepEqual(await rules('--group', 'break-glass', '--tape'), [['secrets'], ['learned']])
  const exempt = await run(path, '--config', CONFIG, '--group', 'break-glass')
  assert.deepEqual([exempt.stdout, exempt.stderr], [LIST, 'Nothing is masked for this caller.\n'])
  assert.ok(hides((await run(path, '--config', CONFIG, '--group', 'break-glass', '--tape')).stdout))
})

test('text: detectors, and values of Secrets in other files', async () => {
  const log = file('app.log', `start\nusing ${PASSWORD}\nghp_${'a1B2c3D4e5'.repeat(3)}abcdef\nend\n`)
  const { code, stdout, stderr } = await run(log, '--text', '--learn', MANIFESTS)
  assert.equal(code, 0)
  assert.match(stdout, /^start\nusing ~mask~~+\n~mask~~+\nend\n$/)
  assert.match(stderr, /^app\.log +(?:learned, github|github, learned) +text +2$/m)
  const split = file('tty.log', `using ${PASSWORD.slice(0, 9)}\x1b[0m${PASSWORD.slice(9)} now\n`)
  assert.ok((await run(split, '--text', '--learn', MANIFESTS)).stdout.includes(PASSWORD.slice(9)))
  assert.equal((await run(split, '--terminal', '--learn', MANIFESTS)).stdout.includes(PASSWORD.slice(9)), false)
  assert.equal((await run(log, '--text', '--config', CONFIG, '--group', 'break-glass')).stdout.includes(PASSWORD), true)
})

test('"-" is standard input', () => {
  const script = `import { main } from '../../cli/main.ts'
import { processIo } from '../../cli/io.ts'
process.exitCode = await main(process.argv.slice(1), processIo())`
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', script, 'mask', 'test', '-', '--json'],
    { input: LIST, encoding: 'utf8', cwd: fileURLToPath(new URL('.', import.meta.url)) },
  )
  assert.equal(status, 0)
  assert.equal(JSON.parse(stdout.split('\n')[0] as string).object, 'Secret prod/one')
})

for (const [what, text, argv, code, message] of [
  ['no objects', 'just words\n', [], 1, /without apiVersion and kind; add --text/],
  ['broken YAML', 'a: [1\n', [], 1, /not valid YAML/],
  ['broken JSON', '{"kind": "Secret", }', [], 1, /not valid JSON/],
  ['a cut list', '{"kind":"List","apiVersion":"v1","items":[{"kind":"Secret"', [], 1, /not valid JSON/],
  ['a Table', '{"kind":"Table","apiVersion":"meta.k8s.io/v1","rows":[]}', [], 1, /does not say what its objects are/],
  [
    'what a gateway would refuse',
    'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: &x eHh4, b: *x}\n',
    [],
    1,
    /Secret a cannot be masked, so a gateway would not pass it on/,
  ],
  ['both kinds of text', 'x', ['--text', '--terminal'], 2, /choose one/],
  [
    'a cluster that is not there',
    'x',
    ['--config', CONFIG, '--cluster', 'other'],
    2,
    /no cluster "other"; it has prod, dev/,
  ],
] as const) {
  // biome-ignore format: a table
  test(`is told: ${what}`, async () => {
    const told = await run(file('wrong.yaml', text), ...argv)
    assert.deepEqual([told.code, told.stdout], [code, ''])
    assert.match(told.stderr, message)
  })
}

test('is told: a file that is not there, a configuration with mistakes', async () => {
  assert.match((await run(join(directory, 'none.yaml'))).stderr, /none\.yaml cannot be read \(ENOENT\)/)
  const { code, stderr } = await run(MANIFESTS, '--config', file('wrong.yaml', 'kind: Gateway\n'))
  assert.equal(code, 1)
  assert.match(stderr, /the configuration cannot be used: .*wrong\.yaml:1:/)
})
