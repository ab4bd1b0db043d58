// A WebSocket machine with a channel reader behind it, as one machine: what the every-cut tests run.

import type { ChannelError } from '../../../protocols/kube/channel-error.ts'
import {
  type ChannelOptions,
  ChannelReader,
  type ChannelSink,
  remoteCommandAllows,
} from '../../../protocols/kube/websocket-channels.ts'
import { limits } from '../../../protocols/limits.ts'
import { WebSocketConnection } from '../../../protocols/websocket/connection.ts'
import type { WebSocketError } from '../../../protocols/websocket/errors.ts'
import { OPCODE } from '../../../protocols/websocket/events.ts'

export type ChannelEvent =
  | { readonly type: 'bytes'; readonly channel: number; readonly bytes: Uint8Array }
  | { readonly type: 'closed'; readonly channel: number }
  | { readonly type: 'control'; readonly opcode: number }
  | { readonly type: 'failed'; readonly error: ChannelError | WebSocketError }

/** Exec and attach in one direction. */
export function remoteCommand(form: Partial<ChannelOptions> & { readonly fromClient: boolean }): ChannelMachine {
  return new ChannelMachine({ base64: false, closes: false, allows: remoteCommandAllows(form.fromClient), ...form })
}

export class ChannelMachine implements ChannelSink {
  readonly #webSocket: WebSocketConnection
  readonly #reader: ChannelReader
  #events: ChannelEvent[] = []
  #over = false

  constructor(options: ChannelOptions) {
    this.#webSocket = new WebSocketConnection(options.fromClient ? 'server' : 'client', limits.websocket, () => 0)
    this.#reader = new ChannelReader(options)
  }

  receive(bytes: Uint8Array): readonly ChannelEvent[] {
    this.#events = []
    for (const event of this.#over ? [] : this.#webSocket.receive(bytes)) {
      if (event.type === 'failed') this.#events.push(event)
      else if (event.opcode >= OPCODE.CLOSE) this.#events.push({ type: 'control', opcode: event.opcode })
      else {
        const error = this.#reader.read(event, this)
        if (error === undefined) continue
        this.#over = true
        this.#events.push({ type: 'failed', error })
        break
      }
    }
    return this.#events
  }

  bytes(channel: number, piece: Uint8Array): void {
    this.#events.push({ type: 'bytes', channel, bytes: piece })
  }

  closed(channel: number): void {
    this.#events.push({ type: 'closed', channel })
  }
}

/** Joins bytes of one channel: message boundaries mean nothing to it. */
export function joinBytes(earlier: ChannelEvent, later: ChannelEvent): ChannelEvent | undefined {
  if (earlier.type !== 'bytes' || later.type !== 'bytes' || earlier.channel !== later.channel) return undefined
  return { ...earlier, bytes: new Uint8Array(Buffer.concat([earlier.bytes, later.bytes])) }
}

/** All bytes of a channel. */
export function bytesOf(events: readonly ChannelEvent[], channel: number): Buffer {
  return Buffer.concat(
    events.flatMap((event) => (event.type === 'bytes' && event.channel === channel ? [event.bytes] : [])),
  )
}
