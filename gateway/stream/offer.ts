// The stage that reads what an upgrade request offers: exec, attach or port-forward on WebSocket or SPDY/3.1. Every other
// upgrade is refused, whatever it asks for.

import type { Fields } from '../../protocols/fields.ts'
import { readOffer, type StreamOffer } from '../../protocols/kube/handshake.ts'
import { HandshakeError } from '../../protocols/kube/handshake-error.ts'
import { type Refusal, refuse } from '../decision.ts'
import type { RequestAttributes } from '../request-attributes.ts'

/** Undefined where no upgrade is asked for. `attributes`: as far as the path could be read. */
export function upgradeOffer(
  fields: Fields,
  upgrade: string | undefined,
  attributes: RequestAttributes | Refusal,
): StreamOffer | Refusal | undefined {
  if (upgrade === undefined) return undefined
  const verb = 'status' in attributes ? '' : attributes.verb
  if (verb !== 'exec' && verb !== 'attach' && verb !== 'portforward') {
    const message = 'the gateway passes only the upgrades of exec, attach and port-forward; any other is denied'
    return refuse(403, 'Forbidden', 'stream.unknown_upgrade', message)
  }
  const offer = readOffer(fields, verb)
  return offer instanceof HandshakeError ? refusalOf(offer) : offer
}

/** A handshake's fault in the words of a refusal. */
export function refusalOf(error: HandshakeError): Refusal {
  const reason = error.code === 502 ? 'BadGateway' : error.code === 403 ? 'Forbidden' : 'BadRequest'
  return refuse(error.code, reason, error.rule, `the upgrade is refused: ${error.message}`)
}

/** The request's fields without those of the handshake, which the offer brings anew and in order. */
export function withoutHandshake(fields: Fields): Fields {
  const kept: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] as string).toLowerCase()
    if (name.startsWith('sec-websocket-') || name === 'x-stream-protocol-version') continue
    kept.push(fields[at] as string, fields[at + 1] as string)
  }
  return kept
}
