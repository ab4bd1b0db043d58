// What a WebSocket costs: frames of each size read and unmasked in the server's role, read in the client's, and written.
// Run: node --import tsx bench/micro/websocket.ts

import { limits } from '../../protocols/limits.ts'
import { WebSocketConnection } from '../../protocols/websocket/connection.ts'
import { OPCODE } from '../../protocols/websocket/events.ts'
import { measure } from './measure.ts'

/** A keystroke, a line, kubectl's largest copy, a read of a large socket. */
const SIZES = [2, 100, 4_096, 32_768]
/** About as many bytes in a chunk as a socket gives at once. */
const CHUNK = 65_536

for (const size of SIZES) {
  const count = Math.max(1, Math.floor(CHUNK / (size + 8)))
  for (const role of ['server', 'client'] as const) {
    const writer = machine(role === 'server' ? 'client' : 'server')
    const payload = new Uint8Array(size)
    for (let at = 0; at < count; at++) writer.send({ type: 'frame', opcode: OPCODE.BINARY, payload })
    const chunk = Buffer.concat(writer.takeOutput())
    const reader = machine(role)
    const masked = role === 'server' ? 'masked' : 'plain'
    measure(`read ${masked} frames of ${size}`, count, chunk.length, () => reader.receive(chunk).length)
  }
}

for (const role of ['server', 'client'] as const) {
  const writer = machine(role)
  const payload = new Uint8Array(4_096)
  const masked = role === 'client' ? 'masked' : 'plain'
  measure(`write ${masked} frames of ${payload.length}`, 1, payload.length, () => {
    writer.send({ type: 'frame', opcode: OPCODE.BINARY, payload })
    return writer.takeOutput().length
  })
}

function machine(role: 'server' | 'client'): WebSocketConnection {
  return new WebSocketConnection(role, limits.websocket, role === 'client' ? () => 0x9a12ff07 : undefined)
}
