// A call that a rule puts to people -> the permission that their yes is, spent and on disk; or why it goes no further. The
// call is parked while it waits: it holds its body and its client's patience, so it ends with either, and with a lock.

import type { Approval, Summary } from './approvals/approvals.ts'
import { lockRefusal } from './approvals/locks.ts'
import { approversOf } from './approvals/quorum.ts'
import { notGood, unrecordable } from './approvals/refusals.ts'
import type { Claims } from './claims.ts'
import {
  type ApprovalNeeded,
  type Consent,
  type Decision,
  needsApproval,
  type Permission,
  type Refusal,
  refuse,
} from './decision.ts'
import type { Exchange } from './exchange.ts'
import type { Cut, Gate, Who } from './gate.ts'
import type { Question } from './policy/asked.ts'
import { decide } from './policy/decide.ts'

export interface Consulted {
  readonly exchange: Exchange
  readonly question: Question
  readonly claims: Claims
  readonly decision: ApprovalNeeded
  /** As the policy and grants have it, before hooks. */
  readonly before: Permission | ApprovalNeeded
  readonly digest: string
  readonly body: Uint8Array | undefined
  /** For a call that nobody has been asked about yet: what people are to see of it. */
  summary(): Promise<Summary>
  /** Who calls, asked again: tokens end while calls wait. */
  identify(): Promise<Question['principal'] | Refusal>
}

/** Why the tape of a stream ends whose yes was taken back, or whose grant is over. */
export const CONSENT_ENDED = 'consent ended'

/** For nobody: there is no client any more. */
const GONE = refuse(503, 'ServiceUnavailable', 'approvals.gone', 'the client has gone')

/** Refusals: those of `Approvals`, authn.*, locks.*, approvals.policy_changed, .drained and .gone. */
export async function consent(gate: Gate, consulted: Consulted): Promise<Permission | Refusal> {
  const { exchange, question, decision, digest, claims } = consulted
  const { approvals } = gate.people
  const terms = decision.approval
  const { words } = gate.masking
  const said = { reason: words.text(claims.intent), ticket: words.text(claims.ticket) }
  const asking = { terms, digest, requester: question.principal, ...said }
  if (terms.ticketRequired && claims.ticket !== '') {
    const closed = await gate.tickets.check([claims.ticket])
    if (closed !== undefined) return closed
  }
  const spare = approvals.spare(asking)
  if (spare !== undefined) {
    const changed = await again(gate, consulted)
    return changed === undefined ? permitted(spare, decision, true) : withConsent(changed, spare, decision)
  }
  const summary = await summaryFor(gate, consulted)
  if (exchange.isGone) return GONE
  const approval = await approvals.ask({ ...asking, summary })
  if ('status' in approval) return approval
  if (approval.state === 'requested') {
    const ended = await parked(gate, consulted, approval)
    if (ended === 'gone') return GONE
    if (ended === 'failed') return unrecordable()
    const current = approvals.get(approval.id) ?? approval
    if (typeof ended === 'object') return interrupted(ended, current, decision)
    if (current.state !== 'approved') return withConsent(notGood(current), current, decision)
  } else if (approval.state !== 'approved') {
    return withConsent(notGood(approval), approval, decision)
  }
  const changed = await again(gate, consulted)
  if (changed !== undefined) return withConsent(changed, approval, decision)
  if (terms.ticketRequired) {
    // Those that people have seen: what the repeated call names is one that nobody has said yes to.
    const { ticket, yeses } = approvals.get(approval.id) ?? approval
    const closed = await gate.current().tickets.check([ticket, ...yeses.map((yes) => yes.ticket)])
    if (closed !== undefined) return withConsent(closed, approval, decision)
  }
  if (exchange.isGone) return GONE
  const used = await approvals.use(asking)
  if ('status' in used) return withConsent(used, approvals.get(approval.id) ?? approval, decision)
  return permitted(used, decision, false)
}

function permitted({ id, yeses }: Approval, { rule, durability }: ApprovalNeeded, isRepeated: boolean): Permission {
  const reason = `approval ${id}, given by ${yeses.map(({ by }) => by.user).join(' and ')}`
  return { allowed: true, rule, reason, durability, consent: { id, rule, isOpen: false, isRepeated } }
}

/** What a standing grant permits of what the policy refuses; never a denial by a rule. */
export function granted(gate: Gate, question: Question, decision: Refusal): Permission | undefined {
  const isAsked = needsApproval(decision)
  if (!isAsked && decision.rule !== 'default') return undefined
  const grant = gate.people.grants.covers(question)
  if (grant === undefined) return undefined
  return {
    allowed: true,
    rule: 'grants.standing',
    reason: `standing grant ${grant.id}, given by ${grant.yeses.map(({ by }) => by.user).join(' and ')}`,
    durability: isAsked ? decision.durability : gate.policy.durability,
    consent: { id: grant.id, rule: decision.rule, isOpen: false },
  }
}

/** Of a call that people have been asked about already they see what they saw. */
async function summaryFor(gate: Gate, consulted: Consulted): Promise<Summary> {
  const { decision, digest } = consulted
  const standing = gate.people.approvals.standing({ terms: decision.approval, digest })
  return standing === undefined ? consulted.summary() : standing.summary
}

type Ended = 'answered' | 'timeout' | 'failed' | 'gone' | Cut

function parked(gate: Gate, { exchange, question, claims, body }: Consulted, { id }: Approval): Promise<Ended> {
  return new Promise((resolve) => {
    const parking = {
      cut(cut: Cut): void {
        leave()
        end(cut)
      },
    }
    const end = (ended: Ended): void => {
      gate.parked.delete(parking)
      exchange.owner = undefined
      resolve(ended)
    }
    const leave = gate.people.approvals.wait(id, end, body?.length ?? 0)
    gate.parked.set(parking, whoOf(question, claims))
    exchange.owner = {
      drained: () => undefined,
      gone: () => {
        leave()
        end('gone')
      },
    }
    if (exchange.isGone) exchange.owner.gone()
  })
}

export function whoOf({ principal, cluster }: Pick<Question, 'principal' | 'cluster'>, { run }: Claims): Who {
  return { user: principal.user, actor: principal.actor, run, cluster, consent: '' }
}

/** A yes that was taken back while its call was on the way, and a standing grant that is over, open nothing any more. */
export function ended({ people, deadlines }: Gate, { consent: given }: Permission): Refusal | undefined {
  const approval = given === undefined ? undefined : people.approvals.get(given.id)
  if (approval === undefined) return undefined
  if (approval.state === 'revoked') return notGood(approval)
  const isOver = approval.target.kind === 'grant' && deadlines.now() >= (approval.validUntil ?? 0)
  return isOver ? notGood({ ...approval, state: 'expired' }) : undefined
}

/** The wait has let the world go on: whether the caller is still who they were, unlocked, and asked the same. */
async function again(gate: Gate, consulted: Consulted): Promise<Refusal | undefined> {
  const { question, claims, before } = consulted
  const principal = await consulted.identify()
  if ('status' in principal) return principal
  const lock = gate.people.locks.lockOn(principal, claims.run, question.cluster)
  if (lock !== undefined) return lockRefusal(lock)
  const now = gate.deadlines.now()
  const asked = { ...question, principal, now }
  const decided = decide(gate.current().policy, asked)
  const decision = decided.allowed ? decided : (granted(gate.current(), asked, decided) ?? decided)
  if (isSameDecision(decision, before) && isSamePerson(principal, question.principal)) return undefined
  if (!decision.allowed && !needsApproval(decision)) return decision
  const message = 'the policy has changed while the call waited for a yes; make the call again'
  return refuse(403, 'Forbidden', 'approvals.policy_changed', message)
}

function isSameDecision(one: Decision, other: Decision): boolean {
  if (!needsApproval(one) || !needsApproval(other)) return one.allowed && other.allowed
  return JSON.stringify(one.approval) === JSON.stringify(other.approval)
}

function isSamePerson(one: Question['principal'], other: Question['principal']): boolean {
  return one.user === other.user && one.actor === other.actor && one.groups.join('\n') === other.groups.join('\n')
}

/** A lock, or the end of the gateway. */
function interrupted(cut: Cut, approval: Approval, decision: ApprovalNeeded): Refusal {
  if (cut.refusal !== undefined) return withConsent(cut.refusal, approval, decision)
  const message = `the gateway is being restarted while approval ${approval.id} waits for ${approversOf(approval.terms)}; make the same call again`
  return withConsent(refuse(503, 'ServiceUnavailable', 'approvals.drained', message), approval, decision)
}

function withConsent(refusal: Refusal, approval: Approval, decision: ApprovalNeeded): Refusal & { consent: Consent } {
  const isOpen = approval.state === 'requested' || approval.state === 'cancelled'
  return { ...refusal, consent: { id: approval.id, rule: decision.rule, isOpen } }
}
