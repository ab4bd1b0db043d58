// The demo cluster's objects, in memory: every change gets the next resourceVersion and is told to whoever watches.
// Refuses to create what exists and to change what is gone or has changed meanwhile.

import { randomUUID } from 'node:crypto'
import type { KubeObject, ObjectMeta } from './object.ts'
import { groupVersion, type Resource } from './resources.ts'
import { ApiError, type StatusDetails } from './status.ts'

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly resource: Resource
  readonly object: KubeObject
  readonly version: number
}

/** What may be given for an object: metadata need not be complete. */
export interface Draft {
  readonly metadata: Partial<ObjectMeta> & { readonly name: string }
  readonly [key: string]: unknown
}

/** Changes that a watch may go back to; older ones are Expired (410), as with a compacted etcd. */
const HISTORY = 4_096

export class ObjectStore {
  readonly #objects = new Map<Resource, Map<string, KubeObject>>()
  readonly #history: Change[] = []
  readonly #listeners = new Set<(change: Change) => void>()
  #version = 1

  /** The version of the last change. */
  get version(): number {
    return this.#version
  }

  /** `namespace` "" lists all of them. In order of namespace and name. */
  list(resource: Resource, namespace: string): KubeObject[] {
    const all = [...(this.#objects.get(resource)?.values() ?? [])]
    const objects = namespace === '' ? all : all.filter(({ metadata }) => metadata.namespace === namespace)
    return objects.sort((a, b) => (keyOf(a.metadata) < keyOf(b.metadata) ? -1 : 1))
  }

  find(resource: Resource, namespace: string, name: string): KubeObject | undefined {
    return this.#objects.get(resource)?.get(key(namespace, name))
  }

  /** Throws ApiError (404). */
  get(resource: Resource, namespace: string, name: string): KubeObject {
    const object = this.find(resource, namespace, name)
    if (object === undefined) {
      throw new ApiError('NotFound', `${resource.plural} "${name}" not found`, detailsOf(resource, name))
    }
    return object
  }

  /** Throws ApiError (409). With `dryRun` the answer is the same and nothing is kept. */
  create(resource: Resource, namespace: string, draft: Draft, dryRun = false): KubeObject {
    const { name } = draft.metadata
    if (this.find(resource, namespace, name) !== undefined) {
      throw new ApiError('AlreadyExists', `${resource.plural} "${name}" already exists`, detailsOf(resource, name))
    }
    const metadata: ObjectMeta = {
      ...draft.metadata,
      ...(resource.namespaced ? { namespace } : {}),
      uid: randomUUID(),
      resourceVersion: String(this.#version + 1),
      generation: 1,
      creationTimestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    }
    const object: KubeObject = { ...draft, apiVersion: groupVersion(resource), kind: resource.kind, metadata }
    if (!dryRun) this.#put('ADDED', resource, object)
    return object
  }

  /** Replaces an object. A resourceVersion in the draft must be the current one. Throws ApiError (404, 409). */
  update(resource: Resource, namespace: string, draft: Draft, dryRun = false): KubeObject {
    const { name, resourceVersion } = draft.metadata
    const old = this.get(resource, namespace, name)
    if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== old.metadata.resourceVersion) {
      const message = `Operation cannot be fulfilled on ${resource.plural} "${name}": the object has been modified; please apply your changes to the latest version and try again`
      throw new ApiError('Conflict', message, detailsOf(resource, name))
    }
    const { uid, creationTimestamp } = old.metadata
    const kept = { ...draft.metadata, ...(resource.namespaced ? { namespace } : {}), uid, creationTimestamp }
    const object: KubeObject = {
      ...draft,
      apiVersion: groupVersion(resource),
      kind: resource.kind,
      metadata: { ...kept, resourceVersion: old.metadata.resourceVersion },
    }
    // As the API server: what changes nothing makes no new version.
    if (dryRun || JSON.stringify(object) === JSON.stringify(old)) return object
    const fresh = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version + 1) } }
    this.#put('MODIFIED', resource, fresh)
    return fresh
  }

  /** Throws ApiError (404). */
  delete(resource: Resource, namespace: string, name: string): KubeObject {
    const old = this.get(resource, namespace, name)
    const object = { ...old, metadata: { ...old.metadata, resourceVersion: String(this.#version + 1) } }
    this.#objects.get(resource)?.delete(keyOf(old.metadata))
    this.#tell({ type: 'DELETED', resource, object, version: ++this.#version })
    return object
  }

  /** What has changed after that version. Throws ApiError (410) if that is no longer known. */
  since(version: number): readonly Change[] {
    const first = this.#history[0]
    if (first !== undefined && version < first.version - 1 && this.#history.length === HISTORY) {
      throw new ApiError('Expired', `too old resource version: ${version} (${first.version - 1})`)
    }
    return this.#history.filter((change) => change.version > version)
  }

  /** Returns what ends it. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #put(type: 'ADDED' | 'MODIFIED', resource: Resource, object: KubeObject): void {
    let objects = this.#objects.get(resource)
    if (objects === undefined) {
      objects = new Map()
      this.#objects.set(resource, objects)
    }
    objects.set(keyOf(object.metadata), object)
    this.#tell({ type, resource, object, version: ++this.#version })
  }

  #tell(change: Change): void {
    this.#history.push(change)
    if (this.#history.length > HISTORY) this.#history.shift()
    for (const listener of [...this.#listeners]) listener(change)
  }
}

export function detailsOf(resource: Resource, name: string): StatusDetails {
  return { name, ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.plural }
}

function keyOf(metadata: ObjectMeta): string {
  return key(metadata.namespace ?? '', metadata.name)
}

function key(namespace: string, name: string): string {
  return `${namespace}/${name}`
}
