// SPDY/3.1 on an upgraded connection: exec, attach and port-forward. Each frame is labelled, recorded and passed as it
// came; streams that Kubernetes does not open, and frames it does not send, end the session.

import type { PeerError } from '../../protocols/errors.ts'
import { CHANNEL } from '../../protocols/kube/channels.ts'
import { SpdyPortForward } from '../../protocols/kube/spdy-port-forward.ts'
import { type RemoteCommandOptions, SpdyRemoteCommand } from '../../protocols/kube/spdy-remote-command.ts'
import { SpdyStreamError } from '../../protocols/kube/spdy-stream-error.ts'
import type { SpdySide, TunnelEvent } from '../../protocols/kube/spdy-tunnel.ts'
import { failureStatus } from '../../protocols/kube/status.ts'
import type { SpdyCommand, SpdyEvent } from '../../protocols/spdy/events.ts'
import type { Cut, StreamProtocol, StreamRecorder } from './stream-protocol.ts'

type SynStream = Extract<SpdyEvent, { readonly type: 'synStream' }>
type Data = Extract<SpdyEvent, { readonly type: 'data' }>

/** Exec and attach, or port-forward: what a stream is, and which tape channel its bytes belong to. */
export interface Labels {
  /** Judges and records a stream's opening. */
  open(event: SynStream, fromClient: boolean): SpdyStreamError | undefined
  /** The tape channel of a piece, or the fault. */
  data(event: Data, fromClient: boolean): number | SpdyStreamError
  /** FIN without data, or RST_STREAM. */
  ended(streamId: number, fromClient: boolean): void
  reset(streamId: number): void
  /** Says why the session ends, where its form has a place for that. */
  lastWords(client: SpdySide, message: string): void
}

/** SPDY's GOAWAY status for an end in order. */
const OK = 0

export class SpdyStream implements StreamProtocol<TunnelEvent, SpdyCommand> {
  readonly client: SpdySide
  readonly cluster: SpdySide
  readonly #labels: Labels
  readonly #recorder: StreamRecorder
  orderly = false

  constructor(client: SpdySide, cluster: SpdySide, labels: Labels, recorder: StreamRecorder) {
    this.client = client
    this.cluster = cluster
    this.#labels = labels
    this.#recorder = recorder
  }

  fromClient(event: TunnelEvent): PeerError | undefined {
    return this.#pass(event, true, this.cluster)
  }

  fromCluster(event: TunnelEvent): PeerError | undefined {
    return this.#pass(event, false, this.client)
  }

  cut(cut: Cut, heard: { readonly client: boolean; readonly cluster: boolean }): void {
    // Behind half a frame nothing of ours can be read: then the end of the connection has to say it.
    if (heard.client && this.client.maySend) {
      this.#labels.lastWords(this.client, cut.message)
      this.client.send({ type: 'goAway', lastStreamId: this.client.lastPeerStream, status: OK })
    }
    if (heard.cluster && this.cluster.maySend) this.cluster.send({ type: 'goAway', lastStreamId: 0, status: OK })
  }

  #pass(event: TunnelEvent, fromClient: boolean, to: SpdySide): PeerError | undefined {
    switch (event.type) {
      case 'data': {
        const channel = this.#labels.data(event, fromClient)
        if (channel instanceof SpdyStreamError) return channel
        if (event.payload.length > 0) this.#recorder.bytes(channel, event.payload)
        if (event.header.length > 0) to.send({ type: 'pass', bytes: event.header })
        if (event.payload.length > 0) to.send({ type: 'pass', bytes: event.payload })
        return undefined
      }
      case 'synStream': {
        const fault = this.#labels.open(event, fromClient)
        if (fault !== undefined) return fault
        to.send({ type: 'passHeaders', event })
        return undefined
      }
      case 'synReply':
      case 'headers':
        if (event.fin) this.#labels.ended(event.streamId, fromClient)
        // Kubernetes sends these without headers; what has some is kept, since no byte passes unrecorded.
        if (event.headers.length > 0) this.#note(event.type, fromClient, { headers: event.headers.join('\n') })
        to.send({ type: 'passHeaders', event })
        return undefined
      case 'reset':
        this.#labels.reset(event.streamId)
        this.#note('reset', fromClient, { stream: event.streamId, status: event.status })
        to.send({ type: 'pass', bytes: event.raw })
        return undefined
      case 'goAway':
        this.orderly = true
        this.#note('goAway', fromClient, { status: event.status })
        to.send({ type: 'pass', bytes: event.raw })
        return undefined
      case 'ping':
        to.send({ type: 'pass', bytes: event.raw })
        return undefined
      case 'settings':
      case 'windowUpdate':
        // Parsed by every peer and sent by none (wire sheet, section 2): a client that sends them is no Kubernetes one.
        return new SpdyStreamError('kube.spdy.unexpected_frame', 'a frame that Kubernetes does not send', 0)
      case 'failed':
        return event.error
    }
  }

  #note(what: string, fromClient: boolean, facts: Readonly<Record<string, string | number>>): void {
    this.#recorder.note(`spdy.${what}`, fromClient ? 'from the client' : 'from the cluster', facts)
  }
}

/** Labels of exec and attach. */
export function remoteCommandLabels(options: RemoteCommandOptions): Labels {
  const command = new SpdyRemoteCommand(options)
  return {
    open(event, fromClient) {
      const channel = command.open(event, fromClient)
      return channel instanceof SpdyStreamError ? channel : undefined
    },
    data: (event, fromClient) => command.data(event, fromClient),
    ended: () => undefined,
    reset: () => undefined,
    lastWords(client, message) {
      const streamId = command.streamOf(CHANNEL.ERROR)
      if (streamId === undefined || !client.maySendOn(streamId)) return
      // Before v4 the error stream is plain text (client-go tools/remotecommand/errorstream.go).
      const payload = options.version >= 4 ? failureStatus(message) : new TextEncoder().encode(message)
      client.send({ type: 'data', streamId, payload, fin: true })
    },
  }
}

/** Labels of port-forward: a note says which connection goes to which port. */
export function portForwardLabels(recorder: StreamRecorder): Labels {
  const forward = new SpdyPortForward()
  return {
    open(event, fromClient) {
      const stream = forward.open(event, fromClient)
      if (stream instanceof SpdyStreamError) return stream
      const { connection, port, part } = stream
      if (part === 'data') recorder.note('forward.open', 'a connection to the pod', { connection, port })
      return undefined
    },
    data: (event, fromClient) => forward.data(event, fromClient),
    ended: (streamId, fromClient) => forward.ended(streamId, fromClient),
    reset: (streamId) => forward.reset(streamId),
    lastWords: () => undefined,
  }
}
