// Files that hold one secret each -> the secret, for calls to other servers: a signing secret, a URL that is one, the value of
// a header field, authorities. Refuses what is empty, long or could not be sent; no message holds what is in a file.

import { readFileSync } from 'node:fs'
import { readSecret, SECRET_BYTES } from './webhooks/signature.ts'

/** A file does not hold what it should; says which one and what to do. */
export class SecretFileError extends Error {}

/** Of the Standard Webhooks form, or at least 24 bytes. Throws SecretFileError, or the file's error. */
export function signingSecret(path: string): Uint8Array {
  const secret = readSecret(textOf(path))
  if (secret !== undefined) return secret
  const { least, most } = SECRET_BYTES
  const message = `${path} must hold "whsec_" and base64, or text, of ${least} to ${most} bytes: openssl rand -base64 32`
  throw new SecretFileError(message)
}

/** The value of a header field. Throws SecretFileError, or the file's error. */
export function fieldValue(path: string): string {
  const value = textOf(path)
  if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
    throw new SecretFileError(`${path} must hold one line of ASCII, the value of a header field`)
  }
  return value
}

/** An https URL. Throws SecretFileError, or the file's error. */
export function secretUrl(path: string): string {
  const url = textOf(path)
  if (URL.canParse(url)) {
    const { protocol, username, password } = new URL(url)
    if (protocol === 'https:' && username === '' && password === '') return url
  }
  throw new SecretFileError(`${path} must hold an https:// URL without user and password`)
}

/** PEM. Throws SecretFileError, or the file's error. */
export function authorities(path: string): string {
  const pem = textOf(path, LONGEST_PEM)
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
  throw new SecretFileError(`${path} must hold certificates in PEM`)
}

const LONGEST = 8_192
const LONGEST_PEM = 1_048_576

function textOf(path: string, longest = LONGEST): string {
  const text = readFileSync(path, 'utf8').trim()
  if (text === '' || text.length > longest)
    throw new SecretFileError(`${path} is empty, or too long to be what it should be`)
  return text
}
