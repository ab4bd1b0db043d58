// Answers whether a caller may do what a request asks: a denial that meets it wins, then an approval that somebody must
// give, then an allow that holds it, then the default. A denial or an approval meets every request that could return or
// change what it names; an allow holds only what lies wholly inside it. Upgrades that the gateway cannot record are denied
// whatever the rules say.

import { type ApprovalTerms, type Decision, type Durability, type Refusal, refuse } from '../decision.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { together } from './approval.ts'
import { Asked, type Question } from './asked.ts'
import { denial, needsYes, noRule, unknownUpgrade, unreadableBody } from './explain.ts'
import { holds, meets } from './match.ts'
import type { Policy, RequestClass, Rule, RulesBySubject } from './policy.ts'
import type { Unreadable } from './request-object.ts'
import { resourceKey } from './resources.ts'

/** What was found so far; places are compared, so that the order in which rules are looked at does not matter. */
interface Found {
  deny: Rule | undefined
  allow: Rule | undefined
  strict: boolean
  group: boolean
  /** Approvals that meet it. */
  readonly gates: Set<Rule>
  /** One of them holds it, and so may open it by itself. */
  opens: boolean
  /** How many rules there are. */
  readonly rules: number
  /** By rank, 1 for each rule that meets it or holds it if its condition does; undefined while there is none. */
  pending: Uint8Array | undefined
  /** Of the pending approvals, those that may open it. */
  readonly openers: Set<Rule>
  /** The first rule that would have to read a body that cannot be read, of those that refuse and of those that allow. */
  blind: Rule | undefined
  blindAllow: Rule | undefined
}

/** Pure. */
export function decide(policy: Policy, question: Question): Decision {
  const { attributes } = question
  if (question.upgrade !== undefined && !isKnownUpgrade(question.upgrade, attributes)) {
    return refuse(403, 'Forbidden', 'policy.unknown_upgrade', unknownUpgrade(attributes))
  }
  const asked = new Asked(question)
  const found = find(policy, asked)
  if (found.pending !== undefined) judgeConditions(policy, found.pending, found, asked)

  if (found.deny !== undefined) return refuse(403, 'Forbidden', found.deny.name, denial(found.deny, attributes))
  if (found.blind !== undefined) return refuseBlind(found.blind, asked)
  const kind = classOf(attributes)
  const isOpen = found.allow !== undefined || policy.default[kind] === 'allow'
  if (found.gates.size > 0 && (isOpen || found.opens)) return ask(found, policy, asked)
  if (found.allow !== undefined) {
    const { name, reason } = found.allow
    return {
      allowed: true,
      rule: name,
      reason: reason === '' ? 'a rule allows it' : reason,
      durability: durability(found, policy),
    }
  }
  if (isOpen)
    return { allowed: true, rule: 'default', reason: `${kind} are allowed by default`, durability: policy.durability }
  if (found.blindAllow !== undefined) return refuseBlind(found.blindAllow, asked)
  return refuse(403, 'Forbidden', 'default', noRule(policy, question, kind))
}

/** Non-resource paths that say more than what the API is and how it does (wire sheet, section 8). */
const TELLING_PATHS = /^\/(?:logs|debug|configz|flagz)(?:\/|$)/

/** Reviews of the caller's own rights: a create that changes nothing. Those of others' rights tell of others. */
const SELF_REVIEWS = new Set([
  'authorization.k8s.io/selfsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectrulesreviews',
  'authentication.k8s.io/selfsubjectreviews',
])

export function classOf(attributes: RequestAttributes): RequestClass {
  switch (attributes.verb) {
    case 'exec':
    case 'attach':
    case 'portforward':
    case 'proxy':
      return 'streams'
    case 'get':
    case 'head':
      return attributes.isResource || !TELLING_PATHS.test(attributes.path) ? 'reads' : 'writes'
    case 'list':
    case 'watch':
      return 'reads'
    case 'create':
      return attributes.subresource === '' && SELF_REVIEWS.has(resourceKey(attributes)) ? 'reads' : 'writes'
    default:
      return 'writes'
  }
}

/** Exec, attach and port-forward of pods: what the gateway reads frame by frame. */
export function isKnownUpgrade(upgrade: string, attributes: RequestAttributes): boolean {
  const { isResource, verb, apiGroup, resource, subresource } = attributes
  const isOfPods = apiGroup === '' && resource === 'pods'
  if (verb === 'exec' || verb === 'attach' || verb === 'portforward') return isOfPods
  if (!isResource || upgrade !== 'websocket') return false
  return verb === 'watch' || (verb === 'get' && isOfPods && subresource === 'log')
}

function find(policy: Policy, asked: Asked): Found {
  const { principal, claims } = asked.question
  const found: Found = {
    deny: undefined,
    allow: undefined,
    strict: false,
    group: false,
    gates: new Set(),
    opens: false,
    rules: policy.rules.length,
    pending: undefined,
    openers: new Set(),
    blind: undefined,
    blindAllow: undefined,
  }
  look(policy.users, principal.user, asked, found)
  look(policy.users, '*', asked, found)
  for (const group of principal.groups) look(policy.groups, group, asked, found)
  if (principal.groups.length > 0) look(policy.groups, '*', asked, found)
  if (principal.actor !== '') {
    look(policy.actors, principal.actor, asked, found)
    look(policy.actors, '*', asked, found)
  }
  if (claims.run !== '') {
    look(policy.runs, claims.run, asked, found, true)
    look(policy.runs, '*', asked, found, true)
  }
  return found
}

/** `isClaim`: the subject is the caller's own word for itself, which opens nothing. */
function look(rules: RulesBySubject, subject: string, asked: Asked, found: Found, isClaim = false): void {
  const named = rules.get(subject)
  if (named === undefined) return
  lookAt(named.anywhere, asked, found, isClaim)
  if (asked.isOfEveryNamespace) lookAt(named.namespacedGates, asked, found, isClaim)
  const there = named.byNamespace.get(asked.attributes.namespace)
  if (there !== undefined) lookAt(there, asked, found, isClaim)
}

function lookAt(rules: readonly Rule[], asked: Asked, found: Found, isClaim: boolean): void {
  for (const rule of rules) {
    if (isSettled(rule, found) || (rule.clusters !== undefined && !rule.clusters.has(asked.cluster))) continue
    if (rule.effect === 'allow') {
      if (isClaim || (rule.verbs & asked.verb) === 0) continue
      const mismatch = holds(rule, asked)
      if (mismatch === undefined) take(rule, asked, found)
      else if (mismatch === 'body') found.blindAllow = first(found.blindAllow, rule)
      continue
    }
    const mismatch = meets(rule, asked)
    if (mismatch === 'body') found.blind = first(found.blind, rule)
    if (mismatch !== undefined) continue
    if (rule.effect === 'requireApproval' && !isClaim && holds(rule, asked) === undefined) {
      if (rule.when === undefined) found.opens = true
      else found.openers.add(rule)
    }
    take(rule, asked, found)
  }
}

/** Whether what the rule says could change nothing any more: neither the decision, nor whose name it has, nor how it is recorded. */
function isSettled({ effect, place, durability }: Rule, { deny, allow }: Found): boolean {
  if (deny !== undefined) return effect !== 'deny' || deny.place < place
  return effect === 'allow' && allow !== undefined && allow.place < place && durability === undefined
}

/** Without a condition it counts; with one it waits for the others. What the gateway cannot see of nodes/proxy meets any. */
function take(rule: Rule, asked: Asked, found: Found): void {
  if (rule.when === undefined || (asked.isNodeProxy && rule.effect !== 'allow')) count(rule, found)
  else {
    found.pending ??= new Uint8Array(found.rules)
    found.pending[rule.rank] = 1
  }
}

function count(rule: Rule, found: Found): void {
  if (rule.effect === 'deny') {
    found.deny = first(found.deny, rule)
    return
  }
  if (rule.effect === 'requireApproval') found.gates.add(rule)
  else found.allow = first(found.allow, rule)
  if (rule.durability === 'strict') found.strict = true
  else if (rule.durability === 'group') found.group = true
}

function first(a: Rule | undefined, b: Rule): Rule {
  return a === undefined || b.place < a.place ? b : a
}

/** In the order of their ranks: together they may cost only so much, and where that ends must not depend on the order of rules. */
function judgeConditions(policy: Policy, pending: Uint8Array, found: Found, asked: Asked): void {
  for (let rank = pending.indexOf(1); rank !== -1; rank = pending.indexOf(1, rank + 1)) {
    const rule = policy.ranked[rank] as Rule
    if (!isSettled(rule, found)) judgeCondition(rule, found, asked)
  }
}

function judgeCondition(rule: Rule, found: Found, asked: Asked): void {
  const { when } = rule
  if (when === undefined) return
  if (when.readsObject && !('value' in asked.question.object.decoded)) {
    if (rule.effect === 'allow') found.blindAllow = first(found.blindAllow, rule)
    else found.blind = first(found.blind, rule)
    return
  }
  const verdict = when.holds(asked.variables, asked.steps)
  if (rule.effect === 'allow' ? verdict === true : verdict !== false) count(rule, found)
  if (verdict === true && found.openers.has(rule)) found.opens = true
}

function ask(found: Found, policy: Policy, asked: Asked): Decision {
  const gates = [...found.gates].sort((a, b) => a.place - b.place)
  const terms = together(gates.map(({ approval }) => approval as ApprovalTerms))
  const rule = gates[0] as Rule
  return {
    ...refuse(403, 'Forbidden', rule.name, needsYes(rule, terms, asked.attributes)),
    approval: terms,
    durability: durability(found, policy),
  }
}

/** A rule reads the body, and the gateway cannot. */
function refuseBlind(rule: Rule, asked: Asked): Refusal {
  const { status, problem } = asked.question.object.decoded as Unreadable
  const reason = status === 415 ? 'UnsupportedMediaType' : status === 413 ? 'RequestEntityTooLarge' : 'BadRequest'
  return refuse(status, reason, rule.name, unreadableBody(rule, problem))
}

/** Of the rules that allow it the strictest counts; one that says nothing leaves the configuration's. */
function durability(found: Found, policy: Policy): Durability {
  if (found.strict) return 'strict'
  return found.group ? 'group' : policy.durability
}
