// What somebody tried at the admin API and was refused -> a note for auditors: an answer by whoever asks, twice, too late or
// for another cluster shows on the control tape as much as one that counts.

import { type Ledger, LedgerFailed } from '../approvals/ledger.ts'
import { plainText } from '../approvals/plain-text.ts'
import type { Refusal } from '../decision.ts'
import { type Caller, personOfCaller } from './caller.ts'

/** Characters of an id or a target as it was sent: ours are shorter. */
const SUBJECT = 128

/**
 * `what`: "answer", "revoke", "grant", "lock" or "unlock"; `subject`: the id or the target that was named. While the ledger
 * takes nothing, nothing is noted: nothing has happened either.
 */
export function noteAttempt(ledger: Ledger, caller: Caller, what: string, subject: string, refusal: Refusal): void {
  const { user, actor } = personOfCaller(caller)
  const { rule, message } = refusal
  try {
    ledger.append({
      code: 'admin.refused',
      text: `${what} refused: ${message}`,
      facts: { what, subject: plainText(subject, SUBJECT), rule, user, actor },
    })
  } catch (error) {
    if (!(error instanceof LedgerFailed)) throw error
  }
}
