// A request with what rules need of it, worked out once, and what few rules need only when one does: the labels that its
// query selects, whether it is a dry run, its command as a line, the variables of conditions.

import { type Labels, parseSelector, type Selector } from '../labels.ts'
import type { Principal } from '../principal.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { queryPairs } from '../request-query.ts'
import { shellLine } from './commands.ts'
import { ConditionPrincipal, ConditionRequest, type Variables } from './condition.ts'
import { type DryRun, dryRunOf } from './dry-run.ts'
import type { RequestObject } from './request-object.ts'
import { type AskedResource, isClusterScoped, resourceKey, sameAs } from './resources.ts'
import { Steps } from './steps.ts'
import { bit, deniedBy, type VerbSet } from './verbs.ts'

/** What a caller says of itself: nothing that widens its rights. */
export interface Claims {
  /** The `Sallyport-Run` header, or "". */
  readonly run: string
  /** The `Sallyport-Intent` header, or "". */
  readonly intent: string
}

/** All that a decision depends on. */
export interface Question {
  readonly principal: Principal
  readonly claims: Claims
  readonly cluster: string
  readonly attributes: RequestAttributes
  /** The lower-cased Upgrade field where the request asks for one. */
  readonly upgrade: string | undefined
  readonly userAgent: string
  readonly object: RequestObject
  /** Milliseconds since 1970. */
  readonly now: number
}

export class Asked {
  readonly question: Question
  readonly attributes: RequestAttributes
  readonly cluster: string
  readonly now: number
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
  /** The request under its resource's other name, where it has one. */
  readonly same: (AskedResource & { readonly key: string }) | undefined
  /** Takes all that a namespace holds along. */
  readonly isNamespaceDelete: boolean
  /** Takes all objects of a custom resource along, of every namespace. */
  readonly isDefinitionDelete: boolean
  readonly steps = new Steps()
  #dryRun: DryRun | undefined
  #line: string | undefined
  #selected: Selector | 'unknown' | undefined
  #created: Labels | 'unknown' | undefined
  #variables: Variables | undefined

  constructor(question: Question) {
    const { attributes } = question
    const { isResource, verb, namespace, subresource, name } = attributes
    const key = resourceKey(attributes)
    this.question = question
    this.attributes = attributes
    this.cluster = question.cluster
    this.now = question.now
    this.key = key
    this.verb = bit(verb)
    this.denied = deniedBy(attributes, verb === 'patch' && mayCreate(question.object))
    this.name = verb === 'proxy' && name.includes(':') ? proxiedName(name) : name
    // What is named in the path and has no namespace there lies in none; but a watch of a custom resource's name is one over
    // all namespaces (apiextensions-apiserver pkg/apiserver/customresource_handler.go, possiblyAcrossAllNamespacesVerbs).
    const isMany = attributes.parts.length === 0 || attributes.kubeVerb === 'watch'
    this.isEverywhere = isResource && namespace === '' && isMany && !isClusterScoped(key)
    this.isNodeProxy = verb === 'proxy' && (attributes.kubeVerb === 'proxy' || key === '/nodes')
    const isDelete = isResource && subresource === '' && (verb === 'delete' || verb === 'deletecollection')
    this.isNamespaceDelete = isDelete && key === '/namespaces'
    this.isDefinitionDelete = isDelete && key === 'apiextensions.k8s.io/customresourcedefinitions'
    this.isOfEveryNamespace = this.isEverywhere || this.isNodeProxy || this.isDefinitionDelete
    this.same = sameAs(attributes, key)
  }

  get dryRun(): DryRun {
    this.#dryRun ??= dryRunOf(this.attributes, this.question.object)
    return this.#dryRun
  }

  /** argv as a line of shell. */
  get line(): string {
    this.#line ??= shellLine(this.attributes.command)
    return this.#line
  }

  /** What the query selects, of a list, a watch or a deletecollection; `unknown` for all else. */
  get selected(): Selector | 'unknown' {
    this.#selected ??= selectedBy(this.attributes)
    return this.#selected
  }

  /** The labels of what a create makes; `unknown` for all else, and where they do not show. The body is readable. */
  get created(): Labels | 'unknown' {
    this.#created ??= this.isCreate ? labelsOf(this.question.object) : 'unknown'
    return this.#created
  }

  /** Makes an object whose labels are in the body. All other writes change one that is there, labelled nobody knows how. */
  get isCreate(): boolean {
    const { isResource, verb, name, subresource } = this.attributes
    return isResource && verb === 'create' && name === '' && subresource === ''
  }

  /** `object` is read only where a condition does. */
  get variables(): Variables {
    this.#variables ??= variablesOf(this)
    return this.#variables
  }
}

/** A server-side apply makes what is not there; of the other patches only known ones are sure not to. */
function mayCreate(object: RequestObject): boolean {
  const type = object.patchType('patch')
  return type === 'apply' || type === 'other'
}

/** "https:web:443" and "web:443" are "web" (apimachinery util/net/port_split.go); any other form is nobody's name. */
function proxiedName(name: string): string {
  const parts = name.split(':')
  if (parts.length === 2) return parts[0] as string
  const [scheme, inner] = parts
  return parts.length === 3 && (scheme === '' || scheme === 'http' || scheme === 'https') ? (inner as string) : name
}

function selectedBy({ isResource, verb, parts, query }: RequestAttributes): Selector | 'unknown' {
  const isMany = verb === 'list' || verb === 'watch' || verb === 'deletecollection'
  if (!isResource || !isMany || parts.length > 0) return 'unknown'
  const pairs = queryPairs(query)
  if ('status' in pairs) return 'unknown'
  let text: string | undefined
  for (let at = 0; at < pairs.length; at += 2) {
    if (pairs[at] !== 'labelSelector') continue
    if (text !== undefined) return 'unknown'
    text = pairs[at + 1]
  }
  return parseSelector(text ?? '') ?? 'unknown'
}

function labelsOf(object: RequestObject): Labels | 'unknown' {
  const { decoded } = object
  if (!('value' in decoded) || !(decoded.value instanceof Map)) return 'unknown'
  const metadata: unknown = decoded.value.get('metadata') ?? null
  if (metadata === null) return new Map()
  if (!(metadata instanceof Map)) return 'unknown'
  const labels: unknown = metadata.get('labels') ?? null
  if (labels === null) return new Map()
  if (!(labels instanceof Map)) return 'unknown'
  for (const value of labels.values()) if (typeof value !== 'string') return 'unknown'
  return labels
}

function variablesOf(asked: Asked): Variables {
  const { principal, claims, cluster, userAgent, object } = asked.question
  const { attributes } = asked
  return {
    request: new ConditionRequest({
      verb: attributes.verb,
      apiGroup: attributes.apiGroup,
      resource: attributes.resource,
      subresource: attributes.subresource,
      namespace: attributes.namespace,
      name: asked.name,
      path: attributes.path,
      cluster,
      query: queryMap(attributes.query),
      command: attributes.command,
      container: attributes.container,
      dryRun: asked.dryRun === 'dry',
      patchType: object.patchType(attributes.verb),
      userAgent,
    }),
    principal: new ConditionPrincipal(principal.user, principal.groups, principal.actor, claims.run, claims.intent),
    // Conditions that read it are not run where it cannot be read.
    get object() {
      const { decoded } = object
      return 'value' in decoded ? decoded.value : null
    },
  }
}

function queryMap(query: string): ReadonlyMap<string, readonly string[]> {
  const map = new Map<string, string[]>()
  const pairs = queryPairs(query)
  if ('status' in pairs) return map
  for (let at = 0; at < pairs.length; at += 2) {
    const name = pairs[at] as string
    const values = map.get(name)
    if (values === undefined) map.set(name, [pairs[at + 1] as string])
    else values.push(pairs[at + 1] as string)
  }
  return map
}
