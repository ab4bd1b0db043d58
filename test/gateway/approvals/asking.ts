// A call by an agent that two groups of people can allow, and these people.

import assert from 'node:assert/strict'
import type { Answer, Approval, Asking } from '../../../gateway/approvals/approvals.ts'
import type { ApprovalTerms, Refusal } from '../../../gateway/decision.ts'
import type { Principal } from '../../../gateway/principal.ts'
import { type Books, openBooks } from '../../support/books.ts'
import { settle } from '../../support/manual-time.ts'

export const TERMS: ApprovalTerms = {
  quorums: [{ rule: 'shells', approvers: [{ group: 'oidc:sre' }], quorum: 1 }],
  waitMillis: 120_000,
  validForMillis: 600_000,
  uses: 1,
  reasonRequired: false,
  ticketRequired: false,
}

export function person(user: string, groups: readonly string[] = [], actor = ''): Principal {
  return { user: `oidc:${user}`, groups, actor, issuer: 'https://issuer', expiresAt: Number.MAX_SAFE_INTEGER }
}

export const ALICE = person('alice', ['oidc:dev', 'oidc:sre'], 'oidc:agent')
export const BOB = person('bob', ['oidc:sre'])
export const CAROL = person('carol', ['oidc:sre', 'oidc:leads'])

export function asking(changes: Partial<Asking> = {}): Asking {
  return {
    terms: TERMS,
    digest: 'd1',
    requester: ALICE,
    summary: {
      cluster: 'prod',
      run: 'run-1',
      command: 'kubectl exec web -- sh',
      verb: 'exec',
      resource: 'pods/exec',
      namespace: 'prod',
      name: 'web',
      diff: '',
      note: '',
      objects: 1,
    },
    reason: 'to look',
    ticket: '',
    ...changes,
  }
}

export function answerOf(id: string, changes: Partial<Answer> = {}): Answer {
  return { id, approver: BOB, answer: 'yes', reason: 'fine', ticket: '', via: 'cli', ...changes }
}

/** The state, or the rule of the refusal. */
export function outcome(result: Approval | Refusal): string {
  return 'state' in result ? result.state : result.rule
}

/** The approval; the request must not be refused. */
export async function asked({ approvals }: Books, changes: Parameters<typeof asking>[0] = {}): Promise<Approval> {
  const approval = await approvals.ask(asking(changes))
  assert.ok('state' in approval, JSON.stringify(approval))
  return approval
}

export function terms(changes: Partial<ApprovalTerms>): ApprovalTerms {
  return { ...TERMS, ...changes }
}

/** The clock goes on, and the book looks at it. */
export async function pass({ approvals, time }: Books, millis: number): Promise<void> {
  await time.advance(millis)
  approvals.look()
  await settle()
}

/** Same disk, ledger and time. */
export function restarted({ disk, ledger, time }: Books): Promise<Books> {
  return openBooks({ disk, ledger, time })
}
