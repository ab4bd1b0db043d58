// Advice on a policy that is right by itself: rules that can never apply because another one always wins, rules that say
// again what another says, conditions on bodies that no request of their verbs has. It refuses nothing.

import { isDeepStrictEqual } from 'node:util'
import { type Problem, placesIn } from '../config-file.ts'
import { parseResource } from '../resource-names.ts'
import { Condition } from './condition.ts'
import type { GrantDocument, RuleDocument } from './document.ts'
import { type Origin, readDocuments } from './policy-file.ts'
import { alsoDeniedBy, bit, verbSet } from './verbs.ts'

/** Advice on a policy that loads, in the order of its rules, and then of its grants. */
export interface Lint {
  /** How many there are. */
  readonly rules: number
  readonly problems: readonly Problem[]
}

/** `path`: a policy file, or a directory of them. Throws ConfigError where it does not load. */
export function lintPolicy(path: string): Lint {
  const { document, origins, grantOrigins } = readDocuments(path)
  const places = new Map<string, ReturnType<typeof placesIn>>()
  const problems: Problem[] = []
  const add = (section: 'rules' | 'grants', origin: Origin, advice: Iterable<Advice>): void => {
    const place = places.get(origin.file) ?? placesIn(origin.file)
    places.set(origin.file, place)
    for (const { field, message } of advice) {
      problems.push({ file: origin.file, ...place([section, origin.at, field]), message })
    }
  }
  for (const [at, rule] of document.rules.entries()) {
    add('rules', origins[at] as Origin, adviceOn(rule, at, document.rules))
  }
  for (const [at, grant] of document.grants.entries()) {
    add('grants', grantOrigins[at] as Origin, adviceOnGrant(grant, document.rules))
  }
  return { rules: document.rules.length, problems }
}

interface Advice {
  readonly field: string
  readonly message: string
}

function* adviceOn(rule: RuleDocument, at: number, rules: readonly RuleDocument[]): Generator<Advice> {
  const shadow = shadowOf(rule, at, rules)
  if (shadow !== undefined) yield { field: 'name', message: shadow }
  const body = adviceOnBody(rule)
  if (body !== undefined) yield { field: 'when', message: body }
}

function* adviceOnGrant(grant: GrantDocument, rules: readonly RuleDocument[]): Generator<Advice> {
  const { name, subjects, clusters, verbs, resources, namespaces } = grant
  const opened: RuleDocument = { name, subjects, clusters, verbs, resources, namespaces, effect: 'allow' }
  const closed = rules.find((rule) => rule.effect === 'deny' && covers(rule, opened))
  if (closed === undefined) return
  yield {
    field: 'name',
    message: `it opens nothing: rule "${closed.name}" denies all of it, and no grant lifts a denial`,
  }
}

function shadowOf(rule: RuleDocument, at: number, rules: readonly RuleDocument[]): string | undefined {
  for (const [place, other] of rules.entries()) {
    if (place === at || !covers(other, rule)) continue
    if (other.effect === 'deny' && rule.effect !== 'deny') {
      return `it never applies: rule "${other.name}" denies all of it`
    }
    if (other.effect === 'requireApproval' && rule.effect === 'allow') {
      return `it never applies without an approval: rule "${other.name}" asks for one for all of it`
    }
    if (other.effect !== rule.effect || !isRecordedAlike(other, rule)) continue
    if (!isDeepStrictEqual(other.approval, rule.approval)) continue
    const isMutual = covers(rule, other)
    // Of two that say the same the later one is told.
    if (!isMutual) return `it changes nothing: rule "${other.name}" covers all of it`
    if (place < at) return `it changes nothing: rule "${other.name}" says the same`
  }
  return undefined
}

/** Whether the first one's durability makes the second one's needless. */
function isRecordedAlike(other: RuleDocument, rule: RuleDocument): boolean {
  return other.durability === rule.durability || rule.effect === 'deny'
}

/** Whether whatever the second rule speaks of, the first one does too. Says no where it cannot tell. */
function covers(outer: RuleDocument, inner: RuleDocument): boolean {
  const isGate = outer.effect !== 'allow'
  return (
    inner.subjects.every((subject) => outer.subjects.some((one) => isAmong(subject, one))) &&
    holdsNames(outer.clusters, inner.clusters) &&
    holdsNames(outer.namespaces, inner.namespaces) &&
    holdsNames(outer.names, inner.names) &&
    holdsVerbs(outer.verbs, inner.verbs, isGate) &&
    holdsResources(outer.resources, inner.resources, isGate) &&
    // What narrows the first must narrow the second in the same way.
    ([outer.dryRun ?? 'any', inner.dryRun ?? 'any'].includes('any')
      ? (outer.dryRun ?? 'any') === 'any'
      : outer.dryRun === inner.dryRun) &&
    isOpenOrSame(outer.labels, inner.labels) &&
    isOpenOrSame(outer.commands, inner.commands) &&
    isOpenOrSame(outer.hours, inner.hours) &&
    isOpenOrSame(outer.when, inner.when)
  )
}

type Subject = RuleDocument['subjects'][number]

function isAmong(subject: Subject, group: Subject): boolean {
  // Everybody has a user.
  if (group.user === '*') return true
  for (const kind of ['user', 'group', 'actor', 'run'] as const) {
    const name = group[kind]
    if (name !== undefined) return subject[kind] !== undefined && (name === '*' || name === subject[kind])
  }
  return false
}

function holdsNames(outer: readonly string[] | undefined, inner: readonly string[] | undefined): boolean {
  if (outer === undefined) return true
  return inner?.every((name) => outer.includes(name)) ?? false
}

function holdsVerbs(outer: readonly string[], inner: readonly string[], isGate: boolean): boolean {
  if (outer.includes('*')) return true
  const set = verbSet(...outer)
  return inner.every((verb) => verb !== '*' && (set & (isGate ? alsoDeniedBy(verb) : bit(verb))) !== 0)
}

function holdsResources(
  outer: readonly string[] | undefined,
  inner: readonly string[] | undefined,
  isGate: boolean,
): boolean {
  if (outer === undefined || outer.includes('*')) return true
  return inner?.every((entry) => outer.some((one) => holdsResource(one, entry, isGate))) ?? false
}

function holdsResource(outer: string, inner: string, isGate: boolean): boolean {
  if (outer === inner) return true
  if (inner === '*') return false
  const [group, resource, subresource] = parseResource(outer)
  const [innerGroup, innerResource, innerSubresource] = parseResource(inner)
  if (group !== innerGroup) return false
  if (resource === '*') return true
  if (resource !== innerResource || innerSubresource === '') return false
  // A denial of a resource is one of its subresources too.
  return subresource === '*' || (isGate && subresource === '')
}

function isOpenOrSame(outer: unknown, inner: unknown): boolean {
  return outer === undefined || isDeepStrictEqual(outer, inner)
}

/** Verbs whose requests have no body. */
const BODILESS = new Set(['get', 'list', 'watch', 'head', 'exec', 'attach', 'portforward'])

function adviceOnBody({ when, verbs, effect }: RuleDocument): string | undefined {
  if (when === undefined || !new Condition(when).readsObject) return undefined
  const bodiless = verbs.filter((verb) => BODILESS.has(verb) || verb === '*')
  if (bodiless.length === 0) return undefined
  const which = bodiless.join(', ')
  return effect === 'allow'
    ? `requests without a body have no object, so for ${which} the condition fails, and the rule allows none of them; leave these verbs out`
    : `requests without a body have no object, so for ${which} the condition fails, and the rule meets all of them; leave these verbs out, or begin with "object != null &&"`
}
