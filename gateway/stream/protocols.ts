// From what was offered and what the cluster agreed to in its 101, to the protocol that runs on the upgraded connection.
// An agreement that is none of Kubernetes' is refused, and nothing passes.

import { randomBytes } from 'node:crypto'
import type { Fields } from '../../protocols/fields.ts'
import type { ResponseHead } from '../../protocols/http1/events.ts'
import { channelName } from '../../protocols/kube/channels.ts'
import { readAgreement, type StreamOffer } from '../../protocols/kube/handshake.ts'
import { HandshakeError } from '../../protocols/kube/handshake-error.ts'
import { LegacyPortForward, parsePorts } from '../../protocols/kube/legacy-port-forward.ts'
import { SpdyTunnel } from '../../protocols/kube/spdy-tunnel.ts'
import { limits } from '../../protocols/limits.ts'
import { SpdyConnection } from '../../protocols/spdy/connection.ts'
import { type Refusal, refuse } from '../decision.ts'
import type { Cuttable } from '../gate.ts'
import { answerable } from '../hop-by-hop.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import type { Tape } from '../tape/tape.ts'
import { MaskedChannels } from './masked-channels.ts'
import { refusalOf } from './offer.ts'
import { Relay, type RelayOptions } from './relay.ts'
import { type Labels, portForwardLabels, remoteCommandLabels } from './spdy-labels.ts'
import { SpdyStream } from './spdy-stream.ts'
import type { StreamMask, StreamProtocol, StreamRecorder } from './stream-protocol.ts'
import { WebSocketStream } from './websocket-stream.ts'

/** What a relay is given besides its protocol. */
export type RelayParts = Omit<RelayOptions<never, never>, 'protocol'>

export interface Agreement {
  /** The 101's fields as the client gets them. */
  readonly fields: Fields
  /** What moves the bytes, not yet started. */
  relay(parts: RelayParts): Cuttable & { start(): void }
}

export function streamProtocol(
  offer: StreamOffer,
  attributes: RequestAttributes,
  head: ResponseHead,
  tape: Tape,
  mask: StreamMask,
): Agreement | Refusal {
  const agreed = readAgreement(head.fields, offer)
  if (agreed instanceof HandshakeError) return refusalOf(agreed)
  const recorder = recorderOf(tape)
  const masked = new MaskedChannels(mask, recorder, attributes.tty)
  const fields = ['Upgrade', offer.fields[1] as string, ...answerable(head.fields)]
  switch (agreed.kind) {
    case 'portforward-tunnel':
      return agreement(fields, tunnel(recorder, masked))
    case 'portforward-spdy':
      return agreement(fields, spdy(portForwardLabels(recorder), recorder, masked))
    case 'portforward-legacy': {
      const ports = parsePorts(new URLSearchParams(attributes.query).getAll('ports'))
      if (ports === undefined) return unreadablePorts()
      const forward = new LegacyPortForward(ports)
      return agreement(fields, new WebSocketStream({ ...agreed, forward }, recorder, masked))
    }
    case 'remotecommand': {
      if (agreed.transport === 'websocket') return agreement(fields, new WebSocketStream(agreed, recorder, masked))
      const { stdin, stdout, stderr, tty } = attributes
      const labels = remoteCommandLabels({ stdin, stdout, stderr, tty, version: agreed.version })
      return agreement(fields, spdy(labels, recorder, masked))
    }
  }
}

function spdy(labels: Labels, recorder: StreamRecorder, masked: MaskedChannels): SpdyStream {
  const client = new SpdyConnection('server', limits.spdy)
  return new SpdyStream(client, new SpdyConnection('client', limits.spdy), labels, recorder, masked)
}

function tunnel(recorder: StreamRecorder, masked: MaskedChannels): SpdyStream {
  const client = new SpdyTunnel('server', limits)
  const cluster = new SpdyTunnel('client', limits, () => randomBytes(4).readInt32BE())
  return new SpdyStream(client, cluster, portForwardLabels(recorder), recorder, masked)
}

function agreement<E extends { readonly type: string }, C>(fields: Fields, protocol: StreamProtocol<E, C>): Agreement {
  return { fields, relay: (parts) => new Relay<E, C>({ ...parts, protocol }) }
}

function recorderOf(tape: Tape): StreamRecorder {
  return {
    bytes: (channel, piece) => tape.stream(channel, piece),
    note: (code, text, facts) => tape.append('note', facts === undefined ? { code, text } : { code, text, facts }),
    masked: (channel, { rules, count }) =>
      tape.append('masked', { code: rules, text: channelName(channel), facts: { channel, count } }),
    original: (channel, at, length, bytes) =>
      tape.append('original', { of: 'stream', exchange: 0, channel, at, length, bytes }),
  }
}

function unreadablePorts(): Refusal {
  const message = 'the cluster agreed to a port-forward without ports in the query, or with ones that are none'
  return refuse(502, 'BadGateway', 'stream.ports', message)
}
