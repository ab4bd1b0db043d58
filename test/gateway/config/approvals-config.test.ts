import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Reach, readReach } from '../../../gateway/approvals-config.ts'
import { ConfigError, readConfig } from '../../../gateway/config.ts'
import { SecretFileError } from '../../../gateway/secret-files.ts'

const FILES: Readonly<Record<string, string>> = {
  kubeconfig: '',
  secret: `whsec_${Buffer.alloc(24, 1).toString('base64')}\n`,
  short: 'short',
  token: 'Bearer abc\n',
  lines: 'a\nb',
  url: 'https://hooks.example/services/T/B/x\n',
  plain: 'http://hooks.example/',
  'ca.crt': '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n',
  empty: '',
}

const HEAD = `apiVersion: sallyport/v1
kind: Gateway
clusters: [{name: prod, kubeconfig: kubeconfig}]
authentication: {jwt: [{issuer: {url: "https://i", audiences: [s]}, claimMappings: {username: {claim: sub, prefix: "o:"}}}]}
approvals:
`

function read(t: TestContext, section: string): { readonly reach: () => Reach; readonly problems: readonly string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-approvals-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text)
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, `${HEAD}${section}`)
  try {
    const { approvals } = readConfig(file)
    return { reach: () => readReach(approvals, 'https://127.0.0.1:8444'), problems: [] }
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    const problems = error.problems.map(
      ({ line, column, path, message }) => `${line}:${column} ${path} ${message.replace(`${folder}/`, 'FOLDER/')}`,
    )
    return { reach: assert.fail, problems }
  }
}

test('webhooks, hooks and a tracker are read, with the secrets of their files', (t) => {
  const { reach, problems } = read(
    t,
    `  address: https://gate.example/
  webhooks:
  - name: audit
    url: https://audit.example/in
    secretFile: secret
    certificateAuthorityFile: ca.crt
    answers: {secretFile: secret, approvers: [{name: U1, user: "o:carol", groups: ["o:sre"]}]}
  - {name: slack, format: slack, urlFile: url, events: [approval.requested, lock.locked]}
  - name: jira
    format: jira
    url: https://jira.example/rest/api/3/issue
    jira: {project: OPS}
    headers: [{name: Authorization, valueFile: token}]
  hooks:
  - {name: opa, url: "https://opa.example/v1", approval: {approvers: [{group: "o:sre"}], quorum: 2}}
  tickets: {url: "https://jira.example/issue/{ticket}", field: fields.status.name, open: [Open]}
`,
  )
  assert.deepEqual(problems, [])
  const { webhooks, answering, hooks, tracker } = reach()
  const [audit, slack, jira] = webhooks
  assert.deepEqual(audit?.secret, Buffer.alloc(24, 1))
  assert.deepEqual([audit?.address, audit?.types.size, audit?.ca], ['https://gate.example', 9, FILES['ca.crt']?.trim()])
  assert.deepEqual([slack?.url, [...(slack?.types ?? [])]], [FILES.url?.trim(), ['approval.requested', 'lock.locked']])
  assert.deepEqual([jira?.headers, [...(jira?.types ?? [])]], [{ authorization: 'Bearer abc' }, ['approval.requested']])
  assert.deepEqual(jira?.jira, { project: 'OPS', issueType: 'Task' })
  assert.deepEqual(answering.get('audit')?.approvers.get('U1'), { user: 'o:carol', groups: ['o:sre'] })
  assert.deepEqual([...(hooks[0]?.classes ?? [])], ['writes', 'streams'])
  const quorums = [{ rule: 'hooks.opa', approvers: [{ group: 'o:sre' }], quorum: 2 }]
  assert.deepEqual(hooks[0]?.terms?.quorums, quorums)
  assert.deepEqual([tracker?.field, [...(tracker?.values ?? [])]], [['fields', 'status', 'name'], ['Open']])
})

test('mistakes are told with their line and column', (t) => {
  const { problems } = read(
    t,
    `  address: http://gate.example
  webhooks:
  - {name: a, url: "https://a", urlFile: url}
  - {name: a, url: "https://u:p@a", secretFile: nowhere, format: slick}
  - {name: c, url: "https://a", format: jira, headers: [{name: Webhook-Id, valueFile: token}]}
  - {name: d, format: teams, url: "https://a", answers: {secretFile: secret, approvers: [{name: U, user: "system:admin"}]}}
  hooks:
  - {name: h, url: "https://h", timeoutMillis: 60000, for: [all]}
  tickets: {url: "https://t", field: status, open: []}
`,
  )
  assert.deepEqual(problems, [
    '6:3 approvals.address "address": write an https:// URL without user and fragment',
    '8:6 approvals.webhooks[0].name write one of url and urlFile',
    '8:6 approvals.webhooks[0].name a webhook of format json is signed: write a secretFile (openssl rand -base64 32)',
    '9:6 approvals.webhooks[1].name there is another one called "a"; names must differ',
    '9:15 approvals.webhooks[1].url "url": write an https:// URL without user and fragment',
    '9:37 approvals.webhooks[1].secretFile there is no file FOLDER/nowhere',
    '9:58 approvals.webhooks[1].format "format": it must be one of "json", "slack", "teams", "jira", "servicenow", not "slick"',
    '10:33 approvals.webhooks[2].format format jira and "jira: {project: KEY}" go together',
    '10:58 approvals.webhooks[2].headers[0].name "name": the gateway sets this field itself',
    '11:100 approvals.webhooks[3].answers.approvers[0].user "system:" users and groups are never let in',
    '13:33 approvals.hooks[0].timeoutMillis "timeoutMillis": from 50 to 10000',
    '13:61 approvals.hooks[0].for[0] "for[0]": it must be one of "reads", "writes", "streams", not "all"',
    '14:13 approvals.tickets.url "url": write "{ticket}" where the name of the ticket goes',
    '14:46 approvals.tickets.open "open": name at least one value',
  ])
})

const BAD_FILES: readonly [string, string, RegExp][] = [
  ['a secret that is too short', '{name: a, url: "https://a", secretFile: short}', /short must hold "whsec_"/],
  ['a secret that is empty', '{name: a, url: "https://a", secretFile: empty}', /empty is empty/],
  ['a URL that is none of https', '{name: a, format: slack, urlFile: plain}', /plain must hold an https:\/\/ URL/],
  [
    'a header of two lines',
    '{name: a, format: slack, urlFile: url, headers: [{name: X, valueFile: lines}]}',
    /lines must hold one line/,
  ],
  [
    'authorities that are none',
    '{name: a, format: slack, urlFile: url, certificateAuthorityFile: token}',
    /token must hold certificates/,
  ],
]
for (const [what, webhook, words] of BAD_FILES) {
  test(`${what} is refused, by the file and without what is in it`, (t) => {
    const { reach } = read(t, `  webhooks: [${webhook}]\n`)
    assert.throws(reach, (error) => {
      assert.ok(error instanceof SecretFileError)
      assert.match(error.message, words)
      for (const secret of ['short"', 'http://hooks', 'Bearer', 'a\nb']) assert.ok(!error.message.includes(secret))
      return true
    })
  })
}
