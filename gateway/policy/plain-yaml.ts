// YAML as everybody reads it: maps, lists, quoted and block strings, and plain words that mean the same in every version of
// YAML. Refuses anchors, aliases, tags, several documents, repeated keys, and words such as yes, 0777 and 1_000.

import { isAlias, isMap, isScalar, isSeq, type Node, parseDocument } from 'yaml'
import { limits } from '../../protocols/limits.ts'
import { hasTwoReadings } from '../yaml-readings.ts'
import type { Value } from './request-object.ts'

/** Undefined where it is not plain. The caller has seen to its length. */
export function parsePlainYaml(text: string): Value | undefined {
  try {
    // Nothing is resolved and no keys are compared: both are done here.
    const document = parseDocument(text, {
      schema: 'failsafe',
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
    })
    if (document.errors.length > 0 || document.warnings.length > 0) return undefined
    if (hasTwoReadings(text, document)) return undefined
    return document.contents === null ? null : convert(document.contents, 0)
  } catch (error) {
    if (error instanceof NotPlain || error instanceof RangeError) return undefined
    throw error
  }
}

class NotPlain extends Error {}

const NULL = /^(?:~|null|)$/
const TRUE = /^true$/
const FALSE = /^false$/
const NUMBER = /^-?(?:0|[1-9]\d{0,15})(?:\.\d{1,15})?$/
/** What one version of YAML or another takes for something else than text. */
const AMBIGUOUS = /^(?:[-+.]*[0-9].*|[-+]?\.(?:inf|nan)|true|false|null|yes|no|on|off|y|n|=|<<)$/i

function convert(node: Node, depth: number): Value {
  if (depth > limits.policy.bodyDepth || isAlias(node) || node.tag !== undefined) throw new NotPlain()
  if ('anchor' in node && node.anchor !== undefined) throw new NotPlain()
  if (isScalar(node)) return scalar(node.value, node.type)
  if (isSeq(node)) return node.items.map((item) => convert(item as Node, depth + 1))
  if (!isMap(node)) throw new NotPlain()
  const map = new Map<string, Value>()
  for (const { key, value } of node.items) {
    if (!isScalar(key) || ('anchor' in key && key.anchor !== undefined) || key.tag !== undefined) throw new NotPlain()
    const name = scalar(key.value, key.type)
    if (typeof name !== 'string' || map.has(name)) throw new NotPlain()
    map.set(name, value === null ? null : convert(value as Node, depth + 1))
  }
  return map
}

function scalar(value: unknown, type: string | undefined): Value {
  if (value === null) return null
  if (typeof value !== 'string') throw new NotPlain()
  if (type !== 'PLAIN') return value
  if (NULL.test(value)) return null
  if (TRUE.test(value)) return true
  if (FALSE.test(value)) return false
  if (NUMBER.test(value)) return value.includes('.') ? Number(value) : wholeNumber(value)
  if (AMBIGUOUS.test(value)) throw new NotPlain()
  return value
}

function wholeNumber(text: string): Value {
  const number = Number(text)
  return Number.isSafeInteger(number) ? BigInt(number) : number
}
