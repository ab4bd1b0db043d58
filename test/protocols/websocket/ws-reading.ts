// How the npm package ws reads a byte stream, and how our machine does, in one form: messages and control frames in order,
// and the close code of the fault that ended it.

import { createHash } from 'node:crypto'
import type { Writable } from 'node:stream'
import * as ws from 'ws'
import { limits } from '../../../protocols/limits.ts'
import type { WebSocketConnection } from '../../../protocols/websocket/connection.ts'
import { OPCODE } from '../../../protocols/websocket/events.ts'

export interface Reading {
  /** Messages and control frames, as `said` puts them. */
  readonly heard: readonly string[]
  /** The close code of a fault. */
  readonly fault: number | undefined
}

interface ReceiverOptions {
  readonly isServer: boolean
  readonly maxPayload: number
  readonly maxFragments: number
}

/** Exported by ws, and left out of its types. */
const { Receiver } = ws as unknown as { Receiver: new (options: ReceiverOptions) => Writable }
/** Where ws keeps the close code on its errors. */
const STATUS_CODE = 'status-code'

/** Opcode and payload; a long payload by its length and hash, so that a failing test can be read. */
export function said(opcode: number, payload: Uint8Array): string {
  if (payload.length <= 150) return `${opcode} ${Buffer.from(payload).toString('hex')}`
  return `${opcode} ${payload.length} ${createHash('sha256').update(payload).digest('hex')}`
}

export async function wsReading(role: 'server' | 'client', chunks: readonly Uint8Array[]): Promise<Reading> {
  const { frame, fragments } = limits.websocket
  const receiver = new Receiver({ isServer: role === 'server', maxPayload: frame, maxFragments: fragments })
  const heard: string[] = []
  let fault: number | undefined
  const say = (opcode: number, data: Uint8Array): number => heard.push(said(opcode, data))
  receiver.on('message', (data: Uint8Array, isBinary: boolean) => say(isBinary ? OPCODE.BINARY : OPCODE.TEXT, data))
  receiver.on('ping', (data: Uint8Array) => say(OPCODE.PING, data))
  receiver.on('pong', (data: Uint8Array) => say(OPCODE.PONG, data))
  receiver.on('conclude', (code: number, reason: Uint8Array) => {
    const octets = code === NO_CODE ? [] : [code >> 8, code & 0xff]
    say(OPCODE.CLOSE, Buffer.concat([Uint8Array.from(octets), reason]))
  })
  receiver.on('error', (error) => {
    fault = statusCode(error)
  })
  for (const chunk of chunks) {
    if (receiver.destroyed || receiver.writableEnded) break
    receiver.write(Buffer.from(chunk))
  }
  // Its errors come a tick after the write that caused them.
  await new Promise(setImmediate)
  return { heard, fault }
}

export function ourReading(machine: WebSocketConnection, chunks: readonly Uint8Array[]): Reading {
  const heard: string[] = []
  let fault: number | undefined
  let message: Uint8Array[] = []
  for (const chunk of chunks) {
    for (const event of machine.receive(chunk)) {
      if (event.type === 'failed') {
        fault = event.error.code
      } else if (event.opcode >= OPCODE.CLOSE) {
        heard.push(said(event.opcode, event.payload))
      } else {
        message.push(event.payload)
        if (!event.end || !event.fin) continue
        heard.push(said(event.message, Buffer.concat(message)))
        message = []
      }
    }
  }
  return { heard, fault }
}

/** What ws says for a Close frame without a code (RFC 6455 section 7.1.5). */
const NO_CODE = 1005

function statusCode(error: Error): number {
  const key = Object.getOwnPropertySymbols(error).find((symbol) => symbol.description === STATUS_CODE)
  return key === undefined ? 0 : Number(Reflect.get(error, key))
}
