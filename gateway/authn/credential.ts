// Finds the one bearer token of a request: in Authorization, or among the WebSocket subprotocols for clients that cannot
// set a header. Refuses two of them, other schemes, and what is too long or not of a token's characters.

import { type Fields, fieldValues } from '../../protocols/fields.ts'
import { limits } from '../../protocols/limits.ts'
import { type Refusal, refuse } from '../decision.ts'

const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i

/**
 * `fromSubprotocol`: the token that came as the WebSocket subprotocol base64url.bearer.authorization.k8s.io.TOKEN, decoded
 * (apiserver authentication/request/websocket/protocol.go); undefined if none did.
 */
export function bearerToken(fields: Fields, fromSubprotocol: string | undefined): string | Refusal {
  const headers = fieldValues(fields, 'authorization')
  const [header] = headers
  if (headers.length + (fromSubprotocol === undefined ? 0 : 1) > 1) {
    return unauthorized('authn.repeated', 'the request carries more than one credential; send one bearer token')
  }
  if (fromSubprotocol !== undefined) return fromSubprotocol
  if (header === undefined) {
    return unauthorized(
      'authn.missing',
      'log in first: the gateway takes an OIDC token as "Authorization: Bearer TOKEN"',
    )
  }
  // A scheme and one space come on top.
  if (header.length > limits.gateway.token + 16) return tooLong()
  const match = BEARER.exec(header)
  if (match === null) return unauthorized('authn.scheme', 'the gateway takes only "Authorization: Bearer TOKEN"')
  return match[1] as string
}

/** 401: kubectl then asks its credential plugin for a new token. */
export function unauthorized(rule: string, message: string): Refusal {
  return refuse(401, 'Unauthorized', rule, message)
}

export function tooLong(): Refusal {
  return unauthorized('authn.length', `a token may be ${limits.gateway.token} bytes long`)
}
