// A WebSocket whose binary messages are one unframed byte stream -> a Duplex of these bytes (kubectl's port-forward sends
// SPDY through it). Text messages and protocol faults end it.

import { Duplex } from 'node:stream'
import { drive, flush } from '../../gateway/drive.ts'
import { limits } from '../../protocols/limits.ts'
import { WebSocketConnection } from '../../protocols/websocket/connection.ts'
import { OPCODE, type WebSocketEvent } from '../../protocols/websocket/events.ts'

export class WebSocketTunnel extends Duplex {
  readonly #socket: Duplex
  readonly #machine = new WebSocketConnection('server', limits.websocket)
  #written: ((error?: Error | null) => void) | undefined

  /** `head` came behind the request. */
  constructor(socket: Duplex, head: Uint8Array) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    drive(socket, this.#machine, { event: (event) => this.#event(event), closed: () => this.destroy() }, head)
    socket.on('drain', () => {
      const written = this.#written
      this.#written = undefined
      written?.()
    })
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(bytes: Uint8Array, _encoding: BufferEncoding, written: (error?: Error | null) => void): void {
    this.#machine.send({ type: 'frame', opcode: OPCODE.BINARY, payload: bytes })
    if (flush(this.#socket, this.#machine)) written()
    else this.#written = written
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#machine.send({ type: 'close', code: 1000, reason: '' })
    flush(this.#socket, this.#machine)
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }

  #event(event: WebSocketEvent): void {
    if (event.type === 'failed' || event.opcode === OPCODE.CLOSE || event.message === OPCODE.TEXT) this.push(null)
    else if (event.opcode === OPCODE.PING)
      this.#machine.send({ type: 'frame', opcode: OPCODE.PONG, payload: event.payload.slice() })
    else if (event.message === OPCODE.BINARY && event.payload.length > 0 && !this.push(event.payload.slice()))
      this.#socket.pause()
  }
}
