// What HTTP/1.1 costs: heads of kubectl's size read and written in both roles, bodies passed in pieces of a socket's size.
// Run: node --import tsx bench/micro/http1.ts

import { Http1Client } from '../../protocols/http1/client.ts'
import { Http1Server } from '../../protocols/http1/server.ts'
import { limits } from '../../protocols/limits.ts'
import { measure } from './measure.ts'

const PIECE = new Uint8Array(65_536)
const HEX_LENGTH = PIECE.length.toString(16)
const FIELDS = [
  'Host',
  'kubernetes.example.com',
  'User-Agent',
  'kubectl/v1.37.0 (linux/amd64) kubernetes/0123456',
  'Accept',
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
  'Authorization',
  `Bearer ${'a'.repeat(1_100)}`,
  'Accept-Encoding',
  'gzip',
  'Kubectl-Command',
  'kubectl get',
  'Kubectl-Session',
  '8f1c1d8e-0000-4000-8000-000000000001',
]
const TARGET = '/api/v1/namespaces/prod/pods?limit=500'
const REQUEST = head(`GET ${TARGET} HTTP/1.1`, FIELDS)
const ANSWER_FIELDS = [
  'Audit-Id',
  '8f1c1d8e-0000-4000-8000-000000000001',
  'Cache-Control',
  'no-cache, private',
  'Content-Type',
  'application/json',
  'X-Kubernetes-Pf-Flowschema-Uid',
  '0f6d2c2e-0000-4000-8000-000000000002',
  'X-Kubernetes-Pf-Prioritylevel-Uid',
  '0f6d2c2e-0000-4000-8000-000000000003',
  'Date',
  'Mon, 23 Nov 2026 12:00:00 GMT',
  'Content-Length',
  '0',
]
const ANSWER = head('HTTP/1.1 200 OK', ANSWER_FIELDS)
const CHUNKED_HEAD = head('HTTP/1.1 200 OK', ['Transfer-Encoding', 'chunked'])
const CHUNK = Buffer.concat([Buffer.from(`${HEX_LENGTH}\r\n`), PIECE, Buffer.from('\r\n')])
const SIZED_HEAD = head('HTTP/1.1 200 OK', ['Content-Length', String(Number.MAX_SAFE_INTEGER)])

const server = new Http1Server(limits.http1)
measure('server: request read and answered', 1, REQUEST.length, () => {
  const events = server.receive(REQUEST)
  server.send({ type: 'response', status: 200, reason: 'OK', fields: ANSWER_FIELDS.slice(0, -2), framing: 0 })
  server.send({ type: 'end' })
  return events.length + server.takeOutput().length
})

const client = new Http1Client(limits.http1)
measure('client: request sent and answer read', 1, ANSWER.length, () => {
  client.send({ type: 'request', method: 'GET', target: TARGET, fields: FIELDS, framing: 0 })
  client.send({ type: 'end' })
  return client.takeOutput().length + client.receive(ANSWER).length
})

const sized = answering(SIZED_HEAD)
measure('client: 64 KiB of a body with a length', 1, PIECE.length, () => sized.receive(PIECE).length)

const chunked = answering(CHUNKED_HEAD)
measure('client: a chunk of 64 KiB', 1, CHUNK.length, () => chunked.receive(CHUNK).length)

const SMALL = Buffer.from(
  '100\r\n'
    .padEnd(5 + 256, 'a')
    .concat('\r\n')
    .repeat(64),
)
const small = answering(CHUNKED_HEAD)
measure('client: chunks of 256 bytes', 64, SMALL.length, () => small.receive(SMALL).length)

function head(start: string, fields: readonly string[]): Buffer {
  let text = `${start}\r\n`
  for (let at = 0; at < fields.length; at += 2) text += `${fields[at]}: ${fields[at + 1]}\r\n`
  return Buffer.from(`${text}\r\n`)
}

/** A client in the middle of an answer's body. */
function answering(answer: Uint8Array): Http1Client {
  const machine = new Http1Client(limits.http1)
  machine.send({ type: 'request', method: 'GET', target: '/', fields: ['Host', 'a'], framing: 0 })
  machine.send({ type: 'end' })
  machine.takeOutput()
  machine.receive(answer)
  return machine
}
