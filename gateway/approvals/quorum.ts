// An approval and somebody who answers -> the quorums that the yes counts for, or why this person cannot say it. Never
// whoever asks, in person or through an agent; never an agent; nobody twice.

import { type ApprovalTerms, type Approver, type Refusal, refuse } from '../decision.ts'
import type { Principal } from '../principal.ts'
import type { Approval, Person, Yes } from './approvals.ts'

/** The quorums that somebody is in, by their place in the terms; or the refusal: approvals.agent, .requester, .not_approver. */
export function quorumsOf(approval: Approval, approver: Principal): readonly number[] | Refusal {
  if (approver.actor !== '') {
    const message = 'an agent cannot answer for the person it acts for: answer as that person, with a token of your own'
    return refuse(403, 'Forbidden', 'approvals.agent', message)
  }
  const { requester, target } = approval
  // A person can ask for access that an agent of theirs is to have.
  const agents = target.kind === 'grant' ? [requester.actor, target.scope.actor] : [requester.actor]
  if (approver.user === requester.user || agents.some((agent) => isAgent(approver.user, agent))) {
    return refuse(403, 'Forbidden', 'approvals.requester', 'whoever asks cannot say yes, and nor can their agent')
  }
  const counts: number[] = []
  approval.terms.quorums.forEach(({ approvers }, at) => {
    if (approvers.some((each) => isOne(each, approver))) counts.push(at)
  })
  if (counts.length > 0) return counts
  const message = `you are none of those who can answer this: ${approversOf(approval.terms)}`
  return refuse(403, 'Forbidden', 'approvals.not_approver', message)
}

/** Whether enough people have said yes, in each quorum. */
export function isMet(terms: ApprovalTerms, yeses: readonly Pick<Yes, 'by' | 'counts'>[]): boolean {
  return terms.quorums.every(({ quorum }, at) => {
    const people = new Set(yeses.filter(({ counts }) => counts.includes(at)).map(({ by }) => by.user))
    return people.size >= quorum
  })
}

/** "2 of group oidc:sre; user oidc:carol". */
export function approversOf(terms: ApprovalTerms): string {
  const quorums = terms.quorums.map(({ quorum, approvers }) => {
    const names = approvers.map((each) => ('group' in each ? `group ${each.group}` : `user ${each.user}`)).join(' or ')
    return quorum === 1 ? names : `${quorum} of ${names}`
  })
  return [...new Set(quorums)].join('; ')
}

export function personOf({ user, groups, actor }: Principal): Person {
  return { user, groups, actor }
}

/**
 * Whether a user is the agent with a token of its own: actors have no issuer's prefix, and users end in their names behind
 * one ("oidc:", "https://issuer#").
 */
function isAgent(user: string, actor: string): boolean {
  if (actor === '' || !user.endsWith(actor)) return false
  return user.length === actor.length || !/[\p{L}\p{N}]/u.test(user.charAt(user.length - actor.length - 1))
}

function isOne(approver: Approver, { user, groups }: Principal): boolean {
  return 'group' in approver ? groups.includes(approver.group) : approver.user === user
}
