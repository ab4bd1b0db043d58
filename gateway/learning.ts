// The clusters whose Secrets are learned ahead -> a watch for each, with what becomes of it in the log, in metrics and on the
// control tape. None of it holds a value, and none of it stops the gateway: it learns from answers in any case.

import type { Logger } from 'pino'
import { LedgerFailed } from './approvals/ledger.ts'
import type { ControlTape } from './control-tape.ts'
import { impersonation } from './identity.ts'
import { SecretWatch } from './learn/secret-watch.ts'
import type { LearnFrom } from './mask/field-record.ts'
import type { Timers } from './tape/clock.ts'
import type { Upstream } from './upstream/upstream.ts'

export interface LearningOptions {
  readonly learn: LearnFrom
  readonly control: Pick<ControlTape, 'append' | 'durable'>
  readonly metrics: { learning(cluster: string, isCurrent: boolean): void; learningFailed(rule: string): void }
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly timers: Pick<Timers, 'after'>
  /** From 0 up to 1. */
  readonly random: () => number
}

/** A cluster to learn from, and whom the gateway impersonates there, if anybody. */
export interface LearnedCluster {
  readonly name: string
  readonly upstream: Upstream
  readonly as: { readonly user: string; readonly groups: readonly string[] } | undefined
}

export class Learning {
  readonly #options: LearningOptions
  #watches: SecretWatch[] = []

  constructor(options: LearningOptions) {
    this.#options = options
  }

  /** These from now on, and no others. */
  watch(clusters: readonly LearnedCluster[]): void {
    this.close()
    this.#watches = clusters.map((cluster) => this.#watchOf(cluster))
    for (const watch of this.#watches) void watch.run()
  }

  close(): void {
    for (const watch of this.#watches) watch.close()
    this.#watches = []
  }

  #watchOf({ name: cluster, upstream, as }: LearnedCluster): SecretWatch {
    const { learn, control, metrics, log, timers, random } = this.#options
    const note = (code: string, text: string, facts: Readonly<Record<string, string | number>>): void =>
      control.append({ code, text, facts: { cluster, ...facts } })
    metrics.learning(cluster, false)
    let failure = ''
    return new SecretWatch({
      upstream,
      identity: as === undefined ? [] : impersonation({ ...as, actor: '', issuer: '', expiresAt: 0 }, {}),
      learn: (object, path, value) => learn(object, path, value, `${cluster}/${object.namespace}`),
      after: (millis, callback) => timers.after(millis, callback),
      random,
      told: {
        async asking() {
          note('learn.list', 'the gateway lists all Secrets, to know their values', {})
          await control.durable()
        },
        listed({ secrets, values }) {
          failure = ''
          metrics.learning(cluster, true)
          log.info({ cluster, secrets, values }, 'the values of all Secrets have been learned')
          attempt(() => note('learn.listed', 'the values of all Secrets have been learned', { secrets, values }))
        },
        watching() {
          if (failure !== '') log.info({ cluster }, 'Secrets are watched again')
          failure = ''
          metrics.learning(cluster, true)
        },
        failed(rule, text, millis) {
          metrics.learning(cluster, false)
          metrics.learningFailed(rule)
          if (rule === failure) return
          // Once for each fault, however often it is tried again.
          failure = rule
          log.warn({ cluster, rule, why: text, millis }, 'Secrets are not learned ahead for now')
          attempt(() => note('learn.failed', text, { rule }))
        },
      },
    })
  }
}

/** A failed store has been told elsewhere, and the next list waits for it. */
function attempt(append: () => void): void {
  try {
    append()
  } catch (error) {
    if (!(error instanceof LedgerFailed)) throw error
  }
}
