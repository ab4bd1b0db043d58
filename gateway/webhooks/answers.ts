// A signed message from a webhook's other end -> somebody's answer to an approval. Refuses what is not signed with the
// webhook's own secret, too old or too new, here for a second time, or in the name of somebody whom the webhook may not speak
// for; what it takes is judged like any answer.

import { z } from 'zod'
import { limits } from '../../protocols/limits.ts'
import type { Approval, Approvals } from '../approvals/approvals.ts'
import { JournalFailed } from '../approvals/journal.ts'
import { unrecorded } from '../approvals/refusals.ts'
import { type Refusal, refuse } from '../decision.ts'
import { readObject } from '../json.ts'
import type { Principal } from '../principal.ts'
import type { Nonces } from './nonces.ts'
import { isSigned } from './signature.ts'

/** Whose answers a webhook brings. */
export interface AnsweringWebhook {
  readonly name: string
  readonly secret: Uint8Array
  /** By the name that the other end has for them. */
  readonly approvers: ReadonlyMap<string, Pick<Principal, 'user' | 'groups'>>
}

/** A message as it came. */
export interface Incoming {
  /** The value of a header field, or undefined. */
  header(name: string): string | undefined
  readonly body: Uint8Array
}

export interface AnswersOptions {
  readonly approvals: Pick<Approvals, 'answer'>
  readonly nonces: Nonces
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Why somebody may not answer for now. */
  readonly lockedOut: (user: string) => Refusal | undefined
}

const text = (longest: number) => z.string().max(longest)

const answerBody = z.strictObject({
  /** As the other end calls them. */
  approver: text(256).min(1),
  approval: text(64).min(1),
  cluster: text(256).min(1),
  answer: z.enum(['approve', 'deny']),
  reason: text(limits.approvals.reason).default(''),
  ticket: text(limits.approvals.reason).default(''),
})

/** What was said, as far as it could be read: for the record of a refusal too. */
export interface Heard {
  readonly approval: string
  readonly approver: string
  readonly result: Approval | Refusal
}

/**
 * Refusals: webhooks.unsigned, .timestamp, .signature, .replayed, .nonces, .body, .approver, locks.*, and those of
 * `Approvals.answer`.
 */
export async function takeAnswer(
  webhook: AnsweringWebhook,
  { header, body }: Incoming,
  { approvals, nonces, now, lockedOut }: AnswersOptions,
): Promise<Heard> {
  const nobody = (result: Refusal): Heard => ({ approval: '', approver: '', result })
  const id = header('webhook-id') ?? ''
  const timestamp = header('webhook-timestamp') ?? ''
  const signature = header('webhook-signature') ?? ''
  if (!ID.test(id) || signature === '') return nobody(UNSIGNED)
  if (!TIMESTAMP.test(timestamp)) return nobody(UNSIGNED)
  // The signature first: of what is not signed nothing else is anybody's business.
  if (!isSigned(webhook.secret, { id, timestamp, body }, signature)) return nobody(FORGED)
  const at = Number(timestamp) * 1_000
  if (Math.abs(now() - at) > limits.approvals.answerMillis) return nobody(STALE)
  try {
    const taken = nonces.take(JSON.stringify([webhook.name, id]), at + limits.approvals.answerMillis + 1)
    if (taken !== 'fresh') return nobody(taken === 'seen' ? REPLAYED : FULL)
  } catch (error) {
    if (!(error instanceof JournalFailed)) throw error
    return nobody(unrecorded(error))
  }
  const parsed = answerBody.safeParse(readObject(body))
  if (!parsed.success) return nobody(UNREADABLE)
  const { approver, approval, cluster, answer, reason, ticket } = parsed.data
  const person = webhook.approvers.get(approver)
  const refusal = person === undefined ? UNKNOWN_APPROVER : lockedOut(person.user)
  const result =
    refusal !== undefined || person === undefined
      ? (refusal ?? UNKNOWN_APPROVER)
      : await approvals.answer({
          id: approval,
          approver: { ...person, actor: '', issuer: '', expiresAt: Number.POSITIVE_INFINITY },
          answer: answer === 'approve' ? 'yes' : 'no',
          reason,
          ticket,
          via: webhook.name,
          cluster,
        })
  return { approval, approver, result }
}

/** Without a dot, which parts the id from the timestamp in what is signed. */
const ID = /^[\x21-\x2d\x2f-\x7e]{1,128}$/
const TIMESTAMP = /^[1-9]\d{0,11}$/

const UNSIGNED = refuse(
  401,
  'Unauthorized',
  'webhooks.unsigned',
  'sign the answer: webhook-id, webhook-timestamp and webhook-signature, as the Standard Webhooks specification has them',
)
const FORGED = refuse(401, 'Unauthorized', 'webhooks.signature', 'the signature is not of this answer with this secret')
const STALE = refuse(
  401,
  'Unauthorized',
  'webhooks.timestamp',
  `the answer was signed more than ${limits.approvals.answerMillis / 60_000} minutes before or after now`,
)
const REPLAYED = refuse(409, 'Forbidden', 'webhooks.replayed', 'an answer with this webhook-id has been here already')
const FULL = refuse(429, 'TooManyRequests', 'webhooks.nonces', 'too many answers have come; send this one again later')
const UNREADABLE = refuse(
  422,
  'Invalid',
  'webhooks.body',
  'the body must be JSON: {"approver": …, "approval": …, "cluster": …, "answer": "approve" or "deny", "reason", "ticket"}',
)
const UNKNOWN_APPROVER = refuse(
  403,
  'Forbidden',
  'webhooks.approver',
  'this webhook may not speak for that approver: name them under its answers in the configuration',
)
