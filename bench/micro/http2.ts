// What HTTP/2 costs: requests read and answered by the server's machine, sent and read by the client's, DATA in both
// directions, and field blocks alone. Run: node --import tsx bench/micro/http2.ts

import { HpackDecoder } from '../../protocols/hpack/decoder.ts'
import { HpackEncoder } from '../../protocols/hpack/encoder.ts'
import { Http2Client } from '../../protocols/http2/client.ts'
import { Http2Server } from '../../protocols/http2/server.ts'
import { limits } from '../../protocols/limits.ts'
import { measure } from './measure.ts'

const FIELDS = [
  'user-agent',
  'kubectl/v1.37.0 (linux/amd64) kubernetes/0123456',
  'accept',
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
  'authorization',
  `Bearer ${'a'.repeat(1_100)}`,
  'accept-encoding',
  'gzip',
  'kubectl-command',
  'kubectl get',
]
const PATH = '/api/v1/namespaces/prod/pods?limit=500'
const AUTHORITY = 'kubernetes.example.com'
const ANSWER = [
  'audit-id',
  '8f1c1d8e-0000-4000-8000-000000000001',
  'cache-control',
  'no-cache, private',
  'content-type',
  'application/json',
  'date',
  'Mon, 23 Nov 2026 12:00:00 GMT',
]
const PIECE = new Uint8Array(16_384)

const encoder = new HpackEncoder(limits.hpack)
const decoder = new HpackDecoder(limits.hpack)
const head = [':method', 'GET', ':scheme', 'https', ':authority', AUTHORITY, ':path', PATH, ...FIELDS]
decoder.decode(encoder.encode(head))
measure('hpack: a request head written', 1, encoder.encode(head).length, () => encoder.encode(head).length)
const block = encoder.encode(head)
measure('hpack: a request head read', 1, block.length, () => decoder.decode(block)?.length ?? 0)

/** What went over the wire of late. */
let octets = 0
const client = new Http2Client(limits)
const server = new Http2Server(limits)
toServer()
toClient()
toServer()
server.send({ type: 'widen' })
toClient()

exchange()
measure('a request through both machines, answered', 1, octets, exchange)

const stream = client.nextStream
client.send({ type: 'request', method: 'POST', path: PATH, authority: AUTHORITY, fields: [], end: false })
toServer()
measure('16 KiB of a body through both machines', 1, PIECE.length, () => {
  client.send({ type: 'data', stream, bytes: PIECE })
  let count = 0
  for (const piece of client.takeOutput()) {
    for (const event of server.receive(piece)) {
      if (event.type === 'data') server.send({ type: 'consumed', stream, bytes: event.bytes.length })
      count++
    }
  }
  return count + toClient()
})

/** A head each way, and an empty body. */
function exchange(): number {
  const stream = client.nextStream
  client.send({ type: 'request', method: 'GET', path: PATH, authority: AUTHORITY, fields: FIELDS, end: true })
  octets = 0
  toServer()
  server.send({ type: 'response', stream, status: 200, fields: ANSWER, end: true })
  server.send({ type: 'release', stream })
  return toClient()
}

function toServer(): number {
  let count = 0
  for (const piece of client.takeOutput()) {
    octets += piece.length
    count += server.receive(piece).length
  }
  return count
}

function toClient(): number {
  let count = 0
  for (const piece of server.takeOutput()) {
    octets += piece.length
    count += client.receive(piece).length
  }
  return count
}
