// A patch and an object -> the patched object, for the kinds of patch that kubectl sends: JSON merge (RFC 7396),
// strategic merge (lists of named things are merged by name), and server-side apply as a merge without field ownership.
// Refuses other media types and bodies that are no object.

import { parse } from 'yaml'
import { isObject, type Json, type JsonObject } from './object.ts'
import { PROTOBUF, readProtobuf } from './protobuf.ts'
import { ApiError } from './status.ts'

export const APPLY = 'application/apply-patch+yaml'

const TYPES: readonly string[] = ['application/merge-patch+json', 'application/strategic-merge-patch+json', APPLY]

/** The object in a request body. kubectl sends JSON also where the type says YAML; YAML holds JSON. Throws ApiError. */
export function readObject(body: Uint8Array, type: string): JsonObject {
  if (type === PROTOBUF) return readProtobuf(body)
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8')
  let value: unknown
  try {
    value = type.includes('yaml') ? parse(text, { maxAliasCount: 0 }) : JSON.parse(text)
  } catch {
    throw new ApiError('BadRequest', 'the body is not valid JSON or YAML')
  }
  if (!isObject(value)) throw new ApiError('BadRequest', 'the body is not an object')
  return value
}

/** Throws ApiError (415). */
export function patched(object: JsonObject, patch: JsonObject, type: string): JsonObject {
  if (!TYPES.includes(type)) {
    throw new ApiError('UnsupportedMediaType', `the demo cluster takes these patch types: ${TYPES.join(', ')}`)
  }
  return merge(object, patch, type !== 'application/merge-patch+json') as JsonObject
}

function merge(target: Json | undefined, patch: Json, byName: boolean): Json {
  if (byName && Array.isArray(patch) && Array.isArray(target) && named(patch) && named(target)) {
    return mergeLists(target, patch)
  }
  if (!isObject(patch)) return patch
  const merged: JsonObject = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    // Directives of strategic merge ("$setElementOrder/containers"); those that matter here are handled in mergeLists.
    if (byName && key.startsWith('$')) continue
    if (value === null) delete merged[key]
    else merged[key] = merge(Object.hasOwn(merged, key) ? merged[key] : undefined, value, byName)
  }
  return merged
}

function mergeLists(target: readonly JsonObject[], patch: readonly JsonObject[]): Json[] {
  const merged = [...target]
  for (const element of patch) {
    const at = merged.findIndex(({ name }) => name === element.name)
    if (element.$patch === 'delete') {
      if (at !== -1) merged.splice(at, 1)
    } else if (at === -1) merged.push(element)
    else merged[at] = merge(merged[at], element, true) as JsonObject
  }
  return merged
}

function named(list: Json[]): list is JsonObject[] {
  return list.every((element) => isObject(element) && typeof element.name === 'string')
}
