// A refusal -> the one form in which the admin API says no: JSON with the rule that refused and what to do, and the status
// that HTTP has for it.

import type { Refusal } from '../decision.ts'

/** What has come too late or twice: on the gateway a plain 403, to who answers by REST a conflict. */
const CONFLICTS: ReadonlySet<string> = new Set([
  'approvals.answered',
  'approvals.late',
  'approvals.twice',
  'approvals.not_approved',
])

/** `{"rule": "approvals.twice", "message": "…"}`. */
export function refusalResponse({ status, rule, message }: Refusal, headers: Record<string, string> = {}): Response {
  const realm = status === 401 ? { 'www-authenticate': 'Bearer realm="sallyport-admin"' } : {}
  const code = CONFLICTS.has(rule) ? 409 : status
  return Response.json({ rule, message }, { status: code, headers: { ...realm, ...headers } })
}
