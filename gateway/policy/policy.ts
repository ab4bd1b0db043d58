// An access policy, compiled: rules as sets and bits, found by the subjects that they name. Holds no request and decides
// nothing by itself (decide.ts).

import type { ApprovalTerms, Durability } from '../decision.ts'
import { type Selector, selectorOf } from '../labels.ts'
import { termsOf } from './approval.ts'
import { type BudgetRule, compileBudget } from './budgets.ts'
import { CommandPattern, CommandWords } from './commands.ts'
import { Condition } from './condition.ts'
import type { PolicyDocument, RuleDocument } from './document.ts'
import { compileGrant, type GrantRule } from './grant-rule.ts'
import { Hours } from './hours.ts'
import { ResourceSet } from './resources.ts'
import { EVERY_VERB, type VerbSet, verbSet } from './verbs.ts'

export type Effect = 'allow' | 'deny' | 'requireApproval'

/** What a request is, where no rule speaks. */
export type RequestClass = 'reads' | 'writes' | 'streams'

/** A rule; what it leaves open is undefined and means all. */
export interface Rule {
  /** Its place in the policy: of rules with the same effect, the first one that matches gives its name. */
  readonly place: number
  /**
   * When its condition is run, among all: denials, approvals, allows that say how it is recorded, the other allows; each
   * by their names, so that the order of rules changes nothing.
   */
  readonly rank: number
  readonly name: string
  readonly effect: Effect
  readonly subjects: RuleDocument['subjects']
  readonly durability: Durability | undefined
  readonly verbs: VerbSet
  /** The verbs without those that only "*" brings in. */
  readonly spelledOut: VerbSet
  readonly clusters: ReadonlySet<string> | undefined
  readonly resources: ResourceSet | undefined
  readonly namespaces: ReadonlySet<string> | undefined
  readonly names: ReadonlySet<string> | undefined
  readonly labels: Selector | undefined
  readonly words: readonly CommandWords[] | undefined
  readonly patterns: readonly CommandPattern[] | undefined
  readonly dryRun: 'only' | 'never' | undefined
  readonly hours: Hours | undefined
  readonly when: Condition | undefined
  /** For requireApproval. */
  readonly approval: ApprovalTerms | undefined
  /** For the caller, or "". */
  readonly reason: string
  /** "get, list on pods in namespaces web": for messages. */
  readonly summary: string
  /** As it is written. */
  readonly source: RuleDocument
}

/** The rules of one subject, in the order of the policy. */
export interface SubjectRules {
  readonly all: readonly Rule[]
  /** Those that name no namespace. */
  readonly anywhere: readonly Rule[]
  /** Denials and approvals that name namespaces: a request over all of them meets each. */
  readonly namespacedGates: readonly Rule[]
  readonly byNamespace: ReadonlyMap<string, readonly Rule[]>
}

/** Rules by the name of a subject; "*" are those for everybody who has such a name. */
export type RulesBySubject = ReadonlyMap<string, SubjectRules>

export interface Policy {
  /** In their order. */
  readonly rules: readonly Rule[]
  /** By their ranks. */
  readonly ranked: readonly Rule[]
  readonly users: RulesBySubject
  readonly groups: RulesBySubject
  readonly actors: RulesBySubject
  readonly runs: RulesBySubject
  /** The standing access that may be asked for. */
  readonly grants: readonly GrantRule[]
  readonly default: Readonly<Record<RequestClass, 'allow' | 'deny'>>
  /** In their order. */
  readonly budgets: readonly BudgetRule[]
  /** For what no rule says otherwise. */
  readonly durability: Durability
}

/**
 * Throws what the policy file's reader would have refused: ResourceNameError, SelectorError, PatternError, ConditionError,
 * and RangeError for a time zone.
 */
export function compilePolicy(document: PolicyDocument, durability: Durability): Policy {
  const users = new Map<string, Rule[]>()
  const groups = new Map<string, Rule[]>()
  const actors = new Map<string, Rule[]>()
  const runs = new Map<string, Rule[]>()
  const inTurn = [...document.rules].sort((a, b) => turnOf(a) - turnOf(b) || (a.name < b.name ? -1 : 1))
  const ranks = new Map(inTurn.map(({ name }, rank) => [name, rank]))
  const rules = document.rules.map((source, place) => compileRule(place, ranks.get(source.name) as number, source))
  for (const rule of rules) {
    for (const subject of rule.subjects) {
      if (subject.user !== undefined) put(users, subject.user, rule)
      if (subject.group !== undefined) put(groups, subject.group, rule)
      if (subject.actor !== undefined) put(actors, subject.actor, rule)
      if (subject.run !== undefined) put(runs, subject.run, rule)
    }
  }
  return {
    rules,
    ranked: [...rules].sort((a, b) => a.rank - b.rank),
    users: indexed(users),
    groups: indexed(groups),
    actors: indexed(actors),
    runs: indexed(runs),
    grants: document.grants.map(compileGrant),
    default: document.default,
    budgets: document.budgets.map(compileBudget),
    durability,
  }
}

function turnOf({ effect, durability }: RuleDocument): number {
  if (effect === 'deny') return 0
  if (effect === 'requireApproval') return 1
  return durability === undefined ? 3 : 2
}

function indexed(bySubject: ReadonlyMap<string, readonly Rule[]>): RulesBySubject {
  const index = new Map<string, SubjectRules>()
  for (const [subject, all] of bySubject) {
    const byNamespace = new Map<string, Rule[]>()
    for (const rule of all) for (const namespace of rule.namespaces ?? []) put(byNamespace, namespace, rule)
    const anywhere = all.filter(({ namespaces }) => namespaces === undefined)
    const namespacedGates = all.filter(({ namespaces, effect }) => namespaces !== undefined && effect !== 'allow')
    index.set(subject, { all, anywhere, namespacedGates, byNamespace })
  }
  return index
}

function compileRule(place: number, rank: number, source: RuleDocument): Rule {
  const { name, effect, subjects, durability, verbs, clusters, resources, namespaces, names } = source
  const { labels, commands, dryRun, hours, when, approval, reason } = source
  const spelledOut = verbSet(...verbs)
  const words = commands?.flatMap(({ argv }) => (argv === undefined ? [] : [new CommandWords(argv)]))
  const patterns = commands?.flatMap(({ pattern }) =>
    pattern === undefined ? [] : [new CommandPattern(pattern, effect === 'allow')],
  )
  return {
    place,
    rank,
    name,
    effect,
    subjects,
    durability,
    verbs: verbs.includes('*') ? EVERY_VERB : spelledOut,
    spelledOut,
    clusters: setOf(clusters),
    resources: resources === undefined ? undefined : new ResourceSet(resources),
    namespaces: setOf(namespaces),
    names: setOf(names),
    labels: labels === undefined ? undefined : selectorOf(labels),
    words,
    patterns,
    dryRun: dryRun === 'any' ? undefined : dryRun,
    hours: hours === undefined ? undefined : new Hours(hours),
    when: when === undefined ? undefined : new Condition(when),
    approval: approval === undefined ? undefined : termsOf(name, approval),
    reason: reason ?? '',
    summary: summaryOf(source),
    source,
  }
}

function setOf(names: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return names === undefined ? undefined : new Set(names)
}

/** Once, also where a rule names a subject twice. */
function put(rules: Map<string, Rule[]>, key: string, rule: Rule): void {
  const present = rules.get(key)
  if (present === undefined) rules.set(key, [rule])
  else if (present[present.length - 1] !== rule) present.push(rule)
}

function summaryOf(source: RuleDocument): string {
  const { verbs, resources, names, namespaces, labels, commands, dryRun } = source
  const parts = [verbs.includes('*') ? 'everything' : verbs.join(', ')]
  if (resources !== undefined && !resources.includes('*')) parts.push(`on ${resources.join(', ')}`)
  if (names !== undefined) parts.push(`named ${names.join(', ')}`)
  if (namespaces !== undefined) parts.push(`in namespace ${namespaces.join(', ')}`)
  if (labels !== undefined) parts.push(`labelled ${labelText(labels)}`)
  if (commands !== undefined) {
    parts.push(`with ${commands.map(({ argv, pattern }) => argv?.join(' ') ?? `/${pattern}/`).join(' | ')}`)
  }
  if (dryRun === 'only') parts.push('as a dry run')
  if (dryRun === 'never') parts.push('other than as a dry run')
  if (source.hours !== undefined) parts.push('at certain hours')
  if (source.when !== undefined) parts.push('on a condition')
  return parts.join(' ')
}

function labelText(labels: string | Readonly<Record<string, string>>): string {
  if (typeof labels === 'string') return labels
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}
