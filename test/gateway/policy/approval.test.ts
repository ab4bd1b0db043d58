import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ApprovalNeeded, needsApproval } from '../../../gateway/decision.ts'
import { decide } from '../../../gateway/policy/decide.ts'
import { asked, policyOf, question, type RuleSource } from './support.ts'

const LINE = 'DELETE /api/v1/namespaces/prod/pods/p'

function rule(name: string, changes: Partial<RuleSource> = {}): RuleSource {
  return {
    name,
    verbs: ['delete'],
    effect: 'requireApproval',
    approval: { approvers: [{ group: 'oidc:sre' }] },
    ...changes,
  }
}

function needed(...rules: RuleSource[]): ApprovalNeeded {
  const decision = decide(policyOf(rules), question(asked(LINE)))
  assert.ok(needsApproval(decision))
  return decision
}

test('an approval is a plain 403 to whoever does not know of approvals', () => {
  const decision = needed(rule('ask', { reason: 'prod is prod' }))
  assert.deepEqual(
    [decision.allowed, decision.status, decision.reason, decision.rule],
    [false, 403, 'Forbidden', 'ask'],
  )
  assert.equal(
    decision.message,
    'rule "ask" asks for an approval of this (prod is prod): delete pods "p" in namespace "prod". It must come from 1 of group "oidc:sre"',
  )
})

test('its terms are in milliseconds, with the defaults of the design', () => {
  assert.deepEqual(needed(rule('ask')).approval, {
    quorums: [{ rule: 'ask', quorum: 1, approvers: [{ group: 'oidc:sre' }] }],
    waitMillis: 120_000,
    validForMillis: 600_000,
    uses: 1,
    reasonRequired: false,
    ticketRequired: false,
  })
  const approval = { approvers: [{ user: 'oidc:bob' }], wait: '0s', validFor: '2h', uses: 5, reasonRequired: true }
  const { waitMillis, validForMillis, uses, reasonRequired } = needed(rule('ask', { approval })).approval
  assert.deepEqual([waitMillis, validForMillis, uses, reasonRequired], [0, 7_200_000, 5, true])
})

test('several rules ask for all of it together, in whatever order they stand', () => {
  const strict = rule('strict', {
    approval: { approvers: [{ user: 'oidc:bob' }, { group: 'oidc:sec' }], quorum: 2, uses: 3, ticketRequired: true },
    durability: 'strict',
  })
  const lax = rule('lax', { approval: { approvers: [{ group: 'oidc:sre' }], wait: '10m', validFor: '30s', uses: 9 } })
  const one = needed(strict, lax)
  const other = needed(lax, strict)
  assert.deepEqual(one.approval, other.approval)
  assert.deepEqual([one.rule, other.rule, one.durability, other.durability], ['strict', 'lax', 'strict', 'strict'])
  assert.deepEqual(one.approval, {
    quorums: [
      { rule: 'lax', quorum: 1, approvers: [{ group: 'oidc:sre' }] },
      { rule: 'strict', quorum: 2, approvers: [{ user: 'oidc:bob' }, { group: 'oidc:sec' }] },
    ],
    waitMillis: 600_000,
    validForMillis: 30_000,
    uses: 3,
    reasonRequired: false,
    ticketRequired: true,
  })
})

test('a rule that reaches the caller by two names asks once', () => {
  const twice = rule('ask', { subjects: [{ user: '*' }, { group: 'oidc:dev' }] })
  assert.equal(needed(twice).approval.quorums.length, 1)
})

test('a reason is shown with a denial, without what a terminal acts upon', () => {
  const policy = policyOf([{ name: 'no', verbs: ['delete'], effect: 'deny', reason: 'use the\u001b[31m pipeline' }])
  const decision = decide(policy, question(asked(LINE)))
  assert.ok(!decision.allowed)
  assert.match(decision.message, /^rule "no" denies this \(use the \[31m pipeline\): delete pods/)
})
