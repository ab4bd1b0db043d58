// What the routes for people work on: the books of approvals, grants, locks and budgets, and policy and identity as they are at the
// moment. The contract between the gateway and the admin API; nothing here decides.

import type { Ledger } from '../approvals/ledger.ts'
import type { Timers } from '../approvals/timers.ts'
import type { Authenticator } from '../authn/authenticator.ts'
import type { Approver } from '../decision.ts'
import type { TicketCheck } from '../hooks/ticket-check.ts'
import type { People } from '../people.ts'
import type { Policy } from '../policy/policy.ts'
import type { AnsweringWebhook } from '../webhooks/answers.ts'

export interface Desk extends Pick<People, 'approvals' | 'grants' | 'locks' | 'budgets' | 'nonces'> {
  policy(): Policy
  authenticator(): Authenticator
  /** Names, the default first. */
  clusters(): readonly string[]
  /** Who may lock and unlock, and sees everything, by a token of their own. */
  operators(): readonly Approver[]
  /** Webhooks whose signed answers are taken, by name. */
  answering(): ReadonlyMap<string, AnsweringWebhook>
  tickets(): TicketCheck
  /** Where attempts that were refused are written. */
  readonly ledger: Ledger
  /** Milliseconds since 1970. */
  now(): number
  readonly timers: Timers
}
