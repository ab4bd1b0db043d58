// Turns the claims of a verified token into a principal, as Kubernetes maps them (apiserver plugin/pkg/authenticator/
// token/oidc). Refuses times out of range, other audiences, and every name that Kubernetes reserves or HTTP could change.

import { limits } from '../../protocols/limits.ts'
import type { IssuerConfig } from '../config.ts'
import type { Refusal } from '../decision.ts'
import type { Principal } from '../principal.ts'
import { unauthorized } from './credential.ts'

type Claims = Readonly<Record<string, unknown>>

/** `now` in milliseconds since 1970. */
export function principalOf(claims: Claims, config: IssuerConfig, now: number): Principal | Refusal {
  const expiresAt = validity(claims, now)
  if (typeof expiresAt !== 'number') return expiresAt
  const { issuer, claimMappings } = config
  if (!isFor(claims.aud, issuer.audiences)) {
    return unauthorized('authn.audience', 'the token is for another audience; log in to this gateway')
  }
  const user = userOf(claims, claimMappings.username)
  if (typeof user !== 'string') return user
  const groups = groupsOf(claims, claimMappings.groups)
  if ('status' in groups) return groups
  const actor = actorOf(claims)
  if (typeof actor !== 'string') return actor
  return Object.freeze({ user, groups: Object.freeze(groups), actor, issuer: issuer.url, expiresAt })
}

/** The end of the year 9999, in seconds since 1970: past it a time is a mistake, and no number of milliseconds. */
const LAST_SECOND = 253_402_300_799

/** When the token ends, in milliseconds since 1970. RFC 7519 NumericDate: seconds, perhaps with a fraction. */
function validity(claims: Claims, now: number): number | Refusal {
  for (const name of ['exp', 'nbf', 'iat']) {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined
    const isAbsent = value === undefined && name !== 'exp'
    if (!isAbsent && !(typeof value === 'number' && value >= 0 && value <= LAST_SECOND)) {
      return unauthorized('authn.time', `the token's "${name}" must be there as a number of seconds since 1970`)
    }
  }
  const expiresAt = Math.floor((claims.exp as number) * 1_000)
  if (now >= expiresAt) return expired()
  for (const start of [claims.nbf, claims.iat]) {
    if (typeof start === 'number' && start * 1_000 > now + limits.authn.skewMillis) {
      return unauthorized(
        'authn.not_yet',
        'the token is not valid yet; compare the clocks of the issuer and the gateway',
      )
    }
  }
  return expiresAt
}

export function expired(): Refusal {
  return unauthorized('authn.expired', 'the token has expired; log in again')
}

function isFor(audience: unknown, audiences: readonly string[]): boolean {
  if (typeof audience === 'string') return audiences.includes(audience)
  return Array.isArray(audience) && audience.some((name) => typeof name === 'string' && audiences.includes(name))
}

type Mapping = IssuerConfig['claimMappings']['username']

function userOf(claims: Claims, { claim, prefix }: Mapping): string | Refusal {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  if (typeof value !== 'string' || value === '') {
    return unauthorized('authn.username', `the token has no user name: its "${claim}" must be a string`)
  }
  // Whoever may choose an address may choose yours.
  if (claim === 'email' && claims.email_verified !== true) {
    return unauthorized('authn.email', 'the token\'s "email" is not verified ("email_verified" must be true)')
  }
  return checked(prefix + value)
}

function groupsOf(claims: Claims, mapping: Mapping | undefined): string[] | Refusal {
  if (mapping === undefined || !Object.hasOwn(claims, mapping.claim)) return []
  const value = claims[mapping.claim]
  const names: readonly unknown[] = Array.isArray(value) ? value : [value]
  const groups = new Set<string>()
  for (const name of names) {
    if (typeof name !== 'string' || name === '') {
      return unauthorized('authn.groups', `the token's "${mapping.claim}" must be a list of strings, or one string`)
    }
    const group = checked(mapping.prefix + name)
    if (typeof group !== 'string') return group
    groups.add(group)
  }
  return [...groups]
}

/** Who acts for the user (RFC 8693 section 4.1): of nested actors the outermost is the one that acts now. */
function actorOf(claims: Claims): string | Refusal {
  if (!Object.hasOwn(claims, 'act')) return ''
  const act = claims.act
  const sub = typeof act === 'object' && act !== null && Object.hasOwn(act, 'sub') ? (act as Claims).sub : undefined
  if (typeof sub !== 'string' || sub === '') {
    return unauthorized('authn.actor', 'the token\'s "act" must be an object with a "sub" that names the actor')
  }
  return checked(sub)
}

/** Control characters, line separators, half surrogate pairs, and white space that HTTP readers trim. */
const UNSPEAKABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|^\s|\s$/u

function checked(name: string): string | Refusal {
  if (/^system:/i.test(name)) {
    return unauthorized(
      'authn.system_name',
      'the token names a user or group that begins with "system:", which belongs to Kubernetes',
    )
  }
  if (UNSPEAKABLE.test(name)) {
    return unauthorized('authn.name', 'the token holds a name with control characters or outer white space')
  }
  return name
}
