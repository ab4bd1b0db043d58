// Keeps up with all Secrets of a cluster by a list and a watch of the gateway's own, as client-go's reflector does, and
// hands on each value. What fails is told and tried again: a gateway that cannot learn ahead learns from answers alone.

import { PeerError } from '../../protocols/errors.ts'
import type { Fields } from '../../protocols/fields.ts'
import { field } from '../../protocols/fields.ts'
import type { MaskedObject } from '../../protocols/kube/field-masker.ts'
import { limits } from '../../protocols/limits.ts'
import { type Upstream, type UpstreamCall, UpstreamFailed } from '../upstream/upstream.ts'
import { type Loose, loose, SecretEvents, SecretPage, type SecretReader } from './secret-pages.ts'

/** What becomes of it, for logs, metrics and the control tape. */
export interface WatchTold {
  /** Before the cluster is asked for a list: resolves once that is on disk. Rejects while nothing can be recorded. */
  asking(): Promise<void>
  /** All Secrets are known, and watched from now on. */
  listed(counts: { readonly secrets: number; readonly values: number }): void
  /** The cluster has taken up a watch, perhaps after a failure. */
  watching(): void
  /** It cannot go on, and will be tried again after `millis`. `text`: fixed, without a word of the cluster's. */
  failed(rule: string, text: string, millis: number): void
}

export interface SecretWatchOptions {
  readonly upstream: Upstream
  /** Whom the gateway impersonates for it: fields, or none. */
  readonly identity: Fields
  learn(object: MaskedObject, path: string, value: Uint8Array): void
  readonly told: WatchTold
  readonly after: (millis: number, callback: () => void) => () => void
  /** From 0 up to 1. */
  readonly random: () => number
}

const PATH = '/api/v1/secrets'
/**
 * Releases of Helm are not asked for: they are most of the bytes, packed, and what they hold of Secrets is in Secrets of its
 * own (kubernetes pkg/registry/core/secret/strategy.go selects by type).
 */
const SELECTED = `fieldSelector=${encodeURIComponent('type!=helm.sh/release.v1')}`

/** The cluster no longer has what came after the version that was asked for (410): a new list is needed. */
class Expired extends Error {}

class Failed extends Error {
  readonly rule: string

  constructor(rule: string, message: string) {
    super(message)
    this.rule = rule
  }
}

export class SecretWatch {
  readonly #options: SecretWatchOptions
  #isClosed = false
  #call: UpstreamCall | undefined
  #wake: () => void = () => undefined
  /** Where the watch goes on; undefined: with a list. */
  #version: string | undefined
  #failures = 0

  constructor(options: SecretWatchOptions) {
    this.#options = options
  }

  /** Resolves when it has been closed. Never rejects. */
  async run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        this.#version ??= await this.#list()
        await this.#watch()
        this.#failures = 0
        // The server ends a watch in its time; one that ends all of them at once is not asked without a pause.
        await this.#pause(limits.learn.resumeMillis)
      } catch (error) {
        if (this.#isClosed) return
        if (error instanceof Expired) this.#version = undefined
        const millis = Math.min(limits.learn.retryMillis * 2 ** this.#failures++, limits.learn.retryLongestMillis)
        await this.#pause(millis, (wait) => this.#tell(error, wait))
      }
    }
  }

  close(): void {
    this.#isClosed = true
    this.#call?.abort()
    this.#wake()
  }

  /** All pages; where the last of them stands. */
  async #list(): Promise<string> {
    await this.#options.told.asking()
    let secrets = 0
    let values = 0
    let next = ''
    for (;;) {
      const page = new SecretPage((secret) => {
        secrets += 1
        values += this.#learn(secret)
      })
      const query = next === '' ? '' : `&continue=${encodeURIComponent(next)}`
      const target = `${PATH}?limit=${limits.learn.pageSize}&${SELECTED}${query}`
      await this.#ask(target, false, page, limits.learn.pageMillis)
      const end = page.end()
      next = end.next
      if (next !== '') continue
      this.#options.told.listed({ secrets, values })
      return end.resourceVersion
    }
  }

  /** Until the server ends it. */
  async #watch(): Promise<void> {
    const seconds = Math.floor(limits.learn.watchSeconds * (1 + this.#options.random()))
    const version = encodeURIComponent(this.#version as string)
    const query = `watch=true&allowWatchBookmarks=true&resourceVersion=${version}&timeoutSeconds=${seconds}`
    const events = new SecretEvents((type, object) => {
      if (type === 'ERROR')
        throw object.code === 410 ? new Expired() : new Failed('learn.watch', 'the watch has failed')
      this.#failures = 0
      if (type !== 'BOOKMARK') this.#learn(object)
      const { resourceVersion } = loose(object.metadata)
      if (typeof resourceVersion === 'string') this.#version = resourceVersion
    })
    await this.#ask(`${PATH}?${query}&${SELECTED}`, true, events, 1_000 * seconds + limits.learn.pageMillis)
  }

  /** Values learned of one Secret. */
  #learn(secret: Loose): number {
    const { name, namespace, uid } = loose(secret.metadata)
    const object = { name: word(name), namespace: word(namespace), uid: word(uid), labels: NO_LABELS }
    let count = 0
    for (const [key, value] of Object.entries(loose(secret.data))) {
      if (typeof value !== 'string') continue
      this.#options.learn(object, `data.${key}`, Buffer.from(value, 'base64'))
      count += 1
    }
    return count
  }

  /** One request, its answer read to the end. */
  async #ask(target: string, longRunning: boolean, reader: SecretReader, millis: number): Promise<void> {
    const { upstream, identity, after } = this.#options
    const credentials = await upstream.credentials()
    if (this.#isClosed) throw new Failed('learn.closed', 'the gateway ends')
    let cancel: () => void = () => undefined
    try {
      await new Promise<void>((resolve, reject) => {
        const stop = (error: unknown): void => {
          this.#call?.abort()
          reject(error)
        }
        cancel = after(millis, () => stop(new Failed('learn.silent', 'the answer did not end in its time')))
        this.#wake = () => reject(new Failed('learn.closed', 'the gateway ends'))
        let isOver = false
        const handler = {
          onResponse: ({ status, fields }: { readonly status: number; readonly fields: Fields }) => {
            const fault = faultOf(status, fields)
            if (fault === undefined) {
              if (longRunning) this.#options.told.watching()
              return
            }
            isOver = true
            stop(fault)
          },
          onData: (bytes: Uint8Array) => {
            if (isOver) return
            try {
              reader.receive(bytes)
            } catch (error) {
              isOver = true
              stop(error)
            }
          },
          onEnd: () => resolve(),
          onFailed: (error: UpstreamFailed) => reject(error),
        }
        // Nobody's name: no caller shares the connection.
        const fields = ['Accept', 'application/json', 'User-Agent', 'sallyport', ...credentials, ...identity]
        this.#call = upstream.send({ method: 'GET', target, fields, body: undefined, longRunning, user: '' }, handler)
      })
    } finally {
      cancel()
      this.#call = undefined
      this.#wake = () => undefined
    }
  }

  async #pause(millis: number, tell: (wait: number) => void = () => undefined): Promise<void> {
    const wait = Math.round(millis * (1 + this.#options.random()))
    tell(wait)
    if (this.#isClosed) return
    await new Promise<void>((done) => {
      const cancel = this.#options.after(wait, done)
      this.#wake = () => {
        cancel()
        done()
      }
    })
    this.#wake = () => undefined
  }

  #tell(error: unknown, millis: number): void {
    const { told } = this.#options
    if (error instanceof Expired)
      told.failed('learn.expired', 'the cluster has forgotten where the watch stood', millis)
    else if (error instanceof Failed || error instanceof UpstreamFailed || error instanceof PeerError) {
      told.failed(error.rule, error.message, millis)
    } else if (error instanceof SyntaxError) told.failed('learn.unreadable', 'an answer that is no JSON', millis)
    else told.failed('learn.unrecorded', 'nothing can be recorded, so nothing is asked', millis)
  }
}

const NO_LABELS: ReadonlyMap<string, string> = new Map()

function faultOf(status: number, fields: Fields): Error | undefined {
  if (status === 410) return new Expired()
  if (status === 401 || status === 403) {
    const fix = 'allow its user to list and watch secrets in all namespaces'
    return new Failed('learn.forbidden', `the cluster does not let the gateway list Secrets (${status}): ${fix}`)
  }
  if (status !== 200) return new Failed('learn.status', `the cluster answered with ${status}`)
  const type = (field(fields, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase()
  const isPlain = (field(fields, 'content-encoding') ?? 'identity').toLowerCase() === 'identity'
  if (type === 'application/json' && isPlain) return undefined
  return new Failed('learn.unreadable', 'the cluster answered in another form than JSON')
}

function word(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
