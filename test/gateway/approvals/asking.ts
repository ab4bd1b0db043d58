// A call by an agent that two groups of people can allow, and these people.

import type { Answer, Approval, Asking } from '../../../gateway/approvals/approvals.ts'
import type { ApprovalTerms, Refusal } from '../../../gateway/decision.ts'
import type { Principal } from '../../../gateway/principal.ts'

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
