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
}

export interface Permission {
  readonly allowed: true
  readonly rule: string
  readonly reason: string
  readonly durability: Durability
}

export type Decision = Permission | Refusal

export function refuse(status: number, reason: StatusReason, rule: string, message: string): Refusal {
  return { allowed: false, status, reason, message, rule }
}
