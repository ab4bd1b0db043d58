// An OIDC issuer that is a value: its documents answer fetches in memory, and its key signs whatever a test claims.

import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { Authenticator } from '../../../gateway/authn/authenticator.ts'
import type { Get } from '../../../gateway/authn/https-get.ts'
import type { AuthenticationConfig, IssuerConfig } from '../../../gateway/config.ts'
import type { Refusal } from '../../../gateway/decision.ts'
import type { Principal } from '../../../gateway/principal.ts'

/** 2026-01-01T00:00:00Z. */
export const NOW = 1_767_225_600_000

export type Claims = Readonly<Record<string, unknown>>

export class FakeIssuer {
  readonly url: string
  readonly documents = new Map<string, string>()
  /** Addresses that were fetched, in order. */
  readonly fetched: string[] = []
  isDown = false
  keys: JWK[] = []
  #key: CryptoKey | undefined
  #kid = ''
  #algorithm = ''

  constructor(url: string) {
    this.url = url
  }

  static async make(url = 'https://issuer', algorithm = 'ES256'): Promise<FakeIssuer> {
    const issuer = new FakeIssuer(url)
    await issuer.rotate('k1', algorithm)
    return issuer
  }

  /** A new key in place of the old ones. */
  async rotate(kid: string, algorithm = 'ES256'): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
    this.#key = privateKey
    this.#kid = kid
    this.#algorithm = algorithm
    this.publish([{ ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' }])
  }

  publish(keys: JWK[]): void {
    this.keys = keys
    this.documents.set(
      `${this.url}/.well-known/openid-configuration`,
      JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/jwks` }),
    )
    this.documents.set(`${this.url}/jwks`, JSON.stringify({ keys }))
  }

  readonly get: Get = async (url) => {
    this.fetched.push(url)
    const document = this.isDown ? undefined : this.documents.get(url)
    if (document === undefined) throw new Error('connect ECONNREFUSED')
    return Buffer.from(document)
  }

  /** A token as the issuer would sign it; claims that are undefined are left out. */
  token(claims: Claims = {}, header: Claims = {}): Promise<string> {
    const all = { iss: this.url, aud: 'sallyport', sub: 'ann', exp: NOW / 1_000 + 3_600, ...claims }
    return this.sign(JSON.parse(JSON.stringify(all)) as Claims, header)
  }

  sign(claims: Claims, header: Claims = {}): Promise<string> {
    if (this.#key === undefined) throw new Error('no key')
    return new SignJWT(claims)
      .setProtectedHeader({ alg: this.#algorithm, kid: this.#kid, typ: 'JWT', ...header })
      .sign(this.#key)
  }
}

export function issuerConfig(url: string, prefix = 'oidc:'): IssuerConfig {
  return {
    issuer: { url, audiences: ['sallyport', 'other-name'] },
    claimMappings: { username: { claim: 'sub', prefix }, groups: { claim: 'groups', prefix } },
  }
}

/** What a test asks an authenticator with, and the clock that it reads. */
export class Desk {
  now = NOW
  readonly authenticator: Authenticator

  constructor(get: Get, config: AuthenticationConfig = { jwt: [issuerConfig('https://issuer')] }) {
    this.authenticator = new Authenticator(config, { now: () => this.now, get })
  }

  async ask(token: string): Promise<Principal | Refusal> {
    return this.authenticator.authenticate(['Authorization', `Bearer ${token}`], undefined)
  }

  /** The rule that refused, or the user. */
  async outcome(token: string): Promise<string> {
    const answer = await this.ask(token)
    return 'status' in answer ? `${answer.status} ${answer.rule}` : answer.user
  }
}
