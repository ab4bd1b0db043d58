import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ConfigError, readConfig } from '../../../gateway/config.ts'

/** A folder with the files that a configuration may name; the configuration's path. */
function folder(t: TestContext, text: string): { readonly file: string; readonly at: (name: string) => string } {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-config-'))
  t.after(() => rmSync(path, { recursive: true }))
  for (const name of ['kubeconfig', 'ca.crt', 'tls.crt', 'tls.key', 'policy.yaml']) writeFileSync(join(path, name), '')
  writeFileSync(join(path, 'gateway.yaml'), text)
  return { file: join(path, 'gateway.yaml'), at: (name) => join(path, name) }
}

/** "line:column path message" of each problem; the folder is FOLDER in messages. */
function problems(t: TestContext, text: string): string[] {
  const { file, at } = folder(t, text)
  try {
    readConfig(file)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    for (const problem of error.problems) assert.equal(problem.file, file)
    return error.problems.map(
      ({ line, column, path, message }) => `${line}:${column} ${path} ${message.replace(at(''), 'FOLDER')}`,
    )
  }
  return []
}

const LEAST = `apiVersion: sallyport/v1
kind: Gateway
clusters: [{name: prod, kubeconfig: kubeconfig}]
authentication:
  jwt:
  - issuer: {url: "https://issuer", audiences: [sallyport]}
    claimMappings: {username: {claim: sub, prefix: "oidc:"}}
`

test('the least configuration has the design’s defaults, absolute paths, and is frozen to the bottom', (t) => {
  const { file, at } = folder(t, LEAST)
  const config = readConfig(file)
  assert.deepEqual(config, {
    apiVersion: 'sallyport/v1',
    kind: 'Gateway',
    listen: { address: '127.0.0.1:8443' },
    admin: { address: '127.0.0.1:8444', operators: [] },
    data: at('data'),
    clusters: [{ name: 'prod', kubeconfig: at('kubeconfig'), identity: 'impersonate' }],
    authentication: {
      jwt: [
        {
          issuer: { url: 'https://issuer', audiences: ['sallyport'] },
          claimMappings: { username: { claim: 'sub', prefix: 'oidc:' } },
        },
      ],
    },
    tapes: { durability: 'group', bodyBytes: 1_048_576 },
    approvals: { webhooks: [], hooks: [] },
    limits: {},
    masking: {
      exempt: [],
      rules: [],
      builtin: { secrets: true, tokens: true, helmConfigMaps: true },
      detectors: { disabled: [], patterns: [] },
      learn: true,
      opaque: 'pass',
    },
  })
  const frozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen))
  assert.ok(frozen(config))
})

test('all that the format has is read', (t) => {
  const { file, at } = folder(
    t,
    `apiVersion: sallyport/v1
kind: Gateway
listen: {address: "[::1]:0", tls: {certFile: tls.crt, keyFile: tls.key}}
admin: {address: "127.0.0.1:0"}
data: /var/lib/sallyport
clusters:
- {name: prod, kubeconfig: ./kubeconfig, context: admin, identity: shared}
- {name: dev.eu-1, kubeconfig: kubeconfig}
authentication:
  jwt:
  - issuer: {url: "https://a", audiences: [x, y], certificateAuthorityFile: ca.crt, discoveryURL: "https://b/c"}
    claimMappings: {username: {claim: email, prefix: "a:"}, groups: {claim: roles, prefix: ""}}
policyFile: policy.yaml
tapes: {durability: strict, bodyBytes: 0}
`,
  )
  const config = readConfig(file)
  assert.deepEqual(config.listen, { address: '[::1]:0', tls: { certFile: at('tls.crt'), keyFile: at('tls.key') } })
  assert.deepEqual(config.clusters[0], {
    name: 'prod',
    kubeconfig: at('kubeconfig'),
    context: 'admin',
    identity: 'shared',
  })
  assert.equal(config.authentication.jwt[0]?.issuer.certificateAuthorityFile, at('ca.crt'))
  assert.equal(config.policyFile, at('policy.yaml'))
  assert.equal(config.data, '/var/lib/sallyport')
  assert.deepEqual(config.tapes, { durability: 'strict', bodyBytes: 0 })
})

test('every mistake is reported at once, where it stands, with what to do', (t) => {
  const found = problems(
    t,
    `apiVersion: sallyport/v2
kind: Gateway
listen:
  address: nonsense
  adress: x
  tls: {certFile: nowhere.crt}
data: ""
data: ./x
clusters:
- name: Prod
  kubeconfig: ./nope
  eks: {cluster: x}
- kubeconfig: kubeconfig
  identity: sharred
- inCluster: true
  name: twice
  kubeconfig: .
- name: twice
  kubeconfig: kubeconfig
authentication:
  jwt:
  - issuer: {url: "http://x", audiences: []}
    claimMappings:
      username: {claim: sub}
  - issuer: {url: "https://x", audiences: [a]}
    claimMappings: {username: {claim: sub, prefix: "System:x"}}
masking: {exempt: [{user: a, group: b}], rule: []}
tapes: {bodyBytes: "5", durability: none}
`,
  )
  assert.deepEqual(found, [
    '1:1 apiVersion "apiVersion": it must be "sallyport/v1", not "sallyport/v2"',
    '4:3 listen.address "address": write HOST:PORT or [IPV6]:PORT; port 0 takes a free one',
    '5:3 listen.adress unknown key "adress"; known here: address, tls',
    '6:3 listen.tls.keyFile "keyFile" is missing; it must be a string',
    '6:9 listen.tls.certFile there is no file FOLDER/nowhere.crt',
    '8:1  the key is there twice; keep one',
    '10:3 clusters[0].name "name": a cluster\'s name is lower-case letters, digits, "-" and ".", at most 63',
    '11:3 clusters[0].kubeconfig there is no file FOLDER/nope',
    '12:3 clusters[0].eks EKS credentials are not built in yet: use a kubeconfig with the aws exec plugin',
    '13:3 clusters[1].name "name" is missing; it must be a string',
    '14:3 clusters[1].identity "identity": it must be one of "impersonate", "shared", not "sharred"',
    "15:3 clusters[2].inCluster inCluster is not in this version: write a kubeconfig with the service account's tokenFile",
    '17:3 clusters[2].kubeconfig FOLDER is not a file',
    '18:3 clusters[3].name there is another cluster "twice"; give each a name of its own',
    '22:14 authentication.jwt[0].issuer.url "url": write an https:// URL without user, query or fragment',
    '22:31 authentication.jwt[0].issuer.audiences "audiences": name at least one audience',
    '24:7 authentication.jwt[0].claimMappings.username.prefix "prefix" is missing; it must be a string',
    '26:44 authentication.jwt[1].claimMappings.username.prefix "prefix": "system:" belongs to Kubernetes; choose another prefix',
    '27:20 masking.exempt[0] "exempt[0]": write one of user, group and actor in each entry',
    '27:42 masking.rule unknown key "rule"; known here: exempt, rules, builtin, detectors, learn, originals, opaque',
    '28:9 tapes.bodyBytes "bodyBytes": it must be a number, not "5"',
    '28:25 tapes.durability "durability": it must be one of "strict", "group", not "none"',
  ])
})

test('mistakes in masking rules are reported where they stand, with what to do', (t) => {
  const found = problems(
    t,
    `${LEAST}masking:
  builtin: {secret: false}
  opaque: maybe
  rules:
  - name: a b
    env: ["A*B"]
  - {name: one, resources: [configmaps, pod], fields: [data.tls.crt, "data..x", metadata.name, kind, "data['x"]}
  - {name: one, fields: [data.x]}
  - {name: three, resources: [secrets], namespaces: ["a*b"], clusters: [prod, other], labels: "app>1"}
`,
  )
  assert.deepEqual(
    found.map((line) => line.replace(/^\d+:\d+ /, '')),
    [
      'masking.builtin.secret unknown key "secret"; known here: secrets, tokens, helmConfigMaps',
      'masking.opaque "opaque": it must be one of "pass", "deny", not "maybe"',
      'masking.rules[0].name "name": letters, digits, "-" and "_", at most 63',
      'masking.rules[0].env[0] "env[0]": write a variable\'s name, with "*" only at its beginning or end',
      'masking.rules[1].resources[1] "pod": the core group has no resource of this name; write GROUP/RESOURCE, such as apps/deployments',
      'masking.rules[1].fields[1] "data..x": write a path such as data.password, data[\'tls.crt\'], spec.containers[*].image or data.*',
      'masking.rules[1].fields[2] "metadata.name": of the metadata only annotations can be masked: clients need the rest',
      'masking.rules[1].fields[3] "kind": no client can read an object without its kind',
      "masking.rules[1].fields[4] \"data['x\": write a path such as data.password, data['tls.crt'], spec.containers[*].image or data.*",
      'masking.rules[2].name there is another rule "one"; give each a name of its own',
      'masking.rules[2].fields fields are those of a kind: name the resources too',
      'masking.rules[3].namespaces[0] "namespaces[0]": write a name, or the beginning of names and "*" behind it',
    ],
  )
  const later = problems(
    t,
    `${LEAST}masking:
  rules:
  - {name: flat, resources: [configmaps], fields: [data.tls.crt]}
  - {name: none, resources: ["*"], clusters: [prod, other], labels: "app>1"}
`,
  )
  assert.deepEqual(
    later.map((line) => line.replace(/^\d+:\d+ /, '')),
    [
      'masking.rules[0].fields[0] "data.tls.crt": a key with a dot in it is written data[\'tls.crt\']',
      'masking.rules[1] name what it masks: fields, env, or both',
      'masking.rules[1].clusters[1] there is no cluster "other"',
      'masking.rules[1].labels write terms such as app=web, tier!=db, tier in (a, b), tier notin (a, b), app, !app, with commas',
    ],
  )
})

test('a cluster whose Secrets are learned ahead: with the gateway’s own credential, or as a user who is not the cluster’s own', (t) => {
  const file = (learn: string, rest = '') =>
    `${LEAST.replace('kubeconfig: kubeconfig', `kubeconfig: kubeconfig, learnSecrets: ${learn}`)}${rest}`
  const learned = (learn: string) => readConfig(folder(t, file(learn)).file).clusters[0]?.learnSecrets
  assert.equal(learned('true'), true)
  assert.deepEqual(learned('{as: {user: reader}}'), { as: { user: 'reader', groups: [] } })
  for (const [wrong, said] of [
    ['yes please', 'learnSecrets "learnSecrets": write true, or {as: {user: NAME, groups: [NAME]}}'],
    ['{as: {user: "system:admin"}}', 'learnSecrets.as.user "user": "system:" belongs to Kubernetes'],
    ['{as: {user: a, groups: ["System:masters"]}}', 'learnSecrets.as.groups[0] "groups[0]": "system:" belongs'],
    ['{}', 'learnSecrets'],
  ] as const) {
    assert.ok(problems(t, file(wrong)).join().includes(`clusters[0].${said}`), wrong)
  }
  const both = problems(t, file('true', 'masking: {learn: false}\n'))
  assert.match(both.join(), /^3:49 clusters\[0\]\.learnSecrets masking\.learn is false/)
})

test('recipients of originals that are none are told where they stand', (t) => {
  const key = 'age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z'
  const found = problems(t, `${LEAST}masking: {originals: {recipients: [age1x, ${key}, AGE-SECRET-KEY-1X]}}\n`)
  assert.match(found[0] as string, /^8:36 masking\.originals\.recipients\[0\] write an X25519 recipient of age/)
  assert.equal(found.length, 3)
  assert.match(found[2] as string, /recipients\[2\] this is a private key, which the gateway must not have/)
  assert.match(problems(t, `${LEAST}masking: {originals: {recipients: []}}\n`).join(), /name at least one/)
})

test('issuers whose names could be one another’s are refused', (t) => {
  const issuers = (
    first: string,
    second: string,
  ) => `${LEAST.replace('"oidc:"', `"${first}"`)}  - issuer: {url: "https://other", audiences: [sallyport]}
    claimMappings: {username: {claim: sub, prefix: "${second}"}}
`
  for (const [first, second] of [
    ['a:', 'a:'],
    ['', 'a:'],
    ['a:', 'a:b:'],
    ['a:b:', 'a:'],
  ] as const) {
    assert.match(
      problems(t, issuers(first, second)).join(),
      /prefix names of this issuer could be those of another one/,
    )
  }
  assert.deepEqual(problems(t, issuers('a:', 'b:')), [])
  const twice = issuers('a:', 'b:').replace('https://other', 'https://issuer')
  assert.match(problems(t, twice).join(), /the issuer is there twice/)
})

test('what is not YAML, or not one document, says where', (t) => {
  assert.match(problems(t, 'clusters: [').join(), /^1:\d+ {2}not valid YAML: /)
  assert.match(problems(t, `${LEAST}---\n${LEAST}`).join(), /not valid YAML: .*documents/)
  assert.match(
    problems(t, LEAST.replace('name: prod', 'name: !!js/function x')).join(),
    /not valid YAML: Unresolved tag/,
  )
  assert.match(problems(t, 'a: &a [*a, *a]\n').join(), /unknown key "a"/)
  assert.deepEqual(problems(t, ''), ['1:1  the file is empty'])
  assert.deepEqual(problems(t, '[]'), ['1:1  the file: it must be a map, not a list'])
})

test('a file that is not there is a problem of its own', () => {
  assert.throws(
    () => readConfig('/nowhere/gateway.yaml'),
    (error) =>
      error instanceof ConfigError &&
      error.message === '/nowhere/gateway.yaml:1:1: cannot be read: there is no such file',
  )
})

test('YAML aliases that multiply are refused', (t) => {
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
  for (let at = 1; at < 9; at += 1)
    bomb.push(
      `a${at}: &a${at} [${Array(9)
        .fill(`*a${at - 1}`)
        .join(', ')}]`,
    )
  assert.match(problems(t, `${bomb.join('\n')}\n`).join(), /aliases do not resolve, or are far too many/)
})

test('limits are set by their names, and unknown or impossible ones are said', (t) => {
  const { file } = folder(t, `${LEAST}limits: {http2: {streams: 64}, gateway: {connections: 100}}\n`)
  assert.deepEqual(readConfig(file).limits, { http2: { streams: 64 }, gateway: { connections: 100 } })
  const bad = problems(t, `${LEAST}limits:\n  tape: {entry: 5}\n  http2: {streams: -1, steams: 5, frame: 1.5}\n`)
  assert.equal(bad.length, 4)
  assert.match(bad[0] as string, /limits\.tape unknown key "tape"; known here: http1, hpack, http2/)
  assert.match(bad.join('\n'), /limits\.http2\.steams unknown key/)
})

test('operators are people by name, and never anybody or an agent', (t) => {
  const { file } = folder(t, `${LEAST}admin: {operators: [{group: "oidc:sre"}, {user: "oidc:eve"}]}\n`)
  assert.deepEqual(readConfig(file).admin.operators, [{ group: 'oidc:sre' }, { user: 'oidc:eve' }])
  assert.deepEqual(problems(t, `${LEAST}admin: {operators: [{group: "*"}, {actor: claude}, {user: a, group: b}]}\n`), [
    '8:21 admin.operators[0] "operators[0]": operators are named; "*" is nobody',
    '8:35 admin.operators[1] "operators[1]": write one of user and group in each entry',
    '8:36 admin.operators[1].actor unknown key "actor"; known here: user, group',
    '8:52 admin.operators[2] "operators[2]": write one of user and group in each entry',
  ])
})
