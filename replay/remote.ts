// The admin API of a running gateway -> the same tapes as from a store at rest. The server's certificate is verified
// before the token is sent; answers are read as they come and bounded.

import { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { readFrames } from './entry-frames.ts'
import { filterQuery, type TapeFilter } from './tape-filter.ts'
import {
  decodeStored,
  NoSuchTape,
  type StoredEntry,
  type StoredLog,
  type TapeSummary,
  type Tapes,
  TapesUnavailable,
} from './tapes.ts'

export interface RemoteOptions {
  /** Of the admin API; https. */
  readonly url: URL
  readonly token: string
  /** PEM; the system's own authorities if absent. */
  readonly ca: string | undefined
}

/** A JSON answer, at most: a list of 1,000 tapes with long commands fits. */
const JSON_LENGTH = 16_777_216
const IDLE_MILLIS = 30_000

export class RemoteTapes implements Tapes {
  readonly #options: RemoteOptions
  readonly #agent: Agent
  readonly log: StoredLog

  constructor(options: RemoteOptions) {
    this.#options = options
    this.#agent = new Agent({ keepAlive: true, maxSockets: 4, ...(options.ca !== undefined && trust(options.ca)) })
    this.log = { leaves: () => this.#leaves(), checkpoint: () => this.#checkpoint() }
  }

  async *list(filter: TapeFilter): AsyncGenerator<TapeSummary> {
    const answer = await this.#get(`/v1/tapes?${filterQuery(filter)}`)
    const { tapes } = JSON.parse(await wholeText(await checked(answer))) as { tapes: TapeSummary[] }
    yield* tapes
  }

  entries(id: string): AsyncGenerator<StoredEntry> {
    return decodeStored(this.stored(id))
  }

  async *stored(id: string): AsyncGenerator<Uint8Array> {
    const answer = await this.#get(`/v1/tapes/${encodeURIComponent(id)}`)
    if (answer.statusCode === 404) {
      answer.destroy()
      throw new NoSuchTape(id)
    }
    yield* readFrames(await checked(answer))
  }

  async close(): Promise<void> {
    this.#agent.destroy()
  }

  async *#leaves(): AsyncGenerator<Uint8Array> {
    yield* readFrames(await checked(await this.#get('/v1/log/leaves')))
  }

  async #checkpoint(): Promise<string | undefined> {
    const answer = await this.#get('/v1/log/checkpoint')
    if (answer.statusCode !== 404) return wholeText(await checked(answer))
    answer.destroy()
    return undefined
  }

  #get(target: string): Promise<IncomingMessage> {
    const { token, url } = this.#options
    return new Promise((answered, failed) => {
      const asked = request(new URL(target, url), { agent: this.#agent, headers: { authorization: `Bearer ${token}` } })
      asked.setTimeout(IDLE_MILLIS, () => asked.destroy(new Error('no answer')))
      asked.on('response', answered)
      asked.on('error', (error: NodeJS.ErrnoException) => failed(unreachable(error)))
      asked.end()
    })
  }
}

/**
 * Trusts what the PEM file says. If its first certificate is the server's own (a gateway with certificate files), then
 * that is who we want, by whatever name; otherwise the name must be the server's as usual.
 */
export function trust(ca: string) {
  const [first] = ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/) ?? []
  if (first === undefined) throw new TapesUnavailable('the file of --ca holds no certificate')
  const own = new X509Certificate(first).raw
  return {
    ca,
    allowPartialTrustChain: true,
    checkServerIdentity: (host: string, certificate: PeerCertificate) =>
      own.equals(certificate.raw) ? undefined : checkServerIdentity(host, certificate),
  }
}

function unreachable(error: NodeJS.ErrnoException): TapesUnavailable {
  const code = error.code ?? 'no answer'
  const isCertificate = /CERT|SIGNATURE|SELF_SIGNED|ISSUER|ALTNAME/.test(code)
  const fix = isCertificate ? 'its certificate is not trusted; name its authority with --ca' : 'is the gateway running?'
  return new TapesUnavailable(`the admin API cannot be reached (${code}): ${fix}`, { cause: error })
}

const REFUSALS: ReadonlyMap<number | undefined, string> = new Map([
  [401, 'the admin API refused the token; name its file with --token-file (admin.token in the data directory)'],
  [503, 'the admin API is busy; try again'],
])

async function checked(answer: IncomingMessage): Promise<IncomingMessage> {
  if (answer.statusCode === 200) return answer
  answer.destroy()
  throw new TapesUnavailable(REFUSALS.get(answer.statusCode) ?? `the admin API answered ${answer.statusCode}`)
}

async function wholeText(answer: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > JSON_LENGTH) throw new TapesUnavailable('the admin API answered with more than it should')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
