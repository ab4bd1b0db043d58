// A request -> its entries on a tape: the request, its body, and what was decided. As much of it as is known; the body
// masked, and what it holds of secret values before anything else of the request is written down.

import type { ApiTape } from './client.ts'
import type { Refusal } from './decision.ts'
import type { Exchange } from './exchange.ts'
import type { Gate } from './gate.ts'
import type { TapedBody } from './mask/masking.ts'
import { PREVIEW } from './own-call.ts'
import type { Permitted } from './permitted.ts'
import type { Principal } from './principal.ts'
import { decisionBody, maskedBody, originalBody, recordWhole, requestBody } from './recording.ts'
import type { RequestAttributes } from './request-attributes.ts'
import type { Tape } from './tape/tape.ts'

/** What is known of a request so far; the tape gets as much of it as there is. */
export interface Known {
  readonly auditId: string
  cluster: string
  principal?: Principal
  attributes?: RequestAttributes
  body?: Uint8Array
}

/** The request, its body and the permission, as entries. Returns the exchange's number. Throws TapeFailed. */
export function recordPermitted(gate: Gate, api: ApiTape, permitted: Permitted): number {
  const { exchange, principal, attributes, permission, body } = permitted
  const { words } = gate.masking
  const number = ++api.exchanges
  // What the body has of secret values is known before anything else of the request is written down.
  const taped = body === undefined ? undefined : permitted.mask.body(exchange.fields, body, permission !== PREVIEW)
  api.tape.append('request', requestBody(words, number, permitted.auditId, exchange, principal, attributes))
  if (taped !== undefined) recordBody(gate, api.tape, number, taped)
  api.tape.append('decision', decisionBody(words, number, permission))
  return number
}

/** The same of a request that is refused: its words are learned from by nobody. Throws TapeFailed. */
export function recordRefused(gate: Gate, api: ApiTape, exchange: Exchange, known: Known, refusal: Refusal): number {
  const { words } = gate.masking
  const number = ++api.exchanges
  api.tape.append('request', requestBody(words, number, known.auditId, exchange, known.principal, known.attributes))
  if (known.body !== undefined && known.attributes !== undefined) {
    const mask = gate.masking.of(known.cluster, known.principal, known.attributes)
    recordBody(gate, api.tape, number, mask.body(exchange.fields, known.body, false))
  }
  api.tape.append('decision', decisionBody(words, number, refusal))
  return number
}

/** A request body, masked: the cluster gets it as it is, the tape does not. */
function recordBody(gate: Gate, tape: Tape, number: number, { body, masked, original }: TapedBody): void {
  for (const each of masked) tape.append('masked', maskedBody(number, each))
  if (original !== undefined) tape.append('original', originalBody('requestBody', number, original))
  recordWhole(tape, 'requestBody', number, body, gate.bodyBytes)
}
