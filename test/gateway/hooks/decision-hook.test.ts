import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ApprovalNeeded,
  type ApprovalTerms,
  needsApproval,
  type Permission,
  refuse,
} from '../../../gateway/decision.ts'
import { type DecisionHook, DecisionHooks } from '../../../gateway/hooks/decision-hook.ts'
import { CallFailed, type HttpsAnswer, type HttpsCall } from '../../../gateway/https-call.ts'
import { together } from '../../../gateway/policy/approval.ts'
import { isSigned } from '../../../gateway/webhooks/signature.ts'
import { asked, caller, NOON } from '../policy/support.ts'

const TERMS: ApprovalTerms = {
  quorums: [{ rule: 'hooks.h', approvers: [{ group: 'oidc:sre' }], quorum: 1 }],
  ...{ waitMillis: 1, validForMillis: 2, uses: 1, reasonRequired: false, ticketRequired: false },
}
const SECRET = Buffer.alloc(32, 3)

function hook(more: Partial<DecisionHook> = {}): DecisionHook {
  const classes = new Set(['writes', 'streams'] as const)
  const common = { headers: { authorization: 'Bearer t' }, ca: undefined, millis: 1_000, terms: undefined }
  return { name: 'h', url: 'https://h.example/', secret: SECRET, classes, ...common, ...more }
}

const ALLOWED: Permission = { allowed: true, rule: 'admins', reason: '', durability: 'group' }
const GATED: ApprovalNeeded = {
  ...refuse(403, 'Forbidden', 'gate', 'ask'),
  approval: { ...TERMS, quorums: [{ rule: 'gate', approvers: [{ user: 'oidc:dan' }], quorum: 1 }] },
  durability: 'strict',
}

type Said = object | string | CallFailed | { readonly status: number }

async function narrow(said: readonly Said[], decision: Permission | ApprovalNeeded = ALLOWED, hooks = [hook()]) {
  const calls: HttpsCall[] = []
  const failures: string[] = []
  const left = [...said]
  const decisions = new DecisionHooks({
    hooks,
    together,
    failed: (name, why) => failures.push(`${name}: ${why}`),
    call: async (call): Promise<HttpsAnswer> => {
      calls.push(call)
      const next = left.shift()
      if (next instanceof CallFailed) throw next
      if (typeof next === 'object' && 'status' in next) return { status: next.status as number, body: new Uint8Array() }
      return { status: 200, body: Buffer.from(typeof next === 'string' ? next : JSON.stringify(next)) }
    },
  })
  const question = {
    ...{ id: 'audit-1', principal: caller(), claims: { run: 'r', intent: 'why' }, cluster: 'prod', now: NOON },
    class: 'writes' as const,
    attributes: asked('DELETE /api/v1/namespaces/web/pods/p?gracePeriodSeconds=0'),
  }
  return { result: await decisions.narrow(question, decision), calls, failures }
}

test('a hook that allows leaves the decision as it is', async () => {
  const { result, failures } = await narrow([{ decision: 'allow' }])
  assert.equal(result, ALLOWED)
  assert.equal((await narrow([{ decision: 'allow' }], GATED)).result, GATED, 'and opens nothing')
  assert.deepEqual(failures, [])
})

test('a hook that denies says why, in words that no terminal can be fooled with', async () => {
  const { result, failures } = await narrow([{ decision: 'deny', reason: `freeze \u001b[2J${'x'.repeat(5_000)}` }])
  assert.ok(!result.allowed && !needsApproval(result))
  assert.deepEqual([result.status, result.rule], [403, 'hooks.h'])
  assert.match(result.message, /^the decision hook h denies it: freeze \ufffd\[2Jx+…$/)
  assert.ok(result.message.length < 1_000)
  assert.deepEqual(failures, [])
})

test('a hook that asks for a yes gets it asked for, beside what the policy asks', async () => {
  const hooks = [hook({ terms: TERMS })]
  const alone = (await narrow([{ decision: 'requireApproval' }], ALLOWED, hooks)).result
  assert.ok(needsApproval(alone))
  assert.deepEqual([alone.rule, alone.approval, alone.durability], ['hooks.h', TERMS, 'group'])
  const both = (await narrow([{ decision: 'requireApproval' }], GATED, hooks)).result
  assert.ok(needsApproval(both))
  assert.deepEqual([both.rule, both.approval.quorums.map(({ rule }) => rule)], ['gate', ['gate', 'hooks.h']])
})

const LIES: readonly [string, Said][] = [
  ['hangs', new CallFailed('no answer within 1000 ms')],
  ['redirects', new CallFailed('the server redirects, which is not followed')],
  ['errs', { status: 500 }],
  ['has nothing to say', { status: 204 }],
  ['says something else', { decision: 'maybe' }],
  ['says true', { decision: true }],
  ['says allow in other words', { decision: 'ALLOW' }],
  ['says it elsewhere', { allowed: true }],
  ['says both', '{"decision":"deny","decision":"allow"}'],
  ['says no JSON', 'allow'],
  ['says a list', '[{"decision":"allow"}]'],
  ['asks for a yes that the configuration has nobody for', { decision: 'requireApproval' }],
]
for (const [what, said] of LIES) {
  test(`a hook that ${what} denies, and its failure is told`, async () => {
    const { result, failures } = await narrow([said])
    assert.ok(!result.allowed && !needsApproval(result))
    assert.deepEqual([result.status, result.rule, failures.length], [403, 'hooks.h', 1])
  })
}

test('of several one denial is enough, and hooks for other calls are not asked', async () => {
  const hooks = [hook(), hook({ name: 'other' }), hook({ name: 'reads', classes: new Set(['reads'] as const) })]
  const { result, calls } = await narrow([{ decision: 'allow' }, { decision: 'deny' }], ALLOWED, hooks)
  assert.ok(!result.allowed)
  assert.equal(result.rule, 'hooks.other')
  assert.equal(calls.length, 2)
})

test('it is asked with who and what, signed; with no body and no query, which may hold secrets', async () => {
  const { calls } = await narrow([{ decision: 'allow' }])
  const { method, headers, body, millis } = calls[0] as HttpsCall
  const text = Buffer.from(body as Uint8Array).toString()
  assert.deepEqual([method, millis, headers.authorization], ['POST', 1_000, 'Bearer t'])
  const signed = { id: 'audit-1', timestamp: String(NOON / 1000), body: body as Uint8Array }
  assert.ok(isSigned(SECRET, signed, headers['webhook-signature'] as string))
  const { principal, request, policy, claims } = JSON.parse(text)
  assert.deepEqual(principal, { user: 'oidc:ann', groups: ['oidc:dev'], actor: '' })
  assert.deepEqual([request.verb, request.namespace, request.name], ['delete', 'web', 'p'])
  assert.deepEqual(
    [policy, claims],
    [
      { decision: 'allow', rule: 'admins' },
      { run: 'r', intent: 'why' },
    ],
  )
  assert.ok(!text.includes('gracePeriodSeconds'))
})
