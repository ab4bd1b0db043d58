// A request that goes no further -> the gateway's own answer to it, on a tape and then to the caller. Only where nothing can
// be recorded any more is it on none: then the caller is told that and nothing else.

import type { Client } from './client.ts'
import { type Refusal, refuse } from './decision.ts'
import type { Exchange } from './exchange.ts'
import type { Gate } from './gate.ts'
import type { Permitted } from './permitted.ts'
import { recordWhole } from './recording.ts'
import { refusalAnswer } from './refusal.ts'
import { type Known, recordRefused } from './request-entries.ts'
import type { Tape } from './tape/tape.ts'
import type { UpstreamFailed } from './upstream/upstream.ts'

/** A refusal before anything went to the cluster: on the connection's API tape, then to the caller. */
export function turnAway(gate: Gate, client: Client, exchange: Exchange, known: Known, refusal: Refusal): void {
  const api = client.apiTape(known.cluster)
  const number = recordRefused(gate, api, exchange, known, refusal)
  refuseOn(gate, exchange, api.tape, number, refusal, known.auditId)
}

/** The cluster gave no answer: the caller gets a Status that says so. */
export function answerFailed(
  gate: Gate,
  permitted: Permitted,
  tape: Tape,
  number: number,
  error: UpstreamFailed,
): void {
  const reason = error.status === 504 ? 'Timeout' : error.status === 503 ? 'ServiceUnavailable' : 'BadGateway'
  const refusal = refuse(error.status, reason, error.rule, error.message)
  refuseOn(gate, permitted.exchange, tape, number, refusal, permitted.auditId)
}

/** Tapes and sends an answer of the gateway's own. */
export function refuseOn(
  gate: Gate,
  exchange: Exchange,
  tape: Tape,
  number: number,
  refusal: Refusal,
  auditId: string,
): void {
  const { fields, body } = refusalAnswer(refusal, auditId)
  tape.append('response', { exchange: number, status: refusal.status, fields, by: 'gateway' })
  recordWhole(tape, 'responseBody', number, gate.masking.taped(body), gate.bodyBytes)
  if (refusal.rule.startsWith('upstream.')) gate.metrics.upstreamFailed(refusal.rule)
  else gate.metrics.refused(refusal.rule)
  gate.log.warn({ auditId, tape: tape.id, status: refusal.status, rule: refusal.rule }, 'refused')
  exchange.answer(refusal.status, fields, body, false)
}

/** Nothing can be recorded, so nothing passes: the one answer that is on no tape. */
export function unrecorded(gate: Gate, exchange: Exchange): void {
  const message = 'the gateway cannot record (its disk may be full or failing), so it forwards nothing; try again later'
  const { fields, body } = refusalAnswer(refuse(503, 'ServiceUnavailable', 'tape.failed', message), '')
  gate.metrics.refused('tape.failed')
  exchange.answer(503, fields, body, true)
}
