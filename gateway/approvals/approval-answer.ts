// What a person says of an approval -> the transition that it is, for the journal. Or why it is none: who may not answer, what
// is over, what has been said already, and a yes without the ticket that it needs.

import { limits } from '../../protocols/limits.ts'
import { type Refusal, refuse } from '../decision.ts'
import { isOpen } from './approval-state.ts'
import type { Answer, Approval, ApprovalEvent } from './approvals.ts'
import { plainText, saysSomething } from './plain-text.ts'
import { isMet, personOf, quorumsOf } from './quorum.ts'
import { alreadyOver } from './refusals.ts'

/** Refusals: those of `Approvals.answer`, but for what cannot be recorded. `at`: milliseconds since 1970. */
export function answered(found: Approval | undefined, answer: Answer, at: number): ApprovalEvent | Refusal {
  const { id, approver, via, cluster } = answer
  if (found === undefined) return UNKNOWN
  if (cluster !== undefined && cluster !== found.summary.cluster) {
    return refuse(403, 'Forbidden', 'approvals.cluster', 'this approval is for another cluster')
  }
  const counts = quorumsOf(found, approver)
  if ('status' in counts) return counts
  if (!isOpen(found)) return alreadyOver(found)
  const by = personOf(approver)
  const reason = plainText(answer.reason, limits.approvals.reason)
  const ticket = plainText(answer.ticket, limits.approvals.reason)
  if (answer.answer === 'no') return { kind: 'deny', id, at, by, reason, ticket, via }
  if (found.yeses.some((yes) => yes.by.user === by.user)) {
    return refuse(403, 'Forbidden', 'approvals.twice', 'you have said yes to this already')
  }
  const { terms } = found
  if (terms.ticketRequired && ![ticket, found.ticket, ...found.yeses.map((yes) => yes.ticket)].some(saysSomething)) {
    return refuse(422, 'Invalid', 'approvals.ticket_required', 'name the ticket that this is for')
  }
  const validUntil = isMet(terms, [...found.yeses, { by, counts }]) ? at + terms.validForMillis : null
  return { kind: 'approve', id, at, by, reason, ticket, via, counts, validUntil }
}

/** Refusals: those of `Approvals.revoke`, but for what cannot be recorded. */
export function revoked(
  found: Approval | undefined,
  revocation: Omit<Answer, 'answer' | 'cluster'>,
  at: number,
): ApprovalEvent | Refusal {
  const { id, approver, via } = revocation
  if (found === undefined) return UNKNOWN
  const counts = approver.actor === '' && approver.user === found.requester.user ? [] : quorumsOf(found, approver)
  if ('status' in counts) return counts
  if (found.state !== 'approved') {
    const message = `there is no yes to take back: it is ${found.state}`
    return refuse(403, 'Forbidden', 'approvals.not_approved', message)
  }
  const reason = plainText(revocation.reason, limits.approvals.reason)
  const ticket = plainText(revocation.ticket, limits.approvals.reason)
  return { kind: 'revoke', id, at, by: personOf(approver), reason, ticket, via }
}

const UNKNOWN = refuse(404, 'NotFound', 'approvals.unknown', 'there is no such approval')
