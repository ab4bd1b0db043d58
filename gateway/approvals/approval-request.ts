// What a call or a person asks for, under the terms of the rules that want a yes -> the request as people see it, and what
// their yes holds for. Refuses a request that does not say why where it has to, and more requests than people can answer.

import { createHash } from 'node:crypto'
import { limits } from '../../protocols/limits.ts'
import { type ApprovalTerms, type Refusal, refuse } from '../decision.ts'
import { isOpen } from './approval-state.ts'
import type { Approval, ApprovalEvent, Asking, Summary, Target } from './approvals.ts'
import { plainText, saysSomething } from './plain-text.ts'
import { personOf } from './quorum.ts'

/** What is asked for a call or a grant. */
export type Asked = Omit<Asking, 'digest'>

/** The request, in plain text that is no longer than people are shown. `at`: milliseconds since 1970. */
export function requestOf(asked: Asked, target: Target, id: string, at: number): ApprovalEvent {
  const { terms } = asked
  return {
    kind: 'request',
    id,
    at,
    target,
    terms,
    requester: personOf(asked.requester),
    summary: plainSummary(asked.summary),
    reason: plainText(asked.reason, limits.approvals.reason),
    ticket: plainText(asked.ticket, limits.approvals.reason),
    answerBy: at + Math.max(terms.waitMillis, limits.approvals.pendingMillis),
  }
}

/** approvals.reason_required. */
export function unexplained({ terms, reason }: Asked): Refusal | undefined {
  if (!terms.reasonRequired || saysSomething(plainText(reason, limits.approvals.reason))) return undefined
  const message = 'the rule wants to know why: say so in a Sallyport-Intent header and repeat the call'
  return refuse(403, 'Forbidden', 'approvals.reason_required', message)
}

/** Whether one request more, of this user, would be too many beside these: approvals.user_pending, .pending. */
export function crowded(live: Iterable<Approval>, user: string): Refusal | undefined {
  let pending = 0
  let users = 0
  for (const approval of live) {
    if (!isOpen(approval)) continue
    pending++
    if (approval.requester.user === user) users++
  }
  if (users >= limits.approvals.userPending) {
    const message = `${users} of your requests wait for an answer already; have them answered first`
    return refuse(429, 'TooManyRequests', 'approvals.user_pending', message)
  }
  if (pending < limits.approvals.pending) return undefined
  const message = 'too many requests wait for an answer already; try again when some have been answered'
  return refuse(429, 'TooManyRequests', 'approvals.pending', message)
}

/** A yes holds for what was asked under the terms that were in force: a policy that asks for more is not met by it. */
export function bindingOf(target: Target, terms: ApprovalTerms): string {
  const { quorums, waitMillis, validForMillis, uses, reasonRequired, ticketRequired } = terms
  const rules = quorums.map(({ rule, approvers, quorum }) => [rule, quorum, approvers])
  const text = JSON.stringify([target, rules, waitMillis, validForMillis, uses, reasonRequired, ticketRequired])
  return createHash('sha256').update(text).digest('base64')
}

function plainSummary(summary: Summary): Summary {
  const text = (value: string): string => plainText(value, limits.approvals.text)
  const cut = [
    summary.command.length > limits.approvals.text ? 'the end of the command is NOT shown' : '',
    summary.diff.length > limits.approvals.diff ? 'the end of the changes is NOT shown' : '',
  ]
  return {
    cluster: text(summary.cluster),
    run: text(summary.run),
    command: text(summary.command),
    verb: text(summary.verb),
    resource: text(summary.resource),
    namespace: text(summary.namespace),
    name: text(summary.name),
    diff: plainText(summary.diff, limits.approvals.diff, true),
    // What is hidden comes first, or a long note would hide that too.
    note: text([...cut, summary.note].filter((note) => note !== '').join('; ')),
    objects: summary.objects,
  }
}
