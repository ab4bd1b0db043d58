// The cluster's answer to an upgrade -> on its 101 a relay between client and cluster, in the protocol that they have agreed
// on; any other is put on the tape, whole and masked, for the caller to get by HTTP. What may no longer go on is not joined.

import type { Fields } from '../protocols/fields.ts'
import type { StreamOffer } from '../protocols/kube/handshake.ts'
import type { Gate } from './gate.ts'
import { answerable } from './hop-by-hop.ts'
import { type Permitted, reasonOf, stopped, whoIs } from './permitted.ts'
import { maskedBody, originalBody, recordWhole, redacted } from './recording.ts'
import { streamProtocol } from './stream/protocols.ts'
import type { Tape } from './tape/tape.ts'
import { refuseOn } from './turned-away.ts'
import type { UpgradeAnswer } from './upstream/upstream.ts'

/** What an upgrade has come to: its tape, and the cluster's 101. */
interface Upgraded {
  readonly tape: Tape
  readonly number: number
  readonly answer: UpgradeAnswer & { readonly switched: true }
}

/** Joins client and cluster behind the 101, in the protocol that they have agreed on. */
export async function join(gate: Gate, permitted: Permitted, offer: StreamOffer, upgraded: Upgraded): Promise<void> {
  const { exchange, attributes, permission } = permitted
  const { tape, number, answer } = upgraded
  const agreed = streamProtocol(offer, attributes, answer.head, tape, permitted.mask.stream())
  if ('status' in agreed) {
    answer.socket.destroy()
    refuseOn(gate, exchange, tape, number, agreed, permitted.auditId)
    tape.seal('fault')
    return
  }
  const refused = stopped(gate, permitted)
  if (refused !== undefined) {
    answer.socket.destroy()
    refuseOn(gate, exchange, tape, number, refused, permitted.auditId)
    tape.seal(reasonOf(refused))
    return
  }
  tape.append('response', { exchange: number, status: 101, fields: agreed.fields, by: 'cluster' })
  if (permission.durability === 'strict') await tape.durable()
  const late = stopped(gate, permitted)
  if (exchange.isGone || answer.socket.destroyed || late !== undefined) {
    tape.seal(late !== undefined ? reasonOf(late) : exchange.isGone ? 'client gone' : 'cluster gone')
    answer.socket.destroy()
    exchange.abort()
    return
  }
  const counted = gate.users.begin(exchange.user)
  const relay = agreed.relay({
    client: exchange.switch(agreed.fields),
    cluster: { socket: answer.socket, trailing: answer.trailing },
    tape,
    store: gate.store,
    durability: permission.durability,
    deadlines: gate.deadlines,
    expiresAt: permitted.principal.expiresAt,
    meter: permitted.spending,
    ended: (reason, fault) => {
      if (counted) gate.users.end(permitted.principal.user)
      gate.streams.delete(relay)
      gate.metrics.openStreams.dec()
      gate.log.info({ tape: tape.id, auditId: permitted.auditId, reason, fault: fault?.rule }, 'stream ended')
    },
  })
  gate.streams.set(relay, whoIs(permitted))
  gate.metrics.openStreams.inc()
  relay.start()
}

/** Records the answer of a cluster that does not switch. Returns what the caller may see of it. Throws TapeFailed. */
export function declined(
  gate: Gate,
  { mask }: Permitted,
  tape: Tape,
  number: number,
  { head, body }: UpgradeAnswer & { readonly switched: false },
): { readonly fields: Fields; readonly body: Uint8Array } {
  const { taped, passed } = mask.whole(answerable(head.fields), body)
  tape.append('response', { exchange: number, status: head.status, fields: redacted(taped.fields), by: 'cluster' })
  for (const each of taped.masked) tape.append('masked', maskedBody(number, each))
  if (taped.original !== undefined) tape.append('original', originalBody('responseBody', number, taped.original))
  recordWhole(tape, 'responseBody', number, taped.body, gate.bodyBytes)
  return passed
}
