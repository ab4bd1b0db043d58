// What a rule's approval asks for, in numbers; and what several rules that ask for one ask together.

import type { ApprovalTerms, Approver } from '../decision.ts'
import type { ApprovalDocument } from './document.ts'

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** "10m" in milliseconds; the schema has seen to its form. */
export function milliseconds(duration: string): number {
  return Number(duration.slice(0, -1)) * (UNITS[duration.slice(-1)] as number)
}

export function termsOf(rule: string, source: ApprovalDocument): ApprovalTerms {
  const { approvers, wait, validFor, uses, quorum, reasonRequired, ticketRequired } = source
  return {
    quorums: [{ rule, quorum, approvers: approvers.map(({ group, user }) => approver(group, user)) }],
    waitMillis: milliseconds(wait),
    validForMillis: milliseconds(validFor),
    uses,
    reasonRequired,
    ticketRequired,
  }
}

function approver(group: string | undefined, user: string | undefined): Approver {
  return group === undefined ? { user: user as string } : { group }
}

/**
 * What satisfies every one of them, so that no rule can weaken another's approval by standing before it. By the names of
 * the rules: their order in the file says nothing.
 */
export function together(terms: readonly ApprovalTerms[]): ApprovalTerms {
  const [only] = terms
  if (terms.length === 1 && only !== undefined) return only
  return {
    quorums: terms.flatMap(({ quorums }) => quorums).sort((a, b) => (a.rule < b.rule ? -1 : 1)),
    waitMillis: Math.max(...terms.map(({ waitMillis }) => waitMillis)),
    validForMillis: Math.min(...terms.map(({ validForMillis }) => validForMillis)),
    uses: Math.min(...terms.map(({ uses }) => uses)),
    reasonRequired: terms.some(({ reasonRequired }) => reasonRequired),
    ticketRequired: terms.some(({ ticketRequired }) => ticketRequired),
  }
}
