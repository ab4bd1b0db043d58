// A request that may go on, with all that the cluster and the tape need -> what goes upstream of it, whose it is for locks,
// and what may still stop it. Nothing of it comes from the caller but what was parsed, and what may pass of its fields.

import type { Fields } from '../protocols/fields.ts'
import type { AnswerOffer, StreamOffer } from '../protocols/kube/handshake.ts'
import { lockRefusal } from './approvals/locks.ts'
import type { Spending } from './budgets/spending.ts'
import type { Claims } from './claims.ts'
import type { Client } from './client.ts'
import { CONSENT_ENDED, ended, whoOf } from './consent.ts'
import type { Permission, Refusal } from './decision.ts'
import type { Exchange } from './exchange.ts'
import type { Cluster, Gate, Who } from './gate.ts'
import { EXTRA, impersonation } from './identity.ts'
import type { RequestMask } from './mask/masking.ts'
import type { Principal } from './principal.ts'
import type { RequestAttributes } from './request-attributes.ts'
import { isAnswerOffer, withoutHandshake } from './stream/offer.ts'
import type { Tape } from './tape/tape.ts'
import type { UpstreamRequest } from './upstream/upstream.ts'

/** What the pipeline has found before anything goes to the cluster. */
export interface Permitted {
  readonly exchange: Exchange
  readonly client: Client
  readonly cluster: Cluster
  readonly clusterName: string
  readonly principal: Principal
  readonly claims: Claims
  readonly attributes: RequestAttributes
  readonly permission: Permission
  readonly offer: StreamOffer | AnswerOffer | undefined
  readonly fields: Fields
  readonly body: Uint8Array | undefined
  /** Where budgets are for it. */
  readonly spending: Spending | undefined
  readonly mask: RequestMask
  readonly auditId: string
}

/** The pipeline's way from a request that may go on to the beginning of its answer. Rejects with TapeFailed. */
export type Call = (gate: Gate, permitted: Permitted) => Promise<void>

/** What goes upstream: the path as parsed, the caller's fields that may pass, then ours, which win because theirs are gone. */
export function upstreamRequest(permitted: Permitted, credentials: Fields, tape: Tape): UpstreamRequest {
  const { attributes, principal, cluster, offer } = permitted
  const extra = { [EXTRA.TAPE]: tape.id, [EXTRA.ACTOR]: principal.actor, [EXTRA.ISSUER]: principal.issuer }
  return {
    method: permitted.exchange.method,
    target: attributes.target,
    fields: [
      ...(offer === undefined ? permitted.fields : withoutHandshake(permitted.fields)),
      ...(offer === undefined || isAnswerOffer(offer) ? [] : offer.fields),
      ...credentials,
      ...(cluster.identity === 'impersonate' ? impersonation(principal, extra) : []),
      'Audit-ID',
      permitted.auditId,
    ],
    body: permitted.body,
    longRunning: attributes.longRunning,
    user: principal.user,
  }
}

/** For what opens: a lock may have come, or a yes been taken back, while the cluster was asked. */
export function stopped(gate: Gate, { principal, claims, clusterName, permission }: Permitted): Refusal | undefined {
  const lock = gate.people.locks.lockOn(principal, claims.run, clusterName)
  return lock === undefined ? ended(gate, permission) : lockRefusal(lock)
}

/** The tape's word for it. */
export function reasonOf({ rule }: Refusal): string {
  return rule.startsWith('locks.') ? 'locked' : CONSENT_ENDED
}

/** For the locks, and the yeses taken back, that come while it streams. */
export function whoIs({ principal, claims, clusterName, permission }: Permitted): Who {
  return { ...whoOf({ principal, cluster: clusterName }, claims), consent: permission.consent?.id ?? '' }
}
