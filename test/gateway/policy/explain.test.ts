import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decide } from '../../../gateway/policy/decide.ts'
import type { RequestAttributes } from '../../../gateway/request-attributes.ts'
import { limits } from '../../../protocols/limits.ts'
import { answer, asked, caller, policyOf, question } from './support.ts'

function message(...args: Parameters<typeof answer>): string {
  const decision = answer(...args)
  assert.ok(!decision.allowed)
  return decision.message
}

test('a denial by a rule says which, what was asked, and whom to ask', () => {
  const policy = policyOf([{ name: 'no-prod', verbs: ['delete'], namespaces: ['prod'], effect: 'deny' }])
  assert.equal(
    message(policy, 'DELETE /api/v1/namespaces/prod/pods/web-0'),
    'rule "no-prod" denies this: delete pods "web-0" in namespace "prod". It denies delete in namespace prod, and no other rule can allow that; ask whoever keeps the gateway\'s policy',
  )
})

test('a denial by default says what is allowed to this caller', () => {
  const policy = policyOf([
    {
      name: 'ci',
      subjects: [{ group: 'oidc:dev' }],
      verbs: ['create', 'patch'],
      resources: ['apps/deployments'],
      namespaces: ['web'],
      effect: 'allow',
    },
    { name: 'others', subjects: [{ group: 'oidc:other' }], verbs: ['patch'], effect: 'allow' },
    { name: 'elsewhere', clusters: ['dev'], verbs: ['patch'], effect: 'allow' },
  ])
  assert.equal(
    message(policy, 'PATCH /apis/apps/v1/namespaces/prod/deployments/x'),
    'no rule allows this: patch apps/deployments "x" in namespace "prod". By default writes are denied and reads allowed; rule "ci" allows you create, patch on apps/deployments in namespace web. Ask whoever keeps the gateway\'s policy for more',
  )
})

test('an exec names its command, and a proxy to a node says why so much is denied', () => {
  assert.match(
    message(policyOf([]), 'GET /api/v1/namespaces/n/pods/p/exec?command=sh&command=-c&command=id'),
    /exec pods\/exec "p" in namespace "n", command "sh -c id"/,
  )
  const policy = policyOf([{ name: 'secrets', verbs: ['get'], resources: ['secrets'], effect: 'deny' }])
  assert.match(message(policy, 'GET /api/v1/nodes/n/proxy/pods'), /nodes\/proxy reaches all that runs on the node/)
})

test('an unknown upgrade is told what passes', () => {
  assert.match(
    message(policyOf([]), 'GET /api/v1/pods', caller(), 'websocket'),
    /only for exec, attach and portforward of pods, and to WebSocket for watches and logs/,
  )
})

test('a message is at most 1 KiB and holds nothing that a terminal acts upon, whatever was asked', () => {
  const policy = policyOf(
    Array.from({ length: 9 }, (_, at) => ({
      name: `rule-${at}`,
      verbs: ['get' as const],
      names: Array.from({ length: 60 }, (__, n) => `name-${n}`),
      effect: 'allow' as const,
    })),
    { reads: 'deny' },
  )
  const base = asked('GET /api/v1/namespaces/n/pods/p/exec?command=x')
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), fc.constantFrom('get', 'exec'), (text, verb) => {
      const attributes: RequestAttributes = {
        ...base,
        verb,
        name: text,
        namespace: text,
        resource: text,
        command: [text, text],
        path: text,
      }
      for (const each of [attributes, { ...attributes, isResource: false }]) {
        const decision = decide(policy, question(each))
        assert.ok(!decision.allowed)
        assert.ok(Buffer.byteLength(decision.message) <= limits.policy.message)
        assert.doesNotMatch(decision.message, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
      }
    }),
    { numRuns: 300 },
  )
})
