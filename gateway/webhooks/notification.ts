// What happened to an approval, a lock or a budget -> a notification that says it to people and machines, whatever chat or
// tracker it goes to. Everything in it is masked already, bounded, and without controls; nothing is escaped yet.

import type { Approval, ApprovalEvent } from '../approvals/approvals.ts'
import type { Lock, LockEvent } from '../approvals/locks.ts'
import { plainText } from '../approvals/plain-text.ts'
import { approversOf } from '../approvals/quorum.ts'
import type { BudgetExceeded } from '../budgets/budgets.ts'

export const NOTIFICATION_TYPES = [
  'approval.requested',
  'approval.approved',
  'approval.denied',
  'approval.revoked',
  'approval.expired',
  'approval.used',
  'lock.locked',
  'lock.unlocked',
  'budget.exceeded',
] as const

export type NotificationType = (typeof NOTIFICATION_TYPES)[number]

export interface Notification {
  readonly type: NotificationType
  /** Milliseconds since 1970. */
  readonly at: number
  /** One line, our own words. */
  readonly title: string
  /** For people, in order; values may be anybody's words. */
  readonly facts: readonly (readonly [name: string, value: string])[]
  /** What would change, or "". Lines. */
  readonly diff: string
  /** What it is about, for whoever keeps several messages together: an approval's or lock's id, a budget's name. */
  readonly subject: string
  /** For machines. */
  readonly data: Readonly<Record<string, unknown>>
}

/** Undefined for what nobody needs to hear of: a client that went or came back, a yes of several. */
export function ofApproval(event: ApprovalEvent, approval: Approval): Notification | undefined {
  const said = saidOf(event)
  if (said === undefined) return undefined
  const { id, summary, requester, reason, ticket, terms } = approval
  const asks = requester.actor === '' ? requester.user : `${requester.actor}, for ${requester.user}`
  const isAsked = said.type === 'approval.requested'
  return {
    type: said.type,
    at: event.at,
    title: said.title,
    facts: facts([
      ['What', summary.command],
      ['Who', asks],
      ['Run', summary.run],
      ['Cluster', summary.cluster],
      ['Namespace', summary.namespace],
      ['Why', reason],
      ['Ticket', ticket],
      ['Objects', summary.objects === null ? '' : String(summary.objects)],
      ['Note', isAsked ? noteOf(summary) : ''],
      [said.by === '' ? '' : 'By', said.by],
      [said.why === '' ? '' : 'Because', said.why],
      ['Can be answered by', isAsked ? approversOf(terms) : ''],
      ['Until', isAsked ? new Date(approval.answerBy).toISOString() : ''],
      ['Answer with', isAsked ? `sallyport approvals approve ${id}` : ''],
      ['Approval', id],
    ]),
    diff: isAsked ? summary.diff : '',
    subject: id,
    data: { approval: approvalData(approval) },
  }
}

export function ofLock({ kind, lock, by, at, reason }: LockEvent): Notification {
  const isLock = kind === 'lock'
  return {
    type: isLock ? 'lock.locked' : 'lock.unlocked',
    at,
    title: isLock ? 'Locked' : 'Unlocked',
    facts: facts([
      ['What', targetOf(lock)],
      ['By', by.user],
      ['Because', reason],
      ['Lock', lock.id],
    ]),
    diff: '',
    subject: lock.id,
    data: { lock: { id: lock.id, ...lock.target, reason: lock.reason }, by: by.user, reason },
  }
}

export function ofBudget({ budget, counted, spender, refusal }: BudgetExceeded, at: number): Notification {
  const { user, actor, run } = spender
  return {
    type: 'budget.exceeded',
    at,
    title: 'A budget is spent',
    facts: facts([
      ['Budget', budget],
      ['Who', actor === '' ? user : `${actor}, for ${user}`],
      ['Run', run],
      ['What', refusal.message],
    ]),
    diff: '',
    subject: budget,
    data: { budget: { name: budget, counted }, user, actor, run: plainText(run, LONGEST), message: refusal.message },
  }
}

function noteOf({ command, note }: Approval['summary']): string {
  const cut = command.length > LONGEST ? 'this is NOT all of the command: read the rest before you answer' : ''
  return [cut, note].filter((each) => each !== '').join('; ')
}

/** Characters of one fact. */
const LONGEST = 1_000

interface Said {
  readonly type: NotificationType
  readonly title: string
  readonly by: string
  readonly why: string
}

function saidOf(event: ApprovalEvent): Said | undefined {
  switch (event.kind) {
    case 'request':
      return { type: 'approval.requested', title: 'Approval requested', by: '', why: '' }
    case 'approve':
      if (event.validUntil === null) return undefined
      return { type: 'approval.approved', title: 'Approved', by: event.by.user, why: event.reason }
    case 'deny':
      return { type: 'approval.denied', title: 'Denied', by: event.by.user, why: event.reason }
    case 'revoke':
      return { type: 'approval.revoked', title: 'Approval taken back', by: event.by.user, why: event.reason }
    case 'expire':
      return { type: 'approval.expired', title: 'Approval expired', by: '', why: '' }
    case 'use':
      return { type: 'approval.used', title: 'Approval used', by: '', why: '' }
    case 'cancel':
    case 'return':
      return undefined
  }
}

function facts(all: readonly (readonly [string, string])[]): Notification['facts'] {
  return all.flatMap(([name, value]) =>
    name === '' || value === '' ? [] : [[name, plainText(value, LONGEST)] as const],
  )
}

function approvalData(approval: Approval): object {
  const { id, state, target, terms, requester, summary, reason, ticket, answerBy, validUntil, used } = approval
  return {
    id,
    state,
    kind: target.kind,
    requester: { user: requester.user, actor: requester.actor },
    ...summary,
    reason,
    ticket,
    approvers: terms.quorums,
    answerBy: new Date(answerBy).toISOString(),
    validUntil: validUntil === null ? null : new Date(validUntil).toISOString(),
    uses: terms.uses,
    used,
  }
}

function targetOf({ target: { kind, name } }: Lock): string {
  return kind === 'all' ? 'everything' : `${kind} ${name}`
}
