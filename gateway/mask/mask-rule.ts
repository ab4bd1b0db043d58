// A rule that masks fields, compiled: for which requests it has a tree, which objects it means, and for whom it masks.

import type { FieldForm, MaskedObject } from '../../protocols/kube/field-masker.ts'
import { matchesLabels, type Selector, selectorOf } from '../labels.ts'
import type { Principal } from '../principal.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { parseResource } from '../resource-names.ts'
import type { MaskRuleDocument, SubjectDocument } from './document.ts'
import { fieldPath, type Step } from './field-path.ts'
import { around, FieldNode, merged, pathTree } from './field-tree.ts'
import { envTree, HOLDERS } from './pod-specs.ts'
import { isAmong } from './subjects.ts'

/** An object is meant if each of these that is there fits. Patterns are names, or beginnings of names with a "*". */
export interface ObjectSelector {
  readonly namespaces?: readonly string[] | undefined
  readonly names?: readonly string[] | undefined
  readonly labels?: Selector | undefined
}

export interface MaskRuleParts {
  readonly name: string
  /** The fields of one resource's objects; undefined where the rule does not name it. */
  tree(group: string, resource: string, subresource: string): FieldNode | undefined
  readonly clusters?: readonly string[] | undefined
  /** Any of them means an object; none: all objects. */
  readonly selectors?: readonly ObjectSelector[]
  readonly subjects?: readonly SubjectDocument[] | undefined
  readonly exempt?: readonly SubjectDocument[]
}

export class MaskRule {
  readonly name: string
  /** True if some objects of a resource are not meant. */
  readonly isSelective: boolean
  readonly #parts: MaskRuleParts
  readonly #selectors: readonly ObjectSelector[]

  constructor(parts: MaskRuleParts) {
    this.name = parts.name
    this.#parts = parts
    this.#selectors = parts.selectors ?? []
    this.isSelective = this.#selectors.length > 0
  }

  /** The fields to mask of what a request asks for; undefined where it can have none of the rule's objects. */
  tree(cluster: string, attributes: RequestAttributes): FieldNode | undefined {
    const { clusters } = this.#parts
    if (clusters !== undefined && !clusters.includes(cluster)) return undefined
    const { apiGroup, resource, subresource } = attributes
    const tree = this.#parts.tree(apiGroup, resource, subresource)
    return tree === undefined || !this.#mayMean(attributes) ? undefined : tree
  }

  /** `isPart`: of an object, as a patch is, whose labels may be elsewhere. */
  means(object: MaskedObject, isPart: boolean): boolean {
    if (!this.isSelective) return true
    return this.#selectors.some(
      ({ namespaces, names, labels }) =>
        fits(namespaces, object.namespace) &&
        // An object that is being created may be named later (generateName).
        (object.name === '' || fits(names, object.name)) &&
        (labels === undefined || isPart || matchesLabels(labels, object.labels)),
    )
  }

  masksFor(principal: Principal): boolean {
    const { subjects } = this.#parts
    return (subjects === undefined || isAmong(principal, subjects)) && !this.exempts(principal)
  }

  exempts(principal: Principal): boolean {
    return isAmong(principal, this.#parts.exempt ?? [])
  }

  /** Whether a request's namespace and name leave room for an object that is meant. */
  #mayMean({ namespace, name }: RequestAttributes): boolean {
    if (!this.isSelective) return true
    return this.#selectors.some(
      (selector) =>
        (namespace === '' || fits(selector.namespaces, namespace)) && (name === '' || fits(selector.names, name)),
    )
  }
}

function fits(patterns: readonly string[] | undefined, name: string): boolean {
  if (patterns === undefined) return true
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))
}

/** A rule of the configuration. Throws what check.ts reports: ResourceNameError, FieldPathError, SelectorError. */
export function configuredRule(document: MaskRuleDocument): MaskRule {
  const { name, resources = HOLDERS, fields = [], env = [], clusters, namespaces, names, labels } = document
  const paths = fields.map(fieldPath)
  const trees = new Map<string, FieldNode>()
  const groups = new Set<string>()
  let isEvery = false
  const treeOf = (key: string): FieldNode => ruleTree(name, key, paths, env)
  for (const entry of resources) {
    if (entry === '*') {
      isEvery = true
      continue
    }
    const [group, resource, subresource] = parseResource(entry)
    const key = `${group}/${resource}`
    if (resource === '*') groups.add(group)
    else trees.set(subresource === '' ? key : `${key}/${subresource}`, treeOf(key))
  }
  const isSelective = namespaces !== undefined || names !== undefined || labels !== undefined
  const selector = { namespaces, names, labels: labels === undefined ? undefined : selectorOf(labels) }
  return new MaskRule({
    name,
    clusters,
    selectors: isSelective ? [selector] : [],
    subjects: document.subjects,
    exempt: document.exempt,
    tree(group, resource, subresource) {
      const key = `${group}/${resource}`
      const tree = trees.get(key) ?? (subresource === '' ? undefined : trees.get(`${key}/${subresource}`))
      if (tree !== undefined) return tree
      return isEvery || groups.has(group) ? treeOf(key) : undefined
    },
  })
}

/** Fields that hold bytes, in base64: what stands in their place must be base64 too, or Go's clients fail on the object. */
const BASE64: ReadonlyMap<string, readonly (readonly string[])[]> = new Map([
  ['/secrets', [['data']]],
  ['/configmaps', [['binaryData']]],
  [
    'certificates.k8s.io/certificatesigningrequests',
    [
      ['spec', 'request'],
      ['status', 'certificate'],
    ],
  ],
])

function ruleTree(rule: string, key: string, paths: readonly (readonly Step[])[], env: readonly string[]): FieldNode {
  let tree = env.length === 0 ? undefined : envTree(rule, key, env)
  for (const path of paths) {
    tree = merged(tree, pathTree(rule, path, formOf(key, path)))
    // Values of Secrets are written as stringData as well.
    if (key === '/secrets' && path[0] === 'data') {
      tree = merged(tree, pathTree(rule, ['stringData', ...path.slice(1)], 'text'))
    }
  }
  return merged(tree, lastApplied(rule)) as FieldNode
}

function formOf(key: string, path: readonly Step[]): FieldForm {
  const isBase64 = BASE64.get(key)?.some((field) => field.every((step, at) => path[at] === step)) === true
  return isBase64 ? 'base64' : 'text'
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** The copy of the manifest that kubectl apply keeps: its fields are masked as the object's are. */
export function lastApplied(rule: string): FieldNode {
  return around(['metadata', 'annotations', LAST_APPLIED], new FieldNode(rule, 'manifest'))
}
