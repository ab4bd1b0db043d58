// Kubernetes' channels on a WebSocket: exec, attach and the old port-forward. Each piece is recorded under its channel and
// each frame passed as it came; a message that breaks the channels' rules ends the session.

import { randomBytes } from 'node:crypto'
import type { PeerError } from '../../protocols/errors.ts'
import { ChannelError } from '../../protocols/kube/channel-error.ts'
import { CHANNEL } from '../../protocols/kube/channels.ts'
import type { LegacyPortForward } from '../../protocols/kube/legacy-port-forward.ts'
import { failureStatus } from '../../protocols/kube/status.ts'
import {
  ChannelReader,
  type ChannelSink,
  channelMessage,
  remoteCommandAllows,
} from '../../protocols/kube/websocket-channels.ts'
import { limits } from '../../protocols/limits.ts'
import { WebSocketConnection } from '../../protocols/websocket/connection.ts'
import { CLOSE_CODE } from '../../protocols/websocket/errors.ts'
import {
  OPCODE,
  type WebSocketCommand,
  type WebSocketEvent,
  type WebSocketFrame,
} from '../../protocols/websocket/events.ts'
import type { Cut, StreamProtocol, StreamRecorder } from './stream-protocol.ts'

export interface WebSocketStreamOptions {
  readonly base64: boolean
  /** 1 to 5: from 4 on the error channel is a Status, before it is text (client-go tools/remotecommand/v1.go). */
  readonly version: number
  /** v5.channel.k8s.io. */
  readonly closes: boolean
  /** Set for the old port-forward; exec and attach otherwise. */
  readonly forward?: LegacyPortForward
}

export class WebSocketStream implements StreamProtocol<WebSocketEvent, WebSocketCommand> {
  readonly client = new WebSocketConnection('server', limits.websocket)
  readonly cluster = new WebSocketConnection('client', limits.websocket, maskingKey)
  readonly #options: WebSocketStreamOptions
  readonly #recorder: StreamRecorder
  readonly #fromClient: Direction
  readonly #fromCluster: Direction
  orderly = false

  constructor(options: WebSocketStreamOptions, recorder: StreamRecorder) {
    this.#options = options
    this.#recorder = recorder
    this.#fromClient = new Direction(options, recorder, true)
    this.#fromCluster = new Direction(options, recorder, false)
  }

  fromClient(event: WebSocketEvent): PeerError | undefined {
    return this.#pass(event, this.#fromClient, this.cluster)
  }

  fromCluster(event: WebSocketEvent): PeerError | undefined {
    return this.#pass(event, this.#fromCluster, this.client)
  }

  cut(cut: Cut, heard: { readonly client: boolean; readonly cluster: boolean }): void {
    // In the middle of a frame or message nothing of ours would be read as ours: then the end of the connection says it.
    if (heard.client && !this.#fromCluster.isMidway) {
      if (this.#options.forward === undefined && !this.orderly) {
        const { base64, version } = this.#options
        const words = version >= 4 ? failureStatus(cut.message) : new TextEncoder().encode(cut.message)
        const payload = channelMessage(CHANNEL.ERROR, words, base64)
        const opcode = base64 ? OPCODE.TEXT : OPCODE.BINARY
        this.client.send({ type: 'frame', opcode, payload })
      }
      this.client.send({ type: 'close', code: cut.fault?.code ?? CLOSE_CODE.POLICY, reason: cut.reason })
    }
    if (heard.cluster && !this.#fromClient.isMidway)
      this.cluster.send({ type: 'close', code: CLOSE_CODE.GOING_AWAY, reason: '' })
  }

  #pass(event: WebSocketEvent, direction: Direction, to: WebSocketConnection): PeerError | undefined {
    if (event.type === 'failed') return event.error
    const fault = event.opcode >= OPCODE.CLOSE ? this.#control(event, direction) : direction.data(event)
    if (fault !== undefined) return fault
    if (event.header.length > 0) to.send({ type: 'pass', bytes: event.header })
    if (event.raw.length > 0) to.send({ type: 'pass', bytes: event.raw })
    return undefined
  }

  #control(frame: WebSocketFrame, direction: Direction): undefined {
    const { opcode, payload } = frame
    if (opcode === OPCODE.CLOSE) this.orderly = true
    // kubectl's pings are empty and come every 5 s: only what holds bytes is worth an entry.
    if (payload.length > 0) {
      const name = opcode === OPCODE.CLOSE ? 'close' : opcode === OPCODE.PING ? 'ping' : 'pong'
      const facts = { payload: Buffer.from(payload).toString('hex') }
      this.#recorder.note(`websocket.${name}`, direction.name, facts)
    }
    return undefined
  }
}

/** One direction of the session: its channels, recorded. */
class Direction implements ChannelSink {
  readonly name: string
  readonly #reader: ChannelReader
  readonly #recorder: StreamRecorder
  readonly #forward: LegacyPortForward | undefined
  readonly #isFromClient: boolean
  #fault: ChannelError | undefined
  /** A frame or a message is passed in part. */
  isMidway = false

  constructor(options: WebSocketStreamOptions, recorder: StreamRecorder, isFromClient: boolean) {
    const { base64, closes, forward } = options
    this.name = isFromClient ? 'from the client' : 'from the cluster'
    this.#recorder = recorder
    this.#forward = forward
    this.#isFromClient = isFromClient
    const allows =
      forward === undefined
        ? remoteCommandAllows(isFromClient)
        : (channel: number) => forward.allows(channel, isFromClient)
    this.#reader = new ChannelReader({ fromClient: isFromClient, base64, closes, allows })
  }

  data(frame: WebSocketFrame): ChannelError | undefined {
    this.isMidway = !(frame.end && frame.fin)
    return this.#reader.read(frame, this) ?? this.#fault
  }

  bytes(channel: number, piece: Uint8Array): void {
    const forward = this.#forward
    if (forward === undefined) {
      this.#recorder.bytes(channel, piece)
      return
    }
    const announced = this.#isFromClient ? 0 : forward.announcement(channel, piece)
    if (announced instanceof ChannelError) this.#fault = announced
    else if (announced < piece.length) {
      this.#recorder.bytes(forward.tapeChannel(channel, this.#isFromClient), piece.subarray(announced))
    }
  }

  closed(channel: number): void {
    this.#recorder.note('channel.closed', this.name, { channel })
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
