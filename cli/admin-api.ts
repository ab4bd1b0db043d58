// Calls to the admin API of a gateway -> its JSON, or the refusal in words with an exit code of its own. The server's
// certificate is verified before the token is sent; answers are bounded.

import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { createInterface } from 'node:readline'
import { printable } from '../replay/printable.ts'
import { trust } from '../replay/remote.ts'
import { CommandFailed, EXIT } from './exit-codes.ts'

export interface AdminApiOptions {
  /** https. */
  readonly url: URL
  readonly token: string
  /** PEM; the system's own authorities if absent. */
  readonly ca: string | undefined
}

export type Json = Readonly<Record<string, unknown>>

/** An answer, at most: a page of 1,000 approvals, or one with a long diff. */
const ANSWER_LENGTH = 16_777_216
/** Longer than between two signs of life of a stream. */
const IDLE_MILLIS = 45_000

export class AdminApi {
  readonly #options: AdminApiOptions
  readonly #agent: Agent

  constructor(options: AdminApiOptions) {
    this.#options = options
    this.#agent = new Agent({ keepAlive: true, maxSockets: 2, ...(options.ca !== undefined && trust(options.ca)) })
  }

  get(path: string): Promise<Json> {
    return this.#json('GET', path, undefined)
  }

  post(path: string, body: object): Promise<Json> {
    return this.#json('POST', path, body)
  }

  delete(path: string, body: object): Promise<Json> {
    return this.#json('DELETE', path, body)
  }

  /** The lines of a stream, until it ends or the signal aborts it. Throws CommandFailed if it breaks off. */
  async *lines(path: string, signal?: AbortSignal): AsyncGenerator<Json> {
    const answer = await this.#ask('GET', path, undefined, signal)
    if (answer.statusCode !== 200) throw refused(answer.statusCode, await wholeJson(answer))
    const lines = createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY })
    let fault: Error | undefined
    answer.on('error', (error) => {
      fault = error
      lines.close()
    })
    try {
      for await (const line of lines) yield JSON.parse(line) as Json
    } finally {
      answer.destroy()
    }
    if (fault !== undefined && signal?.aborted !== true) throw unreachable(fault)
  }

  close(): void {
    this.#agent.destroy()
  }

  async #json(method: string, path: string, body: object | undefined): Promise<Json> {
    const answer = await this.#ask(method, path, body)
    const json = await wholeJson(answer)
    const status = answer.statusCode ?? 0
    if (status < 200 || status > 299) throw refused(status, json)
    return json
  }

  #ask(method: string, path: string, body: object | undefined, signal?: AbortSignal): Promise<IncomingMessage> {
    const { token, url } = this.#options
    const text = body === undefined ? undefined : JSON.stringify(body)
    // Node frames the body of a DELETE only if it is told its length.
    const framing =
      text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }
    const headers = { authorization: `Bearer ${token}`, ...framing }
    return new Promise((answered, failed) => {
      const options = { method, agent: this.#agent, headers, ...(signal !== undefined && { signal }) }
      const asked = request(new URL(path, url), options)
      asked.setTimeout(IDLE_MILLIS, () => asked.destroy(new Error('no answer')))
      asked.on('response', answered)
      asked.on('error', (error) => failed(unreachable(error)))
      asked.end(text)
    })
  }
}

async function wholeJson(answer: IncomingMessage): Promise<Json> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > ANSWER_LENGTH) throw new CommandFailed('the admin API answered with more than it should')
    chunks.push(chunk)
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Json) : {}
  } catch {
    return {}
  }
}

/** What the gateway says, which names what to do. */
function refused(status: number | undefined, { rule, message }: Json): CommandFailed {
  if (typeof rule !== 'string' || typeof message !== 'string') {
    return new CommandFailed(`the admin API answered ${status}: is that a gateway's admin address?`)
  }
  const code = status === 401 || status === 403 ? EXIT.REFUSED : EXIT.FAILURE
  return new CommandFailed(printable(`${message} (${rule})`), code)
}

function unreachable(error: Error): CommandFailed {
  const code = (error as NodeJS.ErrnoException).code ?? 'no answer'
  const isCertificate = /CERT|SIGNATURE|SELF_SIGNED|ISSUER|ALTNAME/.test(code)
  const fix = isCertificate
    ? 'its certificate is not trusted; name its authority with --ca or $SALLYPORT_CA'
    : 'is the gateway running, and is this its admin address?'
  return new CommandFailed(`the admin API cannot be reached (${code}): ${fix}`)
}
