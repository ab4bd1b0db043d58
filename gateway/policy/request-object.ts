// The body of a request as a value that rules can read: JSON, YAML and the patch types, decoded once and only when a rule
// asks. Refuses what the API server could read in another way: protobuf and CBOR, keys that are there twice, YAML whose
// plain words two versions of YAML take apart.

import { limits } from '../../protocols/limits.ts'
import { hasOddLineEnds } from '../yaml-readings.ts'
import { parsePlainYaml } from './plain-yaml.ts'

/**
 * Maps are Maps, so that no key of the client's can pass for a property of ours ("constructor"); whole numbers are
 * bigints, as CEL's int wants; other numbers, strings, booleans and null are themselves.
 */
export type Value = string | number | bigint | boolean | null | readonly Value[] | ReadonlyMap<string, Value>

/** Why a body cannot be read. */
export interface Unreadable {
  /** 415: another encoding would do; 400: it does not parse; 413: more than a rule reads. */
  readonly status: 400 | 413 | 415
  /** For the caller; holds nothing of the body. */
  readonly problem: string
}

/** Of a PATCH; "" for all else. */
export type PatchType = '' | 'json' | 'merge' | 'strategic' | 'apply' | 'other'

type Form = 'json' | 'yaml' | 'none'

const FORMS: ReadonlyMap<string, Form> = new Map([
  // Without a Content-Type the API server takes its first format.
  ['', 'json'],
  ['application/json', 'json'],
  ['application/json-patch+json', 'json'],
  ['application/merge-patch+json', 'json'],
  ['application/strategic-merge-patch+json', 'json'],
  ['application/yaml', 'yaml'],
  ['application/apply-patch+yaml', 'yaml'],
])

const PATCHES: ReadonlyMap<string, PatchType> = new Map([
  ['application/json-patch+json', 'json'],
  ['application/merge-patch+json', 'merge'],
  ['application/strategic-merge-patch+json', 'strategic'],
  ['application/apply-patch+yaml', 'apply'],
  ['application/apply-patch+cbor', 'apply'],
])

export class RequestObject {
  readonly #bytes: Uint8Array
  readonly #mediaType: string
  #decoded: { readonly value: Value } | Unreadable | undefined

  /** `bytes`: the whole body, empty if there is none; `contentType`: the field's value, or "". */
  constructor(bytes: Uint8Array, contentType: string) {
    this.#bytes = bytes
    const end = contentType.indexOf(';')
    this.#mediaType = (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
  }

  get isEmpty(): boolean {
    return this.#bytes.length === 0
  }

  patchType(verb: string): PatchType {
    return verb === 'patch' ? (PATCHES.get(this.#mediaType) ?? 'other') : ''
  }

  /** Null where there is no body. */
  get decoded(): { readonly value: Value } | Unreadable {
    this.#decoded ??= this.#bytes.length === 0 ? { value: null } : decode(this.#bytes, this.#mediaType)
    return this.#decoded
  }
}

/** A request without a body. */
export const NO_BODY = new RequestObject(new Uint8Array(0), '')

function decode(bytes: Uint8Array, mediaType: string): { readonly value: Value } | Unreadable {
  const form = FORMS.get(mediaType) ?? 'none'
  if (form === 'none') {
    return { status: 415, problem: 'the gateway reads only JSON and YAML: send application/json, not protobuf or CBOR' }
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return { status: 400, problem: 'it is not UTF-8' }
  }
  const shape = shapeOf(text)
  if (shape.values > limits.policy.bodyValues || shape.depth > limits.policy.bodyDepth) return tooMuch()
  if (form === 'yaml' && hasOddLineEnds(text)) return notPlain()
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    if (form === 'json') return { status: 400, problem: 'it is not JSON' }
    if (text.length > limits.policy.yamlLength) return tooMuch()
    const value = parsePlainYaml(text)
    return value === undefined ? notPlain() : { value }
  }
  const keys = { count: 0 }
  const value = convert(parsed, keys)
  // One reader takes the first of two equal keys, another the last.
  if (keys.count !== shape.keys) return { status: 400, problem: 'it holds a key twice' }
  return { value }
}

function notPlain(): Unreadable {
  return {
    status: 400,
    problem: 'it is not plain YAML: quote what is not plain text, without anchors and tags, or send JSON',
  }
}

function tooMuch(): Unreadable {
  return { status: 413, problem: 'it holds more values, deeper or longer, than a rule reads' }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Of a JSON text, before it is parsed: its depth, and how many keys and values it has at most. */
function shapeOf(text: string): { depth: number; keys: number; values: number } {
  let depth = 0
  let deepest = 0
  let keys = 0
  let values = 1
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at += 1
        while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
        break
      case 0x3a:
        keys += 1
        break
      case 0x2c:
        values += 1
        break
      case 0x5b:
      case 0x7b:
        values += 1
        depth += 1
        if (depth > deepest) deepest = depth
        break
      case 0x5d:
      case 0x7d:
        depth -= 1
        break
    }
  }
  return { depth: deepest, keys, values }
}

/** As deep as limits.policy.bodyDepth. */
function convert(value: unknown, keys: { count: number }): Value {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof value !== 'object' || value === null) return value as string | boolean | null
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) value[at] = convert(value[at], keys)
    return value as Value[]
  }
  const map = new Map<string, Value>()
  for (const key of Object.keys(value)) map.set(key, convert((value as Record<string, unknown>)[key], keys))
  keys.count += map.size
  return map
}
