// What a decision costs under 1,000 rules, without conditions and with them, for callers whom few rules name and for one whom
// all of them do; and under 200, which is what a gateway's small GET is measured with. Run: node --import tsx bench/micro/policy.ts

import type { Question } from '../../gateway/policy/asked.ts'
import { decide } from '../../gateway/policy/decide.ts'
import { policyDocument } from '../../gateway/policy/document.ts'
import { compilePolicy, type Policy } from '../../gateway/policy/policy.ts'
import { NO_BODY, RequestObject } from '../../gateway/policy/request-object.ts'
import { requestInfo } from '../../gateway/request-info.ts'
import { measure } from './measure.ts'

/** Everybody: no subject narrows them down. Teams: each is for one group of fifty. */
type Audience = 'everybody' | 'teams'

const TEAMS = 50
const VERBS = [['get', 'list', 'watch'], ['create', 'update', 'patch'], ['delete'], ['exec', 'attach'], ['portforward']]
const RESOURCES = [
  ['pods'],
  ['apps/deployments', 'apps/statefulsets'],
  ['secrets', 'configmaps'],
  ['batch/jobs'],
  ['services'],
]

function policyOf(count: number, audience: Audience, when: string | undefined): Policy {
  const rules = Array.from({ length: count }, (_, at) => {
    const effect = at % 3 === 0 ? 'deny' : at % 7 === 0 ? 'requireApproval' : 'allow'
    const verbs = VERBS[at % VERBS.length]
    return {
      name: `rule-${at}`,
      subjects: [audience === 'everybody' ? { user: '*' } : { group: `oidc:team-${at % TEAMS}` }],
      verbs,
      resources: RESOURCES[Math.floor(at / VERBS.length) % RESOURCES.length],
      // Every fourth is for all namespaces.
      ...(at % 4 !== 0 && { namespaces: [`ns-${at % 40}`, `ns-${(at * 7) % 40}`] }),
      ...(at % 5 === 0 && { names: [`name-${at}`, `name-${at + 1}`] }),
      effect,
      ...(effect === 'requireApproval' && { approval: { approvers: [{ group: 'oidc:sre' }] } }),
      ...(when !== undefined && { when }),
    }
  })
  return compilePolicy(policyDocument.parse({ apiVersion: 'sallyport/v1', kind: 'AccessPolicy', rules }), 'group')
}

const NS = '/api/v1/namespaces/ns-3'
const POD = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', labels: { app: 'web', tier: 'front' } },
  spec: {
    containers: Array.from({ length: 3 }, (_, at) => ({
      name: `c-${at}`,
      image: `registry.example/web:${at}`,
      env: Array.from({ length: 10 }, (_, n) => ({ name: `E_${n}`, value: `${n}` })),
      securityContext: { privileged: false },
    })),
  },
})

const REQUESTS: readonly (readonly [method: string, target: string, body?: string])[] = [
  ['GET', `${NS}/pods/web`],
  ['GET', '/api/v1/pods?limit=500'],
  ['GET', '/healthz'],
  ['POST', `${NS}/pods`, POD],
  ['DELETE', `${NS}/pods/web`],
  ['GET', `${NS}/pods/web/exec?command=sh&command=-c&command=ls`],
]

function questions(): Question[] {
  return REQUESTS.map(([method, target, body]) => {
    const attributes = requestInfo(method, target, undefined)
    if ('status' in attributes) throw new Error(attributes.message)
    return {
      principal: { user: 'oidc:ann', groups: ['oidc:team-3', 'oidc:dev'], actor: 'claude', issuer: '', expiresAt: 0 },
      claims: { run: '', intent: '' },
      cluster: 'prod',
      attributes,
      upgrade: undefined,
      userAgent: 'kubectl',
      // Read anew in each decision, as in a gateway.
      object: body === undefined ? NO_BODY : new RequestObject(Buffer.from(body), 'application/json'),
      now: 1_700_000_000_000,
    }
  })
}

const CASES: readonly (readonly [what: string, count: number, audience: Audience, when?: string])[] = [
  ['200 rules for teams', 200, 'teams'],
  ['1,000 rules for teams', 1_000, 'teams'],
  ['1,000 rules for everybody', 1_000, 'everybody'],
  ['1,000 for teams, on the request', 1_000, 'teams', 'request.name != "x" && principal.user.startsWith("oidc:")'],
  [
    '1,000 for everybody, on the request',
    1_000,
    'everybody',
    'request.name != "x" && principal.user.startsWith("oidc:")',
  ],
  ['1,000 for teams, on the object', 1_000, 'teams', 'object == null || (has(object.spec) && !privileged(object))'],
  [
    '1,000 for everybody, on the object',
    1_000,
    'everybody',
    'object == null || (has(object.spec) && !privileged(object))',
  ],
]

for (const [what, count, audience, when] of CASES) {
  const policy = policyOf(count, audience, when)
  measure(what, REQUESTS.length, 0, () => {
    let allowed = 0
    for (const question of questions()) if (decide(policy, question).allowed) allowed += 1
    return allowed
  })
}
// The worst: rules that nothing tells apart, so that each is looked at for every request, and of each the last word counts.
const WORST: readonly (readonly [what: string, rule: object])[] = [
  ['worst: 1,000 allows that hold', { effect: 'allow' }],
  ['worst: 1,000 denials, by name alone', { effect: 'deny', names: ['other'] }],
  ['worst: 1,000 conditions that hold', { effect: 'allow', when: 'request.name != "x"' }],
  ['worst: 1,000 conditions that do not', { effect: 'allow', when: 'request.name == "x"' }],
]
const alone = questions().slice(0, 1)
for (const [what, rule] of WORST) {
  const rules = Array.from({ length: 1_000 }, (_, at) => ({
    name: `rule-${at}`,
    subjects: [{ user: '*' }],
    verbs: ['get'],
    resources: ['pods'],
    ...rule,
  }))
  const document = policyDocument.parse({ apiVersion: 'sallyport/v1', kind: 'AccessPolicy', rules })
  const policy = compilePolicy(document, 'group')
  measure(what, alone.length, 0, () => alone.filter((question) => decide(policy, question).allowed).length)
}
measure('of which: reading the requests', REQUESTS.length, 0, () => questions().length)
