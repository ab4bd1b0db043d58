// Whether a Table's columns could show what a tree masks: cells are made by the server of fields that they do not name, so
// nobody can mask them. Kinds of Kubernetes' own have known columns; those of others show what their definition says.

import type { RequestAttributes } from '../request-attributes.ts'
import type { FieldNode } from './field-tree.ts'

/** Kubernetes' own, by its API review. */
const OWN_GROUP = /^(?:[^.]*|(?:.*\.)?k8s\.io)$/

/** Core kinds of which a Table counts the data (kubernetes pkg/printers/internalversion). */
const COUNTED = new Set(['secrets', 'configmaps'])
const DATA = new Set(['data', 'stringData', 'binaryData'])

/** Of pods and what holds some: in no column. */
const HIDDEN = new Set([
  'args',
  'command',
  'env',
  'lifecycle',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'volumes',
])

export function mayShowInTable({ apiGroup, resource }: RequestAttributes, tree: FieldNode): boolean {
  const isOwn = OWN_GROUP.test(apiGroup)
  if (tree.any !== undefined) return true
  for (const [name, below] of tree.fields) {
    if (name === 'metadata' ? isOwn || isLastAppliedAlone(below) : isOwn && isHidden(below)) continue
    if (apiGroup === '' && COUNTED.has(resource) && DATA.has(name)) continue
    return true
  }
  return false
}

/** Every rule masks it; nobody makes a column of a whole manifest. */
function isLastAppliedAlone(metadata: FieldNode): boolean {
  const annotations = metadata.fields.get('annotations')
  if (annotations === undefined || annotations.any !== undefined) return false
  return [...annotations.fields.values()].every(({ form }) => form === 'manifest')
}

/** Whether all that is masked at or below a node lies under hidden names. */
function isHidden(node: FieldNode): boolean {
  if (node.form !== undefined || node.named !== undefined) return false
  if (node.any !== undefined && !isHidden(node.any)) return false
  return [...node.fields].every(([name, below]) => HIDDEN.has(name) || isHidden(below))
}
