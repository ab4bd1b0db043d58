import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyDocument } from '../../../gateway/policy/document.ts'
import { compilePolicy, type Policy } from '../../../gateway/policy/policy.ts'
import { policyChanges, policySum } from '../../../gateway/policy/policy-changes.ts'

const RULE = { name: 'a', subjects: [{ user: '*' }], verbs: ['get'], effect: 'allow' }

function policy(parts: object): Policy {
  return compilePolicy(policyDocument.parse({ apiVersion: 'sallyport/v1', kind: 'AccessPolicy', ...parts }), 'group')
}

const BASE = policy({ rules: [RULE, { ...RULE, name: 'b' }] })

const TABLE: readonly (readonly [string, object, readonly string[]])[] = [
  ['nothing', { rules: [RULE, { ...RULE, name: 'b' }] }, []],
  ['the order of rules', { rules: [{ ...RULE, name: 'b' }, RULE] }, []],
  ['a rule more', { rules: [RULE, { ...RULE, name: 'b' }, { ...RULE, name: 'c' }] }, ['rule c added']],
  ['a rule less', { rules: [RULE] }, ['rule b removed']],
  ['a rule changed', { rules: [RULE, { ...RULE, name: 'b', effect: 'deny' }] }, ['rule b changed']],
  ['a rule renamed', { rules: [RULE, { ...RULE, name: 'c' }] }, ['rule b removed', 'rule c added']],
  ['a default', { default: { reads: 'deny' }, rules: [RULE, { ...RULE, name: 'b' }] }, ['default changed']],
]

for (const [what, parts, expected] of TABLE) {
  test(`of a reload that changes ${what} it says: ${expected.join(', ') || 'nothing'}`, () => {
    const after = policy(parts)
    assert.deepEqual(
      policyChanges(BASE, after).map((change) => `${change.what} ${change.how}`),
      expected,
    )
    assert.equal(policySum(after) === policySum(BASE), expected.length === 0)
  })
}

test('a change has both forms as they are written', () => {
  const after = policy({ rules: [RULE, { ...RULE, name: 'b', effect: 'deny' }] })
  const [change] = policyChanges(BASE, after)
  assert.deepEqual(JSON.parse(change?.before ?? '').effect, 'allow')
  assert.deepEqual(JSON.parse(change?.after ?? '').effect, 'deny')
})
