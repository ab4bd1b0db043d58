// A planned request and who sends it -> what a policy decides on it: the same reading of the request as the gateway's, and
// the same decision. What the gateway refuses before it asks the policy is a refusal here too.

import type { Decision } from '../gateway/decision.ts'
import { needsApproval } from '../gateway/decision.ts'
import type { Question } from '../gateway/policy/asked.ts'
import type { Effect } from '../gateway/policy/policy.ts'
import { NO_BODY, RequestObject } from '../gateway/policy/request-object.ts'
import { requestInfo } from '../gateway/request-info.ts'
import type { PlannedRequest } from './policy-requests.ts'

/** Who calls, where and when. */
export interface Caller {
  readonly user: string
  readonly groups: readonly string[]
  /** Or "". */
  readonly actor: string
  /** Or "". */
  readonly run: string
  readonly cluster: string
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Or the refusal that comes before the policy. */
export function questionOf(request: PlannedRequest, caller: Caller): Question | Decision {
  const attributes = requestInfo(request.method, request.target, request.upgrade)
  if ('status' in attributes) return attributes
  const { user, groups, actor, run, cluster, now } = caller
  return {
    principal: { user, groups, actor, issuer: '', expiresAt: Number.POSITIVE_INFINITY },
    claims: { run, intent: '' },
    cluster,
    attributes,
    upgrade: request.upgrade,
    userAgent: 'kubectl',
    object:
      request.body === undefined ? NO_BODY : new RequestObject(Buffer.from(request.body), request.contentType ?? ''),
    now,
  }
}

export function effectOf(decision: Decision): Effect {
  if (decision.allowed) return 'allow'
  return needsApproval(decision) ? 'requireApproval' : 'deny'
}

const ORDER: readonly Effect[] = ['allow', 'requireApproval', 'deny']

/** What a command of several requests comes to: the first of those that pass least easily. */
export function strictest<T>(of: readonly T[], effect: (one: T) => Effect): T {
  return of.reduce((a, b) => (ORDER.indexOf(effect(b)) > ORDER.indexOf(effect(a)) ? b : a))
}
