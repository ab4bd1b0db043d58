// The shape of a Kubernetes object as the demo's cluster keeps it: plain JSON with metadata. It knows nothing of kinds;
// what a field holds is looked up by path, and absent parts read as undefined.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

export interface ObjectMeta {
  name: string
  namespace?: string
  uid: string
  resourceVersion: string
  creationTimestamp: string
  generation?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  [key: string]: Json | undefined
}

/** An object once stored: its metadata is complete. Replaced whole on every change, never edited in place. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly [key: string]: unknown
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value at a dotted path ("spec.nodeName"), or undefined. */
export function at(object: unknown, path: string): unknown {
  let value: unknown = object
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

/** As `at`, for lists: empty if it is absent or something else. */
export function listAt(object: unknown, path: string): readonly unknown[] {
  const value = at(object, path)
  return Array.isArray(value) ? value : []
}

/** As `at`, for text: "" if it is absent or something else. */
export function textAt(object: unknown, path: string): string {
  const value = at(object, path)
  return typeof value === 'string' ? value : ''
}
