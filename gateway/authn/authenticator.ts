// Turns a request's bearer token into the principal that it stands for, or a refusal that says why not. Verifies a token
// once and remembers it by its SHA-256 until it ends or its issuer's keys change.

import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { compactVerify, errors } from 'jose'
import type { Fields } from '../../protocols/fields.ts'
import { limits } from '../../protocols/limits.ts'
import type { AuthenticationConfig } from '../config.ts'
import { type Refusal, refuse } from '../decision.ts'
import type { Principal } from '../principal.ts'
import { expired, principalOf } from './claims.ts'
import { bearerToken, unauthorized } from './credential.ts'
import { type Get, httpsGet } from './https-get.ts'
import { Issuer, IssuerDown, type Keys } from './issuer.ts'
import { ALGORITHMS, openToken, type UnverifiedToken } from './token.ts'

export interface AuthenticatorOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** How issuers' documents are fetched; by HTTPS unless a test says otherwise. */
  readonly get?: Get
}

/** A token that was verified, and the keys by which it was. */
interface Known {
  readonly principal: Principal
  readonly issuer: Issuer
  readonly keys: Keys
}

export class Authenticator {
  readonly #issuers: ReadonlyMap<string, Issuer>
  readonly #now: () => number
  /** By the SHA-256 of the token: nothing shorter, or two tokens could be one another's. */
  readonly #known = new Map<string, Known>()

  /** Reads the issuers' CA files; throws the I/O error, or one that names the file, where one cannot be used. */
  constructor(config: AuthenticationConfig, options: AuthenticatorOptions) {
    this.#now = options.now
    const get = options.get ?? httpsGet
    this.#issuers = new Map(
      config.jwt.map((entry) => {
        const file = entry.issuer.certificateAuthorityFile
        return [
          entry.issuer.url,
          new Issuer(entry, file === undefined ? undefined : readAuthorities(file), get, options.now),
        ]
      }),
    )
  }

  /** Issuers whose keys could not be had when last asked for; nothing is asked for before the first token comes. */
  get issuersDown(): readonly string[] {
    const down: string[] = []
    for (const [url, issuer] of this.#issuers) if (issuer.isDown) down.push(url)
    return down
  }

  /**
   * Answers at once for a token that was verified before. `fromSubprotocol`: the token that came as a WebSocket
   * subprotocol, decoded. A refusal is 401 with rule "authn.*", or 503 where an issuer cannot be asked.
   */
  authenticate(
    fields: Fields,
    fromSubprotocol: string | undefined,
  ): Principal | Refusal | Promise<Principal | Refusal> {
    const token = bearerToken(fields, fromSubprotocol)
    if (typeof token !== 'string') return token
    const key = hash('sha256', token, 'base64url')
    const known = this.#known.get(key)
    if (known !== undefined) {
      known.issuer.renew()
      if (this.#now() >= known.principal.expiresAt) {
        this.#known.delete(key)
        return expired()
      }
      if (known.issuer.isCurrent(known.keys)) return known.principal
      this.#known.delete(key)
    }
    const opened = openToken(token)
    if ('status' in opened) return opened
    const issuer = this.#issuers.get(opened.issuer)
    if (issuer === undefined)
      return unauthorized('authn.issuer', 'the token is of an issuer that this gateway does not trust')
    return this.#verify(opened, issuer, key)
  }

  async #verify(token: UnverifiedToken, issuer: Issuer, key: string): Promise<Principal | Refusal> {
    let keys: Keys
    try {
      keys = await issuer.keys()
    } catch (error) {
      if (!(error instanceof IssuerDown)) throw error
      const message = "the gateway cannot reach the token's issuer, so it cannot check the token; try again in a minute"
      return refuse(503, 'ServiceUnavailable', 'authn.issuer_down', message)
    }
    let signed = await isSignedBy(token.compact, keys)
    if (signed === 'unknown key') {
      keys = (await issuer.newerKeys()) ?? keys
      signed = await isSignedBy(token.compact, keys)
    }
    if (signed !== true) {
      return unauthorized('authn.signature', 'the token is not signed by its issuer; log in again')
    }
    const principal = principalOf(token.claims, issuer.config, this.#now())
    if ('status' in principal) return principal
    this.#remember(key, { principal, issuer, keys })
    return principal
  }

  /** Full, it forgets the one that came first: only real tokens get in, so strangers push nobody out. */
  #remember(key: string, known: Known): void {
    if (this.#known.size >= limits.authn.identities) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest)
        break
      }
    }
    this.#known.set(key, known)
  }
}

const OPTIONS = { algorithms: ALGORITHMS }

/** "unknown key": no key of the set is of the token's kind and id. */
async function isSignedBy(compact: string, keys: Keys): Promise<boolean | 'unknown key'> {
  try {
    await compactVerify(compact, keys, OPTIONS)
    return true
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return 'unknown key'
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return false
    // A token that names no key: any of those of its kind may be the one.
    let tried = 0
    for await (const candidate of error) {
      if (++tried > limits.authn.keysTried) return false
      try {
        await compactVerify(compact, candidate, OPTIONS)
        return true
      } catch {
        // The next one, then.
      }
    }
    return false
  }
}

function readAuthorities(file: string): string {
  const pem = readFileSync(file, 'utf8')
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new Error(`${file} holds no certificate in PEM`)
  return pem
}
