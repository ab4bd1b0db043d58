// Whether a write changes nothing (dryRun=All). Of a DELETE with a body the API server reads the body's options and not the
// query's (apiserver pkg/endpoints/handlers/delete.go), so the query alone proves nothing there.

import type { RequestAttributes } from '../request-attributes.ts'
import { type QueryPairs, queryPairs } from '../request-query.ts'
import type { RequestObject } from './request-object.ts'

/** `dry` and `real` are certain; `unclear` could be either. */
export type DryRun = 'dry' | 'real' | 'unclear'

const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection'])

/** Subresources whose writes heed it; serviceaccounts/token hands out a token all the same. */
const HEEDED = new Set(['', 'status', 'scale', 'eviction', 'ephemeralcontainers', 'resize', 'binding', 'finalize'])

export function dryRunOf(attributes: RequestAttributes, object: RequestObject): DryRun {
  const { verb, subresource, isResource, query } = attributes
  const isDelete = verb === 'delete' || verb === 'deletecollection'
  const hasOptions = isDelete && !object.isEmpty
  // The quick way for nearly all requests.
  if (!hasOptions && !query.includes('dryRun') && !query.includes('%')) return evictionOf(attributes, object)
  if (!isResource || !WRITES.has(verb)) return 'real'
  const wanted = hasOptions ? inOptions(object) : inQuery(query)
  if (wanted === 'dry' && !HEEDED.has(subresource)) return 'unclear'
  return wanted === 'real' ? evictionOf(attributes, object) : wanted
}

/** An eviction carries options of its own in the body. */
function evictionOf({ verb, subresource }: RequestAttributes, object: RequestObject): DryRun {
  return verb === 'create' && subresource === 'eviction' && !object.isEmpty ? 'unclear' : 'real'
}

function inQuery(query: string): DryRun {
  const pairs = queryPairs(query)
  if ('status' in pairs) return 'unclear'
  const values = valuesOf(pairs)
  if (values.length === 0) return 'real'
  return values.every((value) => value === 'All') ? 'dry' : 'unclear'
}

function valuesOf(pairs: QueryPairs): string[] {
  const values: string[] = []
  for (let at = 0; at < pairs.length; at += 2) if (pairs[at] === 'dryRun') values.push(pairs[at + 1] as string)
  return values
}

/** Of DeleteOptions. */
function inOptions(object: RequestObject): DryRun {
  const { decoded } = object
  if (!('value' in decoded) || !(decoded.value instanceof Map)) return 'unclear'
  const stages: unknown = decoded.value.get('dryRun')
  if (stages === undefined || stages === null) return 'real'
  if (!Array.isArray(stages)) return 'unclear'
  if (stages.length === 0) return 'real'
  return stages.every((stage) => stage === 'All') ? 'dry' : 'unclear'
}
