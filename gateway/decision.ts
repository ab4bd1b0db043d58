// What a stage answers: go on, or a refusal that the caller understands. A refusal is a value, never an exception.

/** How entries must be on disk before bytes pass (design, Tapes). */
export type Durability = 'strict' | 'group'

/** `metav1.StatusReason` (apimachinery meta/v1/types.go), those the gateway answers with. */
export type StatusReason =
  | 'Unauthorized'
  | 'Forbidden'
  | 'BadRequest'
  | 'RequestEntityTooLarge'
  | 'NotFound'
  | 'MethodNotAllowed'
  | 'TooManyRequests'
  | 'InternalError'
  | 'ServiceUnavailable'
  | 'Timeout'
  | 'Invalid'
  | 'BadGateway'
  | 'ExpectationFailed'
  | 'NotAcceptable'
  | 'UnsupportedMediaType'

/** Why a request goes no further. `message` is for the caller: what, why, and what to do; it holds no secret and no token. */
export interface Refusal {
  readonly allowed: false
  /** The HTTP status. */
  readonly status: number
  readonly reason: StatusReason
  readonly message: string
  /** The rule or check that refused: a policy rule's name, "default", or "stage.check" ("authn.expired", "path.encoded_slash"). */
  readonly rule: string
  /** More for machines, as causes of the Status: [type, message]. */
  readonly causes?: readonly (readonly [type: string, message: string])[]
  /** Where a rule has put the call to people. */
  readonly consent?: Consent
}

export interface Permission {
  readonly allowed: true
  readonly rule: string
  readonly reason: string
  readonly durability: Durability
  /** What people have said to it, where that is why. */
  readonly consent?: Consent
}

/** An approval or a standing grant that a call has to do with. */
export interface Consent {
  readonly id: string
  /** The policy's rule that asks for it. */
  readonly rule: string
  /** It can still be answered. */
  readonly isOpen: boolean
  /** The call goes on by a use that the cluster did not take of it before: there is no third time. */
  readonly isRepeated?: boolean
}

/** Who may say yes. Exact names with the issuer's prefix. */
export type Approver = { readonly group: string } | { readonly user: string }

/** Of these people so many must say yes. */
export interface Quorum {
  /** The rule that asks for it. */
  readonly rule: string
  readonly approvers: readonly Approver[]
  /** From 1; people, not groups. */
  readonly quorum: number
}

/** What a yes must be for a call to go on: of several rules that ask, all of it together. */
export interface ApprovalTerms {
  /** Each must be met, by the names of their rules in order; one approver counts for all that they are in. Never empty. */
  readonly quorums: readonly Quorum[]
  /** How long the call is parked for the answer; of several rules the longest. 0: not at all. */
  readonly waitMillis: number
  /** From the yes; of several rules the shortest. */
  readonly validForMillis: number
  /** Calls that one yes is good for; of several rules the fewest. */
  readonly uses: number
  /** Whether whoever asks must say why (the `Sallyport-Intent` claim). */
  readonly reasonRequired: boolean
  /** Whether a ticket must be named. */
  readonly ticketRequired: boolean
}

/**
 * A refusal that people can lift. To whatever knows nothing of approvals it is a plain 403, with a message that says so;
 * what parks calls asks `needsApproval`. `rule` is the first rule in the policy that asks, the others are in the terms.
 */
export interface ApprovalNeeded extends Refusal {
  readonly approval: ApprovalTerms
  /** For the call, once it is approved. */
  readonly durability: Durability
}

export type Decision = Permission | Refusal | ApprovalNeeded

export function needsApproval(decision: Decision): decision is ApprovalNeeded {
  return !decision.allowed && 'approval' in decision
}

export function refuse(status: number, reason: StatusReason, rule: string, message: string): Refusal {
  return { allowed: false, status, reason, message, rule }
}
