// Turns a principal into the impersonation headers that tell the API server who calls (apiserver
// pkg/endpoints/filters/impersonation). Refuses every name that the API server could read as somebody else: an empty
// one runs as the gateway itself, and a trimmed or truncated one as another user.

import { MisuseError } from '../protocols/errors.ts'
import type { Fields } from '../protocols/fields.ts'
import type { Principal } from './principal.ts'

/** Keys of what else the cluster's audit log is told. Lower-case letters and hyphens: the server would unescape others. */
export const EXTRA = { TAPE: 'sallyport-tape', ACTOR: 'sallyport-actor', ISSUER: 'sallyport-issuer' } as const

const EXTRA_KEY = /^[a-z][a-z0-9-]*$/

/** Control characters, white space that HTTP readers trim, and half surrogate pairs, which encode to one and the same byte sequence. */
const UNSPEAKABLE = /[\u0000-\u001f\u007f]|^ | $|[\ud800-\udfff]/u

/**
 * Impersonate-User, one Impersonate-Group for each group, and Impersonate-Extra-KEY for each extra that is not empty.
 * Values are UTF-8, one character for each byte, as everything in Fields is; so no character can lose its upper bits on
 * the way and become another name. Throws MisuseError for what authentication must never let through: an empty user or
 * group, a `system:` name, control characters, outer white space.
 */
export function impersonation(principal: Principal, extra: Readonly<Record<string, string>>): Fields {
  const fields = ['Impersonate-User', name(principal.user)]
  for (const group of principal.groups) fields.push('Impersonate-Group', name(group))
  for (const [key, value] of Object.entries(extra)) {
    if (!EXTRA_KEY.test(key)) throw new MisuseError('an impersonation extra key needs escaping')
    if (value !== '') fields.push(`Impersonate-Extra-${key}`, wire(value))
  }
  return fields
}

function name(text: string): string {
  if (text === '') throw new MisuseError('an empty name would run as the gateway itself')
  if (text.toLowerCase().startsWith('system:')) throw new MisuseError('a system: name is never impersonated')
  return wire(text)
}

function wire(text: string): string {
  if (UNSPEAKABLE.test(text)) throw new MisuseError('a name or extra that HTTP cannot carry unchanged')
  return Buffer.from(text, 'utf8').toString('latin1')
}
