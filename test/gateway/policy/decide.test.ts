import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answer, caller, policyOf, type RuleSource } from './support.ts'

const NS = '/api/v1/namespaces'

test('without a rule reads are allowed, writes and streams denied', () => {
  const policy = policyOf([])
  const allowed = [
    'GET /api/v1/pods',
    'HEAD /api/v1/pods',
    'GET /api/v1/pods?watch=1',
    `GET ${NS}/prod/secrets/db`,
    `GET ${NS}/prod/pods/p/log?follow=true`,
    'GET /',
    'GET /apis',
    'HEAD /openapi/v3',
    'GET /metrics',
    'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    'POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
    'POST /apis/authentication.k8s.io/v1/selfsubjectreviews',
  ]
  for (const line of allowed) {
    const decision = answer(policy, line)
    assert.deepEqual([decision.allowed, decision.rule], [true, 'default'], line)
  }
  const denied = [
    `POST ${NS}/prod/pods`,
    `PUT ${NS}/prod/pods/p`,
    `PATCH ${NS}/prod/pods/p`,
    `DELETE ${NS}/prod/pods/p`,
    `DELETE ${NS}/prod/pods`,
    `POST ${NS}/prod/pods/p/eviction`,
    `POST ${NS}/prod/serviceaccounts/sa/token`,
    'POST /apis/authorization.k8s.io/v1/subjectaccessreviews',
    'POST /apis/evil.example.com/v1/selfsubjectaccessreviews',
    'POST /version',
    'GET /logs/kube-apiserver.log',
    'GET /debug/pprof/heap',
    'GET /configz',
    `GET ${NS}/prod/pods/p/exec?command=id`,
    `POST ${NS}/prod/pods/p/exec?command=id`,
    `GET ${NS}/prod/pods/p/attach`,
    `GET ${NS}/prod/pods/p/portforward`,
    `GET ${NS}/prod/pods/p/proxy/`,
    `OPTIONS ${NS}/prod/services/s/proxy/`,
    'GET /api/v1/nodes/n/proxy/pods',
    'GET /apis/x.example.com/v1/namespaces/prod/vms/v/portforward',
  ]
  for (const line of denied) {
    const decision = answer(policy, line)
    assert.ok(!decision.allowed, line)
    assert.deepEqual([decision.status, decision.reason, decision.rule], [403, 'Forbidden', 'default'], line)
  }
})

test('the defaults are the policy’s', () => {
  const policy = policyOf([], { reads: 'deny', writes: 'allow', streams: 'allow' })
  assert.equal(answer(policy, 'GET /api/v1/pods').allowed, false)
  assert.equal(answer(policy, `DELETE ${NS}/prod/pods/p`).allowed, true)
  assert.equal(answer(policy, `GET ${NS}/prod/pods/p/exec`).allowed, true)
})

test('an upgrade passes only for exec, attach and portforward of pods, whatever the rules say', () => {
  const policy = policyOf([{ name: 'all', verbs: ['*'], effect: 'allow' }], {
    reads: 'allow',
    writes: 'allow',
    streams: 'allow',
  })
  for (const subresource of ['exec', 'attach', 'portforward']) {
    assert.equal(answer(policy, `GET ${NS}/prod/pods/p/${subresource}`, caller(), 'websocket').allowed, true)
  }
  for (const line of ['GET /api/v1/pods?watch=1', 'GET /api/v1/watch/secrets', `GET ${NS}/prod/pods/p/log?follow=1`]) {
    assert.equal(answer(policy, line, caller(), 'websocket').allowed, true)
    assert.equal(answer(policy, line, caller(), 'spdy/3.1').rule, 'policy.unknown_upgrade')
  }
  const unknown = [
    `GET ${NS}/prod/pods/p/proxy/`,
    `GET ${NS}/prod/services/s/proxy/`,
    'GET /api/v1/nodes/n/proxy/exec/prod/p/c',
    'GET /api/v1/pods',
    `GET ${NS}/prod/pods/p?watch=1`,
    `GET ${NS}/prod/services/s/proxy/?watch=1`,
    `GET ${NS}/prod/services/s/log`,
    'GET /',
    'GET /apis/subresources.kubevirt.io/v1/namespaces/prod/virtualmachineinstances/v/console',
    'GET /apis/subresources.kubevirt.io/v1/namespaces/prod/virtualmachineinstances/v/portforward',
  ]
  for (const line of unknown) {
    const decision = answer(policy, line, caller(), 'websocket')
    assert.deepEqual([decision.allowed, decision.rule], [false, 'policy.unknown_upgrade'], line)
  }
})

/** A denial alone against allow-everything: what it must meet, and what it must leave alone. */
const DENIALS: readonly {
  readonly what: string
  readonly rule: Omit<RuleSource, 'name' | 'effect'>
  readonly meets: readonly string[]
  readonly leaves: readonly string[]
}[] = [
  {
    what: 'get of one secret meets all that could return it',
    rule: { verbs: ['get'], resources: ['secrets'], namespaces: ['prod'], names: ['db'] },
    meets: [
      `GET ${NS}/prod/secrets/db`,
      `HEAD ${NS}/prod/secrets/db`,
      `GET ${NS}/prod/%73ecrets/db`,
      `GET ${NS}/prod/secrets`,
      `GET ${NS}/prod/secrets?labelSelector=a%3Db`,
      `GET ${NS}/prod/secrets?fieldSelector=metadata.name%3Ddb`,
      `GET ${NS}/prod/secrets?watch=1`,
      'GET /api/v1/secrets',
      'GET /api/v1/secrets?watch=true',
      'GET /api/v1/secrets?fieldSelector=metadata.namespace%3Ddev',
      'GET /api/v1/watch/secrets',
      `GET /api/v1/watch/namespaces/prod/secrets/db`,
      `DELETE ${NS}/prod/secrets/db?dryRun=All&propagationPolicy=Orphan`,
      `PUT ${NS}/prod/secrets/db`,
      'GET /api/v1/nodes/n/proxy/exec/prod/p/c',
    ],
    leaves: [
      `GET ${NS}/prod/secrets/other`,
      `GET ${NS}/prod/secrets?fieldSelector=metadata.name%3Dother`,
      `GET ${NS}/dev/secrets`,
      `GET ${NS}/dev/secrets/db`,
      `GET ${NS}/prod/configmaps/db`,
      `DELETE ${NS}/prod/secrets/other`,
      `GET /apis/x.example.com/v1/namespaces/prod/secrets/db`,
      'GET /api/v1/nodes/db',
      'GET /metrics',
    ],
  },
  {
    what: 'delete in a namespace meets collections and the namespace’s own end',
    rule: { verbs: ['delete'], namespaces: ['prod'] },
    meets: [
      `DELETE ${NS}/prod/pods/p`,
      `DELETE ${NS}/prod/pods`,
      'DELETE /apis/x.example.com/v1/things',
      `POST ${NS}/prod/pods/p/eviction`,
      `DELETE ${NS}/prod`,
      'DELETE /api/v1/namespaces',
      'GET /api/v1/nodes/n/proxy/pods',
    ],
    leaves: [
      `DELETE ${NS}/dev/pods/p`,
      `DELETE ${NS}/dev`,
      'DELETE /api/v1/nodes/n',
      'DELETE /api/v1/nodes',
      'DELETE /apis/rbac.authorization.k8s.io/v1/clusterroles',
      `GET ${NS}/prod/pods`,
      `PATCH ${NS}/prod/pods/p`,
    ],
  },
  {
    what: 'delete of secrets meets the end of a namespace, delete of nodes does not',
    rule: { verbs: ['delete'], resources: ['secrets'] },
    meets: [`DELETE ${NS}/any`, `DELETE ${NS}/any/secrets/s`],
    leaves: [`DELETE ${NS}/any/pods/p`, `GET ${NS}/any`],
  },
  {
    what: 'delete of nodes leaves namespaces alone',
    rule: { verbs: ['delete'], resources: ['nodes'] },
    meets: ['DELETE /api/v1/nodes/n'],
    leaves: [`DELETE ${NS}/any`],
  },
  {
    what: 'update meets patch, and patch update',
    rule: { verbs: ['update'], resources: ['apps/deployments'] },
    meets: [
      '/apis/apps/v1/namespaces/web/deployments/x',
      '/apis/apps/v1/namespaces/web/deployments/x/scale',
      '/apis/apps/v1/namespaces/web/deployments/x/status',
    ].flatMap((path) => [`PUT ${path}`, `PATCH ${path}`]),
    leaves: ['POST /apis/apps/v1/namespaces/web/deployments', 'PATCH /apis/apps/v1/namespaces/web/statefulsets/x'],
  },
  {
    what: 'scale is another view of the object',
    rule: { verbs: ['update'], resources: ['apps/deployments/scale'] },
    meets: ['PUT /apis/apps/v1/namespaces/web/deployments/x/scale', 'PATCH /apis/apps/v1/namespaces/web/deployments/x'],
    leaves: ['PATCH /apis/apps/v1/namespaces/web/deployments/x/status'],
  },
  {
    what: 'pods holds its subresources',
    rule: { verbs: ['get', 'exec'], resources: ['pods'], namespaces: ['prod'] },
    meets: [
      `GET ${NS}/prod/pods/p/log`,
      `GET ${NS}/prod/pods/p/status`,
      `GET ${NS}/prod/pods/p/exec?command=x`,
      `POST ${NS}/prod/pods/p/exec?command=x`,
      'GET /api/v1/nodes/n/proxy/containerLogs/prod/p/c',
    ],
    leaves: [`GET ${NS}/prod/pods/p/attach`, `POST ${NS}/prod/pods`, `GET ${NS}/dev/pods/p/log`],
  },
  {
    what: 'pods/log is the log alone',
    rule: { verbs: ['get'], resources: ['pods/log'] },
    meets: [`GET ${NS}/prod/pods/p/log`],
    leaves: [`GET ${NS}/prod/pods/p`, `GET ${NS}/prod/pods`, `GET ${NS}/prod/pods/p/status`],
  },
  {
    what: 'create of a named thing meets a create whose name is in the body',
    rule: { verbs: ['create'], resources: ['configmaps'], names: ['x'] },
    meets: [`POST ${NS}/prod/configmaps`],
    leaves: [`PUT ${NS}/prod/configmaps/x`],
  },
  {
    what: 'portforward meets proxies to the same ports',
    rule: { verbs: ['portforward'], resources: ['pods'], namespaces: ['prod'], names: ['web-0'] },
    meets: [
      `GET ${NS}/prod/pods/web-0/portforward`,
      `GET ${NS}/prod/pods/https:web-0:443/proxy/`,
      `GET ${NS}/prod/pods/web-0:80/proxy/`,
      `GET ${NS}/prod/services/any/proxy/`,
    ],
    leaves: [
      `GET ${NS}/prod/pods/db-0/portforward`,
      `GET ${NS}/prod/pods/db-0:80/proxy/`,
      `GET ${NS}/dev/services/any/proxy/`,
      `GET ${NS}/prod/pods/web-0/exec`,
    ],
  },
  {
    what: 'proxy of a service meets that service',
    rule: { verbs: ['proxy'], resources: ['services/proxy'], names: ['grafana'] },
    meets: [`GET ${NS}/m/services/grafana/proxy/`, `POST ${NS}/m/services/http:grafana:80/proxy/api`],
    leaves: [`GET ${NS}/m/services/other/proxy/`, `GET ${NS}/m/pods/grafana/proxy/`],
  },
  {
    what: 'a command is its exact words, and meets an exec without any',
    rule: { verbs: ['exec', 'attach'], commands: [{ argv: ['sh'] }, { argv: ['rm', '...'] }] },
    meets: [
      `GET ${NS}/prod/pods/p/exec?command=sh`,
      `GET ${NS}/prod/pods/p/exec?command=rm`,
      `GET ${NS}/prod/pods/p/exec?command=rm&command=-rf&command=/`,
      `GET ${NS}/prod/pods/p/exec`,
      `GET ${NS}/prod/pods/p/attach`,
    ],
    leaves: [`GET ${NS}/prod/pods/p/exec?command=ls`, `GET ${NS}/prod/pods/p/exec?command=sh&command=-c`],
  },
  {
    what: 'a group’s wildcard is that group’s resources',
    rule: { verbs: ['*'], resources: ['apps/*'] },
    meets: ['GET /apis/apps/v1/deployments', 'PATCH /apis/apps/v1/namespaces/n/statefulsets/x/scale'],
    leaves: ['GET /apis/batch/v1/jobs', 'GET /api/v1/pods', 'GET /apis/apps'],
  },
  {
    what: 'everything is everything',
    rule: { verbs: ['*'] },
    meets: ['GET /', 'GET /metrics', 'POST /x', 'GET /api/v1/pods', `GET ${NS}/n/pods/p/exec`],
    leaves: [],
  },
  {
    what: 'a namespace holds its own object, and lists of all namespaces',
    rule: { verbs: ['get'], namespaces: ['prod'] },
    meets: [`GET ${NS}/prod`, 'GET /api/v1/namespaces', 'GET /apis/x.example.com/v1/things'],
    leaves: [
      'GET /api/v1/nodes',
      'GET /api/v1/nodes/n',
      'GET /',
      `GET ${NS}/dev`,
      'GET /apis/x.example.com/v1/things/t',
    ],
  },
]

for (const { what, rule, meets, leaves } of DENIALS) {
  test(`a denial of ${what}`, () => {
    const policy = policyOf([
      { name: 'no', effect: 'deny', ...rule },
      { name: 'all', effect: 'allow', verbs: ['*'] },
    ])
    for (const line of meets) assert.equal(answer(policy, line).rule, 'no', line)
    for (const line of leaves) assert.equal(answer(policy, line).rule, 'all', line)
  })
}

/** An allow alone against deny-everything: what lies wholly inside, and what does not. */
const ALLOWS: readonly {
  readonly what: string
  readonly rule: Omit<RuleSource, 'name' | 'effect'>
  readonly holds: readonly string[]
  readonly not: readonly string[]
}[] = [
  {
    what: 'get of one secret',
    rule: { verbs: ['get', 'list'], resources: ['secrets'], namespaces: ['prod'], names: ['db'] },
    holds: [`GET ${NS}/prod/secrets/db`, `GET ${NS}/prod/secrets?fieldSelector=metadata.name%3Ddb`],
    not: [
      `GET ${NS}/prod/secrets`,
      'GET /api/v1/secrets',
      'GET /api/v1/secrets?fieldSelector=metadata.name%3Ddb',
      `GET ${NS}/prod/secrets?watch=1&fieldSelector=metadata.name%3Ddb`,
      `GET ${NS}/dev/secrets/db`,
      `GET ${NS}/prod/secrets/other`,
    ],
  },
  {
    what: 'a namespace is not among the things in it',
    rule: { verbs: ['*'], namespaces: ['web'] },
    holds: [`DELETE ${NS}/web/pods/p`, `GET ${NS}/web/pods/p/exec`, `POST /apis/apps/v1/namespaces/web/deployments`],
    not: [
      `DELETE ${NS}/web`,
      `PUT ${NS}/web/finalize`,
      'POST /api/v1/namespaces',
      'DELETE /api/v1/pods',
      'POST /x',
      'DELETE /api/v1/nodes/n',
    ],
  },
  {
    what: 'a namespace that is named as a resource',
    rule: { verbs: ['delete'], resources: ['namespaces'], namespaces: ['web'] },
    holds: [`DELETE ${NS}/web`],
    not: [`DELETE ${NS}/prod`, `DELETE ${NS}/web/pods/p`],
  },
  {
    what: 'a resource without its subresources',
    rule: { verbs: ['*'], resources: ['pods'] },
    holds: [`DELETE ${NS}/n/pods/p`, 'GET /api/v1/pods'],
    not: [
      `GET ${NS}/n/pods/p/exec`,
      `GET ${NS}/n/pods/p/log`,
      `POST ${NS}/n/pods/p/eviction`,
      `PATCH ${NS}/n/pods/p/ephemeralcontainers`,
    ],
  },
  {
    what: 'subresources, each by itself',
    rule: { verbs: ['get', 'create'], resources: ['pods/log', 'pods/eviction'] },
    holds: [`GET ${NS}/n/pods/p/log`, `POST ${NS}/n/pods/p/eviction`],
    not: [`GET ${NS}/n/pods/p`, `GET ${NS}/n/pods/p/status`, `POST ${NS}/n/pods/p/exec`],
  },
  {
    what: 'all subresources',
    rule: { verbs: ['*'], resources: ['pods/*'] },
    holds: [`GET ${NS}/n/pods/p/exec`, `GET ${NS}/n/pods/p/log`],
    not: [`GET ${NS}/n/pods/p`],
  },
  {
    what: 'exec that is spelled out, on pods',
    rule: { verbs: ['exec'], resources: ['pods'] },
    holds: [`GET ${NS}/n/pods/p/exec?command=x`, `POST ${NS}/n/pods/p/exec?command=x`],
    not: [`GET ${NS}/n/pods/p/attach`, 'GET /api/v1/nodes/n/proxy/exec/n/p/c'],
  },
  {
    what: 'create and get do not give exec, whatever its method',
    rule: { verbs: ['create', 'get'] },
    holds: [`POST ${NS}/n/pods`],
    not: [`GET ${NS}/n/pods/p/exec`, `POST ${NS}/n/pods/p/exec`, `POST ${NS}/n/services/s/proxy/`],
  },
  {
    what: 'exec of exact commands',
    rule: { verbs: ['exec'], commands: [{ argv: ['echo', '...'] }, { argv: ['id'] }] },
    holds: [
      `GET ${NS}/n/pods/p/exec?command=echo`,
      `GET ${NS}/n/pods/p/exec?command=echo&command=a`,
      `GET ${NS}/n/pods/p/exec?command=id`,
    ],
    not: [
      `GET ${NS}/n/pods/p/exec?command=id&command=-u`,
      `GET ${NS}/n/pods/p/exec?command=/usr/bin/id`,
      `GET ${NS}/n/pods/p/exec`,
      `GET ${NS}/n/pods/p/exec?command=echo+a`,
    ],
  },
  {
    what: 'delete is not deletecollection, and patch not update',
    rule: { verbs: ['delete', 'patch'] },
    holds: [`DELETE ${NS}/n/pods/p`, `PATCH ${NS}/n/pods/p`],
    not: [`DELETE ${NS}/n/pods`, `PUT ${NS}/n/pods/p`],
  },
  {
    what: 'a service by its name, through its proxy',
    rule: { verbs: ['proxy'], resources: ['services'], names: ['grafana'] },
    holds: [`GET ${NS}/n/services/grafana/proxy/`, `GET ${NS}/n/services/http:grafana:80/proxy/x`],
    not: [
      `GET ${NS}/n/services/other:grafana/proxy/`,
      `GET ${NS}/n/services/ftp:grafana:1/proxy/`,
      `GET ${NS}/n/pods/grafana/proxy/`,
    ],
  },
  {
    what: 'a group’s wildcard',
    rule: { verbs: ['*'], resources: ['apps/*'] },
    holds: ['DELETE /apis/apps/v1/namespaces/n/deployments/x', 'PATCH /apis/apps/v1/namespaces/n/deployments/x/scale'],
    not: ['POST /apis/apps', 'DELETE /apis/apps.evil.com/v1/namespaces/n/deployments/x'],
  },
]

for (const { what, rule, holds, not } of ALLOWS) {
  test(`an allow of ${what}`, () => {
    const policy = policyOf([{ name: 'yes', effect: 'allow', ...rule }], { reads: 'deny' })
    for (const line of holds) assert.equal(answer(policy, line).rule, 'yes', line)
    for (const line of not) assert.equal(answer(policy, line).allowed, false, line)
  })
}

test('subjects are users, groups and actors by their exact names', () => {
  const line = `DELETE ${NS}/n/pods/p`
  const who = (subject: { user?: string; group?: string; actor?: string }, principal = caller()) =>
    answer(policyOf([{ name: 'r', subjects: [subject], verbs: ['*'], effect: 'allow' }]), line, principal).allowed
  assert.equal(who({ user: 'oidc:ann' }), true)
  assert.equal(who({ user: 'oidc:anna' }), false)
  assert.equal(who({ user: 'OIDC:ann' }), false)
  assert.equal(who({ user: 'oidc:dev' }), false)
  assert.equal(who({ group: 'oidc:dev' }), true)
  assert.equal(who({ group: 'oidc:ann' }), false)
  assert.equal(who({ group: '*' }), true)
  assert.equal(who({ group: '*' }, caller({ groups: [] })), false)
  assert.equal(who({ actor: '*' }), false)
  assert.equal(who({ actor: '*' }, caller({ actor: 'bot' })), true)
  assert.equal(who({ actor: 'bot' }, caller({ actor: 'bot' })), true)
  assert.equal(who({ actor: 'oidc:ann' }), false)
  assert.equal(who({ user: '*' }), true)
  for (const odd of ['__proto__', 'constructor', 'toString'])
    assert.equal(who({ user: 'x' }, caller({ user: odd })), false)
})

test('a rule is for its clusters', () => {
  const rule = (cluster: string): RuleSource => ({ name: 'r', clusters: [cluster], verbs: ['*'], effect: 'allow' })
  assert.equal(answer(policyOf([rule('prod')]), `DELETE ${NS}/n/pods/p`).allowed, true)
  assert.equal(answer(policyOf([rule('dev')]), `DELETE ${NS}/n/pods/p`).allowed, false)
})

test('a denial for an agent holds whoever it acts for', () => {
  const policy = policyOf([
    { name: 'admins', subjects: [{ group: 'oidc:admins' }], verbs: ['*'], effect: 'allow' },
    { name: 'agents', subjects: [{ actor: '*' }], verbs: ['delete'], effect: 'deny' },
  ])
  const admin = caller({ groups: ['oidc:admins'] })
  assert.equal(answer(policy, `DELETE ${NS}/n/pods/p`, admin).allowed, true)
  assert.equal(answer(policy, `DELETE ${NS}/n/pods/p`, { ...admin, actor: 'claude' }).rule, 'agents')
})

test('of the rules that allow it the strictest durability counts, whatever their order', () => {
  const rule = (name: string, durability?: 'strict' | 'group'): RuleSource => ({
    name,
    verbs: ['*'],
    effect: 'allow',
    ...(durability === undefined ? {} : { durability }),
  })
  const of = (...rules: RuleSource[]) => {
    const decision = answer(policyOf(rules), 'GET /api/v1/pods')
    assert.ok(decision.allowed)
    return [decision.rule, decision.durability]
  }
  assert.deepEqual(of(rule('a'), rule('b', 'strict')), ['a', 'strict'])
  assert.deepEqual(of(rule('b', 'strict'), rule('a', 'group')), ['b', 'strict'])
  assert.deepEqual(of(rule('a', 'group'), rule('b')), ['a', 'group'])
  assert.deepEqual(of(rule('a')), ['a', 'group'])
})
