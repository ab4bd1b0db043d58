// Port-forward over SPDY, on a socket or in a WebSocket tunnel: each connection is a pair of streams, `data` and `error`,
// with its port and a request id. Bytes go to a TCP listener on this machine; a port that the pod does not have is said
// on the error stream.

import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { drive, flush } from '../../gateway/drive.ts'
import { field } from '../../protocols/fields.ts'
import { limits } from '../../protocols/limits.ts'
import { SpdyConnection } from '../../protocols/spdy/connection.ts'
import type { SpdyEvent } from '../../protocols/spdy/events.ts'

/** Serves until the socket ends. `ports` maps the pod's ports to local ones. */
export function serveForward(socket: Duplex, head: Uint8Array, ports: ReadonlyMap<number, number>): void {
  const forward = new Forward(socket, ports)
  socket.on('drain', () => forward.drained())
  drive(socket, forward.machine, { event: (event) => forward.event(event), closed: () => forward.closed() }, head)
  socket.on('end', () => socket.end())
}

class Forward {
  readonly machine = new SpdyConnection('server', limits.spdy)
  readonly #socket: Duplex
  readonly #ports: ReadonlyMap<number, number>
  /** Error streams by request id, until their data stream comes. */
  readonly #errors = new Map<string, number>()
  /** Local connections by their data stream. */
  readonly #connections = new Map<number, Socket>()

  constructor(socket: Duplex, ports: ReadonlyMap<number, number>) {
    this.#socket = socket
    this.#ports = ports
  }

  event(event: SpdyEvent): void {
    switch (event.type) {
      case 'synStream': {
        // Nothing could be answered on it.
        if (event.unidirectional) return
        this.machine.send({ type: 'synReply', streamId: event.streamId, headers: [] })
        const request = field(event.headers, 'requestid') ?? ''
        if (field(event.headers, 'streamtype') === 'error') this.#errors.set(request, event.streamId)
        else this.#open(event.streamId, this.#errors.get(request), Number(field(event.headers, 'port') ?? ''))
        return
      }
      case 'data': {
        const connection = this.#connections.get(event.streamId)
        if (event.payload.length > 0 && connection?.write(event.payload.slice()) === false) this.#socket.pause()
        if (event.fin && event.end) connection?.end()
        return
      }
      case 'reset':
        this.#connections.get(event.streamId)?.destroy()
        return
      case 'ping':
        if (event.id % 2 === 1) this.machine.send({ type: 'ping', id: event.id })
        return
      case 'goAway':
      case 'failed':
        this.#socket.end()
        return
      default:
        return
    }
  }

  drained(): void {
    for (const connection of this.#connections.values()) connection.resume()
  }

  closed(): void {
    for (const connection of this.#connections.values()) connection.destroy()
  }

  #open(streamId: number, errorId: number | undefined, port: number): void {
    const local = this.#ports.get(port)
    if (local === undefined) {
      this.#end(streamId, errorId, `the pod does not listen on port ${Number.isInteger(port) ? port : '?'}`)
      return
    }
    const connection = connect({ host: '127.0.0.1', port: local, allowHalfOpen: true })
    let failure: string | undefined
    this.#connections.set(streamId, connection)
    connection.on('data', (bytes: Uint8Array) => {
      // The client may have reset the stream.
      if (!this.machine.maySendOn(streamId)) return
      this.machine.send({ type: 'data', streamId, payload: bytes })
      if (!flush(this.#socket, this.machine)) connection.pause()
    })
    connection.on('drain', () => this.#socket.resume())
    connection.on('error', () => {
      failure = `the connection to port ${port} failed`
    })
    // Both directions are done then; whatever came has been sent.
    connection.on('end', () => connection.end())
    connection.on('close', () => {
      this.#connections.delete(streamId)
      this.#socket.resume()
      this.#end(streamId, errorId, failure)
    })
  }

  #end(streamId: number, errorId: number | undefined, failure: string | undefined): void {
    if (this.#socket.destroyed) return
    if (errorId !== undefined && this.machine.maySendOn(errorId)) {
      const payload = Buffer.from(failure ?? '')
      this.machine.send({ type: 'data', streamId: errorId, payload, fin: true })
    }
    if (this.machine.maySendOn(streamId)) {
      this.machine.send({ type: 'data', streamId, payload: new Uint8Array(0), fin: true })
    }
    for (const [request, id] of this.#errors) if (id === errorId) this.#errors.delete(request)
    flush(this.#socket, this.machine)
  }
}
