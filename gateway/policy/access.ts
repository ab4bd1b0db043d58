// A policy and a caller -> what the caller may do, as data: for agents that ask before they act. It names the rules that are
// for the caller and no others, and decides nothing: what a rule means for a request is said by the decision on it.

import type { Principal } from '../principal.ts'
import type { Claims } from './asked.ts'
import type { GrantRule } from './grant-rule.ts'
import { grantsFor } from './grant-terms.ts'
import { isFor } from './match.ts'
import type { Effect, Policy, Rule } from './policy.ts'

/** One rule that is for the caller. What it leaves out means all. */
export interface AccessRule {
  readonly name: string
  readonly effect: Effect
  /** "*" is every verb. */
  readonly verbs: readonly string[]
  /** RESOURCE, RESOURCE/SUBRESOURCE, GROUP/RESOURCE, GROUP/*, "*". */
  readonly resources?: readonly string[]
  readonly clusters?: readonly string[]
  readonly namespaces?: readonly string[]
  readonly names?: readonly string[]
  /** A label selector. */
  readonly labels?: string | Readonly<Record<string, string>>
  /** `argv`: words, a trailing "..." for any rest; `pattern`: RE2. */
  readonly commands?: readonly {
    readonly argv?: readonly string[] | undefined
    readonly pattern?: string | undefined
  }[]
  readonly dryRun?: 'only' | 'never'
  /** Whether it counts at this time; for rules with hours. */
  readonly now?: boolean
  readonly hours?: Rule['source']['hours']
  /** CEL that must hold as well. */
  readonly when?: string
  readonly reason?: string
  /** For requireApproval. */
  readonly approval?: AccessApproval
}

export interface AccessApproval {
  readonly approvers: readonly ({ readonly group: string } | { readonly user: string })[]
  /** How many of them. */
  readonly quorum: number
  readonly waitSeconds: number
  readonly validForSeconds: number
  readonly uses: number
  /** Whether the call must say why (Sallyport-Intent). */
  readonly reasonRequired: boolean
  readonly ticketRequired: boolean
}

export interface Access {
  readonly principal: { readonly user: string; readonly groups: readonly string[]; readonly actor: string }
  /** Where no rule speaks: of get, list and watch; of all that changes something; of exec, attach, portforward and proxy. */
  readonly default: Policy['default']
  /** Of the rules that speak of a request the first effect in this order wins. */
  readonly precedence: readonly Effect[]
  /** In the order of the policy. */
  readonly rules: readonly AccessRule[]
  /** The standing access that the caller may ask for. It opens what no rule denies. */
  readonly requestable: readonly AccessGrant[]
}

/** What it leaves out means all. */
export interface AccessGrant {
  readonly name: string
  /** "*" is every verb. */
  readonly verbs: readonly string[]
  readonly resources?: readonly string[]
  readonly clusters?: readonly string[]
  readonly namespaces?: readonly string[]
  readonly longestSeconds: number
  readonly approval: Omit<AccessApproval, 'waitSeconds' | 'validForSeconds' | 'uses'>
}

/** `cluster`: rules for other clusters are left out; undefined: all are there. `now` in milliseconds since 1970. Pure. */
export function accessOf(
  policy: Policy,
  principal: Principal,
  claims: Claims,
  cluster: string | undefined,
  now: number,
): Access {
  const rules = policy.rules.filter(
    (rule) =>
      isFor(rule, { principal, claims }) &&
      (cluster === undefined || rule.clusters === undefined || rule.clusters.has(cluster)),
  )
  return {
    principal: { user: principal.user, groups: principal.groups, actor: principal.actor },
    default: policy.default,
    precedence: ['deny', 'requireApproval', 'allow'],
    rules: rules.map((rule) => accessRule(rule, now)),
    requestable: grantsFor(policy, principal, cluster).map(accessGrant),
  }
}

function accessGrant({ name, source, terms }: GrantRule): AccessGrant {
  const { verbs, resources, clusters, namespaces } = source
  const { approvers, quorum, reasonRequired, ticketRequired, validForSeconds } = accessApproval(terms)
  return {
    name,
    verbs,
    ...(resources !== undefined && { resources }),
    ...(clusters !== undefined && { clusters }),
    ...(namespaces !== undefined && { namespaces }),
    longestSeconds: validForSeconds,
    approval: { approvers, quorum, reasonRequired, ticketRequired },
  }
}

function accessRule(rule: Rule, now: number): AccessRule {
  const { resources, clusters, namespaces, names, labels, commands, hours, when, reason, verbs } = rule.source
  const { name, effect, dryRun } = rule
  return {
    name,
    effect,
    verbs,
    ...(resources !== undefined && { resources }),
    ...(clusters !== undefined && { clusters }),
    ...(namespaces !== undefined && { namespaces }),
    ...(names !== undefined && { names }),
    ...(labels !== undefined && { labels }),
    ...(commands !== undefined && { commands }),
    ...(dryRun !== undefined && { dryRun }),
    ...(rule.hours !== undefined && { now: rule.hours.holds(now), hours }),
    ...(when !== undefined && { when }),
    ...(reason !== undefined && { reason }),
    ...(rule.approval !== undefined && { approval: accessApproval(rule.approval) }),
  }
}

function accessApproval(terms: NonNullable<Rule['approval']>): AccessApproval {
  const { quorums, waitMillis, validForMillis, uses, reasonRequired, ticketRequired } = terms
  // One rule asks for one quorum.
  const { approvers, quorum } = quorums[0] as (typeof quorums)[number]
  return {
    approvers,
    quorum,
    waitSeconds: waitMillis / 1000,
    validForSeconds: validForMillis / 1000,
    uses,
    reasonRequired,
    ticketRequired,
  }
}
