// An approval and a transition -> the approval after it. Nothing is decided here: what is in the journal has happened.

import { MisuseError } from '../../protocols/errors.ts'
import { limits } from '../../protocols/limits.ts'
import type { Approval, ApprovalEvent, No } from './approvals.ts'

/** Throws MisuseError for a transition of an approval that was never asked for. */
export function after(approval: Approval | undefined, event: ApprovalEvent): Approval {
  if (event.kind === 'request') return requested(event)
  if (approval === undefined) throw new MisuseError('a transition of an approval that was never asked for')
  switch (event.kind) {
    case 'cancel':
      return { ...approval, state: 'cancelled' }
    case 'return':
      return { ...approval, state: 'requested' }
    case 'approve': {
      const { by, at, reason, ticket, via, counts, validUntil } = event
      const yeses = [...approval.yeses, { by, at, reason, ticket, via, counts }]
      return { ...approval, yeses, validUntil, state: validUntil === null ? approval.state : 'approved' }
    }
    case 'deny':
      return { ...approval, state: 'denied', no: noOf(event), overAt: event.at }
    case 'revoke':
      return { ...approval, state: 'revoked', no: noOf(event), overAt: event.at }
    case 'expire':
      return { ...approval, state: 'expired', overAt: event.at }
    case 'use': {
      const isLast = event.used >= approval.terms.uses
      return { ...approval, used: event.used, state: isLast ? 'used' : 'approved', overAt: isLast ? event.at : null }
    }
  }
}

/** Whether it can still be answered. */
export function isOpen({ state }: Approval): boolean {
  return state === 'requested' || state === 'cancelled'
}

/** Whether its time is up, and nobody has said so yet. */
export function isPast(approval: Approval, now: number): boolean {
  if (isOpen(approval)) return now >= approval.answerBy
  return approval.state === 'approved' && now >= (approval.validUntil as number)
}

/** Whether the same call has nothing new to ask. */
export function stands({ state, overAt }: Approval, now: number): boolean {
  if (state === 'requested' || state === 'approved') return true
  const isNo = state === 'denied' || state === 'revoked'
  return isNo && now - (overAt as number) < limits.approvals.denialMillis
}

/**
 * What of an approval's records a later one makes needless: the last use says how many there were, the last word on the
 * client whether it is there.
 */
export function slot(event: ApprovalEvent): string {
  if (event.kind === 'cancel' || event.kind === 'return') return 'client'
  return event.kind === 'approve' ? `approve ${event.by.user}` : event.kind
}

function requested(event: ApprovalEvent & { readonly kind: 'request' }): Approval {
  const { id, at, target, terms, requester, summary, reason, ticket, answerBy } = event
  return {
    id,
    state: 'requested',
    target,
    terms,
    requester,
    summary,
    reason,
    ticket,
    requestedAt: at,
    answerBy,
    yeses: [],
    no: null,
    validUntil: null,
    used: 0,
    overAt: null,
  }
}

function noOf({ by, at, reason, ticket, via }: No): No {
  return { by, at, reason, ticket, via }
}
