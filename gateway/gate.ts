// What the gateway holds while it runs: the parts the pipeline puts in order. Replaced whole by a reload; what is under
// way keeps the one it began with.

import type { Logger } from 'pino'
import type { Metrics } from './admin/metrics.ts'
import type { Authenticator } from './authn/authenticator.ts'
import type { Deadlines } from './deadlines.ts'
import type { Refusal } from './decision.ts'
import type { DecisionHooks } from './hooks/decision-hook.ts'
import type { TicketCheck } from './hooks/ticket-check.ts'
import type { Masking } from './mask/masking.ts'
import type { People } from './people.ts'
import type { Policy } from './policy/policy.ts'
import type { Pressure } from './pressure.ts'
import type { TapeStore } from './tape/tape.ts'
import type { Upstream } from './upstream/upstream.ts'
import type { UserRequests } from './user-requests.ts'

export interface Cluster {
  readonly upstream: Upstream
  /** `impersonate`: the cluster sees the caller; `shared`: only the gateway. */
  readonly identity: 'impersonate' | 'shared'
}

/** Why the gateway ends something: the tape's word for it, a sentence for the person, and the refusal where there is one. */
export interface Cut {
  readonly reason: string
  readonly message: string
  readonly refusal?: Refusal
}

/** A stream, a streaming answer or a parked call that the gateway can end. */
export interface Cuttable {
  cut(cut: Cut): void
}

/** Whose it is, for locks, and whose yes it rests on. `run` is what the caller says, or "". */
export interface Who {
  readonly user: string
  readonly actor: string
  readonly run: string
  readonly cluster: string
  /** The approval or the standing grant by which it goes on, or "". */
  readonly consent: string
}

export interface Gate {
  readonly clusters: ReadonlyMap<string, Cluster>
  /** The first of the configuration: what paths without /clusters/NAME go to. */
  readonly defaultCluster: string
  readonly authenticator: Authenticator
  readonly policy: Policy
  readonly masking: Masking
  /** Approvals, grants, locks and what is spent of budgets; shared over reloads. */
  readonly people: Pick<People, 'approvals' | 'grants' | 'locks' | 'budgets'>
  /** Servers of the operator's own that are asked about calls. */
  readonly hooks: DecisionHooks
  readonly tickets: TicketCheck
  readonly store: TapeStore
  readonly deadlines: Deadlines
  readonly metrics: Metrics
  readonly log: Logger
  /** Bytes of each body that are kept on a tape. */
  readonly bodyBytes: number
  /** What is streaming now; shared over reloads. */
  readonly streams: Map<Cuttable, Who>
  /** What waits for people's answers now; shared over reloads. */
  readonly parked: Map<Cuttable, Who>
  /** What each user has under way; shared over reloads. */
  readonly users: UserRequests
  readonly pressure: Pressure
  /** The gate of this moment: a call that has waited looks whether it is still this one. */
  current(): Gate
  /** Random, for Audit-ID. */
  newId(): string
}
