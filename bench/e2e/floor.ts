// The floor: a TLS relay that parses and records nothing. What a gateway in Node cannot beat, in the same run.
// Usage: floor.js KEY CERT CA UPSTREAM_PORT

import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'

const [keyFile, certFile, caFile, upstreamPort] = process.argv.slice(2) as [string, string, string, string]
const ca = readFileSync(caFile)
/** By protocol: what is resumed must be what was agreed on. */
const sessions = new Map<string, Buffer>()

const server = createServer(
  {
    key: readFileSync(keyFile),
    cert: readFileSync(certFile),
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['h2', 'http/1.1'],
  },
  (client) => {
    client.setNoDelay(true)
    const protocol = client.alpnProtocol || 'http/1.1'
    const session = sessions.get(protocol)
    const upstream = connect({
      host: '127.0.0.1',
      port: Number(upstreamPort),
      servername: 'localhost',
      ca,
      ALPNProtocols: [protocol],
      ...(session === undefined ? {} : { session }),
    })
    upstream.setNoDelay(true)
    upstream.on('session', (ticket) => {
      sessions.set(protocol, ticket)
    })
    client.pipe(upstream)
    upstream.pipe(client)
    const end = (): void => {
      client.destroy()
      upstream.destroy()
    }
    client.on('error', end).on('close', end)
    upstream.on('error', end).on('close', end)
  },
)
server.on('tlsClientError', () => undefined)
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`)
})
process.on('SIGTERM', () => process.exit(0))
