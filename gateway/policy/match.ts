// Whether a rule speaks of a request, all but its condition: a denial or an approval meets what could return or change
// what it names, an allow holds what lies wholly inside. The answer is undefined, or what keeps the two apart.

import { limits } from '../../protocols/limits.ts'
import { excludes, implies, matchesLabels } from '../labels.ts'
import type { Asked, Question } from './asked.ts'
import type { Rule } from './policy.ts'
import { definedBy, type ResourceSet } from './resources.ts'
import { DELETES, PORT_FORWARD, type VerbSet } from './verbs.ts'

/** The first field of a rule that does not fit; `body`: its labels are in a body that cannot be read. */
export type Mismatch =
  | 'clusters'
  | 'hours'
  | 'verbs'
  | 'resources'
  | 'namespaces'
  | 'names'
  | 'labels'
  | 'commands'
  | 'dryRun'
  | 'body'

/** Whether a rule, a grant or a budget is for a caller at all: one of its subjects. */
export function isFor(
  rule: Pick<Rule, 'subjects'>,
  { principal, claims }: Pick<Question, 'principal' | 'claims'>,
): boolean {
  return rule.subjects.some(({ user, group, actor, run }) => {
    if (user !== undefined) return user === '*' || user === principal.user
    if (group !== undefined) return group === '*' ? principal.groups.length > 0 : principal.groups.includes(group)
    if (actor !== undefined) return principal.actor !== '' && (actor === '*' || actor === principal.actor)
    return claims.run !== '' && (run === '*' || run === claims.run)
  })
}

/** For a denial or an approval. */
export function meets(rule: Rule, asked: Asked): Mismatch | undefined {
  if (rule.hours !== undefined && !rule.hours.holds(asked.now)) return 'hours'
  if (asked.isNodeProxy) return undefined
  const { attributes } = asked
  if ((rule.verbs & asked.denied) === 0) return 'verbs'
  const { namespaces, names, resources, dryRun } = rule
  if (dryRun !== undefined && asked.dryRun === (dryRun === 'only' ? 'real' : 'dry')) return 'dryRun'
  if (asked.isNamespaceDelete && takesAlong(rule, asked)) return undefined
  if (asked.isDefinitionDelete && takesKind(rule, asked)) return undefined
  if (resources !== undefined && !isAmong(resources, asked, rule.verbs & asked.denied)) return 'resources'
  if (!attributes.isResource) {
    if (namespaces !== undefined) return 'namespaces'
    if (names !== undefined) return 'names'
    return rule.labels === undefined ? undefined : 'labels'
  }
  if (namespaces !== undefined) {
    const isThere = attributes.namespace === '' ? asked.isEverywhere : namespaces.has(attributes.namespace)
    if (!isThere) return 'namespaces'
  }
  // Without a name it could be any: a list, a create whose name is in the body, a deletecollection.
  if (names !== undefined && asked.name !== '' && !names.has(asked.name) && !isOtherKind(rule, asked)) return 'names'
  if (rule.labels !== undefined) {
    const mismatch = mayTouch(rule.labels, asked)
    if (mismatch !== undefined) return mismatch
  }
  if (rule.words === undefined || attributes.verb !== 'exec' || attributes.command.length === 0) return undefined
  return runs(rule, asked, true) ? undefined : 'commands'
}

/** For an allow, and for what an approval can open: its verb must be the rule's own. */
export function holds(rule: Rule, asked: Asked): Mismatch | undefined {
  if ((rule.verbs & asked.verb) === 0) return 'verbs'
  if (rule.hours !== undefined && !rule.hours.holds(asked.now)) return 'hours'
  const { attributes, key } = asked
  const { namespaces, names, resources, dryRun } = rule
  if (resources !== undefined && !resources.holds(attributes, key, rule.spelledOut)) return 'resources'
  if (namespaces !== undefined) {
    if (!namespaces.has(attributes.namespace)) return 'namespaces'
    // A namespace is not among the things in it: only a rule that says so gives it away.
    if (key === '/namespaces' && attributes.isResource && resources?.names(key) !== true) return 'resources'
  }
  if (names !== undefined && !names.has(asked.name)) return 'names'
  if (dryRun !== undefined && asked.dryRun !== (dryRun === 'only' ? 'dry' : 'real')) return 'dryRun'
  if (rule.labels !== undefined) {
    const mismatch = liesWithin(rule.labels, asked)
    if (mismatch !== undefined) return mismatch
  }
  if (rule.words === undefined) return undefined
  return attributes.verb === 'exec' && runs(rule, asked, false) ? undefined : 'commands'
}

function isAmong(resources: ResourceSet, { attributes, key, same }: Asked, denied: VerbSet): boolean {
  return resources.meets(attributes, key, denied) || (same !== undefined && resources.meets(same, same.key, denied))
}

/** The end of a definition is the end of all that it defines; one that is not named could be any. */
function takesKind({ verbs, resources }: Rule, { name }: Asked): boolean {
  if ((verbs & DELETES) === 0) return false
  if (resources === undefined) return true
  const key = definedBy(name)
  const apiGroup = key.slice(0, key.indexOf('/'))
  return name === '' ? resources.holdsCustom : resources.meets({ ...OBJECT, apiGroup }, key, verbs & DELETES)
}

const OBJECT = { isResource: true, verb: 'delete', subresource: '' }

/** The end of a namespace is the end of what a denial of deletes names in it. */
function takesAlong(rule: Rule, { attributes }: Asked): boolean {
  if ((rule.verbs & DELETES) === 0 || rule.resources?.isNamespaced === false) return false
  return rule.namespaces === undefined || attributes.namespace === '' || rule.namespaces.has(attributes.namespace)
}

/** A service's name says nothing of the pods behind it, whose forwarded ports the rule names. */
function isOtherKind({ verbs, resources }: Rule, { key, attributes }: Asked): boolean {
  if (key !== '/services' || attributes.verb !== 'proxy' || (verbs & PORT_FORWARD) === 0) return false
  return resources === undefined || resources.holdsPodPorts
}

/** Unless the request shows that it touches nothing with these labels. */
function mayTouch(labels: NonNullable<Rule['labels']>, asked: Asked): 'labels' | 'body' | undefined {
  const { selected } = asked
  if (selected !== 'unknown') return excludes(selected, labels) ? 'labels' : undefined
  if (!asked.isCreate) return undefined
  if (!('value' in asked.question.object.decoded)) return 'body'
  const { created } = asked
  return created === 'unknown' || matchesLabels(labels, created) ? undefined : 'labels'
}

/** Only if the request shows that it touches nothing without them. */
function liesWithin(labels: NonNullable<Rule['labels']>, asked: Asked): 'labels' | 'body' | undefined {
  const { selected } = asked
  if (selected !== 'unknown') return implies(selected, labels) ? undefined : 'labels'
  if (!asked.isCreate) return 'labels'
  if (!('value' in asked.question.object.decoded)) return 'body'
  const { created } = asked
  return created !== 'unknown' && matchesLabels(labels, created) ? undefined : 'labels'
}

/** `otherwise`: the answer for a command that is too long for patterns. */
function runs({ words, patterns }: Rule, asked: Asked, otherwise: boolean): boolean {
  const { command } = asked.attributes
  if (words?.some((each) => each.matches(command)) === true) return true
  if (patterns === undefined || patterns.length === 0) return false
  const { line } = asked
  if (line.length > limits.policy.commandLength) return otherwise
  return patterns.some((pattern) => pattern.matches(line))
}
