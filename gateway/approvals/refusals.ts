// An approval that is not good for a call, or a journal that cannot be written -> the refusal that says so.

import { MisuseError } from '../../protocols/errors.ts'
import { type Refusal, refuse } from '../decision.ts'
import { isOpen } from './approval-state.ts'
import type { Approval, No } from './approvals.ts'
import { JournalFailed } from './journal.ts'
import { LedgerFailed } from './ledger.ts'
import { approversOf } from './quorum.ts'

/** For the caller, of an approval that has not been given: approvals.waiting, .denied, .expired, .used, .revoked. */
export function notGood(approval: Approval): Refusal {
  const { id, state, terms } = approval
  switch (state) {
    case 'requested':
    case 'cancelled': {
      const rules = terms.quorums.map(({ rule }) => `"${rule}"`).join(', ')
      const message = `rule ${rules} needs a yes of ${approversOf(terms)}, who can give it with: sallyport approvals approve ${id}. Then make the same call again`
      return refuse(403, 'Forbidden', 'approvals.waiting', message)
    }
    case 'denied':
      return refuse(403, 'Forbidden', 'approvals.denied', `approval ${id} was denied${whoAndWhy(approval.no)}`)
    case 'revoked':
      return refuse(403, 'Forbidden', 'approvals.revoked', `approval ${id} was taken back${whoAndWhy(approval.no)}`)
    case 'expired':
      return refuse(
        403,
        'Forbidden',
        'approvals.expired',
        `approval ${id} has expired; make the same call again to ask anew`,
      )
    case 'used':
      return refuse(
        403,
        'Forbidden',
        'approvals.used',
        `approval ${id} has been used up; make the same call again to ask anew`,
      )
    case 'approved':
      throw new MisuseError('a refusal for an approval that is good')
  }
}

/** For whoever answers too late: approvals.late after its time, approvals.answered after other people. */
export function alreadyOver(approval: Approval): Refusal {
  if (isOpen(approval)) throw new MisuseError('a refusal for an approval that can be answered')
  const { id, state } = approval
  if (state === 'expired') return refuse(403, 'Forbidden', 'approvals.late', `approval ${id} has expired`)
  return refuse(403, 'Forbidden', 'approvals.answered', `approval ${id} has been answered already: it is ${state}`)
}

/** approvals.unrecorded. */
export function unrecordable(): Refusal {
  const message =
    'the gateway cannot record approvals (its disk may be full or failing), so nothing that needs them passes'
  return refuse(503, 'ServiceUnavailable', 'approvals.unrecorded', message)
}

/** Rethrows what is no failure of the journal or the ledger. */
export function unrecorded(error: unknown): Refusal {
  if (!(error instanceof JournalFailed || error instanceof LedgerFailed)) throw error
  return unrecordable()
}

function whoAndWhy(no: No | null): string {
  if (no === null) return ''
  return no.reason === '' ? ` by ${no.by.user}` : ` by ${no.by.user}: ${no.reason}`
}
