// An access policy, compiled: rules as sets and bits, found by the subjects that they name. Holds no request and decides
// nothing by itself (decide.ts).

import type { Durability } from '../decision.ts'
import { CommandPattern } from './commands.ts'
import type { PolicyDocument, RuleDocument } from './document.ts'
import { ResourceSet } from './resources.ts'
import { EVERY_VERB, type VerbSet, verbSet } from './verbs.ts'

export type Effect = 'allow' | 'deny'

/** What a request is, where no rule speaks. */
export type RequestClass = 'reads' | 'writes' | 'streams'

/** A rule; what it leaves open is undefined and means all. */
export interface Rule {
  /** Its place in the file: of rules with the same effect, the first one that matches gives its name. */
  readonly place: number
  readonly name: string
  readonly effect: Effect
  readonly durability: Durability | undefined
  readonly verbs: VerbSet
  /** The verbs without those that only "*" brings in. */
  readonly spelledOut: VerbSet
  readonly clusters: ReadonlySet<string> | undefined
  readonly resources: ResourceSet | undefined
  readonly namespaces: ReadonlySet<string> | undefined
  readonly names: ReadonlySet<string> | undefined
  readonly commands: readonly CommandPattern[] | undefined
  /** "get, list on pods in namespaces web": for messages. */
  readonly summary: string
}

/** The rules of one subject, in the order of the file. */
export interface SubjectRules {
  readonly all: readonly Rule[]
  /** Those that name no namespace. */
  readonly anywhere: readonly Rule[]
  /** Denials that name namespaces: a request over all of them meets each. */
  readonly namespacedDenials: readonly Rule[]
  readonly byNamespace: ReadonlyMap<string, readonly Rule[]>
}

/** Rules by the name of a subject; "*" are those for everybody who has such a name. */
export type RulesBySubject = ReadonlyMap<string, SubjectRules>

export interface Policy {
  readonly users: RulesBySubject
  readonly groups: RulesBySubject
  readonly actors: RulesBySubject
  readonly default: Readonly<Record<RequestClass, Effect>>
  /** For what no rule says otherwise. */
  readonly durability: Durability
}

/** Throws ResourceNameError for resources that the policy file's reader would have refused. */
export function compilePolicy(document: PolicyDocument, durability: Durability): Policy {
  const users = new Map<string, Rule[]>()
  const groups = new Map<string, Rule[]>()
  const actors = new Map<string, Rule[]>()
  for (const [place, source] of document.rules.entries()) {
    const rule = compileRule(place, source)
    for (const subject of source.subjects) {
      if (subject.user !== undefined) put(users, subject.user, rule)
      if (subject.group !== undefined) put(groups, subject.group, rule)
      if (subject.actor !== undefined) put(actors, subject.actor, rule)
    }
  }
  return {
    users: indexed(users),
    groups: indexed(groups),
    actors: indexed(actors),
    default: document.default,
    durability,
  }
}

function indexed(bySubject: ReadonlyMap<string, readonly Rule[]>): RulesBySubject {
  const index = new Map<string, SubjectRules>()
  for (const [subject, all] of bySubject) {
    const byNamespace = new Map<string, Rule[]>()
    for (const rule of all) for (const namespace of rule.namespaces ?? []) put(byNamespace, namespace, rule)
    const anywhere = all.filter(({ namespaces }) => namespaces === undefined)
    const namespacedDenials = all.filter(({ namespaces, effect }) => namespaces !== undefined && effect === 'deny')
    index.set(subject, { all, anywhere, namespacedDenials, byNamespace })
  }
  return index
}

function compileRule(place: number, source: RuleDocument): Rule {
  const { name, effect, durability, verbs, clusters, resources, namespaces, names, commands } = source
  const spelledOut = verbSet(...verbs)
  return {
    place,
    name,
    effect,
    durability,
    verbs: verbs.includes('*') ? EVERY_VERB : spelledOut,
    spelledOut,
    clusters: setOf(clusters),
    resources: resources === undefined ? undefined : new ResourceSet(resources),
    namespaces: setOf(namespaces),
    names: setOf(names),
    commands: commands?.map(({ argv }) => new CommandPattern(argv)),
    summary: summaryOf(source),
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
  const parts = [source.verbs.includes('*') ? 'everything' : source.verbs.join(', ')]
  if (source.resources !== undefined && !source.resources.includes('*')) parts.push(`on ${source.resources.join(', ')}`)
  if (source.names !== undefined) parts.push(`named ${source.names.join(', ')}`)
  if (source.namespaces !== undefined) parts.push(`in namespace ${source.namespaces.join(', ')}`)
  if (source.commands !== undefined) parts.push(`with ${source.commands.map(({ argv }) => argv.join(' ')).join(' | ')}`)
  return parts.join(' ')
}
