// Objects -> the `Table` that kubectl prints (meta.k8s.io/v1): one row of cells for each object, by the resource's columns.

import type { KubeObject } from './object.ts'
import type { Resource } from './resources.ts'

/** What each row carries beside its cells (`includeObject` of TableOptions). */
export type IncludeObject = 'None' | 'Metadata' | 'Object'

export function tableOf(
  resource: Resource,
  objects: readonly KubeObject[],
  resourceVersion: string,
  include: IncludeObject,
  now: number,
): unknown {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion },
    columnDefinitions: resource.columns.map(({ name, priority }) => ({
      name,
      type: 'string',
      format: name === 'Name' ? 'name' : '',
      description: name,
      priority: priority ?? 0,
    })),
    rows: objects.map((object) => ({
      cells: resource.columns.map((column) => column.cell(object, now)),
      object: included(object, include),
    })),
  }
}

function included(object: KubeObject, include: IncludeObject): unknown {
  if (include === 'Object') return object
  if (include === 'None') return null
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata }
}
