// One direction of Kubernetes' channels on a WebSocket, masked: what its maskers let go of is put into messages of our own,
// and a frame that no masker touches or holds any of passes as it came. Refuses what breaks the channels' rules, and content
// that cannot be inspected where a rule denies it.

import type { PeerError } from '../../protocols/errors.ts'
import { ChannelError } from '../../protocols/kube/channel-error.ts'
import { CHANNEL } from '../../protocols/kube/channels.ts'
import type { LegacyPortForward } from '../../protocols/kube/legacy-port-forward.ts'
import {
  ChannelReader,
  type ChannelSink,
  channelMessage,
  closeMessage,
  remoteCommandAllows,
} from '../../protocols/kube/websocket-channels.ts'
import { limits } from '../../protocols/limits.ts'
import type { WebSocketConnection } from '../../protocols/websocket/connection.ts'
import { OPCODE, type WebSocketFrame } from '../../protocols/websocket/events.ts'
import { isSame, kept, type MaskedChannel, type MaskedChannels } from './masked-channels.ts'
import type { Cut } from './stream-protocol.ts'

export interface WebSocketStreamOptions {
  readonly base64: boolean
  /** 1 to 5: from 4 on the error channel is a Status, before it is text (client-go tools/remotecommand/v1.go). */
  readonly version: number
  /** v5.channel.k8s.io. */
  readonly closes: boolean
  /** Set for the old port-forward; exec and attach otherwise. */
  readonly forward?: LegacyPortForward
}

const NOTHING = new Uint8Array(0)

export class MaskedMessages implements ChannelSink {
  readonly name: string
  readonly #masked: MaskedChannels
  readonly #reader: ChannelReader
  readonly #base64: boolean
  readonly #forward: LegacyPortForward | undefined
  readonly #isFromClient: boolean
  readonly #to: WebSocketConnection
  /** By the channel's number on the wire. */
  readonly #channels: (MaskedChannel | undefined)[] = []
  /** What has come of a message on an error channel: some clients take each for a whole Status. */
  #words: Uint8Array = NOTHING
  #stop: PeerError | Cut | undefined
  /** The frame under way is a whole message. */
  #isWhole = false
  /** It passes as it came. */
  #passes = false
  /** What it says, in the base64 forms, and on which channel: as much of it as came before a fault passes. */
  #said: Uint8Array = NOTHING
  #saidOn = 0

  constructor(options: WebSocketStreamOptions, masked: MaskedChannels, isFromClient: boolean, to: WebSocketConnection) {
    this.name = isFromClient ? 'from the client' : 'from the cluster'
    this.#masked = masked
    const { base64, closes, forward } = options
    this.#base64 = base64
    this.#forward = forward
    this.#isFromClient = isFromClient
    this.#to = to
    const allows =
      forward === undefined
        ? remoteCommandAllows(isFromClient)
        : (channel: number) => forward.allows(channel, isFromClient)
    this.#reader = new ChannelReader({ fromClient: isFromClient, base64, closes, allows })
  }

  /** Takes a data frame, or a piece of one, and passes on what may pass; or returns what ends the session. */
  data(frame: WebSocketFrame): PeerError | Cut | undefined {
    this.#isWhole = frame.start && frame.end && frame.fin && frame.opcode !== OPCODE.CONTINUATION
    this.#passes = false
    const broken = this.#reader.read(frame, this)
    const said = this.#said
    this.#said = NOTHING
    if (broken !== undefined && this.#stop === undefined && this.#passes) {
      this.#isWhole = false
      this.#send(this.#saidOn, said, false)
    }
    const fault = broken ?? this.#stop
    if (fault !== undefined) return fault
    if (this.#passes) pass(frame, this.#to)
    return undefined
  }

  bytes(number: number, piece: Uint8Array): void {
    if (this.#stop !== undefined) return
    if (this.#isFromClient && number === CHANNEL.RESIZE && this.#forward === undefined) this.#resize(piece)
    else if (this.#isError(number)) this.#error(number, piece)
    else this.#data(number, this.#unannounced(number, piece))
  }

  ended(number: number, isEmpty: boolean): void {
    if (isEmpty) this.#send(number, NOTHING, true)
    else if (this.#words.length > 0) this.#status(number)
  }

  closed(number: number): void {
    const channel = this.#channels[number]
    if (channel !== undefined) this.#masked.end(channel)
    this.#masked.recorder.note('channel.closed', this.name, { channel: number })
    const payload = closeMessage(number)
    if (this.#isWhole) this.#passes = true
    else this.#to.send({ type: 'frame', opcode: OPCODE.BINARY, payload })
  }

  /** Bytes of a channel that were held back. */
  release(channel: MaskedChannel, bytes: Uint8Array): void {
    this.#send(channel.wire, new Uint8Array(bytes), false)
  }

  #data(number: number, piece: Uint8Array): void {
    if (piece.length === 0) return
    const channel = this.#channel(number)
    const bytes = channel.receive(piece)
    this.#stop = channel.refusal
    if (bytes.length > 0) this.#send(number, kept(bytes, piece), isSame(bytes, piece))
  }

  /** Without the port that a server says first on each channel: it passes in a message of its own, as clients expect it. */
  #unannounced(number: number, piece: Uint8Array): Uint8Array {
    const forward = this.#forward
    if (forward === undefined || this.#isFromClient) return piece
    const announced = forward.announcement(number, piece)
    if (announced instanceof ChannelError) {
      this.#stop = announced
      return NOTHING
    }
    if (announced === 0) return piece
    const port = forward.announced(number)
    // What comes behind the port in the same frame goes into a message of its own.
    if (announced < piece.length) this.#isWhole = false
    if (port !== undefined) this.#send(number, port, announced === port.length)
    return piece.subarray(announced)
  }

  #isError(number: number): boolean {
    if (this.#isFromClient) return false
    return this.#forward === undefined ? number === CHANNEL.ERROR : number % 2 === 1
  }

  #error(number: number, piece: Uint8Array): void {
    const words = this.#unannounced(number, piece)
    if (words.length === 0) return
    this.#words = this.#words.length === 0 && this.#isWhole ? words : Buffer.concat([this.#words, words])
    // Nobody's Status is that long: it goes on in pieces, as any other channel.
    if (this.#words.length > limits.kubernetes.status) this.#status(number)
  }

  #status(number: number): void {
    const words = this.#words
    this.#words = NOTHING
    const channel = this.#channel(number)
    this.#masked.flushBefore(channel)
    const bytes = channel.receive(words)
    this.#stop = channel.refusal
    if (isSame(bytes, words)) this.#send(number, bytes, true)
    else {
      const first = new Uint8Array(bytes)
      const rest = channel.flush()
      this.#send(number, Buffer.concat([first, rest]), false)
    }
  }

  #resize(piece: Uint8Array): void {
    this.#masked.recorder.bytes(CHANNEL.RESIZE, piece)
    this.#send(CHANNEL.RESIZE, piece, true)
  }

  #channel(number: number): MaskedChannel {
    let channel = this.#channels[number]
    if (channel === undefined) {
      const tape = this.#forward?.tapeChannel(number, this.#isFromClient) ?? number
      channel = this.#masked.open(number, tape, !this.#isFromClient)
      this.#channels[number] = channel
    }
    return channel
  }

  /** Bytes that stay as they are. `isAll`: those of the frame under way, as they came: if it is a whole message, it passes. */
  #send(number: number, bytes: Uint8Array, isAll: boolean): void {
    if (isAll && this.#isWhole) {
      this.#passes = true
      if (this.#base64) {
        this.#said = bytes
        this.#saidOn = number
      }
      return
    }
    if (this.#base64) {
      this.#to.send({ type: 'frame', opcode: OPCODE.TEXT, payload: channelMessage(number, bytes, true) })
    } else {
      this.#to.send({ type: 'frame', opcode: OPCODE.BINARY, payload: bytes, lead: number })
    }
  }
}

/** Passes a frame as it came. */
export function pass(frame: WebSocketFrame, to: WebSocketConnection): void {
  if (frame.header.length > 0) to.send({ type: 'pass', bytes: frame.header })
  if (frame.raw.length > 0) to.send({ type: 'pass', bytes: frame.raw })
}
