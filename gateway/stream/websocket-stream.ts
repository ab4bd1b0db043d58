// Kubernetes' channels on a WebSocket: exec, attach and the old port-forward, between two machines. A message that breaks
// the channels' rules ends the session.

import { randomBytes } from 'node:crypto'
import type { PeerError } from '../../protocols/errors.ts'
import { CHANNEL } from '../../protocols/kube/channels.ts'
import { failureStatus } from '../../protocols/kube/status.ts'
import { channelMessage } from '../../protocols/kube/websocket-channels.ts'
import { limits } from '../../protocols/limits.ts'
import { WebSocketConnection } from '../../protocols/websocket/connection.ts'
import { CLOSE_CODE } from '../../protocols/websocket/errors.ts'
import {
  OPCODE,
  type WebSocketCommand,
  type WebSocketEvent,
  type WebSocketFrame,
} from '../../protocols/websocket/events.ts'
import type { MaskedChannels } from './masked-channels.ts'
import { MaskedMessages, pass, type WebSocketStreamOptions } from './masked-messages.ts'
import type { Cut, StreamProtocol, StreamRecorder } from './stream-protocol.ts'

export class WebSocketStream implements StreamProtocol<WebSocketEvent, WebSocketCommand> {
  readonly client = new WebSocketConnection('server', limits.websocket)
  readonly cluster = new WebSocketConnection('client', limits.websocket, maskingKey)
  readonly #options: WebSocketStreamOptions
  readonly #recorder: StreamRecorder
  readonly #fromClient: MaskedMessages
  readonly #fromCluster: MaskedMessages
  readonly masked: MaskedChannels
  orderly = false

  constructor(options: WebSocketStreamOptions, recorder: StreamRecorder, masked: MaskedChannels) {
    this.#options = options
    this.#recorder = recorder
    this.masked = masked
    const fromClient = new MaskedMessages(options, masked, true, this.cluster)
    const fromCluster = new MaskedMessages(options, masked, false, this.client)
    masked.leadTo({
      release: (channel, bytes) => (channel.toClient ? fromCluster : fromClient).release(channel, bytes),
    })
    this.#fromClient = fromClient
    this.#fromCluster = fromCluster
  }

  fromClient(event: WebSocketEvent): PeerError | Cut | undefined {
    return this.#pass(event, this.#fromClient, this.cluster)
  }

  fromCluster(event: WebSocketEvent): PeerError | Cut | undefined {
    return this.#pass(event, this.#fromCluster, this.client)
  }

  cut(cut: Cut, heard: { readonly client: boolean; readonly cluster: boolean }): void {
    if (heard.client) {
      if (this.#options.forward === undefined && !this.orderly) {
        const { base64, version } = this.#options
        const words = version >= 4 ? failureStatus(cut.message) : new TextEncoder().encode(cut.message)
        const payload = channelMessage(CHANNEL.ERROR, words, base64)
        const opcode = base64 ? OPCODE.TEXT : OPCODE.BINARY
        this.client.send({ type: 'frame', opcode, payload })
      }
      this.client.send({ type: 'close', code: cut.fault?.code ?? CLOSE_CODE.POLICY, reason: cut.reason })
    }
    if (heard.cluster) this.cluster.send({ type: 'close', code: CLOSE_CODE.GOING_AWAY, reason: '' })
  }

  #pass(event: WebSocketEvent, direction: MaskedMessages, to: WebSocketConnection): PeerError | Cut | undefined {
    if (event.type === 'failed') return event.error
    if (event.opcode < OPCODE.CLOSE) return direction.data(event)
    this.#control(event, direction)
    pass(event, to)
    return undefined
  }

  #control(frame: WebSocketFrame, direction: MaskedMessages): void {
    const { opcode, payload } = frame
    if (opcode === OPCODE.CLOSE) {
      this.orderly = true
      this.masked.endAll(direction === this.#fromCluster)
    }
    // kubectl's pings are empty and come every 5 s: only what holds bytes is worth an entry.
    if (payload.length > 0) {
      const name = opcode === OPCODE.CLOSE ? 'close' : opcode === OPCODE.PING ? 'ping' : 'pong'
      const facts = { payload: Buffer.from(payload).toString('hex') }
      this.#recorder.note(`websocket.${name}`, direction.name, facts)
    }
  }
}

/** Masking keys come from a block of random bytes, since a call for each frame would cost more than the frame. */
const KEYS = 2_048
let keys = new Uint32Array(0)
let nextKey = 0

function maskingKey(): number {
  if (nextKey === keys.length) {
    const random = randomBytes(4 * KEYS)
    keys = new Uint32Array(random.buffer, random.byteOffset, KEYS)
    nextKey = 0
  }
  return keys[nextKey++] as number
}
