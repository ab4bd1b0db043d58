// Answers whether a caller may do what a request asks: a denial that meets it wins, then an allow that holds it, then the
// default. A denial meets every request that could return or change what it names; an allow holds only what lies
// wholly inside it. Upgrades that the gateway cannot record are denied whatever the rules say.

import { type Decision, type Durability, refuse } from '../decision.ts'
import type { Principal } from '../principal.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { denial, noRule, unknownUpgrade } from './explain.ts'
import type { Policy, RequestClass, Rule, RulesBySubject } from './policy.ts'
import { isClusterScoped, resourceKey } from './resources.ts'
import { bit, DELETES, deniedBy, PORT_FORWARD, type VerbSet } from './verbs.ts'

/** A request with what every rule needs of it, worked out once. */
interface Asked {
  readonly attributes: RequestAttributes
  readonly cluster: string
  readonly key: string
  readonly verb: VerbSet
  /** The verbs by which a denial meets it. */
  readonly denied: VerbSet
  /** The name without scheme and port, where it is a proxy's. */
  readonly name: string
  /** Could be of any namespace: a list over all of them. */
  readonly isEverywhere: boolean
  /** Denials of any namespace may meet it. */
  readonly isOfEveryNamespace: boolean
  /** Reaches every pod of a node, and so all that they hold: nodes/proxy, whose tail the kubelet reads as exec and the like. */
  readonly isNodeProxy: boolean
  /** Takes all that a namespace holds along. */
  readonly isNamespaceDelete: boolean
}

/** What was found so far; places are compared, so that the order in which rules are looked at does not matter. */
interface Found {
  deny: Rule | undefined
  allow: Rule | undefined
  strict: boolean
  group: boolean
}

/** `upgrade`: the lower-cased Upgrade field where the request asks for one. Pure. */
export function decide(
  policy: Policy,
  principal: Principal,
  cluster: string,
  attributes: RequestAttributes,
  upgrade: string | undefined,
): Decision {
  if (upgrade !== undefined && !isKnownUpgrade(attributes)) {
    return refuse(403, 'Forbidden', 'policy.unknown_upgrade', unknownUpgrade(attributes))
  }
  const asked = prepare(cluster, attributes)
  const found: Found = { deny: undefined, allow: undefined, strict: false, group: false }
  look(policy.users, principal.user, asked, found)
  look(policy.users, '*', asked, found)
  for (const group of principal.groups) look(policy.groups, group, asked, found)
  if (principal.groups.length > 0) look(policy.groups, '*', asked, found)
  if (principal.actor !== '') {
    look(policy.actors, principal.actor, asked, found)
    look(policy.actors, '*', asked, found)
  }

  const { deny, allow } = found
  if (deny !== undefined) return refuse(403, 'Forbidden', deny.name, denial(deny, attributes))
  if (allow !== undefined) {
    return { allowed: true, rule: allow.name, reason: 'a rule allows it', durability: durability(found, policy) }
  }
  const kind = classOf(attributes)
  if (policy.default[kind] === 'allow') {
    return { allowed: true, rule: 'default', reason: `${kind} are allowed by default`, durability: policy.durability }
  }
  return refuse(403, 'Forbidden', 'default', noRule(policy, principal, cluster, attributes, kind))
}

/** Non-resource paths that say more than what the API is and how it does (wire sheet, section 8). */
const TELLING_PATHS = /^\/(?:logs|debug|configz|flagz)(?:\/|$)/

/** Reviews of the caller's own rights: a create that changes nothing. */
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
function isKnownUpgrade({ verb, apiGroup, resource }: RequestAttributes): boolean {
  return (verb === 'exec' || verb === 'attach' || verb === 'portforward') && apiGroup === '' && resource === 'pods'
}

function prepare(cluster: string, attributes: RequestAttributes): Asked {
  const { isResource, verb, namespace, resource, subresource, name } = attributes
  const key = resourceKey(attributes)
  const isCore = isResource && attributes.apiGroup === ''
  // What is named in the path and has no namespace there lies in none.
  const isEverywhere = isResource && namespace === '' && attributes.parts.length === 0 && !isClusterScoped(key)
  const isNodeProxy = verb === 'proxy' && (attributes.kubeVerb === 'proxy' || key === '/nodes')
  return {
    attributes,
    cluster,
    key,
    verb: bit(verb),
    denied: deniedBy(attributes),
    name: verb === 'proxy' && name.includes(':') ? proxiedName(name) : name,
    isEverywhere,
    isOfEveryNamespace: isEverywhere || isNodeProxy,
    isNodeProxy,
    isNamespaceDelete:
      isCore && resource === 'namespaces' && subresource === '' && (verb === 'delete' || verb === 'deletecollection'),
  }
}

/** "https:web:443" and "web:443" are "web" (apimachinery util/net/port_split.go); any other form is nobody's name. */
function proxiedName(name: string): string {
  const parts = name.split(':')
  if (parts.length === 2) return parts[0] as string
  const [scheme, inner] = parts
  return parts.length === 3 && (scheme === '' || scheme === 'http' || scheme === 'https') ? (inner as string) : name
}

function look(rules: RulesBySubject, subject: string, asked: Asked, found: Found): void {
  const named = rules.get(subject)
  if (named === undefined) return
  lookAt(named.anywhere, asked, found)
  if (asked.isOfEveryNamespace) lookAt(named.namespacedDenials, asked, found)
  const there = named.byNamespace.get(asked.attributes.namespace)
  if (there !== undefined) lookAt(there, asked, found)
}

function lookAt(rules: readonly Rule[], asked: Asked, found: Found): void {
  for (const rule of rules) {
    if (rule.clusters !== undefined && !rule.clusters.has(asked.cluster)) continue
    if (rule.effect === 'deny') {
      if ((found.deny === undefined || rule.place < found.deny.place) && meets(rule, asked)) found.deny = rule
    } else if ((rule.verbs & asked.verb) !== 0 && holds(rule, asked)) {
      if (found.allow === undefined || rule.place < found.allow.place) found.allow = rule
      if (rule.durability === 'strict') found.strict = true
      else if (rule.durability === 'group') found.group = true
    }
  }
}

/** Of the rules that allow it the strictest counts; one that says nothing leaves the configuration's. */
function durability(found: Found, policy: Policy): Durability {
  if (found.strict) return 'strict'
  return found.group ? 'group' : policy.durability
}

/** Whether a request could return or change what a denial names. */
function meets(rule: Rule, asked: Asked): boolean {
  if (asked.isNodeProxy) return true
  const { attributes } = asked
  if ((rule.verbs & asked.denied) === 0) return false
  const { namespaces, names, resources } = rule
  if (asked.isNamespaceDelete && takesAlong(rule, asked)) return true
  if (resources !== undefined && !resources.meets(attributes, asked.key, rule.verbs & asked.denied)) return false
  if (!attributes.isResource) return namespaces === undefined && names === undefined
  if (namespaces !== undefined) {
    const isThere = attributes.namespace === '' ? asked.isEverywhere : namespaces.has(attributes.namespace)
    if (!isThere) return false
  }
  // Without a name it could be any: a list, a create whose name is in the body, a deletecollection.
  if (names !== undefined && asked.name !== '' && !names.has(asked.name) && !isOtherKind(rule, asked)) return false
  if (rule.commands === undefined || attributes.verb !== 'exec' || attributes.command.length === 0) return true
  return rule.commands.some((pattern) => pattern.matches(attributes.command))
}

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

/** Whether a request of a verb that an allow names lies wholly inside what it names. */
function holds(rule: Rule, asked: Asked): boolean {
  const { attributes, key } = asked
  const { namespaces, names, resources, commands } = rule
  if (resources !== undefined && !resources.holds(attributes, key, rule.spelledOut)) return false
  if (namespaces !== undefined) {
    if (!namespaces.has(attributes.namespace)) return false
    // A namespace is not among the things in it: only a rule that says so gives it away.
    if (key === '/namespaces' && attributes.isResource && resources?.names(key) !== true) return false
  }
  if (names !== undefined && !names.has(asked.name)) return false
  if (commands === undefined) return true
  return attributes.verb === 'exec' && commands.some((pattern) => pattern.matches(attributes.command))
}
