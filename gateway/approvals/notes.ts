// A transition of an approval or a lock -> the note of it for the ledger: what happened in one line, and the facts apart.

import type { NoteBody } from '../../protocols/tape/entry.ts'
import type { Approval, ApprovalEvent, Person } from './approvals.ts'
import type { Lock, LockEvent } from './locks.ts'

type Facts = NonNullable<NoteBody['facts']>

/** Of a transition: approvals.request, .cancel, .return, .approve, .deny, .revoke, .expire, .use. `approval`: as it is after it. */
export function approvalNote(event: ApprovalEvent, approval: Approval): NoteBody {
  const code = `approvals.${event.kind}`
  const { id, summary } = approval
  const facts: Facts = { approval: id, state: approval.state }
  switch (event.kind) {
    case 'request':
      return {
        code,
        text: `${nameOf(event.requester)} asks for: ${summary.command}`,
        facts: { ...facts, ...requestFacts(approval) },
      }
    case 'approve': {
      const { by, reason, ticket, via, counts, validUntil } = event
      const quorums = counts.map((at) => approval.terms.quorums[at]?.rule ?? '').join(', ')
      const until = validUntil === null ? {} : { validUntil }
      return {
        code,
        text: `${nameOf(by)} says yes`,
        facts: { ...facts, ...personFacts(by), reason, ticket, via, quorums, ...until },
      }
    }
    case 'deny':
    case 'revoke': {
      const { by, reason, ticket, via } = event
      const text = event.kind === 'deny' ? `${nameOf(by)} says no` : `${nameOf(by)} takes the yes back`
      return { code, text, facts: { ...facts, ...personFacts(by), reason, ticket, via } }
    }
    case 'use':
      return {
        code,
        text: `use ${event.used} of ${approval.terms.uses}`,
        facts: { ...facts, used: event.used, uses: approval.terms.uses },
      }
    case 'cancel':
      return { code, text: 'the client has gone; the request can still be answered', facts }
    case 'return':
      return { code, text: 'the same call has been made again', facts }
    case 'expire':
      return { code, text: 'its time is up', facts }
  }
}

/** What stands when the gateway starts: approvals.standing. */
export function standingNote(approval: Approval): NoteBody {
  const { id, state, validUntil, used, requester, summary } = approval
  const until = validUntil === null ? {} : { validUntil }
  return {
    code: 'approvals.standing',
    text: `${nameOf(requester)} has asked for: ${summary.command}`,
    facts: { approval: id, state, used, ...until, ...requestFacts(approval) },
  }
}

/** locks.lock, locks.unlock. */
export function lockNote({ kind, lock, by, reason }: LockEvent): NoteBody {
  const text = `${nameOf(by)} ${kind === 'lock' ? 'locks' : 'unlocks'} ${targetOf(lock)}`
  return { code: `locks.${kind}`, text, facts: { ...lockFacts(lock), ...personFacts(by), reason } }
}

/** What is locked when the gateway starts: locks.standing. */
export function standingLockNote(lock: Lock): NoteBody {
  const { by, reason } = lock
  return {
    code: 'locks.standing',
    text: `${targetOf(lock)} is locked by ${nameOf(by)}`,
    facts: { ...lockFacts(lock), ...personFacts(by), reason },
  }
}

function requestFacts(approval: Approval): Facts {
  const { target, terms, requester, summary, reason, ticket, answerBy } = approval
  const what: Facts = target.kind === 'call' ? { digest: target.digest } : { scope: JSON.stringify(target.scope) }
  return {
    ...what,
    ...personFacts(requester),
    ...summary,
    objects: summary.objects ?? 'unknown',
    reason,
    ticket,
    quorums: JSON.stringify(terms.quorums),
    uses: terms.uses,
    validForMillis: terms.validForMillis,
    answerBy,
  }
}

function personFacts({ user, groups, actor }: Person): Facts {
  return { user, groups: groups.join(', '), actor }
}

function lockFacts({ id, target }: Lock): Facts {
  return { lock: id, kind: target.kind, name: target.name }
}

function targetOf({ target: { kind, name } }: Lock): string {
  return kind === 'all' ? 'everything' : `${kind} ${name}`
}

function nameOf({ user, actor }: Person): string {
  return actor === '' ? user : `${user} (${actor})`
}
