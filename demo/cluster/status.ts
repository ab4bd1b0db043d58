// Kubernetes' way to say no: a `Status` object with a reason that clients act upon (apimachinery pkg/api/errors). Thrown
// inside the demo's cluster, and turned into an answer in one place.

/** HTTP status of each `metav1.StatusReason` that the demo's cluster answers with. */
const CODES = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  InternalError: 500,
} as const

export type Reason = keyof typeof CODES

/** What the request was about: kubectl prints it ("pods \"x\" not found"). */
export interface StatusDetails {
  readonly name?: string
  readonly group?: string
  readonly kind?: string
  readonly uid?: string
}

export interface Status {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: Record<string, never>
  readonly status: 'Success' | 'Failure'
  readonly message?: string
  readonly reason?: Reason
  readonly details?: StatusDetails
  readonly code?: number
}

/** A request cannot be answered. Becomes the answer. */
export class ApiError extends Error {
  readonly status: Status
  readonly code: number

  constructor(reason: Reason, message: string, details?: StatusDetails) {
    super(message)
    this.code = CODES[reason]
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      ...(details === undefined ? {} : { details }),
      code: this.code,
    }
  }
}

export function success(details: StatusDetails): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }
}
