// Port-forward on SPDY: pairs each connection's `error` and `data` stream by `requestid`, and tells its number, port and
// tape channels (client-go tools/portforward, cri-streaming portforward/httpstream.go). Refuses unknown and repeated
// types, pairs of two ports, streams of the cluster's own, and what the client would write to an error stream.

import { fieldValues } from '../fields.ts'
import type { SpdyEvent } from '../spdy/events.ts'
import { FORWARD, forwardChannel } from './channels.ts'
import { SpdyStreamError } from './spdy-stream-error.ts'

type SynStream = Extract<SpdyEvent, { readonly type: 'synStream' }>
type Data = Extract<SpdyEvent, { readonly type: 'data' }>

/** A stream of a forwarded connection, as opened. */
export interface ForwardedStream {
  /** Counts the session's connections from 0, in the order of their first streams. */
  readonly connection: number
  /** 1 to 65535, in the pod. The data stream's is the one that is dialled; the pair agrees. */
  readonly port: number
  readonly part: 'error' | 'data'
}

const FROM_CLIENT = 1
const FROM_CLUSTER = 2
const BOTH = FROM_CLIENT | FROM_CLUSTER
/** Go parses any uint16; what kubectl writes has no sign, no zeros in front. */
const PORT = /^[1-9][0-9]{0,4}$/
/** kubectl counts from 0. */
const REQUEST_ID = /^(?:0|[1-9][0-9]{0,9})$/

interface Pair {
  readonly key: string
  readonly connection: number
  readonly port: number
  /** Streams of the pair that are open now, and those that ever were. */
  open: number
  error: boolean
  data: boolean
  /** The id of the error stream, 0 before it is open. */
  errorStream: number
}

interface Stream {
  readonly pair: Pair
  readonly isData: boolean
  /** Who has ended its direction. */
  fins: number
}

export class SpdyPortForward {
  readonly #pairs = new Map<string, Pair>()
  readonly #streams = new Map<number, Stream>()
  #next = 0
  // The channel of the data frame under way from each side: its later pieces belong to it, even behind a reset.
  #fromClient = 0
  #fromCluster = 0

  /** Connections with an open stream: what memory grows with. SPDY's own limit on streams bounds it. */
  get size(): number {
    return this.#pairs.size
  }

  open(event: SynStream, fromClient: boolean): ForwardedStream | SpdyStreamError {
    const { streamId, headers } = event
    if (!fromClient) {
      return new SpdyStreamError('kube.forward.stream_of_cluster', 'only the client opens streams', streamId)
    }
    if (event.unidirectional || event.associatedId !== 0) {
      return new SpdyStreamError('kube.forward.stream_kind', 'a stream is unidirectional or of another', streamId)
    }
    const types = fieldValues(headers, 'streamtype')
    const type = types[0]
    if (types.length !== 1 || (type !== 'error' && type !== 'data')) {
      return new SpdyStreamError('kube.forward.type', 'a streamtype is neither error nor data', streamId)
    }
    const ports = fieldValues(headers, 'port')
    const port = Number(ports[0])
    if (ports.length !== 1 || !PORT.test(ports[0] as string) || port > 65_535) {
      return new SpdyStreamError('kube.forward.port', 'a stream has not exactly one port from 1 to 65535', streamId)
    }
    const ids = fieldValues(headers, 'requestid')
    if (ids.length > 1 || (ids.length === 1 && !REQUEST_ID.test(ids[0] as string))) {
      return new SpdyStreamError('kube.forward.request_id', 'a stream has not one decimal requestid', streamId)
    }
    // Nobody reads another header, nor records it.
    if (headers.length > 2 * (types.length + ports.length + ids.length)) {
      return new SpdyStreamError('kube.forward.header', 'a stream has headers that a port-forward has not', streamId)
    }
    // Old clients send none and open the error stream right before its data stream.
    const key = ids[0] ?? String(type === 'error' ? streamId : streamId - 2)
    return this.#join(key, port, type, event)
  }

  /** The tape channel of a piece of data. An empty frame may come from either side: it is how a direction ends. */
  data(event: Data, fromClient: boolean): number | SpdyStreamError {
    if (event.start) {
      const stream = this.#streams.get(event.streamId)
      if (stream === undefined) {
        return new SpdyStreamError('kube.forward.unknown_stream', 'data on a stream without a label', event.streamId)
      }
      const isEmpty = event.end && event.payload.length === 0
      if (fromClient && !stream.isData && !isEmpty) {
        return new SpdyStreamError('kube.forward.direction', 'the client wrote to an error stream', event.streamId)
      }
      if (fromClient) this.#fromClient = channelOf(stream, true)
      else this.#fromCluster = channelOf(stream, false)
    }
    if (event.fin) this.ended(event.streamId, fromClient)
    return fromClient ? this.#fromClient : this.#fromCluster
  }

  /** One side has ended its direction: FIN on SYN_REPLY or HEADERS (`data` and `open` see their own). */
  ended(streamId: number, fromClient: boolean): void {
    const stream = this.#streams.get(streamId)
    if (stream === undefined) return
    stream.fins |= fromClient ? FROM_CLIENT : FROM_CLUSTER
    if (stream.fins === BOTH) this.reset(streamId)
  }

  /** The error stream beside a data stream, 0 if there is none. */
  errorStreamOf(streamId: number): number {
    return this.#streams.get(streamId)?.pair.errorStream ?? 0
  }

  /** The stream is gone: RST_STREAM from either side. With its last stream the connection is forgotten. */
  reset(streamId: number): void {
    const stream = this.#streams.get(streamId)
    if (stream === undefined) return
    this.#streams.delete(streamId)
    stream.pair.open--
    if (stream.pair.open === 0) this.#pairs.delete(stream.pair.key)
  }

  #join(key: string, port: number, type: 'error' | 'data', event: SynStream): ForwardedStream | SpdyStreamError {
    let pair = this.#pairs.get(key)
    if (pair === undefined) {
      pair = { key, connection: this.#next++, port, open: 0, error: false, data: false, errorStream: 0 }
      this.#pairs.set(key, pair)
    }
    if (pair[type]) {
      return new SpdyStreamError('kube.forward.duplicate', 'a connection has two streams of a type', event.streamId)
    }
    if (pair.port !== port) {
      return new SpdyStreamError('kube.forward.two_ports', 'the streams of a connection name two ports', event.streamId)
    }
    pair[type] = true
    if (type === 'error') pair.errorStream = event.streamId
    pair.open++
    this.#streams.set(event.streamId, { pair, isData: type === 'data', fins: event.fin ? FROM_CLIENT : 0 })
    return { connection: pair.connection, port, part: type }
  }
}

function channelOf(stream: Stream, fromClient: boolean): number {
  const connection = stream.pair.connection
  if (stream.isData) return forwardChannel(connection, fromClient ? FORWARD.TO_POD : FORWARD.FROM_POD)
  return forwardChannel(connection, fromClient ? FORWARD.ERROR_TO_POD : FORWARD.ERROR_FROM_POD)
}
