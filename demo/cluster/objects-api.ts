// Requests for resources -> their answers: list, get, create, update, patch and delete over the store, and the few
// resources that are only asked. Everything that is wrong with a request is thrown as an ApiError.

import { isObject, type JsonObject, type KubeObject } from './object.ts'
import { APPLY, patched, readObject } from './patch.ts'
import { groupVersion, RESOURCES, type Resource } from './resources.ts'
import { selectorOf } from './selectors.ts'
import { ApiError, success } from './status.ts'
import { type Draft, detailsOf, type ObjectStore } from './store.ts'

/** Who asks, as the gateway says by impersonation. */
export interface Caller {
  readonly user: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

/** A request for a resource, once its path is understood. `name` and `subresource` may be "". */
export interface ResourceRequest {
  readonly method: string
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly subresource: string
  readonly query: URLSearchParams
  /** The media type of the body, without parameters. */
  readonly contentType: string
  readonly body: Uint8Array
  readonly caller: Caller
}

/** One object, or many of them with the version at which that was so, or something else as it is. */
export type Answer =
  | { readonly code: number; readonly object: KubeObject }
  | { readonly code: number; readonly list: readonly KubeObject[]; readonly version: number }
  | { readonly code: number; readonly value: unknown }

const NAMESPACES = RESOURCES.find(({ plural }) => plural === 'namespaces') as Resource
/** RFC 1123 subdomain, what names of objects must be. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/

export function answerResource(store: ObjectStore, request: ResourceRequest): Answer {
  const { method, resource, namespace, name, subresource } = request
  const act =
    subresource === ''
      ? ACTIONS[`${method}${name === '' ? '' : ' NAME'}`]
      : SUBRESOURCES[`${method} ${resource.plural}/${subresource}`]
  if (act === undefined || !allowed(request)) {
    throw new ApiError(
      'MethodNotAllowed',
      `the server does not allow this method on the requested resource`,
      detailsOf(resource, name),
    )
  }
  if (method === 'POST' && namespace !== '' && store.find(NAMESPACES, '', namespace) === undefined) {
    throw new ApiError('NotFound', `namespaces "${namespace}" not found`, detailsOf(NAMESPACES, namespace))
  }
  return act(store, request)
}

type Act = (store: ObjectStore, request: ResourceRequest) => Answer

const ACTIONS: Readonly<Record<string, Act>> = {
  GET: (store, { resource, namespace, query }) => {
    return { code: 200, list: store.list(resource, namespace).filter(selectorOf(query)), version: store.version }
  },
  'GET NAME': (store, { resource, namespace, name }) => ({ code: 200, object: store.get(resource, namespace, name) }),
  POST: (store, request) => {
    const { resource, namespace } = request
    if (resource.plural === 'selfsubjectreviews') return whoAmI(request)
    if (resource.plural === 'selfsubjectaccessreviews') return mayI(request)
    const draft = draftOf(request, readObject(request.body, request.contentType))
    return { code: 201, object: store.create(resource, namespace, draft, isDryRun(request)) }
  },
  'PUT NAME': (store, request) => {
    const draft = draftOf(request, readObject(request.body, request.contentType))
    return { code: 200, object: store.update(request.resource, request.namespace, draft, isDryRun(request)) }
  },
  'PATCH NAME': patch,
  'DELETE NAME': (store, request) => {
    const { resource, namespace, name } = request
    const object = store.get(resource, namespace, name)
    if (!isDryRun(request)) remove(store, resource, object)
    return { code: 200, value: success({ ...detailsOf(resource, name), uid: object.metadata.uid }) }
  },
  DELETE: (store, request) => {
    const { resource, namespace, query } = request
    const list = store.list(resource, namespace).filter(selectorOf(query))
    if (!isDryRun(request)) for (const object of list) remove(store, resource, object)
    return { code: 200, list, version: store.version }
  },
}

const SUBRESOURCES: Readonly<Record<string, Act>> = {
  'GET deployments/scale': (store, request) => scaleOf(deployment(store, request)),
  'PUT deployments/scale': scale,
  'PATCH deployments/scale': scale,
}

function allowed({ method, resource, name, subresource }: ResourceRequest): boolean {
  if (subresource !== '') return true
  const verb = {
    GET: name === '' ? 'list' : 'get',
    POST: 'create',
    PUT: 'update',
    PATCH: 'patch',
    DELETE: name === '' ? 'deletecollection' : 'delete',
  }[method]
  return verb !== undefined && resource.verbs.includes(verb)
}

function patch(store: ObjectStore, request: ResourceRequest): Answer {
  const { resource, namespace, name, contentType } = request
  const change = readObject(request.body, contentType)
  const old = store.find(resource, namespace, name)
  // Server-side apply creates what is not there.
  if (old === undefined && contentType === APPLY) {
    return { code: 201, object: store.create(resource, namespace, draftOf(request, change), isDryRun(request)) }
  }
  const current = store.get(resource, namespace, name)
  const { resourceVersion: _, ...metadata } = current.metadata
  const draft = draftOf(request, patched({ ...current, metadata } as unknown as JsonObject, change, contentType))
  return { code: 200, object: store.update(resource, namespace, draft, isDryRun(request)) }
}

/** Deletes an object, and with a namespace all that is in it. */
function remove(store: ObjectStore, resource: Resource, object: KubeObject): void {
  if (resource === NAMESPACES) {
    for (const inside of RESOURCES) {
      if (!inside.namespaced) continue
      for (const { metadata } of store.list(inside, object.metadata.name))
        store.delete(inside, object.metadata.name, metadata.name)
    }
  }
  store.delete(resource, object.metadata.namespace ?? '', object.metadata.name)
}

/** Checks a body against the request that carries it. Throws ApiError (400, 422). */
function draftOf({ resource, namespace, name }: ResourceRequest, body: JsonObject): Draft {
  const { apiVersion, kind, metadata } = body
  if ((apiVersion ?? groupVersion(resource)) !== groupVersion(resource) || (kind ?? resource.kind) !== resource.kind) {
    throw new ApiError('BadRequest', `the object's kind is not ${groupVersion(resource)} ${resource.kind}`)
  }
  if (!isObject(metadata)) throw new ApiError('BadRequest', 'the object has no metadata')
  const prefix = metadata.generateName
  const random = Math.random().toString(36).slice(2, 7).padEnd(5, 'x')
  const own = metadata.name ?? (typeof prefix === 'string' ? `${prefix}${random}` : name)
  if (typeof own !== 'string' || !NAME.test(own)) {
    throw new ApiError(
      'Invalid',
      `${resource.kind} is invalid: metadata.name: a lowercase RFC 1123 subdomain is required`,
      detailsOf(resource, ''),
    )
  }
  if (name !== '' && own !== name)
    throw new ApiError('BadRequest', 'the name of the object does not match the name on the URL')
  if ((metadata.namespace ?? namespace) !== namespace) {
    throw new ApiError(
      'BadRequest',
      'the namespace of the provided object does not match the namespace sent on the request',
    )
  }
  return { ...body, ...encodedSecret(resource, body), metadata: { ...metadata, name: own } } as Draft
}

/** A Secret's `stringData` goes into `data`; it is never read back. */
function encodedSecret(resource: Resource, body: JsonObject): JsonObject {
  const { data, stringData } = body
  if (resource.plural !== 'secrets' || !isObject(stringData)) return {}
  const encoded = Object.entries(stringData).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')])
  return { data: { ...(isObject(data) ? data : {}), ...Object.fromEntries(encoded) }, stringData: undefined as never }
}

function isDryRun({ query }: ResourceRequest): boolean {
  return query.getAll('dryRun').includes('All')
}

function deployment(store: ObjectStore, { resource, namespace, name }: ResourceRequest): KubeObject {
  return store.get(resource, namespace, name)
}

function scale(store: ObjectStore, request: ResourceRequest): Answer {
  const current = deployment(store, request)
  const spec = readObject(request.body, request.contentType).spec
  const replicas = isObject(spec) ? spec.replicas : undefined
  if (!Number.isInteger(replicas) || (replicas as number) < 0)
    throw new ApiError('Invalid', 'spec.replicas must be a whole number')
  const { resourceVersion: _, ...metadata } = current.metadata
  const draft = { ...current, metadata, spec: { ...(current.spec as object), replicas } }
  return scaleOf(store.update(request.resource, request.namespace, draft, isDryRun(request)))
}

function scaleOf(object: KubeObject): Answer {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const replicas = (object.spec as { replicas?: number }).replicas ?? 1
  const metadata = { name, namespace, uid, resourceVersion, creationTimestamp }
  return {
    code: 200,
    value: { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata, spec: { replicas }, status: { replicas } },
  }
}

/** `kubectl auth whoami`: what the gateway told the cluster about the caller. */
function whoAmI({ resource, caller }: ResourceRequest): Answer {
  const userInfo = { username: caller.user, groups: [...caller.groups, 'system:authenticated'], extra: caller.extra }
  return {
    code: 201,
    value: { kind: resource.kind, apiVersion: groupVersion(resource), metadata: {}, status: { userInfo } },
  }
}

/** `kubectl auth can-i`: the demo's cluster allows everything; who decides is the gateway. */
function mayI({ resource, body, contentType }: ResourceRequest): Answer {
  const { spec } = readObject(body, contentType)
  const status = { allowed: true, reason: 'the demo cluster allows everything: the gateway in front of it decides' }
  return { code: 201, value: { kind: resource.kind, apiVersion: groupVersion(resource), metadata: {}, spec, status } }
}
