// A WebSocket that carries the channels of exec or attach (v4 and v5.channel.k8s.io): each message's first byte is its
// channel; in v5 `ff n` closes channel n. A protocol fault or a Close ends the session.

import type { Duplex } from 'node:stream'
import { drive, flush } from '../../gateway/drive.ts'
import { CHANNEL, CLOSE_CHANNEL } from '../../protocols/kube/channels.ts'
import { limits } from '../../protocols/limits.ts'
import { WebSocketConnection } from '../../protocols/websocket/connection.ts'
import { OPCODE, type WebSocketEvent, type WebSocketFrame } from '../../protocols/websocket/events.ts'
import type { Channels, RemoteOptions, Session } from './remote-command.ts'
import type { OpenSession } from './streams.ts'

/** From our Close to the end of the connection, for the client's own Close. */
const CLOSE_MILLIS = 2_000

export function serveWebSocketChannels(
  socket: Duplex,
  head: Uint8Array,
  protocol: string,
  options: RemoteOptions,
  open: OpenSession,
): void {
  new WebSocketChannels(socket, protocol === 'v5.channel.k8s.io').start(head, options, open)
}

class WebSocketChannels implements Channels {
  readonly #socket: Duplex
  readonly #machine = new WebSocketConnection('server', limits.websocket)
  readonly #closes: boolean
  #session: Session | undefined
  /** The channel of the message that is being received; -1 before its first byte. */
  #channel = -1
  #finished = false

  constructor(socket: Duplex, closes: boolean) {
    this.#socket = socket
    this.#closes = closes
  }

  start(head: Uint8Array, options: RemoteOptions, open: OpenSession): void {
    // The server's sign that it is ready: an empty message on its first channel.
    this.write(options.stdout ? CHANNEL.STDOUT : options.stderr ? CHANNEL.STDERR : CHANNEL.ERROR, new Uint8Array(0))
    this.#session = open(this)
    this.#socket.on('drain', () => this.#session?.drained())
    drive(
      this.#socket,
      this.#machine,
      { event: (event) => this.#event(event), closed: () => this.#session?.closed() },
      head,
    )
    this.#socket.on('end', () => this.#socket.end())
  }

  write(channel: number, bytes: Uint8Array): boolean {
    if (this.#finished) return true
    const payload = new Uint8Array(bytes.length + 1)
    payload[0] = channel
    payload.set(bytes, 1)
    this.#machine.send({ type: 'frame', opcode: OPCODE.BINARY, payload })
    return flush(this.#socket, this.#machine)
  }

  finish(status: Uint8Array): void {
    if (this.#finished) return
    this.write(CHANNEL.ERROR, status)
    this.#close(1000)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  #event(event: WebSocketEvent): void {
    if (event.type === 'failed') this.#close(event.error.code)
    else if (event.opcode === OPCODE.PING && !this.#finished)
      this.#machine.send({ type: 'frame', opcode: OPCODE.PONG, payload: event.payload.slice() })
    else if (event.opcode === OPCODE.CLOSE) this.#close(1000)
    else if (event.message === OPCODE.BINARY || event.message === OPCODE.TEXT) this.#data(event)
  }

  #data(frame: WebSocketFrame): void {
    let payload = frame.payload
    if (this.#channel === -1) {
      if (payload.length === 0) return
      this.#channel = payload[0] ?? 0
      payload = payload.subarray(1)
    }
    if (this.#channel === CLOSE_CHANNEL && this.#closes) {
      const closed = payload[0]
      if (closed !== undefined) this.#session?.inputEnd(closed)
    } else if (this.#channel === CHANNEL.STDIN || this.#channel === CHANNEL.RESIZE) {
      if (payload.length > 0) this.#session?.input(this.#channel, payload)
    }
    if (frame.end && frame.fin) this.#channel = -1
  }

  #close(code: number): void {
    if (this.#finished) return
    this.#finished = true
    this.#machine.send({ type: 'close', code, reason: '' })
    flush(this.#socket, this.#machine)
    this.#socket.end()
    setTimeout(() => this.#socket.destroy(), CLOSE_MILLIS).unref()
  }
}
