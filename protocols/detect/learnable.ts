// Tells values that only one place can have, and so may be looked for everywhere, from words, names, numbers and addresses
// that any text may hold: to learn those would mask the ordinary. When in doubt a value is learned.

import { ALPHANUMERIC, byteClass } from './classes.ts'
import { WORDS } from './words.ts'

/** Longer ones are never ordinary words. */
const LONGEST_ORDINARY = 256
/** A value with fewer different bytes is filling. */
const FEWEST_DIFFERENT = 4
const LONGEST_FILLING = 64

/** Longer than any of WORDS. */
const LONGEST_WORD = 16
/** What joins words, besides white space. */
const JOINING = byteClass('_./:,@{}[]" \t\n\v\f\r\xa0-')
const CAPITAL = byteClass('A-Z')
const SMALL = byteClass('a-z')
/** Anything ordinary is made of these. */
const ADDRESS = /^[\w\s./:,@%*+~{}[\]"-]+$/

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
  return isDistinct(value) && !isCertificate(textOf(value))
}

/** Whether it is neither filling nor ordinary. */
export function isDistinct(value: Uint8Array): boolean {
  if (isFilling(value)) return false
  const text = textOf(value)
  return text.length > LONGEST_ORDINARY || !isOrdinary(text)
}

function textOf(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1').trim()
}

function isFilling(value: Uint8Array): boolean {
  let different = 0
  for (let at = 0; at < value.length && at < LONGEST_FILLING; at++) {
    if (value.indexOf(value[at]!) === at) different += 1
    if (different === FEWEST_DIFFERENT) return false
  }
  return true
}

/** Nothing but certificates in PEM. */
export function isCertificate(text: string): boolean {
  return text.startsWith('-----BEGIN CERTIFICATE') && !text.includes('PRIVATE KEY')
}

/** Words, names, numbers and addresses. */
export function isOrdinary(text: string): boolean {
  if (!ADDRESS.test(text)) return false
  if (ORDINARY.some((pattern) => pattern.test(text))) return true
  return isWords(text) || isPath(text) || (text.includes('.') && isHost(text)) || (text.includes('/') && isImage(text))
}

/** Dictionary words, with short numbers among them, joined as names are, or as JSON is; or nothing but the joints. */
export function isWords(text: string): boolean {
  for (let at = 0; at < text.length; ) {
    const octet = text.charCodeAt(at)
    if (ALPHANUMERIC[octet] !== 1) {
      if (JOINING[octet] !== 1) return false
      at += 1
      continue
    }
    const to = wordEnd(text, at)
    if (to - at > LONGEST_WORD) return false
    const word = text.slice(at, to)
    if (!WORDS.has(word.toLowerCase()) && !/^\d{1,5}$/.test(word)) return false
    at = to
  }
  return text !== ''
}

/** A word ends before a capital letter that follows a small one, or that a small one follows. */
function wordEnd(text: string, from: number): number {
  let at = from + 1
  for (; at < text.length && ALPHANUMERIC[text.charCodeAt(at)] === 1; at++) {
    if (CAPITAL[text.charCodeAt(at)] !== 1) continue
    const before = text.charCodeAt(at - 1)
    if (SMALL[before] === 1 || (CAPITAL[before] === 1 && SMALL[text.charCodeAt(at + 1)] === 1)) break
  }
  return at
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
