// The data of SPDY streams, masked: what their maskers let go of is put into frames of our own, and a frame that no masker
// touches or holds any of passes as it came. A stream that may not be inspected ends, alone where its protocol can.

import { CHANNEL, FORWARD, FORWARD_BASE } from '../../protocols/kube/channels.ts'
import type { SpdySide } from '../../protocols/kube/spdy-tunnel.ts'
import { limits } from '../../protocols/limits.ts'
import type { SpdyEvent } from '../../protocols/spdy/events.ts'
import { isSame, kept, type MaskedChannel, type MaskedChannels } from './masked-channels.ts'
import type { Labels } from './spdy-labels.ts'
import type { Cut } from './stream-protocol.ts'

type Data = Extract<SpdyEvent, { readonly type: 'data' }>

/** SPDY's RST_STREAM status for a stream that is no longer wanted. */
const CANCEL = 5

const NOTHING = new Uint8Array(0)

export class MaskedStreams {
  readonly #client: SpdySide
  readonly #cluster: SpdySide
  readonly #labels: Labels
  readonly #masked: MaskedChannels
  /** By stream id: towards the client, and towards the cluster. */
  readonly #toClient = new Map<number, MaskedChannel>()
  readonly #toCluster = new Map<number, MaskedChannel>()
  /** Streams that we have reset: their frames may have been read by then. */
  readonly #refused = new Set<number>()

  constructor(client: SpdySide, cluster: SpdySide, labels: Labels, masked: MaskedChannels) {
    this.#client = client
    this.#cluster = cluster
    this.#labels = labels
    this.#masked = masked
    masked.leadTo({ release: (channel, bytes) => this.#release(channel, bytes) })
  }

  /** True for a stream that has ended because it may not be inspected: nothing of it is judged any more. */
  isRefused(streamId: number): boolean {
    return this.#refused.has(streamId)
  }

  /** Records a data frame, or a piece of one, under its tape channel and passes it; or returns what ends the session. */
  data(event: Data, tape: number, fromClient: boolean): Cut | undefined {
    const { streamId, payload, fin } = event
    const to = fromClient ? this.#cluster : this.#client
    // The other side has reset the stream, or we have.
    if (!to.maySendOn(streamId)) return undefined
    const isWhole = event.start && event.end
    if (payload.length === 0 && !fin) {
      if (isWhole) to.send({ type: 'pass', bytes: event.header })
      return undefined
    }
    if (tape === CHANNEL.RESIZE) {
      if (payload.length > 0) this.#masked.recorder.bytes(tape, payload)
      to.send({ type: 'data', streamId, payload, fin })
      return undefined
    }
    const channel = this.#channel(streamId, tape, fromClient)
    if (isError(tape)) this.#masked.flushBefore(channel)
    const bytes = payload.length === 0 ? NOTHING : channel.receive(payload)
    if (channel.refusal !== undefined) return this.#refuse(channel, channel.refusal)
    const isUntouched = payload.length === 0 || isSame(bytes, payload)
    if (isWhole && isUntouched && !(fin && channel.isHolding)) {
      if (fin) this.ended(streamId, fromClient)
      to.send({ type: 'pass', bytes: event.header })
      if (payload.length > 0) to.send({ type: 'pass', bytes: payload })
      return undefined
    }
    if (bytes.length > 0) to.send({ type: 'data', streamId, payload: kept(bytes, payload) })
    if (!fin) return undefined
    this.ended(streamId, fromClient)
    to.send({ type: 'data', streamId, payload: NOTHING, fin })
    return undefined
  }

  /** FIN without data: what is held goes ahead of it. */
  ended(streamId: number, fromClient: boolean): void {
    const channels = fromClient ? this.#toCluster : this.#toClient
    const channel = channels.get(streamId)
    channels.delete(streamId)
    if (channel !== undefined) this.#masked.end(channel)
  }

  /** RST_STREAM: what is held goes ahead of it; what goes the other way nobody reads any more. */
  reset(streamId: number, fromClient: boolean): void {
    this.ended(streamId, fromClient)
    const others = fromClient ? this.#toClient : this.#toCluster
    const other = others.get(streamId)
    others.delete(streamId)
    if (other !== undefined) this.#masked.drop(other)
  }

  /** A forwarded connection ends alone; anything else ends with its session. */
  #refuse({ wire: streamId }: MaskedChannel, cut: Cut): Cut | undefined {
    const errors = this.#labels.errorStreamOf(streamId)
    if (errors === undefined) return cut
    this.reset(streamId, true)
    this.#refused.add(streamId)
    // The machines ignore what comes later, so only the last few matter.
    if (this.#refused.size > limits.spdy.streams) this.#refused.delete(this.#refused.values().next().value as number)
    this.#labels.reset(streamId)
    if (errors !== 0 && this.#client.maySendOn(errors)) {
      this.ended(errors, false)
      this.#client.send({ type: 'data', streamId: errors, payload: new TextEncoder().encode(cut.message), fin: true })
    }
    this.#client.send({ type: 'reset', streamId, status: CANCEL })
    this.#cluster.send({ type: 'reset', streamId, status: CANCEL })
    return undefined
  }

  #channel(streamId: number, tape: number, fromClient: boolean): MaskedChannel {
    const channels = fromClient ? this.#toCluster : this.#toClient
    let channel = channels.get(streamId)
    if (channel === undefined) {
      channel = this.#masked.open(streamId, tape, !fromClient)
      channels.set(streamId, channel)
    }
    return channel
  }

  #release({ wire, toClient }: MaskedChannel, bytes: Uint8Array): void {
    const to = toClient ? this.#client : this.#cluster
    if (to.maySend && to.maySendOn(wire)) to.send({ type: 'data', streamId: wire, payload: new Uint8Array(bytes) })
  }
}

function isError(tape: number): boolean {
  if (tape < FORWARD_BASE) return tape === CHANNEL.ERROR
  return (tape - FORWARD_BASE) % 4 === FORWARD.ERROR_FROM_POD
}
