// The part of a deployment controller that clients look at: a Deployment's status follows its spec. There are no
// ReplicaSets and no pods behind it.

import { at, type KubeObject } from './object.ts'
import { RESOURCES } from './resources.ts'
import type { ObjectStore } from './store.ts'

const DEPLOYMENTS = RESOURCES.find(({ plural }) => plural === 'deployments')

/** Watches the store from now on. */
export function followDeployments(store: ObjectStore): void {
  store.onChange(({ type, resource, object }) => {
    if (resource !== DEPLOYMENTS || type === 'DELETED') return
    // After the change itself has been told to all watchers.
    setImmediate(() => report(store, object))
  })
}

function report(store: ObjectStore, { metadata: { name, namespace = '' } }: KubeObject): void {
  const current = DEPLOYMENTS && store.find(DEPLOYMENTS, namespace, name)
  if (DEPLOYMENTS === undefined || current === undefined) return
  const wanted = at(current, 'spec.replicas')
  const replicas = typeof wanted === 'number' ? wanted : 1
  const status = {
    observedGeneration: current.metadata.generation ?? 1,
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
  }
  const { resourceVersion: _, ...metadata } = current.metadata
  store.update(DEPLOYMENTS, namespace, { ...current, metadata, status })
}
