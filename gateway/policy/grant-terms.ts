// A request for standing access -> who must say yes to it, by the policy's `grants`, or a refusal that says what could be
// asked for. It must lie wholly inside one entry, and satisfies all that it meets, as a request does rules that ask for an
// approval: no entry can weaken another's by standing before it. What it opens, a denial still closes.

import { type ApprovalTerms, type Refusal, refuse } from '../decision.ts'
import { together } from './approval.ts'
import type { Question } from './asked.ts'
import { cut } from './explain.ts'
import type { GrantRule } from './grant-rule.ts'
import { isFor } from './match.ts'
import type { Policy } from './policy.ts'
import type { AskedResource } from './resources.ts'
import { alsoDeniedBy, bit, DELETES } from './verbs.ts'

export interface GrantAsked {
  /** Who would use it; their claims open nothing. */
  readonly principal: Question['principal']
  readonly cluster: string
  /** Policy verbs, exact. */
  readonly verbs: readonly string[]
  /** "" is the core group; resource "*": every resource of the group. */
  readonly resources: readonly GrantedResource[]
  readonly namespaces: readonly string[] | 'all'
  readonly durationMillis: number
}

interface GrantedResource {
  readonly group: string
  readonly resource: string
  readonly subresource: string
}

/** Pure. Refusals: grants.not_offered, grants.too_long. */
export function grantTerms(policy: Policy, asked: GrantAsked): ApprovalTerms | Refusal {
  const offered = grantsFor(policy, asked.principal, asked.cluster)
  const pairs = asked.verbs.flatMap((verb) => asked.resources.map((resource) => pairOf(verb, resource)))
  if (pairs.length === 0 || !offered.some((rule) => holds(rule, asked, pairs))) {
    return refuse(403, 'Forbidden', 'grants.not_offered', cut(notOffered(offered)))
  }
  const met = offered.filter((rule) => meets(rule, asked, pairs))
  const terms = together(met.map((rule) => rule.terms))
  if (asked.durationMillis <= terms.validForMillis) return terms
  const longest = met.filter((rule) => rule.terms.validForMillis === terms.validForMillis).map(({ name }) => name)
  const message = `this can be asked for ${terms.validForMillis / 60_000} minutes at most (${longest.join(', ')})`
  return refuse(403, 'Forbidden', 'grants.too_long', cut(message))
}

/** The entries by which somebody may ask for access; `cluster` undefined: to any. */
export function grantsFor(
  policy: Policy,
  principal: Question['principal'],
  cluster: string | undefined,
): readonly GrantRule[] {
  return policy.grants.filter(
    (rule) =>
      isFor(rule, { principal, claims: NO_CLAIMS }) &&
      (cluster === undefined || rule.clusters === undefined || rule.clusters.has(cluster)),
  )
}

const NO_CLAIMS = { run: '', intent: '' } as const

/** One verb on one resource, as a request would be. */
interface Pair {
  readonly asked: AskedResource
  readonly key: string
  readonly resource: string
}

/** Verbs that name a subresource of pods: "exec" on "pods" has one meaning. */
const POD_STREAMS = new Set(['exec', 'attach', 'portforward'])

function pairOf(verb: string, { group, resource, subresource }: GrantedResource): Pair {
  const isStream = subresource === '' && group === '' && resource === 'pods' && POD_STREAMS.has(verb)
  const asked = { isResource: true, verb, apiGroup: group, subresource: isStream ? verb : subresource }
  return { asked, key: `${group}/${resource}`, resource }
}

function holds(rule: GrantRule, asked: GrantAsked, pairs: readonly Pair[]): boolean {
  const { namespaces, resources, verbs, spelledOut } = rule
  if (namespaces !== undefined) {
    if (asked.namespaces === 'all' || !asked.namespaces.every((name) => namespaces.has(name))) return false
  }
  return pairs.every(
    (pair) =>
      (verbs & bit(pair.asked.verb)) !== 0 &&
      (resources === undefined || resources.holds(pair.asked, pair.key, spelledOut)),
  )
}

function meets(rule: GrantRule, asked: GrantAsked, pairs: readonly Pair[]): boolean {
  const { namespaces } = rule
  const isThere =
    namespaces === undefined || asked.namespaces === 'all' || asked.namespaces.some((name) => namespaces.has(name))
  return isThere && pairs.some((pair) => meetsPair(rule, pair))
}

function meetsPair({ verbs, resources }: GrantRule, { asked, key, resource }: Pair): boolean {
  const met = alsoDeniedBy(asked.verb) & verbs
  if (met === 0) return false
  // All that a namespace holds goes with it.
  if (resources === undefined || (key === '/namespaces' && (bit(asked.verb) & DELETES) !== 0)) return true
  return resource === '*' ? resources.touches(asked.apiGroup) : resources.meets(asked, key, met)
}

function notOffered(offered: readonly GrantRule[]): string {
  if (offered.length === 0) {
    return 'the policy has no standing access that you may ask for here; ask whoever keeps it'
  }
  const each = offered.map(({ name, summary }) => `${name}: ${summary}`)
  return `no standing access that you may ask for holds all of this. You may ask for: ${each.join('; ')}`
}
