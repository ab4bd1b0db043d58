// A TLS proxy between a client and the gateway that keeps every byte which the client receives: heads and bodies of
// HTTP/1.1 answers, and what comes over upgraded connections as it is on the wire.

import type { IncomingMessage } from 'node:http'
import { Agent, createServer, request } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { ownIdentity } from '../../../gateway/pki.ts'

export interface Recorder {
  readonly address: string
  /** The file of the CA that its certificate is by. */
  readonly ca: string
  /** What has come since it was asked last. */
  received(): Buffer
  close(): Promise<void>
}

/** `gateway`: "https://127.0.0.1:8443"; `trusted`: PEM, whose certificates it may have. */
export async function startRecorder(gateway: string, trusted: string, folder: string): Promise<Recorder> {
  const { cert, key, caPath } = await ownIdentity(folder, [], Date.now())
  const agent = new Agent({ ca: trusted, keepAlive: true })
  const upstream = new URL(gateway)
  let pieces: Buffer[] = []
  const keep = (piece: Buffer): void => {
    pieces.push(piece)
  }
  const keepHead = (answer: IncomingMessage): void => keep(Buffer.from(answer.rawHeaders.join('\n'), 'latin1'))
  const onward = (incoming: IncomingMessage) =>
    request({
      agent: incoming.headers.upgrade === undefined ? agent : false,
      ca: trusted,
      host: upstream.hostname,
      port: upstream.port,
      method: incoming.method,
      path: incoming.url,
      headers: incoming.headers,
    })

  const server = createServer({ cert, key }, (incoming, outgoing) => {
    const call = onward(incoming)
    call.on('response', (answer) => {
      keepHead(answer)
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      outgoing.flushHeaders()
      answer.on('data', keep)
      answer.on('error', () => outgoing.destroy())
      answer.pipe(outgoing)
    })
    call.on('error', () => outgoing.destroy())
    outgoing.on('close', () => call.destroy())
    incoming.pipe(call)
  })
  server.on('upgrade', (incoming: IncomingMessage, client: Duplex, early: Buffer) => {
    const call = onward(incoming)
    const head = (answer: IncomingMessage): string => {
      let text = `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n`
      const { rawHeaders } = answer
      for (let at = 0; at < rawHeaders.length; at += 2) text += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`
      return `${text}\r\n`
    }
    call.on('upgrade', (answer, cluster: Socket, trailing: Buffer) => {
      keepHead(answer)
      keep(trailing)
      client.write(head(answer))
      client.write(trailing)
      cluster.write(early)
      cluster.on('data', keep)
      cluster.pipe(client).pipe(cluster)
      const end = (): void => {
        client.destroy()
        cluster.destroy()
      }
      for (const side of [client, cluster]) side.on('error', end).on('close', end)
    })
    call.on('response', (answer) => {
      keepHead(answer)
      answer.on('data', keep)
      client.write(head(answer))
      answer.pipe(client)
    })
    call.on('error', () => client.destroy())
    client.on('error', () => call.destroy())
    call.end()
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    address: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: caPath as string,
    received() {
      const all = Buffer.concat(pieces)
      pieces = []
      return all
    },
    async close() {
      agent.destroy()
      await new Promise<void>((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      })
    },
  }
}
