// A request line's target -> the resource, name and subresource that it names, by Kubernetes' rule (apiserver
// pkg/endpoints/request/requestinfo.go) as far as the table of resources goes. Refuses escapes that do not decode.

import { groupVersion, RESOURCES, type Resource } from './resources.ts'
import { ApiError } from './status.ts'

/** A path and its resource, as far as the table of resources knows them. */
export interface Target {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly subresource: string
}

/** The decoded path, and the query. Throws ApiError (400). */
export function splitTarget(url: string): { path: string; query: URLSearchParams } {
  const at = url.indexOf('?')
  try {
    return {
      path: decodeURIComponent(at === -1 ? url : url.slice(0, at)),
      query: new URLSearchParams(at === -1 ? '' : url.slice(at + 1)),
    }
  } catch {
    throw new ApiError('BadRequest', 'the path is not valid')
  }
}

/** Undefined for what is no resource here. */
export function resourceAt(path: string): Target | undefined {
  const match =
    /^\/(?:api\/(v1)|apis\/([^/]+\/[^/]+))(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path)
  if (match === null) return namespaceAt(path)
  const [, legacy, named, namespace = '', plural, name = '', subresource = ''] = match
  const version = legacy ?? named
  const resource = RESOURCES.find((one) => one.plural === plural && groupVersion(one) === version)
  if (resource === undefined || (namespace !== '' && !resource.namespaced)) return namespaceAt(path)
  return { resource, namespace, name, subresource }
}

function namespaceAt(path: string): Target | undefined {
  const match = /^\/api\/v1\/namespaces(?:\/([^/]+))?$/.exec(path)
  const resource = RESOURCES.find(({ plural }) => plural === 'namespaces')
  return match === null || resource === undefined
    ? undefined
    : { resource, namespace: '', name: match[1] ?? '', subresource: '' }
}
