// One side of a WebSocket after its handshake, as pure state: the peer's bytes become frames, our frames become bytes.
// It answers nothing by itself: a gateway passes pings on, and who is an endpoint answers them (`ping` in demo/).

import type { Connection } from '../connection.ts'
import { MisuseError } from '../errors.ts'
import type { Limits } from '../limits.ts'
import { CLOSE_CODE, WebSocketError } from './errors.ts'
import { OPCODE, type WebSocketCommand, type WebSocketEvent } from './events.ts'
import { FrameReader } from './frame-reader.ts'
import { unmask } from './mask.ts'

/** RFC 6455 section 5.5.1: what a Close frame has room for behind its code. */
const REASON_BYTES = 123

export class WebSocketConnection implements Connection<WebSocketEvent, WebSocketCommand> {
  readonly #frames: FrameReader
  readonly #nextMask: (() => number) | undefined
  #output: Uint8Array[] = []
  #failed = false
  #closed = false

  /**
   * `server` reads masked frames and writes unmasked ones, `client` the reverse; a client is given `nextMask`, which
   * returns an unpredictable 32-bit number for each frame (section 5.3).
   */
  constructor(role: 'server' | 'client', limits: Limits['websocket'], nextMask?: () => number) {
    if (role === 'client' && nextMask === undefined) throw new MisuseError('a WebSocket client needs masking keys')
    this.#frames = new FrameReader(limits, role === 'server')
    this.#nextMask = role === 'client' ? nextMask : undefined
  }

  /** True once the peer has sent a CLOSE: nothing it sends after it is read. */
  get isClosed(): boolean {
    return this.#closed
  }

  receive(bytes: Uint8Array): readonly WebSocketEvent[] {
    const events: WebSocketEvent[] = []
    if (this.#failed || this.#closed) return events
    try {
      this.#frames.read(bytes, events)
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error
      this.#failed = true
      events.push({ type: 'failed', error })
    }
    const last = events[events.length - 1]
    if (last?.type === 'frame' && last.opcode === OPCODE.CLOSE) this.#closed = true
    return events
  }

  receiveEnd(): readonly WebSocketEvent[] {
    if (this.#failed || this.#closed) return []
    this.#failed = true
    const rule = this.#frames.isIdle ? 'websocket.end.no_close' : 'websocket.end.cut_frame'
    const error = new WebSocketError(CLOSE_CODE.PROTOCOL_ERROR, rule, 'the connection ended without a CLOSE')
    return [{ type: 'failed', error }]
  }

  send(command: WebSocketCommand): void {
    switch (command.type) {
      case 'pass':
        if (command.bytes.length > 0) this.#output.push(command.bytes)
        return
      case 'frame':
        this.#frame(command.opcode, command.payload, command.fin ?? true)
        return
      case 'close':
        this.#frame(OPCODE.CLOSE, closePayload(command.code, command.reason), true)
        return
    }
  }

  takeOutput(): readonly Uint8Array[] {
    const output = this.#output
    this.#output = []
    return output
  }

  #frame(opcode: number, payload: Uint8Array, fin: boolean): void {
    const key = this.#nextMask === undefined ? undefined : this.#nextMask() | 0
    this.#output.push(frameHeader(opcode, payload.length, fin, key))
    if (payload.length > 0) this.#output.push(key === undefined ? payload : unmask(payload, key, 0))
  }
}

function frameHeader(opcode: number, length: number, fin: boolean, key: number | undefined): Uint8Array {
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const header = new Uint8Array(2 + extended + (key === undefined ? 0 : 4))
  const view = new DataView(header.buffer)
  header[0] = (fin ? 0x80 : 0) | opcode
  header[1] = (key === undefined ? 0 : 0x80) | (extended === 0 ? length : extended === 2 ? 126 : 127)
  if (extended === 2) view.setUint16(2, length)
  if (extended === 8) view.setBigUint64(2, BigInt(length))
  if (key !== undefined) view.setInt32(2 + extended, key)
  return header
}

function closePayload(code: number, reason: string): Uint8Array {
  const text = new TextEncoder().encode(reason)
  if (text.length > REASON_BYTES) throw new MisuseError('a close reason is at most 123 bytes')
  const payload = new Uint8Array(2 + text.length)
  new DataView(payload.buffer).setUint16(0, code)
  payload.set(text, 2)
  return payload
}
