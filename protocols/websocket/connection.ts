// One side of a WebSocket after its handshake, as pure state: the peer's bytes become frames, our frames become bytes. It
// answers nothing by itself, neither a PING nor a CLOSE: a gateway passes both on, and an endpoint answers with `send`.

import type { Connection } from '../connection.ts'
import { MisuseError } from '../errors.ts'
import type { Limits } from '../limits.ts'
import { closePayload } from './close.ts'
import { CLOSE_CODE, WebSocketError } from './errors.ts'
import { OPCODE, type WebSocketCommand, type WebSocketEvent } from './events.ts'
import { FrameReader } from './frame-reader.ts'
import { frame } from './frame-writer.ts'

const NO_OUTPUT: readonly Uint8Array[] = []

/** What of RFC 6455 holds for frames of our own: a MisuseError where they would break it. Passed bytes are not looked at. */
export class WebSocketConnection implements Connection<WebSocketEvent, WebSocketCommand> {
  readonly #frames: FrameReader
  readonly #nextMask: (() => number) | undefined
  #output: Uint8Array[] = []
  #failed = false
  #closed = false
  #closeSent = false

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
      return events
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
        this.#send(command.opcode, command.payload, command.fin ?? true, command.lead)
        return
      case 'close':
        this.#send(OPCODE.CLOSE, closePayload(command.code, command.reason), true)
        return
    }
  }

  takeOutput(): readonly Uint8Array[] {
    if (this.#output.length === 0) return NO_OUTPUT
    const output = this.#output
    this.#output = []
    return output
  }

  /** Section 5.5.1: behind our own CLOSE there is no data and no second one; a late PONG does no harm. */
  #send(opcode: number, payload: Uint8Array, fin: boolean, lead?: number): void {
    if (this.#closeSent && opcode <= OPCODE.CLOSE) throw new MisuseError('a frame behind our own Close')
    if (opcode === OPCODE.CLOSE) this.#closeSent = true
    frame(opcode, payload, fin, this.#nextMask?.(), this.#output, lead)
  }
}
