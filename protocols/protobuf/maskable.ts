// Whether what a tree masks can be masked in protobuf at all: asked before a request goes to the cluster, so that JSON is asked
// for where it cannot.

import type { FieldTree } from '../kube/field-masker.ts'
import { messageOfResource } from './kinds.ts'
import type { Field, Message } from './message.ts'
import { isLive } from './rewriting.ts'

/** What a request is for: its group ("" or "apps"), version, resource, and subresource ("" for none). */
export interface ProtobufResource {
  readonly apiGroup: string
  readonly apiVersion: string
  readonly resource: string
  readonly subresource: string
}

/**
 * Whether every field that a tree may mask is described, for objects of a resource, lists and events of them. What the
 * tree says by `named` is not asked: where that leads to a field that is not described, the answer is refused when it comes.
 */
export function isMaskable(resource: ProtobufResource, tree: FieldTree): boolean {
  const { apiGroup, apiVersion, subresource } = resource
  return mayMask(messageOfResource(apiGroup, apiVersion, resource.resource, subresource), tree, true)
}

function mayMask(message: Message, tree: FieldTree, isRoot: boolean): boolean {
  for (const [name, below] of tree.fields) {
    if (!isLive(below)) continue
    const field = message.names.get(name)
    if (field === undefined ? !message.isComplete : !mayMaskField(field, below)) return false
  }
  const rest = tree.any ?? (isRoot || tree.form === undefined ? undefined : tree)
  if (rest === undefined || !isLive(rest)) return true
  if (!message.isComplete) return false
  for (const [name, field] of message.names) if (!tree.fields.has(name) && !mayMaskField(field, rest)) return false
  return true
}

function mayMaskField(field: Field, tree: FieldTree): boolean {
  if (field.content === 'opaque') return !isLive(tree)
  if (field.message === undefined) return true
  if (field.occurs !== 'list') return mayMask(field.message, tree, false)
  const element = tree.any ?? (tree.form === undefined ? undefined : tree)
  return element === undefined || mayMask(field.message, element, false)
}
