// One direction of Kubernetes' channels on a WebSocket: each piece is recorded under its channel and each frame passed as it
// came. Refuses what breaks the channels' rules.

import type { PeerError } from '../../protocols/errors.ts'
import { ChannelError } from '../../protocols/kube/channel-error.ts'
import type { LegacyPortForward } from '../../protocols/kube/legacy-port-forward.ts'
import { ChannelReader, type ChannelSink, remoteCommandAllows } from '../../protocols/kube/websocket-channels.ts'
import type { WebSocketConnection } from '../../protocols/websocket/connection.ts'
import type { WebSocketFrame } from '../../protocols/websocket/events.ts'
import type { Cut, StreamRecorder } from './stream-protocol.ts'

export interface WebSocketStreamOptions {
  readonly base64: boolean
  /** 1 to 5: from 4 on the error channel is a Status, before it is text (client-go tools/remotecommand/v1.go). */
  readonly version: number
  /** v5.channel.k8s.io. */
  readonly closes: boolean
  /** Set for the old port-forward; exec and attach otherwise. */
  readonly forward?: LegacyPortForward
}

/** One direction of the session. */
export interface Direction {
  readonly name: string
  /** A frame or a message is passed in part: nothing of ours may be sent now. */
  readonly isMidway: boolean
  /** Records a data frame, or a piece of one, and passes it on; or returns what ends the session. */
  data(frame: WebSocketFrame): PeerError | Cut | undefined
}

/** Passes each frame as it came. */
export class RecordedDirection implements Direction, ChannelSink {
  readonly name: string
  readonly #reader: ChannelReader
  readonly #recorder: StreamRecorder
  readonly #forward: LegacyPortForward | undefined
  readonly #isFromClient: boolean
  readonly #to: WebSocketConnection
  #fault: ChannelError | undefined
  isMidway = false

  constructor(
    options: WebSocketStreamOptions,
    recorder: StreamRecorder,
    isFromClient: boolean,
    to: WebSocketConnection,
  ) {
    this.name = directionName(isFromClient)
    this.#recorder = recorder
    this.#forward = options.forward
    this.#isFromClient = isFromClient
    this.#to = to
    this.#reader = channelReader(options, isFromClient)
  }

  data(frame: WebSocketFrame): ChannelError | undefined {
    this.isMidway = !(frame.end && frame.fin)
    const fault = this.#reader.read(frame, this) ?? this.#fault
    if (fault !== undefined) return fault
    pass(frame, this.#to)
    return undefined
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

/** Passes a frame, or a piece of one, as it came. */
export function pass(frame: WebSocketFrame, to: WebSocketConnection): void {
  if (frame.header.length > 0) to.send({ type: 'pass', bytes: frame.header })
  if (frame.raw.length > 0) to.send({ type: 'pass', bytes: frame.raw })
}

export function channelReader(options: WebSocketStreamOptions, isFromClient: boolean): ChannelReader {
  const { base64, closes, forward } = options
  const allows =
    forward === undefined
      ? remoteCommandAllows(isFromClient)
      : (channel: number) => forward.allows(channel, isFromClient)
  return new ChannelReader({ fromClient: isFromClient, base64, closes, allows })
}

export function directionName(isFromClient: boolean): string {
  return isFromClient ? 'from the client' : 'from the cluster'
}
