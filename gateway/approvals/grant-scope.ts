// What a standing grant opens, and whether a request lies wholly inside: by exact words only, so that what it does not
// name it does not open. Subresources are named themselves, and non-resource paths are never inside.

import type { RequestAttributes } from '../request-attributes.ts'

/** Like an allow's, already parsed. */
export interface GrantScope {
  /** Whom it is for. */
  readonly user: string
  /** The agent that may use it for the user, or "" for the user alone. */
  readonly actor: string
  readonly cluster: string
  /** Policy verbs, exact. Never empty. */
  readonly verbs: readonly string[]
  /** Never empty. */
  readonly resources: readonly GrantResource[]
  /** Exact names; or all of them, and what lies in none. */
  readonly namespaces: readonly string[] | 'all'
}

export interface GrantResource {
  /** "" is the core group. */
  readonly group: string
  /** "*": every resource of the group, without subresources. */
  readonly resource: string
  /** Or "". */
  readonly subresource: string
}

/** What is judged. The policy's Question is one. */
export interface GrantQuestion {
  readonly principal: { readonly user: string; readonly actor: string }
  readonly cluster: string
  readonly attributes: RequestAttributes
}

/** Verbs that name a subresource of their own: "exec" on "pods" has one meaning. */
const STREAMS = new Set(['exec', 'attach', 'portforward'])

export function scopeHolds(scope: GrantScope, { principal, cluster, attributes }: GrantQuestion): boolean {
  if (scope.user !== principal.user || scope.actor !== principal.actor || scope.cluster !== cluster) return false
  if (!attributes.isResource || !scope.verbs.includes(attributes.verb)) return false
  if (!isInside(scope.namespaces, attributes, scope.resources)) return false
  return scope.resources.some((each) => names(each, attributes))
}

function names({ group, resource, subresource }: GrantResource, asked: RequestAttributes): boolean {
  if (group !== asked.apiGroup) return false
  if (resource === '*') return asked.subresource === ''
  if (resource !== asked.resource) return false
  if (subresource === asked.subresource) return true
  return subresource === '' && group === '' && resource === 'pods' && STREAMS.has(asked.verb)
}

function isInside(
  namespaces: GrantScope['namespaces'],
  asked: RequestAttributes,
  resources: readonly GrantResource[],
): boolean {
  if (namespaces === 'all') return true
  if (!namespaces.includes(asked.namespace)) return false
  // A namespace is not among the things in it: only a scope that says so gives it away.
  if (asked.apiGroup !== '' || asked.resource !== 'namespaces') return true
  return resources.some(({ group, resource }) => group === '' && resource === 'namespaces')
}
