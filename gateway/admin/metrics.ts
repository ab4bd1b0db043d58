// Counts and times of the gateway for Prometheus, in a registry of its own. Labels come from closed sets, so that no
// caller can make a series: an unknown verb counts as "other", and names, paths and users are never labels.

import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

/** The verbs that are a label; everything else (lower-case methods of non-resource paths among it) is "other". */
const VERBS: ReadonlySet<string> = new Set([
  ...['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'],
  ...['exec', 'attach', 'portforward', 'proxy'],
])

/** How many rules may be labels of one counter. Checks are a closed set; policy rules are named by the operator. */
const RULES = 500

export type Metrics = ReturnType<typeof createMetrics>

/** Everything the gateway counts. Made once a process; tests make their own. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Counter({
    name: 'sallyport_requests_total',
    help: 'Requests answered, by verb and by the first digit of the status',
    labelNames: ['verb', 'status'] as const,
    registers,
  })
  const refusals = new Counter({
    name: 'sallyport_refusals_total',
    help: 'Requests refused, by the rule or check that refused',
    labelNames: ['rule'] as const,
    registers,
  })
  const upstreamFailures = new Counter({
    name: 'sallyport_upstream_failures_total',
    help: 'Requests that the cluster did not answer, by what failed',
    labelNames: ['rule'] as const,
    registers,
  })
  const webhookFailures = new Counter({
    name: 'sallyport_webhook_failures_total',
    help: 'Messages that a webhook did not take, and those of them that are given up',
    labelNames: ['webhook', 'outcome'] as const,
    registers,
  })
  const webhookNames = new Set<string>()
  const learning = new Gauge({
    name: 'sallyport_learning',
    help: 'Whether all Secrets of a cluster are known and watched (1) or not (0)',
    labelNames: ['cluster'] as const,
    registers,
  })
  const learningFailures = new Counter({
    name: 'sallyport_learning_failures_total',
    help: 'Failures to list or watch Secrets, by what failed',
    labelNames: ['rule'] as const,
    registers,
  })
  const refusalRules = new Set<string>()
  const upstreamRules = new Set<string>()
  return {
    registry,
    /** Open client connections. */
    connections: new Gauge({ name: 'sallyport_connections', help: 'Open client connections', registers }),
    /** Open exec, attach and port-forward streams. */
    openStreams: new Gauge({
      name: 'sallyport_open_streams',
      help: 'Open streams (exec, attach, port-forward)',
      registers,
    }),
    /** 1 from a configuration or policy that was not taken over until one is. */
    reloadFailed: new Gauge({
      name: 'sallyport_reload_failed',
      help: 'Whether the files hold a configuration or policy that was not taken over (1)',
      registers,
    }),
    /** Shows what approvals and locks are like whenever somebody looks. */
    people(of: { isFailed(): boolean; pending(): number; parked(): number; locks(): number }): void {
      const gauges = [
        ['sallyport_journal_failed', 'Whether approvals cannot be written (1) or can (0)', () => Number(of.isFailed())],
        ['sallyport_approvals_pending', 'Requests for approval that can still be answered', of.pending],
        ['sallyport_approvals_parked', 'Calls that wait for an answer', of.parked],
        ['sallyport_locks', 'Locks in force', of.locks],
      ] as const
      for (const [name, help, value] of gauges) {
        new Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(value())
          },
        })
      }
    },
    /** `cluster`: of the configuration. */
    learning(cluster: string, isCurrent: boolean): void {
      learning.set({ cluster }, Number(isCurrent))
    },
    learningFailed(rule: string): void {
      learningFailures.inc({ rule })
    },
    /** Shows how much is remembered of masked values whenever somebody looks. */
    learned(values: () => number): void {
      new Gauge({
        name: 'sallyport_learned_values',
        help: 'Masked values that are known again elsewhere',
        registers,
        collect() {
          this.set(values())
        },
      })
    },
    /** Counts an answered request. */
    answered(verb: string, status: number): void {
      const hundreds = Math.floor(status / 100)
      const label = hundreds >= 1 && hundreds <= 5 ? `${hundreds}xx` : 'other'
      requests.inc({ verb: VERBS.has(verb) ? verb : 'other', status: label })
    },
    /** Counts a refusal. `rule`: Refusal.rule. */
    refused(rule: string): void {
      refusals.inc({ rule: bounded(refusalRules, rule) })
    },
    /** Counts a failed try to send; `isLost`: the last one. */
    webhookFailed(webhook: string, isLost: boolean): void {
      webhookFailures.inc({ webhook: bounded(webhookNames, webhook), outcome: isLost ? 'lost' : 'again' })
    },
    /** Counts a request that the cluster did not answer. `rule`: of the upstream's failure. */
    upstreamFailed(rule: string): void {
      upstreamFailures.inc({ rule: bounded(upstreamRules, rule) })
    },
  }
}

/** The rule, or "other" once that many are known: a reload may bring new names, again and again. */
function bounded(known: Set<string>, rule: string): string {
  if (known.has(rule)) return rule
  if (known.size >= RULES) return 'other'
  known.add(rule)
  return rule
}
