// The verbs of a policy as bits, and which of them a denial must name to meet a request: not only the request's own, but
// every verb whose effect the request could have in another way.

import type { RequestAttributes } from '../request-attributes.ts'

/** Kubernetes' request verbs, the gateway's own for streams, and the methods of non-resource paths. */
export const VERBS = [
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
  'exec',
  'attach',
  'portforward',
  'proxy',
  'head',
  'post',
  'put',
  'options',
] as const

export type Verb = (typeof VERBS)[number]

/** A set of verbs: bit N is VERBS[N]. */
export type VerbSet = number

const BITS: ReadonlyMap<string, VerbSet> = new Map(VERBS.map((verb, at) => [verb, 1 << at]))

export const EVERY_VERB: VerbSet = 2 ** VERBS.length - 1

/** The set of one verb; empty for a word that is none. */
export function bit(verb: string): VerbSet {
  return BITS.get(verb) ?? 0
}

export function verbSet(...verbs: readonly string[]): VerbSet {
  let set = 0
  for (const verb of verbs) set |= bit(verb)
  return set
}

export const DELETES = verbSet('delete', 'deletecollection')
export const PORT_FORWARD = verbSet('portforward')
/** Verbs that name a subresource of their own. */
export const STREAMS = verbSet('exec', 'attach', 'portforward', 'proxy')
const PROXIED_PORT = verbSet('proxy', 'portforward')
export const READS = verbSet('get', 'list', 'watch')

/**
 * A denial of one of the second meets a request of the first: a list returns what a get would, and so on. The answer to a
 * write is the whole object, with what the caller did not send, and to a deletecollection all of them (wire sheet, section
 * 8); to a delete too, a dry one as well, while finalizers hold the object (apiserver registry/generic/registry/store.go).
 */
const ALSO_DENIED_BY: ReadonlyMap<string, VerbSet> = new Map([
  ['list', verbSet('list', 'get')],
  ['watch', verbSet('watch', 'list', 'get')],
  ['update', verbSet('update', 'patch', 'get')],
  ['patch', verbSet('patch', 'update', 'get')],
  ['delete', verbSet('delete', 'get')],
  ['deletecollection', DELETES | verbSet('list', 'get')],
  ['head', verbSet('head', 'get')],
])

/** The verbs by which a denial meets requests of a verb, whatever they are for. */
export function alsoDeniedBy(verb: string): VerbSet {
  return ALSO_DENIED_BY.get(verb) ?? bit(verb)
}

/** Kinds that a PUT creates where they are not there (AllowCreateOnUpdate of their strategies in pkg/registry). */
const CREATED_BY_PUT = new Set([
  '/endpoints',
  '/events',
  '/limitranges',
  '/services',
  'coordination.k8s.io/leasecandidates',
  'coordination.k8s.io/leases',
  'events.k8s.io/events',
  'node.k8s.io/runtimeclasses',
  'rbac.authorization.k8s.io/clusterrolebindings',
  'rbac.authorization.k8s.io/clusterroles',
  'rbac.authorization.k8s.io/rolebindings',
  'rbac.authorization.k8s.io/roles',
])

/** The verbs by which a denial meets a request. `isApply`: a patch that is, or may be, a server-side apply. */
export function deniedBy(asked: RequestAttributes, isApply: boolean): VerbSet {
  const { verb, apiGroup, resource, subresource } = asked
  if (verb === 'patch' && isApply) return alsoDeniedBy(verb) | bit('create')
  if (verb === 'update' && subresource === '' && CREATED_BY_PUT.has(`${apiGroup}/${resource}`)) {
    return alsoDeniedBy(verb) | bit('create')
  }
  if (apiGroup === '' && resource === 'pods') {
    if (subresource === 'eviction') return bit(verb) | bit('delete')
    // A proxied port is a forwarded port.
    if (verb === 'proxy') return PROXIED_PORT
  }
  if (apiGroup === '' && resource === 'services' && verb === 'proxy') return PROXIED_PORT
  return alsoDeniedBy(verb)
}
