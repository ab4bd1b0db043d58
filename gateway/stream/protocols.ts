// From what was offered and what the cluster agreed to in its 101, to the protocol that runs on the upgraded connection.
// An agreement that is none of Kubernetes' is refused, and nothing passes.

import { randomBytes } from 'node:crypto'
import { type Fields, field } from '../../protocols/fields.ts'
import type { ResponseHead } from '../../protocols/http1/events.ts'
import { LegacyPortForward, parsePorts } from '../../protocols/kube/legacy-port-forward.ts'
import { SpdyTunnel } from '../../protocols/kube/spdy-tunnel.ts'
import { limits } from '../../protocols/limits.ts'
import { SpdyConnection } from '../../protocols/spdy/connection.ts'
import { type Refusal, refuse } from '../decision.ts'
import type { Cuttable } from '../gate.ts'
import { answerable } from '../hop-by-hop.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import type { Tape } from '../tape/tape.ts'
import type { Offer } from './offer.ts'
import { Relay, type RelayOptions } from './relay.ts'
import { portForwardLabels, remoteCommandLabels, SpdyStream } from './spdy-stream.ts'
import type { StreamProtocol, StreamRecorder } from './stream-protocol.ts'
import { WebSocketStream } from './websocket-stream.ts'

/** What a relay is given besides its protocol. */
export type RelayParts = Omit<RelayOptions<never, never>, 'protocol'>

export interface Agreement {
  /** The 101's fields as the client gets them. */
  readonly fields: Fields
  /** What moves the bytes, not yet started. */
  relay(parts: RelayParts): Cuttable & { start(): void }
}

/** The subprotocols of remote command on WebSocket (cri-streaming remotecommand/websocket.go), none being the oldest. */
const CHANNELS: ReadonlyMap<string, { base64: boolean; closes: boolean }> = new Map([
  ['v5.channel.k8s.io', { base64: false, closes: true }],
  ['v4.channel.k8s.io', { base64: false, closes: false }],
  ['v4.base64.channel.k8s.io', { base64: true, closes: false }],
  ['channel.k8s.io', { base64: false, closes: false }],
  ['base64.channel.k8s.io', { base64: true, closes: false }],
  ['', { base64: false, closes: false }],
])

/** Stream protocol versions of remote command on SPDY (apimachinery util/remotecommand/constants.go); none means v1. */
const VERSIONS: ReadonlyMap<string, number> = new Map([
  ['v5.channel.k8s.io', 5],
  ['v4.channel.k8s.io', 4],
  ['v3.channel.k8s.io', 3],
  ['v2.channel.k8s.io', 2],
  ['channel.k8s.io', 1],
  ['', 1],
])

const TUNNEL = 'SPDY/3.1+portforward.k8s.io'
const FORWARD = 'portforward.k8s.io'

export function streamProtocol(
  offer: Offer,
  attributes: RequestAttributes,
  head: ResponseHead,
  tape: Tape,
): Agreement | Refusal {
  const recorder = recorderOf(tape)
  const isWebSocket = offer.transport === 'websocket'
  const agreed = field(head.fields, isWebSocket ? 'sec-websocket-protocol' : 'x-stream-protocol-version') ?? ''
  if (agreed !== '' && !offer.protocols.includes(agreed)) return disagreed()
  const fields = ['Upgrade', offer.fields[1] as string, ...answerable(head.fields)]
  const isForward = attributes.verb === 'portforward'
  if (isWebSocket && isForward && agreed === TUNNEL) return agreement(fields, tunnel(recorder))
  if (isWebSocket) {
    const form = CHANNELS.get(agreed)
    if (form === undefined) return disagreed()
    if (!isForward) return agreement(fields, new WebSocketStream(form, recorder))
    const ports = parsePorts(new URLSearchParams(attributes.query).getAll('ports'))
    if (ports === undefined) return disagreed()
    const forward = new LegacyPortForward(ports)
    return agreement(fields, new WebSocketStream({ ...form, forward }, recorder))
  }
  const version = VERSIONS.get(agreed)
  if (isForward ? agreed !== FORWARD : version === undefined) return disagreed()
  const labels = isForward
    ? portForwardLabels(recorder)
    : remoteCommandLabels({ ...streamsOf(attributes), version: version as number })
  const client = new SpdyConnection('server', limits.spdy)
  return agreement(fields, new SpdyStream(client, new SpdyConnection('client', limits.spdy), labels, recorder))
}

function tunnel(recorder: StreamRecorder): SpdyStream {
  const client = new SpdyTunnel('server', limits)
  const cluster = new SpdyTunnel('client', limits, () => randomBytes(4).readInt32BE())
  SpdyTunnel.join(client, cluster)
  return new SpdyStream(client, cluster, portForwardLabels(recorder), recorder)
}

function streamsOf(attributes: RequestAttributes): { stdin: boolean; stdout: boolean; stderr: boolean; tty: boolean } {
  const { stdin, stdout, stderr, tty } = attributes
  return { stdin, stdout, stderr, tty }
}

function agreement<E extends { readonly type: string }, C>(fields: Fields, protocol: StreamProtocol<E, C>): Agreement {
  return { fields, relay: (parts) => new Relay<E, C>({ ...parts, protocol }) }
}

function recorderOf(tape: Tape): StreamRecorder {
  return {
    bytes: (channel, piece) => tape.stream(channel, piece),
    note: (code, text, facts) => tape.append('note', facts === undefined ? { code, text } : { code, text, facts }),
  }
}

function disagreed(): Refusal {
  const message = 'the cluster agreed to a protocol that was not offered, or that the gateway cannot read'
  return refuse(502, 'BadGateway', 'stream.protocol', message)
}
