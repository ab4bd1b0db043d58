// The stage that reads what an upgrade request offers: exec, attach or port-forward on WebSocket or SPDY/3.1, a watch or a
// log on WebSocket. Every other upgrade is refused, whatever it asks for.

import type { Fields } from '../../protocols/fields.ts'
import {
  type AnswerKind,
  type AnswerOffer,
  readAnswerOffer,
  readOffer,
  type StreamOffer,
} from '../../protocols/kube/handshake.ts'
import { HandshakeError } from '../../protocols/kube/handshake-error.ts'
import { type Refusal, refuse } from '../decision.ts'
import type { RequestAttributes } from '../request-attributes.ts'

/** Undefined where no upgrade is asked for. `attributes`: as far as the path could be read. */
export function upgradeOffer(
  fields: Fields,
  upgrade: string | undefined,
  attributes: RequestAttributes | Refusal,
): StreamOffer | AnswerOffer | Refusal | undefined {
  if (upgrade === undefined) return undefined
  const verb = 'status' in attributes ? '' : attributes.verb
  const kind = 'status' in attributes || upgrade !== 'websocket' ? undefined : answerKind(attributes)
  let offer: StreamOffer | AnswerOffer | HandshakeError
  if (verb === 'exec' || verb === 'attach' || verb === 'portforward') offer = readOffer(fields, verb)
  else if (kind !== undefined) offer = readAnswerOffer(fields, kind)
  else {
    const message =
      'the gateway passes only the upgrades of exec, attach and port-forward, and of watches and logs to WebSocket; any other is denied'
    return refuse(403, 'Forbidden', 'stream.unknown_upgrade', message)
  }
  return offer instanceof HandshakeError ? refusalOf(offer) : offer
}

/** True for what is an answer by HTTP on its way from the cluster, and messages only on its way to the client. */
export function isAnswerOffer(offer: StreamOffer | AnswerOffer): offer is AnswerOffer {
  return offer.kind === 'watch' || offer.kind === 'log'
}

function answerKind({ isResource, verb, apiGroup, resource, subresource }: RequestAttributes): AnswerKind | undefined {
  if (!isResource) return undefined
  if (verb === 'watch') return 'watch'
  return verb === 'get' && apiGroup === '' && resource === 'pods' && subresource === 'log' ? 'log' : undefined
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
