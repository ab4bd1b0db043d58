// SPDY/3.1 on an upgraded connection: exec, attach and port-forward. Data is labelled and goes through the maskers, other
// frames pass as they came; streams that Kubernetes does not open, and frames it does not send, end the session.

import type { PeerError } from '../../protocols/errors.ts'
import { SpdyStreamError } from '../../protocols/kube/spdy-stream-error.ts'
import type { SpdySide, TunnelEvent } from '../../protocols/kube/spdy-tunnel.ts'
import type { SpdyCommand } from '../../protocols/spdy/events.ts'
import type { MaskedChannels } from './masked-channels.ts'
import { MaskedStreams } from './masked-streams.ts'
import type { Labels } from './spdy-labels.ts'
import type { Cut, StreamProtocol, StreamRecorder } from './stream-protocol.ts'

/** SPDY's GOAWAY status for an end in order. */
const OK = 0

export class SpdyStream implements StreamProtocol<TunnelEvent, SpdyCommand> {
  readonly client: SpdySide
  readonly cluster: SpdySide
  readonly #labels: Labels
  readonly #recorder: StreamRecorder
  readonly #streams: MaskedStreams
  readonly masked: MaskedChannels
  orderly = false

  constructor(client: SpdySide, cluster: SpdySide, labels: Labels, recorder: StreamRecorder, masked: MaskedChannels) {
    this.client = client
    this.cluster = cluster
    this.#labels = labels
    this.#recorder = recorder
    this.masked = masked
    this.#streams = new MaskedStreams(client, cluster, labels, masked)
  }

  fromClient(event: TunnelEvent): PeerError | Cut | undefined {
    return this.#pass(event, true, this.cluster)
  }

  fromCluster(event: TunnelEvent): PeerError | Cut | undefined {
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

  #pass(event: TunnelEvent, fromClient: boolean, to: SpdySide): PeerError | Cut | undefined {
    switch (event.type) {
      case 'data': {
        if (this.#streams.isRefused(event.streamId)) return undefined
        const channel = this.#labels.data(event, fromClient)
        if (channel instanceof SpdyStreamError) return channel
        return this.#streams.data(event, channel, fromClient)
      }
      case 'synStream': {
        const fault = this.#labels.open(event, fromClient)
        if (fault !== undefined) return fault
        to.send({ type: 'passHeaders', event })
        return undefined
      }
      case 'synReply':
      case 'headers':
        if (event.fin) {
          this.#streams.ended(event.streamId, fromClient)
          this.#labels.ended(event.streamId, fromClient)
        }
        // Kubernetes sends these without headers; what has some is kept, since no byte passes unrecorded.
        if (event.headers.length > 0) this.#note(event.type, fromClient, { headers: event.headers.join('\n') })
        to.send({ type: 'passHeaders', event })
        return undefined
      case 'reset':
        this.#streams.reset(event.streamId, fromClient)
        this.#labels.reset(event.streamId)
        this.#note('reset', fromClient, { stream: event.streamId, status: event.status })
        to.send({ type: 'pass', bytes: event.raw })
        return undefined
      case 'goAway':
        this.orderly = true
        this.masked.endAll(!fromClient)
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
      case 'closed':
        this.orderly = true
        this.masked.endAll(!fromClient)
        to.close?.()
        return undefined
      case 'failed':
        return event.error
    }
  }

  #note(what: string, fromClient: boolean, facts: Readonly<Record<string, string | number>>): void {
    this.#recorder.note(`spdy.${what}`, fromClient ? 'from the client' : 'from the cluster', facts)
  }
}
