// What stream a request for an upgrade offers, and which one a 101 agrees to (exec, attach and port-forward on WebSocket or
// SPDY/3.1; a watch or a log as WebSocket messages). Refuses every other upgrade, protocols that are none of Kubernetes', and
// an answer that was not offered. A bearer token among the subprotocols is taken out; extensions are never passed on.

import { type Fields, fieldList, fieldValues } from '../fields.ts'
import { acceptKey, clientHandshakeFault, serverHandshakeFault } from '../websocket/handshake.ts'
import { HandshakeError } from './handshake-error.ts'

/** Subresources of pods that are streams. */
export type StreamSubresource = 'exec' | 'attach' | 'portforward'

export type StreamKind = 'remotecommand' | 'portforward-spdy' | 'portforward-tunnel' | 'portforward-legacy'

export interface StreamOffer {
  readonly transport: 'websocket' | 'spdy'
  readonly kind: StreamKind
  /** Subprotocols or stream protocol versions in the client's order, without the bearer. Empty: WebSocket with none. */
  readonly protocols: readonly string[]
  /** The token of the bearer subprotocol, decoded. A credential: never logged, never passed on. */
  readonly bearer: string | undefined
  /** Sec-WebSocket-Key, "" for SPDY. */
  readonly key: string
  /** What goes upstream in place of all Upgrade, Sec-WebSocket-* and X-Stream-Protocol-Version lines of the request. */
  readonly fields: Fields
}

export interface StreamAgreement {
  readonly transport: 'websocket' | 'spdy'
  readonly kind: StreamKind
  /** As the 101 names it; "" for none. */
  readonly protocol: string
  /** Of the channels, 1 to 5; 1 for port-forward other than v4 on WebSocket. From 4 on the error stream is a Status. */
  readonly version: number
  /** Text messages with base64 in them. */
  readonly base64: boolean
  /** WebSocket v5: `ff n` ends a channel. */
  readonly closes: boolean
}

/** Answers that the API server also gives as WebSocket messages. */
export type AnswerKind = 'watch' | 'log'

/** Such an answer, asked for. The messages are made here, of an answer by HTTP: the cluster is asked for no upgrade. */
export interface AnswerOffer {
  readonly kind: AnswerKind
  /** Of a log: text messages with base64 in them. A watch's events are JSON, whatever the subprotocol. */
  readonly base64: boolean
  /** As in a StreamOffer. */
  readonly bearer: string | undefined
  /** Of the 101 that answers it, without Connection. */
  readonly fields: Fields
}

/** apiserver pkg/authentication/request/websocket/protocol.go */
const BEARER = 'base64url.bearer.authorization.k8s.io.'
const HANDSHAKE_FAULT = 'the WebSocket handshake is incomplete or wrong'
const BASE64URL = /^[A-Za-z0-9_-]+$/
const TUNNEL = 'SPDY/3.1+portforward.k8s.io'
const SPDY_FORWARD = 'portforward.k8s.io'

interface Form {
  readonly version: number
  readonly base64: boolean
  /** Offered by clients that list all they know; Kubernetes' servers agree to these only where it is true. */
  readonly servedOn: { readonly spdy: boolean; readonly websocket: boolean; readonly forward: boolean }
}

function form(version: number, base64: boolean, spdy: boolean, websocket: boolean, forward: boolean): Form {
  return { version, base64, servedOn: { spdy, websocket, forward } }
}

/** apimachinery util/remotecommand/constants.go; cri-streaming {remotecommand,portforward}/websocket.go. "" is none. */
const FORMS: ReadonlyMap<string, Form> = new Map([
  ['v5.channel.k8s.io', form(5, false, true, true, false)],
  ['v4.channel.k8s.io', form(4, false, true, true, true)],
  ['v3.channel.k8s.io', form(3, false, true, false, false)],
  ['v2.channel.k8s.io', form(2, false, true, false, false)],
  ['channel.k8s.io', form(1, false, true, true, false)],
  ['v4.base64.channel.k8s.io', form(4, true, false, true, true)],
  ['base64.channel.k8s.io', form(1, true, false, true, false)],
  ['', form(1, false, false, true, true)],
])

/** streaming pkg/httpstream/wsstream/stream.go. Clients offer them for a watch too, where they change nothing. */
const BASE64_ANSWER = 'base64.binary.k8s.io'
const ANSWERS = ['binary.k8s.io', BASE64_ANSWER]

/** Version 1 on SPDY: a server that answers without a version means it (client-go tools/remotecommand/spdy.go). */
const FIRST = 'channel.k8s.io'

/** Reads what a client offers. `fields` are all of the request; its method and path are the caller's to judge. */
export function readOffer(fields: Fields, subresource: StreamSubresource): StreamOffer | HandshakeError {
  const upgrades = fieldList(fields, 'upgrade')
  const upgrade = upgrades.length === 1 ? (upgrades[0] as string).toLowerCase() : ''
  if (upgrade === 'websocket') return readWebSocketOffer(fields, subresource)
  if (upgrade === 'spdy/3.1') return readSpdyOffer(fields, subresource)
  return new HandshakeError(403, 'kube.upgrade.unknown', 'an upgrade to neither websocket nor SPDY/3.1')
}

/** Reads the fields of the cluster's 101. */
export function readAgreement(fields: Fields, offer: StreamOffer): StreamAgreement | HandshakeError {
  if (offer.transport === 'spdy') return readSpdyAgreement(fields, offer)
  const rule = serverHandshakeFault(fields, offer.key, offer.protocols)
  if (rule !== undefined) return new HandshakeError(502, rule, 'the 101 does not answer the WebSocket handshake')
  const protocol = fieldList(fields, 'sec-websocket-protocol')[0] ?? ''
  const { transport, kind } = offer
  if (kind === 'portforward-tunnel') return { transport, kind, protocol, version: 1, base64: false, closes: false }
  const agreed = FORMS.get(protocol)
  const served = kind === 'remotecommand' ? agreed?.servedOn.websocket : agreed?.servedOn.forward
  if (agreed === undefined || served !== true) {
    return new HandshakeError(
      502,
      'kube.upgrade.agreed_unserved',
      'a version that no Kubernetes server speaks on WebSocket',
    )
  }
  const { version, base64 } = agreed
  return { transport, kind, protocol, version, base64, closes: version === 5 }
}

/** Reads what a client offers for a watch or a log. The first subprotocol that it names is the one it gets. */
export function readAnswerOffer(fields: Fields, kind: AnswerKind): AnswerOffer | HandshakeError {
  const rule = clientHandshakeFault(fields)
  if (rule !== undefined) return new HandshakeError(400, rule, HANDSHAKE_FAULT)
  const offered = fieldList(fields, 'sec-websocket-protocol')
  const protocols = offered.filter((protocol) => !protocol.startsWith(BEARER))
  const bearer = readBearer(offered, protocols)
  if (bearer instanceof HandshakeError) return bearer
  if (!protocols.every((protocol) => ANSWERS.includes(protocol))) {
    return new HandshakeError(403, 'kube.upgrade.answer_subprotocol', 'a WebSocket subprotocol that is not for answers')
  }
  const accept = acceptKey(fieldValues(fields, 'sec-websocket-key')[0] as string)
  const agreed = ['Upgrade', 'websocket', 'Sec-WebSocket-Accept', accept]
  const protocol = protocols[0]
  if (protocol !== undefined) agreed.push('Sec-WebSocket-Protocol', protocol)
  return { kind, base64: kind === 'log' && protocol === BASE64_ANSWER, bearer, fields: agreed }
}

function readWebSocketOffer(fields: Fields, subresource: StreamSubresource): StreamOffer | HandshakeError {
  const rule = clientHandshakeFault(fields)
  if (rule !== undefined) return new HandshakeError(400, rule, HANDSHAKE_FAULT)
  const offered = fieldList(fields, 'sec-websocket-protocol')
  const protocols = offered.filter((protocol) => !protocol.startsWith(BEARER))
  const bearer = readBearer(offered, protocols)
  if (bearer instanceof HandshakeError) return bearer
  const isTunnel = subresource === 'portforward' && protocols.includes(TUNNEL)
  for (const protocol of protocols) {
    // With another protocol beside it the API server and the kubelet could each choose their own.
    if (isTunnel ? protocol !== TUNNEL : !FORMS.has(protocol)) {
      return new HandshakeError(403, 'kube.upgrade.subprotocol', 'a WebSocket subprotocol that is not for this stream')
    }
  }
  const kind = subresource !== 'portforward' ? 'remotecommand' : isTunnel ? 'portforward-tunnel' : 'portforward-legacy'
  const key = fieldValues(fields, 'sec-websocket-key')[0] as string
  const handshake = ['Upgrade', 'websocket', 'Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', key]
  // One line: the API server's choice of handler looks at the first one alone (wsstream conn.go).
  if (protocols.length > 0) handshake.push('Sec-WebSocket-Protocol', protocols.join(', '))
  return { transport: 'websocket', kind, protocols, bearer, key, fields: handshake }
}

/** The bearer must not be the only subprotocol: the server has to choose one, and would name the token in its answer. */
function readBearer(offered: readonly string[], others: readonly string[]): string | undefined | HandshakeError {
  if (offered.length === others.length) return undefined
  if (offered.length > others.length + 1) {
    return new HandshakeError(400, 'kube.upgrade.two_bearers', 'two bearer subprotocols')
  }
  if (others.length === 0) {
    return new HandshakeError(400, 'kube.upgrade.bearer_alone', 'a bearer subprotocol without another one')
  }
  const encoded = (offered.find((protocol) => protocol.startsWith(BEARER)) as string).slice(BEARER.length)
  const token = BASE64URL.test(encoded) ? Buffer.from(encoded, 'base64url') : undefined
  // Only the one encoding that each token has, and only tokens that can stand in an Authorization field.
  if (token?.toString('base64url') !== encoded || token.some((octet) => octet <= 0x20 || octet >= 0x7f)) {
    return new HandshakeError(400, 'kube.upgrade.bearer_encoding', 'a bearer subprotocol is not a token in base64url')
  }
  return token.toString('latin1')
}

function readSpdyOffer(fields: Fields, subresource: StreamSubresource): StreamOffer | HandshakeError {
  const options = fieldList(fields, 'connection').map((option) => option.toLowerCase())
  if (!options.includes('upgrade')) {
    return new HandshakeError(400, 'kube.upgrade.connection', 'Connection does not name Upgrade')
  }
  const protocols = fieldList(fields, 'x-stream-protocol-version')
  if (protocols.length === 0) {
    return new HandshakeError(400, 'kube.upgrade.no_version', 'X-Stream-Protocol-Version is missing')
  }
  const isForward = subresource === 'portforward'
  for (const protocol of protocols) {
    if (isForward ? protocol !== SPDY_FORWARD : FORMS.get(protocol)?.servedOn.spdy !== true) {
      return new HandshakeError(403, 'kube.upgrade.version', 'a stream protocol version that is not for this stream')
    }
  }
  const kind = isForward ? 'portforward-spdy' : 'remotecommand'
  const versions = protocols.flatMap((protocol) => ['X-Stream-Protocol-Version', protocol])
  return {
    transport: 'spdy',
    kind,
    protocols,
    bearer: undefined,
    key: '',
    fields: ['Upgrade', 'SPDY/3.1', ...versions],
  }
}

function readSpdyAgreement(fields: Fields, offer: StreamOffer): StreamAgreement | HandshakeError {
  const upgrades = fieldList(fields, 'upgrade')
  const options = fieldList(fields, 'connection').map((option) => option.toLowerCase())
  if (upgrades.length !== 1 || (upgrades[0] as string).toLowerCase() !== 'spdy/3.1' || !options.includes('upgrade')) {
    return new HandshakeError(502, 'kube.upgrade.agreed_other', 'the 101 switches to something else than SPDY/3.1')
  }
  const { transport, kind, protocols } = offer
  const chosen = fieldList(fields, 'x-stream-protocol-version')
  const protocol = chosen[0] ?? (kind === 'remotecommand' ? FIRST : '')
  if (chosen.length > 1 || !protocols.includes(protocol)) {
    return new HandshakeError(502, 'kube.upgrade.agreed_version', 'the 101 names no version that was offered')
  }
  return { transport, kind, protocol, version: FORMS.get(protocol)?.version ?? 1, base64: false, closes: false }
}
