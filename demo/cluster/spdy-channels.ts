// SPDY that carries the channels of exec or attach (v4.channel.k8s.io): one stream for each channel, named by its
// `streamtype`. The session starts once all streams that the request asks for are open; unknown and double ones are reset.

import type { Duplex } from 'node:stream'
import { drive, flush } from '../../gateway/drive.ts'
import { field } from '../../protocols/fields.ts'
import { CHANNEL } from '../../protocols/kube/channels.ts'
import { limits } from '../../protocols/limits.ts'
import { SpdyConnection } from '../../protocols/spdy/connection.ts'
import { STATUS } from '../../protocols/spdy/errors.ts'
import type { SpdyEvent } from '../../protocols/spdy/events.ts'
import type { Channels, RemoteOptions, Session } from './remote-command.ts'
import type { OpenSession } from './streams.ts'

const CHANNELS: ReadonlyMap<string, number> = new Map([
  ['stdin', CHANNEL.STDIN],
  ['stdout', CHANNEL.STDOUT],
  ['stderr', CHANNEL.STDERR],
  ['error', CHANNEL.ERROR],
  ['resize', CHANNEL.RESIZE],
])
/** What is not read by then is not read at all. */
const CLOSE_MILLIS = 2_000

export function serveSpdyChannels(socket: Duplex, head: Uint8Array, options: RemoteOptions, open: OpenSession): void {
  new SpdyChannels(socket, options, open).start(head)
}

class SpdyChannels implements Channels {
  readonly #socket: Duplex
  readonly #open: OpenSession
  readonly #machine = new SpdyConnection('server', limits.spdy)
  readonly #streams = new Map<number, number>()
  readonly #channels = new Map<number, number>()
  readonly #expected: ReadonlySet<number>
  #session: Session | undefined
  #finished = false

  constructor(socket: Duplex, options: RemoteOptions, open: OpenSession) {
    this.#socket = socket
    this.#open = open
    const expected = new Set<number>([CHANNEL.ERROR])
    if (options.stdin) expected.add(CHANNEL.STDIN)
    if (options.stdout) expected.add(CHANNEL.STDOUT)
    if (options.stderr) expected.add(CHANNEL.STDERR)
    if (options.tty) expected.add(CHANNEL.RESIZE)
    this.#expected = expected
  }

  start(head: Uint8Array): void {
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
    const streamId = this.#channels.get(channel)
    // The client may have ended a stream by itself.
    if (this.#finished || streamId === undefined || !this.#machine.maySendOn(streamId)) return true
    // The machine keeps the view until it is written.
    this.#machine.send({ type: 'data', streamId, payload: bytes.slice() })
    return flush(this.#socket, this.#machine)
  }

  finish(status: Uint8Array): void {
    if (this.#finished) return
    this.write(CHANNEL.ERROR, status)
    for (const [channel, streamId] of this.#channels) {
      if (channel === CHANNEL.STDIN || channel === CHANNEL.RESIZE || !this.#machine.maySendOn(streamId)) continue
      this.#machine.send({ type: 'data', streamId, payload: new Uint8Array(0), fin: true })
    }
    this.#finished = true
    flush(this.#socket, this.#machine)
    // The client closes once it has read the Status; a GOAWAY now could overtake that in its queues.
    setTimeout(() => this.#socket.end(), CLOSE_MILLIS).unref()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  #event(event: SpdyEvent): void {
    switch (event.type) {
      case 'synStream':
        this.#stream(
          event.streamId,
          event.unidirectional ? undefined : CHANNELS.get(field(event.headers, 'streamtype') ?? ''),
        )
        return
      case 'data':
        this.#data(event.streamId, event.payload, event.fin && event.end)
        return
      case 'ping':
        // The client's pings have odd ids; an even one would be an answer to ours.
        if (event.id % 2 === 1) this.#machine.send({ type: 'ping', id: event.id })
        return
      case 'goAway':
      case 'failed':
        this.#finished = true
        this.#socket.end()
        return
      default:
        return
    }
  }

  #stream(streamId: number, channel: number | undefined): void {
    if (channel === undefined || !this.#expected.has(channel) || this.#channels.has(channel)) {
      this.#machine.send({ type: 'reset', streamId, status: STATUS.REFUSED_STREAM })
      return
    }
    this.#machine.send({ type: 'synReply', streamId, headers: [] })
    this.#streams.set(streamId, channel)
    this.#channels.set(channel, streamId)
    if (this.#session === undefined && this.#channels.size === this.#expected.size) this.#session = this.#open(this)
  }

  #data(streamId: number, payload: Uint8Array, fin: boolean): void {
    const channel = this.#streams.get(streamId)
    if (channel !== CHANNEL.STDIN && channel !== CHANNEL.RESIZE) return
    if (payload.length > 0) this.#session?.input(channel, payload)
    if (fin) this.#session?.inputEnd(channel)
  }
}
