// An approval or a lock, and who looks -> what the admin API says of it, and whether it says anything at all. Times are
// RFC 3339; what is left out is not known yet.

import { isOpen } from '../approvals/approval-state.ts'
import type { Approval, No, Yes } from '../approvals/approvals.ts'
import type { Lock } from '../approvals/locks.ts'
import { approversOf, quorumsOf } from '../approvals/quorum.ts'
import type { Principal } from '../principal.ts'
import { type Caller, isOperator } from './caller.ts'

/** Whoever asks, whoever can answer, and operators. An agent sees what it has asked for itself. */
export function maySee(caller: Caller, approval: Approval): boolean {
  if (caller.kind === 'operator') return true
  const { principal } = caller
  const { requester } = approval
  if (principal.user === requester.user && (principal.actor === '' || principal.actor === requester.actor)) return true
  return isOperator(caller) || isApprover(principal, approval)
}

/** Whoever it is on, and operators. What is on everything or on a cluster is on everybody. */
export function maySeeLock(caller: Caller, { target: { kind, name } }: Lock): boolean {
  if (caller.kind === 'operator' || caller.isOperator) return true
  const { user, actor } = caller.principal
  if (kind === 'user') return name === user
  return kind === 'actor' ? name === actor : kind !== 'run'
}

function isApprover(principal: Principal, approval: Approval): boolean {
  return !('status' in quorumsOf(approval, principal))
}

/** Whether a yes of theirs would count now. */
function mayAnswer(caller: Caller, approval: Approval): boolean {
  if (caller.kind === 'operator' || !isOpen(approval)) return false
  const { principal } = caller
  return isApprover(principal, approval) && !approval.yeses.some(({ by }) => by.user === principal.user)
}

/** Without the diff, which may be long: for lists. */
export function approvalLine(approval: Approval, caller: Caller, waiting: number) {
  const { id, state, target, terms, requester, summary, reason, ticket, yeses, no } = approval
  const { diff, ...what } = summary
  return {
    id,
    state,
    kind: target.kind,
    requester,
    ...what,
    hasDiff: diff !== '',
    reason,
    ticket,
    requestedAt: timeOf(approval.requestedAt),
    answerBy: timeOf(approval.answerBy),
    ...(approval.validUntil !== null && { validUntil: timeOf(approval.validUntil) }),
    ...(approval.overAt !== null && { overAt: timeOf(approval.overAt) }),
    /** In words. */
    approvers: approversOf(terms),
    terms: {
      quorums: terms.quorums,
      validForSeconds: terms.validForMillis / 1000,
      uses: terms.uses,
      reasonRequired: terms.reasonRequired,
      ticketRequired: terms.ticketRequired,
    },
    yeses: yeses.map(answerOf),
    ...(no !== null && { no: answerOf(no) }),
    used: approval.used,
    ...(target.kind === 'call' ? { digest: target.digest } : { scope: target.scope }),
    /** Calls that wait for the answer now. */
    waiting,
    mayAnswer: mayAnswer(caller, approval),
  }
}

/** All that an approver must see. */
export function approvalView(approval: Approval, caller: Caller, waiting: number) {
  return { ...approvalLine(approval, caller, waiting), diff: approval.summary.diff }
}

export function lockView({ id, target, reason, by, at }: Lock) {
  return { id, target, reason, by: by.user, at: timeOf(at) }
}

function answerOf({ by, at, reason, ticket, via }: Yes | No) {
  return { by: by.user, at: timeOf(at), reason, ticket, via }
}

export function timeOf(millis: number): string {
  return new Date(millis).toISOString()
}
