// What SPDY costs: data frames of each size read, streams opened and reset with their header blocks inflated, and the same
// written. Run: node --import tsx bench/micro/spdy.ts

import { limits } from '../../protocols/limits.ts'
import { SpdyConnection } from '../../protocols/spdy/connection.ts'
import { measure } from './measure.ts'

const SIZES = [2, 100, 4_096, 32_768]
const CHUNK = 65_536
const HEADERS = ['streamtype', 'data', 'port', '8080', 'requestid', '17']
const CANCEL = 5

const client = new SpdyConnection('client', limits.spdy)
const server = new SpdyConnection('server', limits.spdy)
client.send({ type: 'synStream', streamId: 1, headers: HEADERS })
pump()
server.send({ type: 'synReply', streamId: 1, headers: [] })
for (const piece of server.takeOutput()) client.receive(piece)

for (const size of SIZES) {
  const count = Math.max(1, Math.floor(CHUNK / (size + 8)))
  const payload = new Uint8Array(size)
  for (let at = 0; at < count; at++) client.send({ type: 'data', streamId: 1, payload })
  const chunk = Buffer.concat(client.takeOutput())
  measure(`read data frames of ${size}`, count, chunk.length, () => server.receive(chunk).length)
}

const payload = new Uint8Array(4_096)
measure(`write data frames of ${payload.length}`, 1, payload.length, () => {
  client.send({ type: 'data', streamId: 1, payload })
  return client.takeOutput().length
})

let streamId = 1
measure('open, read and reset a stream', 1, 64, () => {
  streamId += 2
  client.send({ type: 'synStream', streamId, headers: HEADERS })
  client.send({ type: 'reset', streamId, status: CANCEL })
  return pump()
})

/** What the client has written is read by the server. */
function pump(): number {
  let count = 0
  for (const piece of client.takeOutput()) count += server.receive(piece).length
  return count
}
