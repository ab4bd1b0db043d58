// A client that speaks HTTP/2 over a socket in memory, with our own machine, and keeps what it hears by stream. It gives
// credit back only when told to, so that a test can be a reader that stalls.

import type { Duplex } from 'node:stream'
import { type Driven, drive, flush } from '../../gateway/drive.ts'
import type { Fields } from '../../protocols/fields.ts'
import { Http2Client } from '../../protocols/http2/client.ts'
import type { Http2ClientCommand, Http2ClientEvent } from '../../protocols/http2/events.ts'
import { limits } from '../../protocols/limits.ts'

export class Http2Peer implements Driven<Http2ClientEvent> {
  readonly machine: Http2Client
  /** Everything but data, in order. */
  readonly events: Http2ClientEvent[] = []
  readonly #socket: Duplex
  readonly #bodies = new Map<number, Uint8Array[]>()
  /** The socket is gone, or the other side has ended it. */
  isClosed = false

  /** `streamWindow`: what may come of each answer without credit. */
  constructor(socket: Duplex, streamWindow = limits.http2.clusterStreamWindow) {
    this.#socket = socket
    this.machine = new Http2Client({ ...limits, http2: { ...limits.http2, clusterStreamWindow: streamWindow } })
    socket.on('end', () => {
      this.isClosed = true
    })
    drive(socket, this.machine, this)
    flush(socket, this.machine)
  }

  /** Sends a request; returns its stream. Without `body` it is whole; otherwise bytes and an end follow. */
  ask(path: string, request: { method?: string; fields?: Fields; body?: true } = {}): number {
    const { method = 'GET', fields = [], body } = request
    const stream = this.machine.nextStream
    this.send({ type: 'request', method, path, authority: 'gateway', fields, end: body === undefined })
    return stream
  }

  send(command: Http2ClientCommand): void {
    this.machine.send(command)
    flush(this.#socket, this.machine)
  }

  data(stream: number, bytes: Uint8Array | string, end = false): void {
    this.send({ type: 'data', stream, bytes: typeof bytes === 'string' ? Buffer.from(bytes) : bytes, end })
  }

  /** What has come of a body. */
  body(stream: number): Buffer {
    return Buffer.concat(this.#bodies.get(stream) ?? [])
  }

  /** What has been heard on a stream but data: "response 200", "end", "reset 8" and the like, in order. */
  heard(stream: number): string[] {
    const heard: string[] = []
    for (const event of this.events) {
      if (!('stream' in event) || event.stream !== stream) continue
      if (event.type === 'response') heard.push(`response ${event.head.status}${event.end ? ' end' : ''}`)
      else if (event.type === 'informational') heard.push(`informational ${event.head.status}`)
      else if (event.type === 'reset') heard.push(`reset ${event.code}`)
      else heard.push(event.type)
    }
    return heard
  }

  response(stream: number): (Http2ClientEvent & { type: 'response' }) | undefined {
    for (const event of this.events) if (event.type === 'response' && event.stream === stream) return event
    return undefined
  }

  event(event: Http2ClientEvent): void {
    if (event.type !== 'data') {
      this.events.push(event)
      return
    }
    const pieces = this.#bodies.get(event.stream)
    if (pieces === undefined) this.#bodies.set(event.stream, [event.bytes.slice()])
    else pieces.push(event.bytes.slice())
  }

  closed(): void {
    this.isClosed = true
  }
}
