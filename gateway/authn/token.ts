// Takes a JWT in compact form apart without believing it: three parts, an asymmetric algorithm, JSON without doubt. The
// signature is checked elsewhere (authenticator.ts), over the same characters.

import { limits } from '../../protocols/limits.ts'
import type { Refusal } from '../decision.ts'
import { readObject } from '../json.ts'
import { tooLong, unauthorized } from './credential.ts'

/** No "none", and no HMAC: a verifier has no secret. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

/** ID tokens (often without typ) and access tokens (RFC 9068); not logout tokens, DPoP proofs or security events. */
const TYPES = new Set(['jwt', 'at+jwt', 'application/at+jwt', 'application/jwt'])

export interface UnverifiedToken {
  /** The token itself. */
  readonly compact: string
  /** `iss`, which picks the issuer whose keys must fit. */
  readonly issuer: string
  readonly claims: Readonly<Record<string, unknown>>
}

export function openToken(compact: string): UnverifiedToken | Refusal {
  if (compact.length > limits.gateway.token) return tooLong()
  const parts = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/.exec(compact)
  if (parts === null) return unauthorized('authn.form', 'the token is not a signed JWT')
  const header = readObject(Buffer.from(parts[1] as string, 'base64url'))
  const claims = readObject(Buffer.from(parts[2] as string, 'base64url'))
  if (header === undefined || claims === undefined) {
    return unauthorized('authn.json', 'the token does not hold JSON objects whose keys differ')
  }
  if (typeof header.alg !== 'string' || !ALGORITHMS.includes(header.alg)) {
    return unauthorized('authn.algorithm', 'the token is not signed with an asymmetric algorithm (RS, PS, ES, EdDSA)')
  }
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) {
    return unauthorized('authn.critical', 'the token demands extensions that the gateway does not know')
  }
  if (Object.hasOwn(header, 'kid') && typeof header.kid !== 'string') {
    return unauthorized('authn.key_id', 'the token names its key by something that is not a string')
  }
  if (Object.hasOwn(header, 'typ') && !(typeof header.typ === 'string' && TYPES.has(header.typ.toLowerCase()))) {
    return unauthorized('authn.type', 'the token is neither an ID token nor an access token')
  }
  if (typeof claims.iss !== 'string') return unauthorized('authn.issuer', 'the token does not say who issued it')
  return { compact, issuer: claims.iss, claims }
}
