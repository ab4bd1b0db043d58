// Tells values that only one place can have, and so may be looked for everywhere, from words, names, numbers and addresses
// that any text may hold: to learn those would mask the ordinary. When in doubt a value is learned.

import { WORDS } from './words.ts'

/** Longer ones are never ordinary words. */
const LONGEST_ORDINARY = 256
/** A value with fewer different bytes is filling. */
const FEWEST_DIFFERENT = 4

const ORDINARY: readonly RegExp[] = [
  // Numbers under eight digits, versions, sizes, durations, addresses.
  /^[+-]?\d{1,7}([.,]\d+)?$/,
  /^v?\d+(\.\d+){1,3}([-+][a-z0-9.]{1,16})?$/i,
  /^\d+(\.\d+)?\s?(ns|us|ms|s|m|h|d|[kmgtp]i?b?|[kmgtp]bit|%)$/i,
  /^(\d{1,3}\.){3}\d{1,3}(\/\d{1,2})?(:\d{1,5})?$/,
  /^[0-9a-f]{0,4}(:[0-9a-f]{0,4}){2,7}(\/\d{1,3})?$/i,
  // Dates and times.
  /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?$/,
  // Names of AWS things without a secret, digests of images.
  /^arn:aws[\w-]*:[\w-]*:[\w-]*:\d*:[\w/:.*-]+$/,
  /^([\w.-]+(:\d+)?\/)*[\w.-]+(:[\w.-]+)?@sha256:[0-9a-f]{64}$/,
]

/** Whether a value may be learned. Certificates are public, and so are words, also several in a row: "postgres-primary". */
export function isLearnable(value: Uint8Array): boolean {
  if (new Set(value.subarray(0, 64)).size < FEWEST_DIFFERENT) return false
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1').trim()
  if (isCertificate(text)) return false
  return text.length > LONGEST_ORDINARY || !isOrdinary(text)
}

/** Nothing but certificates in PEM. */
export function isCertificate(text: string): boolean {
  return text.startsWith('-----BEGIN CERTIFICATE') && !text.includes('PRIVATE KEY')
}

/** Words, names, numbers and addresses. */
export function isOrdinary(text: string): boolean {
  if (ORDINARY.some((pattern) => pattern.test(text))) return true
  return isHost(text) || isPath(text) || isImage(text) || isWords(text)
}

/** Dictionary words, with short numbers among them, joined as names are, or as JSON is; or nothing but the joints. */
export function isWords(text: string): boolean {
  if (!/^[\w\s./:,@{}[\]"-]+$/.test(text)) return false
  const parts = text
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .filter((part) => part !== '')
  return parts.every((part) => WORDS.has(part.toLowerCase()) || /^\d{1,5}$/.test(part))
}

/** Host names of clusters and of the usual domains whose labels look like names; with a port, a scheme and a plain path. */
function isHost(text: string): boolean {
  const host = /^(?:[a-z][a-z0-9+]*:\/\/)?((?:[a-z0-9_-]{1,63}\.)+[a-z]{2,10})\.?(?::\d{1,5})?((?:\/[\w.-]*)*)$/i.exec(
    text,
  )
  const [, name = '', path = ''] = host ?? []
  if (
    host === null ||
    !/\.(svc|local|internal|cluster|com|org|net|io|dev|cloud|app|co|eu|de|test|example|lan|localdomain)$/i.test(name)
  ) {
    return false
  }
  return [...name.split('.'), ...path.split('/')].every(isName)
}

function isPath(text: string): boolean {
  return /^(\.{0,2}|~)(\/[\w.@-]+)+\/?$/.test(text) && text.split('/').every(isName)
}

function isImage(text: string): boolean {
  return /^([\w.-]+(:\d+)?\/)+[\w.-]+(:[\w.-]+)?$/.test(text) && text.split(/[/:]/).every(isName)
}

/** A part of an address: short pieces between its marks, no long row of letters and digits mixed. */
function isName(label: string): boolean {
  return label
    .split(/[._-]/)
    .every((part) => part.length < 20 && !/[a-z][0-9]+[a-z]+[0-9]/i.test(part) && !/[a-z][A-Z]+[a-z]+[A-Z]/.test(part))
}
