// The Sallyport-* fields of a request -> what the caller says of itself: cleaned for people, bounded, and believed by
// nothing that widens anybody's rights.

import { type Fields, field } from '../protocols/fields.ts'
import { limits } from '../protocols/limits.ts'
import { plainText } from './approvals/plain-text.ts'

export interface Claims {
  /** `Sallyport-Run`: one task of an agent, or "". */
  readonly run: string
  /** `Sallyport-Intent`: why, or "". */
  readonly intent: string
  /** `Sallyport-Ticket`, or "". */
  readonly ticket: string
}

/** In UTF-8, as HTTP's octets are read where they are text. */
export function claimsOf(fields: Fields): Claims {
  return {
    run: claim(fields, 'sallyport-run', limits.approvals.lockName),
    intent: claim(fields, 'sallyport-intent', limits.approvals.reason),
    ticket: claim(fields, 'sallyport-ticket', limits.approvals.reason),
  }
}

function claim(fields: Fields, name: string, longest: number): string {
  const value = field(fields, name)
  return value === undefined ? '' : plainText(Buffer.from(value, 'latin1').toString('utf8'), longest).trim()
}
