// Exec and attach on SPDY: tells which channel a stream is by its `streamtype` header (client-go tools/remotecommand
// v2.go and v3.go, cri-streaming remotecommand/httpstream.go). Refuses streams that the query did not ask for, a label
// used twice, streams of the cluster's own, and bytes that go the wrong way.

import { fieldValues } from '../fields.ts'
import type { SpdyEvent } from '../spdy/events.ts'
import { CHANNEL } from './channels.ts'
import { SpdyStreamError } from './spdy-stream-error.ts'

export interface RemoteCommandOptions {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
  /** The version of the 101 response: 1 for `channel.k8s.io` or none, 4 for `v4.channel.k8s.io`. */
  readonly version: number
}

type Channel = (typeof CHANNEL)[keyof typeof CHANNEL]
type SynStream = Extract<SpdyEvent, { readonly type: 'synStream' }>
type Data = Extract<SpdyEvent, { readonly type: 'data' }>

/** Resizing came with this version. */
const RESIZE_VERSION = 3

export class SpdyRemoteCommand {
  /** By label: streams that are asked for and not yet open. The server starts at their count, so each comes once. */
  readonly #awaited = new Map<string, Channel>()
  /** By stream id, for as long as the session is: at most five. */
  readonly #channels = new Map<number, Channel>()
  // The channel of the data frame under way from each side: pieces behind its first one belong to it.
  #fromClient: Channel = CHANNEL.ERROR
  #fromCluster: Channel = CHANNEL.ERROR

  constructor(options: RemoteCommandOptions) {
    this.#awaited.set('error', CHANNEL.ERROR)
    if (options.stdin) this.#awaited.set('stdin', CHANNEL.STDIN)
    if (options.stdout) this.#awaited.set('stdout', CHANNEL.STDOUT)
    // A terminal has one output: client and server both drop stderr.
    if (options.stderr && !options.tty) this.#awaited.set('stderr', CHANNEL.STDERR)
    if (options.tty && options.version >= RESIZE_VERSION) this.#awaited.set('resize', CHANNEL.RESIZE)
  }

  /** The stream of a channel, once it is open. */
  streamOf(channel: number): number | undefined {
    for (const [streamId, other] of this.#channels) if (other === channel) return streamId
    return undefined
  }

  open(event: SynStream, fromClient: boolean): Channel | SpdyStreamError {
    const { streamId } = event
    if (!fromClient) {
      return new SpdyStreamError('kube.exec.stream_of_cluster', 'only the client opens streams', streamId)
    }
    if (event.unidirectional || event.associatedId !== 0) {
      return new SpdyStreamError('kube.exec.stream_kind', 'a stream is unidirectional or belongs to another', streamId)
    }
    const labels = fieldValues(event.headers, 'streamtype')
    if (labels.length !== 1) {
      return new SpdyStreamError('kube.exec.label_count', 'a stream has not exactly one streamtype', streamId)
    }
    // Nobody reads another header, nor records it.
    if (event.headers.length > 2) {
      return new SpdyStreamError('kube.exec.header', 'a stream has more headers than its streamtype', streamId)
    }
    const label = labels[0] as string
    const channel = this.#awaited.get(label)
    if (channel === undefined) {
      return new SpdyStreamError('kube.exec.label', 'a stream that was not asked for, or a second one', streamId)
    }
    this.#awaited.delete(label)
    this.#channels.set(streamId, channel)
    return channel
  }

  /** The channel of a piece of data. An empty frame may come from either side: it is how a direction ends. */
  data(event: Data, fromClient: boolean): Channel | SpdyStreamError {
    if (!event.start) return fromClient ? this.#fromClient : this.#fromCluster
    const channel = this.#channels.get(event.streamId)
    if (channel === undefined) {
      return new SpdyStreamError('kube.exec.unknown_stream', 'data on a stream without a label', event.streamId)
    }
    // Judged at the first piece, so that not even the header of a refused frame passes.
    const isEmpty = event.end && event.payload.length === 0
    if (!isEmpty && fromClient !== goesToCluster(channel)) {
      return new SpdyStreamError('kube.exec.direction', 'data goes the wrong way on its channel', event.streamId)
    }
    if (fromClient) this.#fromClient = channel
    else this.#fromCluster = channel
    return channel
  }
}

function goesToCluster(channel: Channel): boolean {
  return channel === CHANNEL.STDIN || channel === CHANNEL.RESIZE
}
