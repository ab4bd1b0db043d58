// A call as those see it who judge it: the question that the policy, grants and budgets answer, and the digest that a yes of
// people binds to. Nothing is decided here.

import { type Fields, field } from '../protocols/fields.ts'
import { requestDigest } from './approvals/request-digest.ts'
import type { Claims } from './claims.ts'
import type { Exchange } from './exchange.ts'
import type { Gate } from './gate.ts'
import type { Question } from './policy/asked.ts'
import { NO_BODY, RequestObject } from './policy/request-object.ts'
import type { Principal } from './principal.ts'
import type { RequestAttributes } from './request-attributes.ts'

/** What the policy judges: who, what, the body as rules can read it, and what the caller says of itself. */
export function questionOf(
  gate: Gate,
  { fields, upgrade }: Exchange,
  principal: Principal,
  claims: Claims,
  cluster: string,
  attributes: RequestAttributes,
  body: Uint8Array | undefined,
): Question {
  return {
    principal,
    cluster,
    attributes,
    upgrade,
    claims,
    userAgent: field(fields, 'user-agent') ?? '',
    object: body === undefined ? NO_BODY : new RequestObject(body, field(fields, 'content-type') ?? ''),
    now: gate.deadlines.now(),
  }
}

/** What an approval binds to: the call as it goes to the cluster. */
export function digestOf(
  { method, fields: received }: Exchange,
  { cluster, principal, attributes }: Question,
  fields: Fields,
  body: Uint8Array | undefined,
): string {
  const contentType = field(received, 'content-type') ?? ''
  return requestDigest({ cluster, principal, method, attributes, contentType, fields, body })
}
