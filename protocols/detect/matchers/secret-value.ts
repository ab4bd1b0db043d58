// Whether an assigned value is a secret: long and mixed enough, and no reference, path, number, address or row of words.

import { isOrdinary } from '../learnable.ts'

const SHORTEST_PASSWORD = 6
const SHORTEST = 8
const REFERENCE = /^(\$|\{\{|\{|<|%|@|&|\*|#|\+|x{4,}|\.{3}|~|\/mask\+|sallyport-masked-|c2FsbHlwb3J0LW1hc2tlZC)/i
const NOTHING = /^(null|none|nil|true|false|yes|no|undefined|redacted|masked|hidden|changeit|n\/a|\[|\(|-+$)/i
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const NUMBERED_IDENTIFIER = /^[A-Za-z]{3,}(\d{1,5}[A-Z][a-z]{2,}([A-Z][a-z]+)*|([A-Z][a-z]+)+\d{1,4})$/
/** Letters of an identifier's words, on an average. */
const SHORTEST_WORDS = 3
const HEXADECIMAL = /^0x[0-9a-f]{1,16}$/i
/** A name of a Kubernetes object, also with its namespace. */
const OBJECT_NAME = /^[a-z0-9]+([./-][a-z0-9]+)+$/
/** kubeadm's (its two parts, by a dot). */
const BOOTSTRAP_TOKEN = /^[a-z0-9]{6}\.[a-z0-9]{16}$/

/** `isBegun`: more of the value is to come; what it has so far must not rule it out. */
export function isSecretValue(text: Uint8Array, from: number, to: number, name: string, isBegun: boolean): boolean {
  const value = Buffer.from(text.subarray(from, to)).toString('latin1')
  if (REFERENCE.test(value)) return false
  if (isBegun) return !/^[/.\d]/.test(value)
  const isPassword = /pass|pwd/i.test(name)
  if (value.length < (isPassword ? SHORTEST_PASSWORD : SHORTEST)) return false
  if (NOTHING.test(value) || isOrdinary(value)) return false
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value) || /^\.{0,2}\//.test(value)) return false
  if (HEXADECIMAL.test(value) || (isIdentifier(value) && !(isPassword && isQuoted(text, to)))) return false
  if (isPassword) return isMixed(value)
  if (NUMBERED_IDENTIFIER.test(value)) return false
  if (/^(\/|projects\/|arn:|sha256:|urn:)/.test(value)) return false
  if (BOOTSTRAP_TOKEN.test(value)) return true
  if (OBJECT_NAME.test(value) || (UUID.test(value) && !/secret/i.test(name))) return false
  return isMixed(value) && new Set(value).size >= 6 && !/\s/.test(value)
}

/** Names of code: "cfg.Password", "newToken", "SecretKeyRef"; letters at random make shorter words. */
function isIdentifier(value: string): boolean {
  if (!/^[A-Za-z_.]+$/.test(value)) return false
  const words = value
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .split(/[ _.]+/)
    .filter((word) => word !== '')
  return words.join('').length >= SHORTEST_WORDS * words.length
}

function isQuoted(text: Uint8Array, to: number): boolean {
  return text[to] === 0x22 || text[to] === 0x27
}

/** Of two kinds of characters at least, where a capital at the beginning is none; or long. */
function isMixed(value: string): boolean {
  const kinds = [/[a-z]/, /.[A-Z]/, /\d/, /[^A-Za-z0-9\s.,:_-]/].filter((kind) => kind.test(value)).length
  return kinds >= 2
}
