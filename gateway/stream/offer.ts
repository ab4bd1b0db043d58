// What an upgrade request offers, before anything is decided: WebSocket or SPDY/3.1 with which protocols, and the bearer
// token that may hide among the subprotocols. Every other upgrade is refused.

import { type Fields, field, fieldList } from '../../protocols/fields.ts'
import { type Refusal, refuse } from '../decision.ts'

export interface Offer {
  readonly transport: 'websocket' | 'spdy'
  /** Subprotocols or stream protocol versions, in the client's order, without the bearer. */
  readonly protocols: readonly string[]
  /** The token of `base64url.bearer.authorization.k8s.io.TOKEN`, decoded. */
  readonly bearer: string | undefined
  /** What goes upstream in place of the client's Upgrade. */
  readonly fields: Fields
}

/** apiserver authentication/request/websocket/protocol.go */
const BEARER = 'base64url.bearer.authorization.k8s.io.'

export function upgradeOffer(fields: Fields, upgrade: string | undefined): Offer | Refusal | undefined {
  if (upgrade === undefined) return undefined
  if (upgrade === 'websocket') return webSocketOffer(fields)
  if (upgrade === 'spdy/3.1') {
    const protocols = fieldList(fields, 'x-stream-protocol-version')
    if (protocols.length === 0) return bad('stream.no_version', 'X-Stream-Protocol-Version is missing')
    return { transport: 'spdy', protocols, bearer: undefined, fields: ['Upgrade', 'SPDY/3.1'] }
  }
  const message = 'the gateway passes only upgrades to websocket and SPDY/3.1; any other is denied'
  return refuse(403, 'Forbidden', 'stream.unknown_upgrade', message)
}

function webSocketOffer(fields: Fields): Offer | Refusal {
  if (field(fields, 'sec-websocket-version') !== '13') {
    return bad('stream.websocket_version', 'Sec-WebSocket-Version must be 13')
  }
  const key = field(fields, 'sec-websocket-key')
  if (key === undefined || Buffer.from(key, 'base64').length !== 16) {
    return bad('stream.websocket_key', 'Sec-WebSocket-Key must be 16 bytes in base64')
  }
  const offered = fieldList(fields, 'sec-websocket-protocol')
  const bearers = offered.filter((protocol) => protocol.startsWith(BEARER))
  const protocols = offered.filter((protocol) => !protocol.startsWith(BEARER))
  if (bearers.length > 1) return bad('stream.two_bearers', 'only one bearer subprotocol may be offered')
  if (bearers.length === 1 && protocols.length === 0) {
    return bad('stream.bearer_alone', 'a bearer subprotocol must come with another one')
  }
  const encoded = bearers[0]?.slice(BEARER.length)
  if (encoded !== undefined && !/^[A-Za-z0-9_-]+$/.test(encoded)) {
    return bad('stream.bearer_encoding', 'the bearer subprotocol must hold unpadded base64url')
  }
  const bearer = encoded === undefined ? undefined : Buffer.from(encoded, 'base64url').toString('latin1')
  return { transport: 'websocket', protocols, bearer, fields: ['Upgrade', 'websocket'] }
}

function bad(rule: string, message: string): Refusal {
  return refuse(400, 'BadRequest', rule, message)
}
