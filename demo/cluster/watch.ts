// A watch request -> its events, one JSON value a line: what has changed since a version, then what changes from now on,
// or first everything (WatchList). An object that comes to match a selector is ADDED, one that ceases to is DELETED.

import type { KubeObject } from './object.ts'
import { groupVersion, type Resource } from './resources.ts'
import type { Selects } from './selectors.ts'
import { ApiError } from './status.ts'
import type { Change, ObjectStore } from './store.ts'
import { type IncludeObject, tableOf } from './table.ts'

export interface WatchOptions {
  readonly resource: Resource
  readonly namespace: string
  readonly selects: Selects
  readonly query: URLSearchParams
  /** Set if the client asked for Tables. */
  readonly table: IncludeObject | undefined
}

/** Starts a watch. Lines go to `write`; returns what ends it. Throws ApiError (410, 400) before the first line. */
export function watchObjects(store: ObjectStore, options: WatchOptions, write: (line: string) => void): () => void {
  const { resource, namespace, selects, query, table } = options
  const known = new Map<string, KubeObject>()
  const tell = (type: string, object: KubeObject): void => {
    const shown =
      table === undefined ? object : tableOf(resource, [object], object.metadata.resourceVersion, table, Date.now())
    write(`${JSON.stringify({ type, object: shown })}\n`)
  }
  const take = (change: Change): void => {
    const { object } = change
    if (change.resource !== resource || (namespace !== '' && object.metadata.namespace !== namespace)) return
    const { uid } = object.metadata
    const before = known.get(uid)
    if (change.type !== 'DELETED' && selects(object)) {
      known.set(uid, object)
      tell(before === undefined ? 'ADDED' : 'MODIFIED', object)
    } else if (before !== undefined) {
      known.delete(uid)
      tell('DELETED', object)
    }
  }
  const start = query.get('resourceVersion') ?? ''
  const everything = query.get('sendInitialEvents') === 'true' || start === '' || start === '0'
  if (!everything && !/^\d{1,15}$/.test(start)) throw new ApiError('BadRequest', 'resourceVersion is not a number')
  const missed = everything ? [] : store.since(Number(start))
  const current = store.list(resource, namespace).filter(selects)
  if (everything) {
    for (const object of current) {
      known.set(object.metadata.uid, object)
      tell('ADDED', object)
    }
    if (query.get('allowWatchBookmarks') === 'true' && query.get('sendInitialEvents') === 'true') {
      write(bookmark(resource, store.version))
    }
  } else {
    // What the client has listed already: all that is there now, and was there before what it has missed.
    const added = new Set(missed.filter(({ type }) => type === 'ADDED').map(({ object }) => object.metadata.uid))
    for (const { object } of missed)
      if (!added.has(object.metadata.uid) && selects(object)) known.set(object.metadata.uid, object)
    for (const object of current) if (!added.has(object.metadata.uid)) known.set(object.metadata.uid, object)
    for (const change of missed) take(change)
  }
  return store.onChange(take)
}

function bookmark(resource: Resource, version: number): string {
  const metadata = {
    resourceVersion: String(version),
    creationTimestamp: null,
    annotations: { 'k8s.io/initial-events-end': 'true' },
  }
  return `${JSON.stringify({ type: 'BOOKMARK', object: { kind: resource.kind, apiVersion: groupVersion(resource), metadata } })}\n`
}
