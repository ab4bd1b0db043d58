// One issuer's keys: found by discovery, kept, and fetched again at an age or for a key that is not among them. However
// many strangers send made-up key ids, the issuer is asked once a minute; while it is down the keys at hand serve on.

import { createLocalJWKSet, type JSONWebKeySet } from 'jose'
import { limits } from '../../protocols/limits.ts'
import type { IssuerConfig } from '../config.ts'
import { readObject } from '../json.ts'
import type { Get } from './https-get.ts'

/** The keys of one answer of the issuer; another object as soon as they differ. */
export type Keys = ReturnType<typeof createLocalJWKSet>

/** The issuer's keys cannot be had. The message says why, for the log. */
export class IssuerDown extends Error {}

export class Issuer {
  readonly config: IssuerConfig
  readonly #ca: string | undefined
  readonly #get: Get
  readonly #now: () => number
  #keys: Keys | undefined
  #text = ''
  #fetchedAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY
  #failure: IssuerDown | undefined
  #fetching: Promise<void> | undefined

  /** `ca`: PEM, the only authorities trusted for it; undefined: the system's. */
  constructor(config: IssuerConfig, ca: string | undefined, get: Get, now: () => number) {
    this.config = config
    this.#ca = ca
    this.#get = get
    this.#now = now
  }

  /** Whether keys that were returned earlier are still the issuer's. */
  isCurrent(keys: Keys): boolean {
    return this.#keys === keys && this.#hasKeys()
  }

  /** True if its keys could not be had when last asked for, and none are at hand. */
  get isDown(): boolean {
    return this.#failure !== undefined && !this.#hasKeys()
  }

  /** The keys at hand, or else fetched. Rejects with IssuerDown. */
  async keys(): Promise<Keys> {
    this.renew()
    if (!this.#hasKeys()) {
      if (this.#fetching === undefined && this.#now() - this.#triedAt < limits.authn.retryMillis) {
        throw this.#failure ?? new IssuerDown('its keys could not be had')
      }
      await this.#fetch()
    }
    if (this.#keys === undefined || !this.#hasKeys()) throw this.#failure ?? new IssuerDown('its keys are too old')
    return this.#keys
  }

  /** Newer keys, for a token whose key is not among those at hand; undefined if they were asked for a short while ago. */
  async newerKeys(): Promise<Keys | undefined> {
    if (this.#fetching === undefined && this.#now() - this.#triedAt < limits.authn.unknownKeyMillis) return undefined
    const before = this.#keys
    await this.#fetch()
    return this.#keys === before ? undefined : this.#keys
  }

  /** Fetches the keys anew where they have come of age, without waiting for it. */
  renew(): void {
    const now = this.#now()
    if (this.#keys === undefined || this.#fetching !== undefined) return
    if (now - this.#fetchedAt < limits.authn.keysMillis || now - this.#triedAt < limits.authn.unknownKeyMillis) return
    void this.#fetch()
  }

  #hasKeys(): boolean {
    return this.#keys !== undefined && this.#now() - this.#fetchedAt < limits.authn.keysStaleMillis
  }

  /** One at a time; who comes meanwhile waits for the same. Never rejects: what failed is in #failure. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#discover().then(
      (text) => {
        this.#fetching = undefined
        this.#failure = undefined
        this.#fetchedAt = this.#now()
        if (text === this.#text) return
        this.#text = text
        this.#keys = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet)
      },
      (cause: unknown) => {
        this.#fetching = undefined
        const why = cause instanceof Error ? cause.message : 'unknown'
        this.#failure = new IssuerDown(`the keys of ${this.config.issuer.url} cannot be had: ${why}`, { cause })
      },
    )
    return this.#fetching
  }

  /** OpenID Connect Discovery 1.0 section 4, and the key set that it names, as JSON that createLocalJWKSet takes. */
  async #discover(): Promise<string> {
    this.#triedAt = this.#now()
    const { url, discoveryURL } = this.config.issuer
    const metadata = readObject(
      await this.#get(discoveryURL ?? `${url.replace(/\/$/, '')}/.well-known/openid-configuration`, this.#ca),
    )
    if (metadata?.issuer !== url) throw new Error('its discovery document is of another issuer')
    const { jwks_uri: address } = metadata
    if (typeof address !== 'string' || !URL.canParse(address) || new URL(address).protocol !== 'https:') {
      throw new Error('its discovery document names no https jwks_uri')
    }
    const set = readObject(await this.#get(address, this.#ca))
    if (!Array.isArray(set?.keys) || set.keys.length > limits.authn.keys) {
      throw new Error(`its key set does not hold a list of at most ${limits.authn.keys} keys`)
    }
    const text = JSON.stringify({ keys: set.keys })
    createLocalJWKSet(JSON.parse(text) as JSONWebKeySet)
    return text
  }
}
