// Whether an assigned value is a secret: long and mixed enough, and no reference, path, number, address or row of words.

import { isOrdinary } from '../learnable.ts'

const SHORTEST_PASSWORD = 6
const SHORTEST = 8
const REFERENCE = /^(\$|\{\{|\{|<|%|@|&|\*|#|x{4,}|\.{3}|~|\/mask\+|sallyport-masked-|c2FsbHlwb3J0LW1hc2tlZC)/i
const NOTHING = /^(null|none|nil|true|false|yes|no|undefined|redacted|masked|hidden|changeit|n\/a|\[|\(|-+$)/i
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** A name of a Kubernetes object. */
const OBJECT_NAME = /^[a-z0-9]+([.-][a-z0-9]+)+$/

/** `isBegun`: more of the value is to come; what it has so far must not rule it out. */
export function isSecretValue(text: Uint8Array, from: number, to: number, name: string, isBegun: boolean): boolean {
  const value = Buffer.from(text.subarray(from, to)).toString('latin1')
  if (REFERENCE.test(value)) return false
  if (isBegun) return !/^[/.\d]/.test(value)
  const isPassword = /pass|pwd/i.test(name)
  if (value.length < (isPassword ? SHORTEST_PASSWORD : SHORTEST)) return false
  if (NOTHING.test(value) || isOrdinary(value)) return false
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value) || /^\.{0,2}\//.test(value)) return false
  if (isPassword) return isMixed(value)
  if (/^(\/|projects\/|arn:|sha256:|urn:)/.test(value)) return false
  if (OBJECT_NAME.test(value) || (UUID.test(value) && !/secret/i.test(name))) return false
  return isMixed(value) && new Set(value).size >= 6 && !/\s/.test(value)
}

/** Of two kinds of characters at least, where a capital at the beginning is none; or long. */
function isMixed(value: string): boolean {
  const kinds = [/[a-z]/, /.[A-Z]/, /\d/, /[^A-Za-z0-9\s.,:-]/].filter((kind) => kind.test(value)).length
  return kinds >= 2
}
