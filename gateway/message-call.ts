// A watch or a log over WebSocket -> the same call, on a tape of its own, whose answer goes to the client in messages. A
// watch whose events cannot be told apart, since they are no JSON, is refused.

import { type Fields, field } from '../protocols/fields.ts'
import type { AnswerOffer } from '../protocols/kube/handshake.ts'
import { Client } from './client.ts'
import { type Refusal, refuse } from './decision.ts'
import type { Gate } from './gate.ts'
import type { Call, Permitted } from './permitted.ts'
import { MessageExchange } from './stream/message-exchange.ts'
import { TapeFailed } from './tape/tape.ts'
import { unrecorded } from './turned-away.ts'

/** A watch or a log as WebSocket messages: a call on a tape of its own, since the connection's ends with the 101. */
export async function messages(gate: Gate, permitted: Permitted, offer: AnswerOffer, call: Call): Promise<void> {
  const { clusterName, auditId } = permitted
  const { store, deadlines, metrics, users } = gate
  const client = new Client(permitted.client.address, store, () => deadlines.now(), permitted.client.identified)
  const { tape } = client.apiTape(clusterName)
  let isOpen = false
  let isCounted = false
  const exchange = new MessageExchange(permitted.exchange, offer, deadlines, {
    switching: () => {
      isOpen = true
      isCounted = users.begin(exchange.user)
      metrics.openStreams.inc()
    },
    fault: ({ rule, message }) => {
      gate.log.info({ tape: tape.id, auditId, rule }, 'messages broken off')
      try {
        tape.append('note', { code: rule, text: message })
      } catch (error) {
        if (!(error instanceof TapeFailed)) throw error
      }
    },
    over: () => {
      client.seal('closed')
      if (isCounted) users.end(permitted.principal.user)
      if (isOpen) metrics.openStreams.dec()
    },
  })
  try {
    await call(gate, { ...permitted, client, exchange })
  } catch (error) {
    if (!(error instanceof TapeFailed)) {
      exchange.abort()
      throw error
    }
    unrecorded(gate, exchange)
  }
}

/** Events can be told apart in JSON alone, which is what the cluster was asked for. */
export function unlikeEvents(offer: Permitted['offer'], status: number, fields: Fields): Refusal | undefined {
  if (offer?.kind !== 'watch' || status !== 200) return undefined
  const type = (field(fields, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (type === 'application/json') return undefined
  const message = 'the cluster answered a watch with something else than JSON, so it was not passed on'
  return refuse(502, 'BadGateway', 'stream.unlike_events', message)
}
