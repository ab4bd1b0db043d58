// WebSocket frames as bytes, written by hand and without the checks of the code under test; and how pieces are joined again.

import { limits } from '../../../protocols/limits.ts'
import { WebSocketConnection } from '../../../protocols/websocket/connection.ts'
import type { WebSocketEvent } from '../../../protocols/websocket/events.ts'

export interface RawFrame {
  /** The first octet: FIN, RSV, opcode. */
  readonly first: number
  readonly payload?: Uint8Array
  /** Masks with it. */
  readonly key?: readonly [number, number, number, number]
  /** What the header says in place of the payload's length. */
  readonly length?: number | bigint
  /** Octets of extended length: 0, 2 or 8 in place of the shortest that will do. */
  readonly form?: 0 | 2 | 8
}

export const KEY = [0x9a, 0x12, 0xff, 0x07] as const

export function frameBytes({ first, payload = new Uint8Array(0), key, length, form }: RawFrame): Buffer {
  const said = BigInt(length ?? payload.length)
  const extended = form ?? (said < 126n ? 0 : said < 65_536n ? 2 : 8)
  const lead = extended === 0 ? Number(said) : extended === 2 ? 126 : 127
  const header = Buffer.alloc(2 + extended)
  header[0] = first
  header[1] = (key === undefined ? 0 : 0x80) | lead
  if (extended === 2) header.writeUInt16BE(Number(said), 2)
  if (extended === 8) header.writeBigUInt64BE(said, 2)
  if (key === undefined) return Buffer.concat([header, payload])
  return Buffer.concat([header, Buffer.from(key), payload.map((octet, at) => octet ^ key[at % 4]!)])
}

/** A frame of a client. */
export function masked(first: number, payload: Uint8Array | string = ''): Buffer {
  return frameBytes({ first, payload: Buffer.from(payload), key: KEY })
}

/** A frame of a server. */
export function plain(first: number, payload: Uint8Array | string = ''): Buffer {
  return frameBytes({ first, payload: Buffer.from(payload) })
}

/** Reads what clients send. */
export function server(): WebSocketConnection {
  return new WebSocketConnection('server', limits.websocket)
}

/** Reads what servers send. */
export function client(): WebSocketConnection {
  return new WebSocketConnection('client', limits.websocket, () => 0x9a12ff07)
}

/** Joins two pieces of one frame. */
export function joinPieces(earlier: WebSocketEvent, later: WebSocketEvent): WebSocketEvent | undefined {
  if (earlier.type !== 'frame' || later.type !== 'frame' || earlier.end || later.start) return undefined
  return {
    ...earlier,
    end: later.end,
    raw: new Uint8Array(Buffer.concat([earlier.raw, later.raw])),
    payload: new Uint8Array(Buffer.concat([earlier.payload, later.payload])),
  }
}

/** All frames whole. */
export function joined(events: readonly WebSocketEvent[]): WebSocketEvent[] {
  const whole: WebSocketEvent[] = []
  for (const event of events) {
    const last = whole.at(-1)
    const one = last === undefined ? undefined : joinPieces(last, event)
    if (one === undefined) whole.push(event)
    else whole[whole.length - 1] = one
  }
  return whole
}

/** Bytes that show by their values where they were. */
export function pattern(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + seed + (at >> 8)) & 0xff)
}
