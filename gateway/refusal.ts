// A refusal as the HTTP answer that kubectl and client-go understand: a Status. It never has a Retry-After, on which
// client-go repeats any verb (client-go rest/with_retry.go).

import type { PeerError } from '../protocols/errors.ts'
import type { Fields } from '../protocols/fields.ts'
import { statusBytes } from '../protocols/kube/status.ts'
import type { Refusal } from './decision.ts'

const JSON_FIELDS: Fields = ['Content-Type', 'application/json', 'Cache-Control', 'no-cache, private']

export interface RefusalAnswer {
  readonly status: number
  readonly fields: Fields
  readonly body: Uint8Array
}

/** `auditId`: the request's, or "" where it has none. */
export function refusalAnswer(refusal: Refusal, auditId: string): RefusalAnswer {
  const { status, reason, message, rule, causes = [], consent } = refusal
  const uid = auditId === '' ? {} : { uid: auditId }
  // Of an Invalid kubectl shows the causes alone, each with its field before it (kubectl pkg/cmd/util/helpers.go).
  const cause =
    reason === 'Invalid'
      ? (['SallyportRule', `${rule}: ${message}`, 'body'] as const)
      : (['SallyportRule', rule] as const)
  const approval = consent === undefined ? [] : ([['SallyportApproval', consent.id]] as const)
  const told = [cause, ...causes, ...approval] as const
  const body = statusBytes({ code: status, reason, message, ...uid, causes: told })
  const fields = auditId === '' ? JSON_FIELDS : [...JSON_FIELDS, 'Audit-ID', auditId]
  return { status, fields: status === 401 ? [...fields, 'WWW-Authenticate', 'Bearer'] : fields, body }
}

/** The answer to bytes that are not HTTP as it must be: the connection closes behind it. */
export function malformedAnswer(error: PeerError): RefusalAnswer {
  const message = `the request is not valid HTTP (${error.message})`
  const body = statusBytes({ code: error.code, reason: 'BadRequest', message, causes: [['SallyportRule', error.rule]] })
  return { status: error.code, fields: JSON_FIELDS, body }
}
