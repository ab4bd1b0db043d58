// The channels that Kubernetes puts in WebSocket messages (apimachinery pkg/util/remotecommand, streaming wsstream): the
// first byte of a message is its channel, the rest its bytes; in the base64 forms a digit and then base64 text. Refuses
// unknown channels, the wrong direction, data behind a close, and fragments from a client, which the API server would
// read as messages of their own (golang/go#16945).

import { OPCODE, type WebSocketFrame } from '../websocket/events.ts'
import { Base64Pieces } from './base64-pieces.ts'
import { ChannelError } from './channel-error.ts'
import { CHANNEL, CLOSE_CHANNEL } from './channels.ts'

/** Where the pieces go, in order. A piece is borrowed, as the frame is. */
export interface ChannelSink {
  bytes(channel: number, piece: Uint8Array): void
  /** A message is over; `isEmpty` if it had no bytes. */
  ended?(channel: number, isEmpty: boolean): void
  /** `ff n` of v5: the client has ended channel n. Told once a channel. */
  closed(channel: number): void
}

export interface ChannelOptions {
  readonly fromClient: boolean
  /** `base64.channel.k8s.io` and `v4.base64.channel.k8s.io`. */
  readonly base64: boolean
  /** v5: `ff n` from the client closes a channel. */
  readonly closes: boolean
  /** True for the channels of this direction; the argument is 0 to 255. */
  allows(channel: number): boolean
}

/** The channels of exec and attach in one direction. */
export function remoteCommandAllows(fromClient: boolean): (channel: number) => boolean {
  if (fromClient) return (channel) => channel === CHANNEL.STDIN || channel === CHANNEL.RESIZE
  return (channel) => channel === CHANNEL.STDOUT || channel === CHANNEL.STDERR || channel === CHANNEL.ERROR
}

/** No byte of the message has come yet. */
const NONE = -1
const DIGIT_0 = 0x30

/** Reads the data frames of one direction. After a fault the session is over: it is not asked again. */
export class ChannelReader {
  readonly #options: ChannelOptions
  readonly #base64: Base64Pieces | undefined
  readonly #closed = new Set<number>()
  #channel = NONE
  #isEmpty = true
  /** The channel that `ff` names, once it has come. */
  #closing = NONE

  constructor(options: ChannelOptions) {
    this.#options = options
    this.#base64 = options.base64 ? new Base64Pieces() : undefined
  }

  /**
   * Reads a data frame, or a piece of one, into the sink. Returns the fault, with all before it told and nothing behind
   * it. An empty message on a channel (the server's sign that it is ready) tells nothing but its end.
   */
  read(frame: WebSocketFrame, sink: ChannelSink): ChannelError | undefined {
    if (frame.start) {
      const fault = this.#judge(frame)
      if (fault !== undefined) return fault
    }
    let payload = frame.payload
    if (this.#channel === NONE && payload.length > 0) {
      const fault = this.#begin(this.#base64 === undefined ? payload[0]! : (payload[0]! - DIGIT_0) & 0xff)
      if (fault !== undefined) return fault
      payload = payload.subarray(1)
    }
    if (payload.length > 0) {
      this.#isEmpty = false
      const fault = this.#piece(payload, sink)
      if (fault !== undefined) return fault
    }
    return frame.end && frame.fin ? this.#end(sink) : undefined
  }

  #judge(frame: WebSocketFrame): ChannelError | undefined {
    const { fromClient, base64 } = this.#options
    if (fromClient) {
      // A Go server takes a client's text for data in every form, and so do we.
      if (frame.fin && frame.opcode !== OPCODE.CONTINUATION) return undefined
      return new ChannelError('kube.channel.fragmented', 'a client cut a message into frames')
    }
    // A Go client aborts on text in a binary protocol.
    if (frame.message === (base64 ? OPCODE.TEXT : OPCODE.BINARY)) return undefined
    return new ChannelError('kube.channel.opcode', 'a message is text in a binary protocol, or the reverse')
  }

  #begin(channel: number): ChannelError | undefined {
    this.#channel = channel
    this.#isEmpty = true
    const { closes, fromClient } = this.#options
    if (channel === CLOSE_CHANNEL && closes && fromClient) return undefined
    if (!this.#options.allows(channel)) {
      return new ChannelError('kube.channel.unknown', 'a channel that does not exist in this direction')
    }
    if (this.#closed.has(channel)) return new ChannelError('kube.channel.closed', 'data on a channel that was closed')
    return undefined
  }

  #piece(payload: Uint8Array, sink: ChannelSink): ChannelError | undefined {
    if (this.#channel === CLOSE_CHANNEL) {
      if (payload.length > 1 || this.#closing !== NONE) {
        return new ChannelError('kube.channel.close_length', 'a close names more than one channel')
      }
      this.#closing = payload[0]!
      return undefined
    }
    if (this.#base64 === undefined) {
      sink.bytes(this.#channel, payload)
      return undefined
    }
    const bytes = this.#base64.decode(payload)
    if (bytes.length > 0) sink.bytes(this.#channel, bytes)
    if (this.#base64.isInvalid) return new ChannelError('kube.channel.base64', 'a message is not base64')
    return undefined
  }

  #end(sink: ChannelSink): ChannelError | undefined {
    const channel = this.#channel
    this.#channel = NONE
    if (channel === NONE) return new ChannelError('kube.channel.empty', 'a message without a channel')
    if (channel === CLOSE_CHANNEL) return this.#close(sink)
    if (this.#base64?.end() === false) {
      return new ChannelError('kube.channel.base64_cut', 'a message ends within a base64 group')
    }
    sink.ended?.(channel, this.#isEmpty)
    return undefined
  }

  #close(sink: ChannelSink): ChannelError | undefined {
    const closing = this.#closing
    this.#closing = NONE
    if (closing === NONE || !this.#options.allows(closing)) {
      return new ChannelError('kube.channel.close_unknown', 'a close of no channel of this direction')
    }
    // To the API server a second close means nothing (wsstream conn.go).
    if (this.#closed.has(closing)) return undefined
    this.#closed.add(closing)
    sink.closed(closing)
    return undefined
  }
}

/** The payload of a message that carries bytes of a channel: BINARY, or TEXT in the base64 forms. */
export function channelMessage(channel: number, bytes: Uint8Array, base64: boolean): Uint8Array {
  const content = base64 ? Buffer.from(toBase64(bytes), 'latin1') : bytes
  const message = new Uint8Array(1 + content.length)
  message[0] = base64 ? DIGIT_0 + channel : channel
  message.set(content, 1)
  return message
}

/** The payload of v5's message that ends a channel of the client's. */
export function closeMessage(channel: number): Uint8Array {
  return Uint8Array.of(CLOSE_CHANNEL, channel)
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}
