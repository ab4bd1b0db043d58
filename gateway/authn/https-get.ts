// Fetches one small document over HTTPS, for issuers' metadata and keys. Refuses redirects, anything but 200, and what is
// too long or too slow; trusts only the authorities given, where there are any.

import { request } from 'node:https'
import { limits } from '../../protocols/limits.ts'

/** The document at an https URL, whole. `ca`: PEM, the only authorities trusted; undefined: the system's. */
export type Get = (url: string, ca: string | undefined) => Promise<Uint8Array>

/** Rejects with an error that says why: the network's own, or one of ours. */
export const httpsGet: Get = (url, ca) =>
  new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(limits.authn.fetchMillis)
    const headers = { accept: 'application/json', 'accept-encoding': 'identity' }
    // A connection of its own: these fetches are rare, and nothing is left open between them.
    const asked = request(url, { agent: false, headers, signal, ...(ca === undefined ? {} : { ca }) }, (answer) => {
      const fail = (why: string): void => {
        asked.destroy()
        reject(new Error(why))
      }
      if (answer.statusCode !== 200) {
        fail(`the issuer answered ${answer.statusCode}`)
        return
      }
      const chunks: Buffer[] = []
      let length = 0
      answer.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > limits.authn.documentBytes)
          fail(`the issuer's document is over ${limits.authn.documentBytes} bytes`)
        else chunks.push(chunk)
      })
      answer.on('end', () => resolve(Buffer.concat(chunks)))
      answer.on('error', reject)
    })
    asked.on('error', reject)
    asked.end()
  })
