// One request to a server that the configuration names, and its answer, whole: for webhooks, hooks and ticket checks. Refuses
// redirects, servers that no trusted authority vouches for, and answers that are too long or too slow.

import { request } from 'node:https'

export interface HttpsCall {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** PEM, the only authorities trusted; undefined: the system's. */
  readonly ca: string | undefined
  /** From the first byte sent to the last one received. */
  readonly millis: number
  /** Of the answer. */
  readonly bytes: number
  /** Gives it up. */
  readonly signal?: AbortSignal
}

export interface HttpsAnswer {
  readonly status: number
  readonly body: Uint8Array
}

/** Why there is no answer: for logs and people, without a byte of the server. */
export class CallFailed extends Error {}

export type Caller = (call: HttpsCall) => Promise<HttpsAnswer>

/** Rejects with CallFailed. Any status but a redirect is an answer. */
export const httpsCall: Caller = (call) =>
  new Promise((resolve, reject) => {
    const { method, url, ca, millis, bytes, body } = call
    const deadline = AbortSignal.timeout(millis)
    const signal = call.signal === undefined ? deadline : AbortSignal.any([deadline, call.signal])
    const fail = (why: string, cause?: unknown): void => reject(new CallFailed(why, { cause }))
    const headers = {
      'user-agent': 'sallyport',
      accept: 'application/json',
      'accept-encoding': 'identity',
      ...(body === undefined ? {} : { 'content-length': String(body.length) }),
      ...call.headers,
    }
    // A connection of its own: nothing is left open, and no answer can be another call's.
    const options = { method, agent: false, headers, signal, ...(ca === undefined ? {} : { ca }) }
    const asked = request(url, options, (answer) => {
      const giveUp = (why: string): void => {
        asked.destroy()
        fail(why)
      }
      const status = answer.statusCode ?? 0
      if (status >= 300 && status < 400) {
        giveUp('the server redirects, which is not followed')
        return
      }
      const chunks: Buffer[] = []
      let length = 0
      answer.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > bytes) giveUp(`the answer is over ${bytes} bytes`)
        else chunks.push(chunk)
      })
      answer.on('end', () => resolve({ status, body: Buffer.concat(chunks) }))
      answer.on('error', (error) => fail(deadline.aborted ? late(millis) : 'the answer was cut off', error))
    })
    asked.on('error', (error: NodeJS.ErrnoException) => {
      fail(deadline.aborted ? late(millis) : `the server could not be asked (${error.code ?? 'no answer'})`, error)
    })
    asked.end(body)
  })

function late(millis: number): string {
  return `no answer within ${millis} ms`
}
