// A file as `kubectl -f` takes it -> the objects in it with their place in the API: YAML documents or JSON, lists unpacked.
// Refuses what has no kind or no name.

import { parseAllDocuments } from 'yaml'
import { CommandFailed } from './exit-codes.ts'
import { type KindPlace, placeOfKind } from './policy-kinds.ts'

export interface Manifest {
  readonly place: KindPlace
  /** "" with generateName. */
  readonly name: string
  /** As the object says, or "". */
  readonly namespace: string
  readonly object: object
}

/** `file` is for messages. Throws CommandFailed. */
export function manifestsOf(text: string, file: string): Manifest[] {
  const documents = parseAllDocuments(text)
  const values = 'empty' in documents ? [] : documents
  return values.flatMap((document) => {
    const [error] = document.errors
    if (error !== undefined) throw new CommandFailed(`${file} is not valid YAML: ${error.message.split('\n')[0]}`)
    return objectsOf(document.toJS({ maxAliasCount: 100 }), file)
  })
}

function objectsOf(value: unknown, file: string): Manifest[] {
  if (value === null || value === undefined) return []
  const { apiVersion, kind, items, metadata } = value as Record<string, unknown>
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
    throw new CommandFailed(`${file} holds something without apiVersion and kind`)
  }
  if (kind === 'List' && Array.isArray(items)) return items.flatMap((item: unknown) => objectsOf(item, file))
  const { name, namespace, generateName } = (metadata ?? {}) as Record<string, unknown>
  if (typeof name !== 'string' && typeof generateName !== 'string') {
    throw new CommandFailed(`${file} holds a ${kind} without a name`)
  }
  return [
    {
      place: placeOfKind(apiVersion, kind),
      name: typeof name === 'string' ? name : '',
      namespace: typeof namespace === 'string' ? namespace : '',
      object: value as object,
    },
  ]
}
