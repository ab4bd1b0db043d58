// A call or a time of access that people must allow -> their answer, and the calls that it is good for. The contract;
// approval-book.ts keeps it. Refusals are values, each with a rule of its own.

import type { ApprovalTerms, Refusal } from '../decision.ts'
import type { Principal } from '../principal.ts'
import type { GrantScope } from './grant-scope.ts'

/**
 * requested: nobody has answered, or not enough people have. cancelled: the same, but the client has gone; it can still
 * be answered, and the same call made again waits for it. used: every use is spent. revoked: taken back after the yes.
 */
export type ApprovalState = 'requested' | 'cancelled' | 'approved' | 'denied' | 'expired' | 'used' | 'revoked'

/** Who asks or answers, as it is kept. */
export interface Person {
  readonly user: string
  readonly groups: readonly string[]
  /** The agent that acts for the user, or "". */
  readonly actor: string
}

/** What a person sees of what is asked for. Masked: no secret value is in it. */
export interface Summary {
  readonly cluster: string
  /** What the caller says of its run, or "". */
  readonly run: string
  /** As kubectl would say it. */
  readonly command: string
  readonly verb: string
  /** "pods/exec", "apps/deployments". */
  readonly resource: string
  /** Or "". */
  readonly namespace: string
  /** Or "". */
  readonly name: string
  /** What the write would change, by the server's own dry run; "" where there is none. */
  readonly diff: string
  /** Why there is no diff, or what is not in it; or "". */
  readonly note: string
  /** How many objects it touches; null where nobody knows. */
  readonly objects: number | null
}

/** What a yes is for. */
export type Target =
  /** Exactly the calls with this digest (request-digest.ts, hex). */
  | { readonly kind: 'call'; readonly digest: string }
  /** Whatever the scope holds, for a time (grants.ts). */
  | { readonly kind: 'grant'; readonly scope: GrantScope }

/** One person's yes. */
export interface Yes {
  readonly by: Person
  readonly at: number
  readonly reason: string
  readonly ticket: string
  /** Where it came from: "cli", "api", a webhook's name. */
  readonly via: string
  /** The quorums that it counts for, by their place in the terms. */
  readonly counts: readonly number[]
}

/** A no, or a yes taken back. */
export interface No {
  readonly by: Person
  readonly at: number
  readonly reason: string
  readonly ticket: string
  readonly via: string
}

/** Never changed: a new state is a new object. All times are in milliseconds since 1970. */
export interface Approval {
  readonly id: string
  readonly state: ApprovalState
  readonly target: Target
  readonly terms: ApprovalTerms
  readonly requester: Person
  readonly summary: Summary
  /** Why, as whoever asks says it (the `Sallyport-Intent` claim), or "". */
  readonly reason: string
  /** Or "". */
  readonly ticket: string
  readonly requestedAt: number
  /** Nobody can answer from then on. */
  readonly answerBy: number
  readonly yeses: readonly Yes[]
  /** Once denied or revoked. */
  readonly no: No | null
  /** No use and no access from then on; null before enough people have said yes. */
  readonly validUntil: number | null
  /** Uses spent. */
  readonly used: number
  /** When it came to its last state; null while there may be another. */
  readonly overAt: number | null
}

/** A transition, as the journal keeps it, and as tapes and notifications get it once it is on disk. */
export type ApprovalEvent = { readonly id: string; readonly at: number } & (
  | {
      readonly kind: 'request'
      readonly target: Target
      readonly terms: ApprovalTerms
      readonly requester: Person
      readonly summary: Summary
      readonly reason: string
      readonly ticket: string
      readonly answerBy: number
    }
  /** The client has gone; the same call has been made again. */
  | { readonly kind: 'cancel' | 'return' }
  | {
      readonly kind: 'approve'
      readonly by: Person
      readonly reason: string
      readonly ticket: string
      readonly via: string
      readonly counts: readonly number[]
      /** Set by the last yes that was needed. */
      readonly validUntil: number | null
    }
  | {
      readonly kind: 'deny' | 'revoke'
      readonly by: Person
      readonly reason: string
      readonly ticket: string
      readonly via: string
    }
  | { readonly kind: 'expire' }
  /** The how-manieth use. */
  | { readonly kind: 'use'; readonly used: number }
)

/** A call that needs a yes. */
export interface Asking {
  readonly terms: ApprovalTerms
  /** Of request-digest.ts. */
  readonly digest: string
  readonly requester: Principal
  readonly summary: Summary
  /** Or "". */
  readonly reason: string
  /** Or "". */
  readonly ticket: string
}

/** A person's answer. */
export interface Answer {
  readonly id: string
  /** Verified by whoever took the answer. */
  readonly approver: Principal
  readonly answer: 'yes' | 'no'
  /** Or "". */
  readonly reason: string
  /** Or "". */
  readonly ticket: string
  /** "cli", "api", a webhook's name. */
  readonly via: string
  /** The cluster that whoever answers believes it is for; absent: not said. */
  readonly cluster?: string
}

/**
 * answered: see the approval's state, which is approved, denied, expired or revoked. timeout: the wait is over, the
 * request stands. failed: nothing can be recorded for now.
 */
export type WaitOutcome = 'answered' | 'timeout' | 'failed'

/** Told of each transition once it is on disk, in order, before anything passes because of it. Does not throw. */
export type ApprovalListener = (event: ApprovalEvent, approval: Approval) => void

export interface Approvals {
  /**
   * The approval that speaks of this call under these terms: the one that waits, or is good for it, or has just been
   * denied; or else a fresh one, on disk when it is returned. So its state is requested, approved, denied or revoked.
   * Refusals: approvals.reason_required, .user_pending, .pending, .unrecorded.
   */
  ask(asking: Asking): Promise<Approval | Refusal>
  /** What `ask` would return without asking anybody, whether it is on disk already or not. */
  standing(asking: Pick<Asking, 'terms' | 'digest'>): Approval | undefined
  /**
   * Parks a call that holds so many bytes for `terms.waitMillis` at most. `told` is called once, never before this
   * returns, and not after the returned function: that one is for a client that goes.
   */
  wait(id: string, told: (outcome: WaitOutcome, approval: Approval) => void, bytes?: number): () => void
  /**
   * Spends one use; it is on disk when this resolves, and only then may the call go on. Refusals: approvals.none,
   * .waiting, .denied, .expired, .used, .revoked, .unrecorded.
   */
  use(asking: Pick<Asking, 'terms' | 'digest'>): Promise<Approval | Refusal>
  /**
   * The cluster has not taken the upgrade that a use was for: the same call, as kubectl repeats it in another protocol, may
   * go on by the same use, once and within moments.
   */
  unspent(id: string): void
  /** Takes such a use, where there is one. */
  spare(asking: Pick<Asking, 'terms' | 'digest'>): Approval | undefined
  /**
   * Refusals: approvals.unknown, .cluster, .agent, .requester, .not_approver, .twice, .answered, .late,
   * .ticket_required, .unrecorded.
   */
  answer(answer: Answer): Promise<Approval | Refusal>
  /**
   * Takes a yes back that is still good, for whoever could have given it and for the requester. Refusals:
   * approvals.unknown, .agent, .not_approver, .not_approved, .unrecorded.
   */
  revoke(revocation: Omit<Answer, 'answer' | 'cluster'>): Promise<Approval | Refusal>
  get(id: string): Approval | undefined
  /** By when they were asked for. */
  list(): readonly Approval[]
  /** How many calls wait for it now. */
  waiting(id: string): number
  /** Returns the remover. */
  onEvent(listener: ApprovalListener): () => void
}
