// A policy from its rules, a caller by name, and a decision on a request line: what the policy tests share.

import assert from 'node:assert/strict'
import type { Decision } from '../../../gateway/decision.ts'
import type { Question } from '../../../gateway/policy/asked.ts'
import { decide } from '../../../gateway/policy/decide.ts'
import { type PolicySource, policyDocument } from '../../../gateway/policy/document.ts'
import { compilePolicy, type Policy } from '../../../gateway/policy/policy.ts'
import { NO_BODY } from '../../../gateway/policy/request-object.ts'
import type { Principal } from '../../../gateway/principal.ts'
import type { RequestAttributes } from '../../../gateway/request-attributes.ts'
import { requestInfo } from '../../../gateway/request-info.ts'

type Source = NonNullable<PolicySource['rules']>[number]

export type RuleSource = Omit<Source, 'subjects'> & { readonly subjects?: Source['subjects'] }

/** Rules without subjects are for everybody. */
export function policyOf(rules: readonly RuleSource[], defaults: NonNullable<PolicySource['default']> = {}): Policy {
  const document = policyDocument.parse({
    apiVersion: 'sallyport/v1',
    kind: 'AccessPolicy',
    default: defaults,
    rules: rules.map((rule) => ({ subjects: [{ user: '*' }], ...rule })),
  })
  return compilePolicy(document, 'group')
}

export function caller(names: Partial<Principal> = {}): Principal {
  return { user: 'oidc:ann', groups: ['oidc:dev'], actor: '', issuer: 'https://issuer', expiresAt: 1, ...names }
}

/** "GET /api/v1/pods". */
export function asked(line: string): RequestAttributes {
  const [method = '', target = ''] = line.split(' ')
  const info = requestInfo(method, target, undefined)
  assert.ok(!('status' in info), `${line} is refused: ${JSON.stringify(info)}`)
  return info
}

export function answer(policy: Policy, line: string, principal = caller(), upgrade?: string): Decision {
  return decide(policy, question(asked(line), { principal, upgrade }))
}

/** A Wednesday, 12:00 UTC. */
export const NOON = Date.UTC(2026, 6, 15, 12)

/** Without a body, of the caller by default, at noon. */
export function question(attributes: RequestAttributes, circumstances: Partial<Question> = {}): Question {
  return {
    principal: caller(),
    claims: { run: '', intent: '' },
    cluster: 'prod',
    attributes,
    upgrade: undefined,
    userAgent: '',
    object: NO_BODY,
    now: NOON,
    ...circumstances,
  }
}
