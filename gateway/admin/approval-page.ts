// A query -> one page of the approvals that its sender may see, newest first. Refuses what means nothing.

import { z } from 'zod'
import { limits } from '../../protocols/limits.ts'
import type { Approval, Target } from '../approvals/approvals.ts'
import type { Refusal } from '../decision.ts'
import { approvalLine, maySee } from './approval-view.ts'
import type { Caller } from './caller.ts'
import type { Desk } from './desk.ts'
import { queryOf } from './json-body.ts'

const state = z.enum(['requested', 'cancelled', 'approved', 'denied', 'expired', 'used', 'revoked'])

const query = z.strictObject({
  /** Several with commas; "open": those that can be answered. */
  state: z
    .string()
    .transform((list) => list.split(',').flatMap((one) => (one === 'open' ? ['requested', 'cancelled'] : [one])))
    .pipe(z.array(state))
    .optional(),
  user: z.string().max(limits.approvals.lockName).optional(),
  limit: z
    .string()
    .regex(/^[1-9]\d{0,3}$/, 'from 1 to 1000')
    .transform(Number)
    .pipe(z.number().max(1_000, 'from 1 to 1000'))
    .default(100),
  /** The last id of the page before. */
  cursor: z.string().max(64).optional(),
})

export interface ApprovalPage {
  readonly lines: readonly ReturnType<typeof approvalLine>[]
  /** Where the next page begins, if there may be one. */
  readonly cursor: string | undefined
}

/** `kind`: only those; undefined: all. Refusal: admin.invalid. */
export function approvalPage(desk: Desk, caller: Caller, url: string, kind?: Target['kind']): ApprovalPage | Refusal {
  const asked = queryOf(url, query)
  if ('status' in asked) return asked
  const newest = [...desk.approvals.list()].reverse()
  const start = asked.cursor === undefined ? 0 : newest.findIndex(({ id }) => id === asked.cursor) + 1
  const lines: ReturnType<typeof approvalLine>[] = []
  for (const approval of newest.slice(start)) {
    if ((kind !== undefined && approval.target.kind !== kind) || !isAsked(approval, asked)) continue
    if (!maySee(caller, approval)) continue
    lines.push(approvalLine(approval, caller, desk.approvals.waiting(approval.id)))
    if (lines.length === asked.limit) return { lines, cursor: approval.id }
  }
  return { lines, cursor: undefined }
}

function isAsked({ state, requester }: Approval, asked: z.infer<typeof query>): boolean {
  return (asked.state?.includes(state) ?? true) && (asked.user === undefined || asked.user === requester.user)
}
