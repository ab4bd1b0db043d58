// The benchmark's stand-in for a cluster: answers two GETs, a list of Secrets, a watch and three execs as fast as Node can, so that what is
// measured is the gateway between. It checks nothing. Usage: cluster.js KEY CERT
// Execs: command=out&command=BYTES writes BYTES, command=text&command=BYTES as many of a log; command=in&command=BYTES reads until BYTES have come on the wire;
// command=echo sends each stdin frame's payload back; command=idle does nothing.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { performServerHandshake } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { limits } from '../../protocols/limits.ts'
import { SpdyConnection } from '../../protocols/spdy/connection.ts'
import { logText, PIECE, serverFrame, spdyData } from './frames.ts'

const [keyFile, certFile] = process.argv.slice(2) as [string, string]
const SMALL = Buffer.from(
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'small' }, data: { k: 'x'.repeat(1400) } }),
)
const BIG = Buffer.from(
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'big' },
    data: { k: 'x'.repeat(1_048_576) },
  }),
)
const SUCCESS = Buffer.from('{"metadata":{},"status":"Success"}')
const OUT = [Buffer.alloc(PIECE, 'o')]
/** Pieces of text, so many that no two reads of a socket see the same. */
const TEXT_PIECES = 61
const LOG = logText(TEXT_PIECES * PIECE)
const TEXT = Array.from({ length: TEXT_PIECES }, (_, at) => LOG.subarray(at * PIECE, (at + 1) * PIECE))
const DONE_FRAMES = Buffer.concat([serverFrame(3, SUCCESS), Buffer.from([0x88, 2, 3, 0xe8])])

const BIG_PATH = '/api/v1/namespaces/default/services/big'
const JSON_TYPE = 'application/json'
const SMALL_ANSWER = answer(SMALL)
const BIG_ANSWER = answer(BIG)

const SECRETS_PATH = '/api/v1/secrets'
const SECRETS = 500
/** A value for each, as a password generator makes them. */
const SECRETS_ANSWER = answer(
  Buffer.from(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'SecretList',
      metadata: {},
      items: Array.from({ length: SECRETS }, (_, at) => ({
        metadata: { name: `s${at}`, namespace: 'default' },
        data: { password: createHash('sha256').update(`secret ${at}`).digest().subarray(0, 24).toString('base64') },
      })),
    }),
  ),
)

function answer(json: Buffer): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: ${json.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), json])
}

function serveHttp2(socket: TLSSocket): void {
  const session = performServerHandshake(socket)
  session.on('error', () => socket.destroy())
  session.on('stream', (stream, fields) => {
    stream.on('error', () => undefined)
    const path = String(fields[':path'])
    if (path.includes('watch=')) {
      stream.respond({ ':status': 200, 'content-type': JSON_TYPE })
      return
    }
    const body = path.startsWith(BIG_PATH) ? BIG : SMALL
    stream.respond({ ':status': 200, 'content-type': JSON_TYPE, 'content-length': String(body.length) })
    stream.end(body)
  })
}

function serve(socket: TLSSocket): void {
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  if (socket.alpnProtocol === 'h2') {
    serveHttp2(socket)
    return
  }
  let head = ''
  const onData = (chunk: Buffer): void => {
    head += chunk.toString('latin1')
    for (let end = head.indexOf('\r\n\r\n'); end >= 0; end = head.indexOf('\r\n\r\n')) {
      const request = head.slice(0, end)
      head = head.slice(end + 4)
      if (/\r\nupgrade:/i.test(request)) {
        socket.off('data', onData)
        upgrade(socket, request)
        return
      }
      if (request.startsWith(`GET ${SECRETS_PATH}`)) socket.write(SECRETS_ANSWER)
      else socket.write(request.startsWith(`GET ${BIG_PATH}`) ? BIG_ANSWER : SMALL_ANSWER)
    }
  }
  socket.on('data', onData)
}

function upgrade(socket: TLSSocket, request: string): void {
  const [what, count] = [...request.matchAll(/command=(\w+)/g)].map((match) => match[1] as string)
  const bytes = Number(count ?? 0)
  const key = /\r\nsec-websocket-key: (\S+)/i.exec(request)?.[1]
  if (key === undefined) {
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n',
    )
    spdy(socket, what as string, bytes)
    return
  }
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n`,
  )
  socket.write(Buffer.from([0x82, 1, 1]))
  if (what === 'out' || what === 'text') {
    const frames = (what === 'out' ? OUT : TEXT).map((piece) => serverFrame(1, piece))
    write(socket, frames, Math.ceil(bytes / PIECE), () => socket.end(DONE_FRAMES))
  } else if (what === 'in') sink(socket, bytes, () => socket.end(DONE_FRAMES))
  else if (what === 'echo') {
    // One small frame a chunk is what the client sends; its payload is unmasked by hand.
    socket.on('data', (chunk: Buffer) => {
      if (((chunk[0] as number) & 0x0f) !== 2) return
      const length = (chunk[1] as number) & 0x7f
      const payload = Buffer.alloc(length - 1)
      for (let at = 1; at < length; at++) payload[at - 1] = (chunk[6 + at] as number) ^ (chunk[2 + (at & 3)] as number)
      socket.write(serverFrame(1, payload))
    })
  } else socket.resume()
}

function spdy(socket: TLSSocket, what: string, bytes: number): void {
  const machine = new SpdyConnection('server', limits.spdy)
  const streams = new Map<string, number>()
  const expected = what === 'in' ? 4 : 3
  const onData = (chunk: Buffer): void => {
    for (const event of machine.receive(chunk)) {
      if (event.type !== 'synStream') continue
      streams.set(event.headers[1] as string, event.streamId)
      machine.send({ type: 'synReply', streamId: event.streamId, headers: [] })
    }
    for (const piece of machine.takeOutput()) socket.write(piece)
    if (streams.size < expected) return
    socket.off('data', onData)
    const end = (): void => {
      const error = streams.get('error') as number
      socket.end(
        Buffer.concat([spdyData(error, SUCCESS, true), Buffer.from('80030007000000080000000000000000', 'hex')]),
      )
    }
    if (what === 'in') sink(socket, bytes, end)
    else {
      socket.resume()
      const stdout = streams.get('stdout') as number
      const frames = (what === 'out' ? OUT : TEXT).map((piece) => spdyData(stdout, piece, false))
      write(socket, frames, Math.ceil(bytes / PIECE), end)
    }
  }
  socket.on('data', onData)
}

function sink(socket: TLSSocket, bytes: number, done: () => void): void {
  let left = bytes
  socket.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left <= 0 && left + chunk.length > 0) done()
  })
}

/** Writes the frames by turns, `count` in all. */
function write(socket: TLSSocket, frames: readonly Buffer[], count: number, done: () => void): void {
  let left = count
  const more = (): void => {
    while (left > 0) {
      left -= 1
      if (!socket.write(frames[left % frames.length] as Buffer)) {
        socket.once('drain', more)
        return
      }
    }
    done()
  }
  more()
}

const server = createServer(
  { key: readFileSync(keyFile), cert: readFileSync(certFile), ALPNProtocols: ['h2', 'http/1.1'] },
  serve,
)
server.on('tlsClientError', () => undefined)
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`)
})
process.on('SIGTERM', () => process.exit(0))
