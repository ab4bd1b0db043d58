// SPDY/3.1 inside a WebSocket (subprotocol SPDY/3.1+portforward.k8s.io): binary messages are an unframed byte stream of
// SPDY. Wears the face of a SPDY connection; the WebSocket around it is this hop's own: pings and a Close
// are answered here, a Close is told as an event, and SPDY frames go out in one message a turn.

import type { Connection } from '../connection.ts'
import type { PeerError } from '../errors.ts'
import type { Limits } from '../limits.ts'
import { SpdyConnection } from '../spdy/connection.ts'
import type { SpdyCommand, SpdyEvent } from '../spdy/events.ts'
import { WebSocketConnection } from '../websocket/connection.ts'
import { OPCODE, type WebSocketFrame } from '../websocket/events.ts'
import { ChannelError } from './channel-error.ts'

/** What SPDY says, the end of the tunnel around it, and what breaks it. */
export type TunnelEvent =
  | SpdyEvent
  | { readonly type: 'closed' }
  | { readonly type: 'failed'; readonly error: PeerError }

/** What the passing of SPDY needs of a side, be it SPDY itself or SPDY in a tunnel. */
export interface SpdySide extends Connection<TunnelEvent, SpdyCommand> {
  readonly maySend: boolean
  readonly lastPeerStream: number
  maySendOn(streamId: number): boolean
  /** Says that no more comes, behind all output so far, where there is something around SPDY to say it with. Idempotent. */
  close?(): void
}

const NORMAL = 1000

export class SpdyTunnel implements SpdySide {
  readonly #webSocket: WebSocketConnection
  readonly #spdy: SpdyConnection
  #closeSent = false
  #over = false

  constructor(role: 'client' | 'server', limits: Pick<Limits, 'spdy' | 'websocket'>, nextMask?: () => number) {
    this.#webSocket = new WebSocketConnection(role, limits.websocket, nextMask)
    this.#spdy = new SpdyConnection(role, limits.spdy)
  }

  /** True once the peer has said Close. */
  get isClosed(): boolean {
    return this.#webSocket.isClosed
  }

  get maySend(): boolean {
    return !this.#closeSent && this.#spdy.maySend
  }

  get lastPeerStream(): number {
    return this.#spdy.lastPeerStream
  }

  maySendOn(streamId: number): boolean {
    return this.#spdy.maySendOn(streamId)
  }

  receive(bytes: Uint8Array): readonly TunnelEvent[] {
    const events: TunnelEvent[] = []
    for (const event of this.#webSocket.receive(bytes)) {
      if (this.#over) break
      if (event.type === 'failed') this.#fail(event.error, events)
      else this.#frame(event, events)
    }
    return events
  }

  receiveEnd(): readonly TunnelEvent[] {
    if (this.#over) return []
    this.#over = true
    const [failed] = this.#webSocket.receiveEnd()
    if (failed?.type === 'failed') return [failed]
    return this.#spdy.receiveEnd()
  }

  send(command: SpdyCommand): void {
    this.#spdy.send(command)
  }

  takeOutput(): readonly Uint8Array[] {
    const pieces = this.#spdy.takeOutput()
    if (pieces.length > 0 && !this.#closeSent) {
      this.#webSocket.send({ type: 'frame', opcode: OPCODE.BINARY, payload: joined(pieces) })
    }
    return this.#webSocket.takeOutput()
  }

  close(): void {
    if (this.#closeSent) return
    const pieces = this.#spdy.takeOutput()
    if (pieces.length > 0) this.#webSocket.send({ type: 'frame', opcode: OPCODE.BINARY, payload: joined(pieces) })
    this.#closeSent = true
    this.#webSocket.send({ type: 'close', code: NORMAL, reason: '' })
  }

  #frame(frame: WebSocketFrame, events: TunnelEvent[]): void {
    if (frame.opcode === OPCODE.PING) {
      if (!this.#closeSent) this.#webSocket.send({ type: 'frame', opcode: OPCODE.PONG, payload: frame.payload.slice() })
    } else if (frame.opcode === OPCODE.CLOSE) {
      this.#over = true
      this.close()
      events.push({ type: 'closed' })
    } else if (frame.message === OPCODE.TEXT) {
      this.#fail(new ChannelError('kube.tunnel.text', 'a text message in a tunnel'), events)
    } else if (frame.opcode !== OPCODE.PONG) {
      for (const event of this.#spdy.receive(frame.payload)) events.push(event)
      if (events.at(-1)?.type === 'failed') this.#over = true
    }
  }

  #fail(error: PeerError, events: TunnelEvent[]): void {
    this.#over = true
    events.push({ type: 'failed', error })
  }
}

/** One array: the tunnel has no frames of its own, so pieces may share a message. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!
  let length = 0
  for (const piece of pieces) length += piece.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
