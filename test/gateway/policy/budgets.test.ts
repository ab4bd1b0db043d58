import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Cost } from '../../../gateway/budget.ts'
import { ConfigError } from '../../../gateway/config-file.ts'
import { billOf, budgetsFor } from '../../../gateway/policy/budgets.ts'
import { type PolicySource, policyDocument } from '../../../gateway/policy/document.ts'
import { compilePolicy, type Policy } from '../../../gateway/policy/policy.ts'
import { readPolicy } from '../../../gateway/policy/policy-file.ts'
import { policyChanges } from '../../../gateway/policy/policy-source.ts'
import { RequestObject } from '../../../gateway/policy/request-object.ts'
import { asked, caller, question } from './support.ts'

type Source = NonNullable<PolicySource['budgets']>[number]

function policyWith(...budgets: readonly (Omit<Source, 'subjects'> & Partial<Pick<Source, 'subjects'>>)[]): Policy {
  const document = policyDocument.parse({
    apiVersion: 'sallyport/v1',
    kind: 'AccessPolicy',
    budgets: budgets.map((budget) => ({ subjects: [{ user: '*' }], ...budget })),
  })
  return compilePolicy(document, 'group')
}

const ANY = policyWith({ name: 'any', mutations: 1 })

function costOf(line: string, body?: string): Cost {
  const object = body === undefined ? {} : { object: new RequestObject(Buffer.from(body), 'application/json') }
  const bill = billOf(ANY, question(asked(line), object))
  assert.ok(bill !== undefined)
  return bill.cost
}

const FREE: Cost = { mutations: 0, deletions: 0, execs: 0, namespace: '', objects: 0, isSecret: false, answer: 'none' }
const ALL = { all: true } as const
const MANY = Number.POSITIVE_INFINITY
const N = '/api/v1/namespaces/web'

const COSTS: readonly [string, Partial<Cost>, string?][] = [
  ['GET /version', {}],
  [`GET ${N}/pods/p`, { namespace: 'web', objects: 1 }],
  [`GET ${N}/pods/p/log`, { namespace: 'web' }],
  [`GET ${N}/pods`, { namespace: 'web', answer: 'list' }],
  ['GET /api/v1/pods', { namespace: ALL, answer: 'list' }],
  ['GET /api/v1/pods?watch=true', { namespace: ALL, answer: 'watch' }],
  ['GET /api/v1/nodes', { answer: 'list' }],
  ['GET /api/v1/namespaces', { answer: 'list' }],
  ['GET /apis/example.com/v1/things', { namespace: ALL, answer: 'list' }],
  [`GET ${N}/secrets/s`, { namespace: 'web', objects: 1, isSecret: true }],
  [`GET ${N}/secrets`, { namespace: 'web', isSecret: true, answer: 'list' }],
  [`POST ${N}/pods`, { namespace: 'web', mutations: 1, objects: 1 }],
  [`POST ${N}/pods?dryRun=All`, { namespace: 'web', objects: 1 }],
  [`PATCH ${N}/pods/p`, { namespace: 'web', mutations: 1, objects: 1 }],
  [`PUT ${N}/pods/p/status`, { namespace: 'web', mutations: 1, objects: 1 }],
  [`DELETE ${N}/pods/p`, { namespace: 'web', mutations: 1, deletions: 1, objects: 1 }],
  [`DELETE ${N}/pods/p?dryRun=All`, { namespace: 'web', objects: 1 }],
  // The body's options win, so that the query alone proves nothing.
  [`DELETE ${N}/pods/p?dryRun=All`, { namespace: 'web', mutations: 1, deletions: 1, objects: 1 }, '{"kind":"x"}'],
  [`DELETE ${N}/pods`, { namespace: 'web', mutations: 1, deletions: MANY, answer: 'list' }],
  ['DELETE /api/v1/namespaces/web', { namespace: 'web', mutations: 1, deletions: MANY, objects: 1 }],
  [`POST ${N}/pods/p/eviction`, { namespace: 'web', mutations: 1, deletions: 1, objects: 1 }, '{"kind":"Eviction"}'],
  [`POST ${N}/serviceaccounts/s/token`, { namespace: 'web', mutations: 1, objects: 1, isSecret: true }],
  ['POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { objects: 1 }],
  [`GET ${N}/pods/p/exec?command=sh`, { namespace: 'web', execs: 1 }],
  [`POST ${N}/pods/p/attach`, { namespace: 'web', execs: 1 }],
  [`POST ${N}/pods/p/portforward`, { namespace: 'web' }],
  ['GET /api/v1/nodes/n/proxy/pods', { namespace: ALL }],
]

for (const [line, cost, body] of COSTS) {
  test(`${line}${body === undefined ? '' : ` with ${body}`} costs ${JSON.stringify(cost)}`, () => {
    assert.deepEqual(costOf(line, body), { ...FREE, ...cost })
  })
}

test('a budget is for its subjects, on its clusters, and where one of its namespaces could be reached', () => {
  const cases: readonly [Partial<Source>, string, boolean][] = [
    [{ subjects: [{ user: 'oidc:ann' }] }, `GET ${N}/pods`, true],
    [{ subjects: [{ user: 'oidc:bob' }] }, `GET ${N}/pods`, false],
    [{ subjects: [{ actor: '*' }] }, `GET ${N}/pods`, false],
    [{ clusters: ['prod'] }, `GET ${N}/pods`, true],
    [{ clusters: ['stage'] }, `GET ${N}/pods`, false],
    [{ namespaces: ['web'] }, `GET ${N}/pods`, true],
    [{ namespaces: ['db'] }, `GET ${N}/pods`, false],
    [{ namespaces: ['db'] }, 'GET /api/v1/pods', true],
    [{ namespaces: ['db'] }, 'GET /api/v1/nodes', false],
    [{ namespaces: ['db'] }, 'GET /version', false],
  ]
  for (const [parts, line, isOurs] of cases) {
    const bill = billOf(policyWith({ name: 'b', mutations: 1, ...parts }), question(asked(line)))
    assert.equal(bill !== undefined, isOurs, `${JSON.stringify(parts)} ${line}`)
  }
})

test('figures are read in their units, and a rate has a window of its own', () => {
  const policy = policyWith({ name: 'b', window: '2d', bytesOut: '10Mi', callsPerSecond: 5, deletions: 0 })
  const [budget] = budgetsFor(policy, { principal: caller(), claims: { run: '', intent: '' } }, undefined)
  assert.deepEqual(budget?.limits, [
    { counted: 'deletions', limit: 0, windowMillis: 172_800_000 },
    { counted: 'bytesOut', limit: 10_485_760, windowMillis: 172_800_000 },
    { counted: 'callsPerSecond', limit: 5, windowMillis: 1_000 },
  ])
})

function problems(t: TestContext, text: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-budgets-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'policy.yaml')
  writeFileSync(path, `apiVersion: sallyport/v1\nkind: AccessPolicy\nbudgets:\n${text}`)
  try {
    readPolicy(path, 'group')
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map(({ line, column, path: at, message }) => `${line}:${column} ${at} ${message}`)
  }
  return []
}

test('mistakes in budgets are told with their line and column', (t) => {
  assert.deepEqual(problems(t, '- {name: a, subjects: [{user: "*"}], deletions: 3}\n'), [])
  assert.deepEqual(
    problems(
      t,
      `- {name: a, subjects: [{user: "*"}], window: 1h}
- {name: a, subjects: [{group: "system:masters"}], deletions: 1}
- {name: b, subjects: [{user: "*"}], window: 40d, deletions: -1}
- {name: c, subjects: [{user: "*"}], window: 40d, deletes: 1, bytesOut: 3}
- {name: d, subjects: [{user: "*"}], per: pod, bytesOut: 3 MB}
- {name: e, subjects: [{user: "*"}], window: 0s, namespacesTouched: 3}
`,
    ),
    [
      '4:4 budgets[0].name it limits nothing: write at least one of mutations, deletions, objectsReturned, secretsRead, namespacesTouched, execs, bytesOut, callsPerSecond',
      '5:4 budgets[1].name another rule is called "a"; names must differ',
      '5:24 budgets[1].subjects[0] "system:" users and groups are never let in, so this can match nobody; remove it',
      '6:51 budgets[2].deletions "deletions": at least 0',
      '7:51 budgets[3].deletes unknown key "deletes"; known here: name, subjects, per, window, clusters, namespaces, mutations, deletions, objectsReturned, secretsRead, namespacesTouched, execs, bytesOut, callsPerSecond',
      '8:38 budgets[4].per "per": it must be one of "principal", "actor", "run", not "pod"',
      '8:48 budgets[4].bytesOut "bytesOut": write a number of bytes, or one such as "10Mi"',
      '9:38 budgets[5].window from "1s" to "31d"',
    ],
  )
})

test('what changes in budgets is among the changes of a policy', () => {
  const before = policyWith({ name: 'a', deletions: 3 }, { name: 'b', execs: 1 })
  const after = policyWith({ name: 'a', deletions: 4 }, { name: 'c', execs: 1 })
  const { added, removed, changed, reordered } = policyChanges(before, after)
  assert.deepEqual([added, removed, changed, reordered], [['c'], ['b'], ['a'], false])
})
