// The resources that a rule names, compiled, and whether a request lies among them: wholly, for an allow, or in part, for a
// denial.

import type { RequestAttributes } from '../request-attributes.ts'
import { parseResource } from '../resource-names.ts'
import { bit, PORT_FORWARD, READS, STREAMS, type VerbSet, verbSet } from './verbs.ts'

/** Resources that lie in no namespace, as "group/resource"; an unknown one may lie in any. */
const CLUSTER_SCOPED = new Set(
  (
    '/nodes /persistentvolumes /componentstatuses ' +
    'rbac.authorization.k8s.io/clusterroles rbac.authorization.k8s.io/clusterrolebindings ' +
    'storage.k8s.io/storageclasses storage.k8s.io/volumeattachments storage.k8s.io/csidrivers storage.k8s.io/csinodes ' +
    'storage.k8s.io/volumeattributesclasses apiextensions.k8s.io/customresourcedefinitions ' +
    'apiregistration.k8s.io/apiservices admissionregistration.k8s.io/mutatingwebhookconfigurations ' +
    'admissionregistration.k8s.io/validatingwebhookconfigurations ' +
    'admissionregistration.k8s.io/validatingadmissionpolicies ' +
    'admissionregistration.k8s.io/validatingadmissionpolicybindings ' +
    'admissionregistration.k8s.io/mutatingadmissionpolicies ' +
    'admissionregistration.k8s.io/mutatingadmissionpolicybindings scheduling.k8s.io/priorityclasses ' +
    'node.k8s.io/runtimeclasses networking.k8s.io/ingressclasses networking.k8s.io/ipaddresses ' +
    'networking.k8s.io/servicecidrs certificates.k8s.io/certificatesigningrequests ' +
    'certificates.k8s.io/clustertrustbundles flowcontrol.apiserver.k8s.io/flowschemas ' +
    'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations resource.k8s.io/deviceclasses ' +
    'resource.k8s.io/resourceslices authentication.k8s.io/tokenreviews authentication.k8s.io/selfsubjectreviews ' +
    'authorization.k8s.io/subjectaccessreviews authorization.k8s.io/selfsubjectaccessreviews ' +
    'authorization.k8s.io/selfsubjectrulesreviews'
  ).split(' '),
)

/** Subresources that are another view of the object itself: whoever has the object has them, for these verbs. */
const VIEWS: ReadonlyMap<string, VerbSet> = new Map([
  ['status', READS],
  ['scale', READS | verbSet('create', 'update', 'patch')],
])

/** What is the same as something else under another name: the events of both groups, a pod's binding. */
const SAME: ReadonlyMap<string, readonly [group: string, resource: string, subresource: string]> = new Map([
  ['/events', ['events.k8s.io', 'events', '']],
  ['events.k8s.io/events', ['', 'events', '']],
  ['/bindings', ['', 'pods', 'binding']],
])

/** A request as one for what its resource is under its other name, or undefined; `key` is that name's. */
export function sameAs(asked: RequestAttributes, key: string): (AskedResource & { readonly key: string }) | undefined {
  const same = asked.isResource && asked.subresource === '' ? SAME.get(key) : undefined
  if (same === undefined) return undefined
  const [apiGroup, resource, subresource] = same
  return { isResource: true, verb: asked.verb, apiGroup, subresource, key: `${apiGroup}/${resource}` }
}

/** "things.example.com", the name of a definition, as the key of what it defines. */
export function definedBy(name: string): string {
  const at = name.indexOf('.')
  return `${name.slice(at + 1)}/${name.slice(0, at)}`
}

/** "group/resource"; the core group is empty. */
export function resourceKey(asked: RequestAttributes): string {
  return `${asked.apiGroup}/${asked.resource}`
}

export function isClusterScoped(key: string): boolean {
  return CLUSTER_SCOPED.has(key)
}

/** What of a request says which resource it is for, and how. */
export type AskedResource = Pick<RequestAttributes, 'isResource' | 'verb' | 'apiGroup' | 'subresource'>

export class ResourceSet {
  /** "*": resources of every kind, and non-resource paths. */
  readonly isEvery: boolean
  /** True if something in it lies in a namespace, or may. */
  readonly isNamespaced: boolean
  readonly #groups = new Set<string>()
  readonly #resources = new Set<string>()
  readonly #subresources = new Set<string>()
  /** Resources all of whose subresources are meant. */
  readonly #everySubresource = new Set<string>()
  /** Views that are named, by the key of their object. */
  readonly #views = new Map<string, VerbSet>()

  /** True if something of a group that is not Kubernetes' own is in it. */
  readonly holdsCustom: boolean

  /** True if pods or pods/portforward are in it. */
  readonly holdsPodPorts: boolean

  /** Throws ResourceNameError at the first entry that names nothing. */
  constructor(entries: readonly string[]) {
    let isEvery = false
    let isNamespaced = false
    for (const entry of entries) {
      if (entry === '*') {
        isEvery = true
        continue
      }
      const [group, resource, subresource] = parseResource(entry)
      const key = `${group}/${resource}`
      if (resource === '*') this.#groups.add(group)
      else if (subresource === '') this.#resources.add(key)
      else if (subresource === '*') this.#everySubresource.add(key)
      else {
        this.#subresources.add(`${key}/${subresource}`)
        const view = VIEWS.get(subresource)
        if (view !== undefined) this.#views.set(key, (this.#views.get(key) ?? 0) | view)
      }
      if (resource === '*' || !isClusterScoped(key)) isNamespaced = true
    }
    this.isEvery = isEvery
    this.holdsCustom = isEvery || [...this.#groups, ...this.#resources].some((each) => /^[^/]*\./.test(each))
    this.isNamespaced = isEvery || isNamespaced
    this.holdsPodPorts =
      isEvery ||
      this.#resources.has('/pods') ||
      this.#everySubresource.has('/pods') ||
      this.#subresources.has('/pods/portforward')
  }

  /** Whether the resource is named itself, not by a wildcard. */
  names(key: string): boolean {
    return this.#resources.has(key)
  }

  /** Whether something of an API group is in it. */
  touches(group: string): boolean {
    if (this.isEvery || this.#groups.has(group)) return true
    const named = [this.#resources, this.#subresources, this.#everySubresource]
    return named.some((keys) => [...keys].some((key) => key.startsWith(`${group}/`)))
  }

  /**
   * For an allow: whether the request lies wholly inside. A resource does not hold its subresources, except for a
   * stream whose verb the rule spells out: "exec" on "pods" has one meaning.
   */
  holds(asked: AskedResource, key: string, spelledOut: VerbSet): boolean {
    if (this.isEvery || (this.#groups.size > 0 && asked.isResource && this.#groups.has(asked.apiGroup))) return true
    const { subresource } = asked
    if (subresource === '') return this.#resources.has(key)
    if (this.#subresources.has(`${key}/${subresource}`) || this.#everySubresource.has(key)) return true
    return (spelledOut & bit(asked.verb) & STREAMS) !== 0 && this.#resources.has(key)
  }

  /** For a denial: whether the request could return or change something of it. */
  meets(asked: AskedResource, key: string, denied: VerbSet): boolean {
    if (this.isEvery) return true
    if (!asked.isResource) return false
    if ((this.#groups.size > 0 && this.#groups.has(asked.apiGroup)) || this.#resources.has(key)) return true
    const { subresource } = asked
    if (subresource === '') return this.#views.size > 0 && ((this.#views.get(key) ?? 0) & bit(asked.verb)) !== 0
    if (this.#subresources.has(`${key}/${subresource}`) || this.#everySubresource.has(key)) return true
    // A proxy to a pod or a service reaches what a port-forward to a pod does.
    const isPorts = asked.verb === 'proxy' && (key === '/pods' || key === '/services')
    return isPorts && (denied & PORT_FORWARD) !== 0 && this.holdsPodPorts
  }
}
