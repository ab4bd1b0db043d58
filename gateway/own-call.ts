// A request of the gateway's own, in a caller's name -> the cluster's answer, by the way that every call goes: recorded as
// theirs are, and masked for everybody. It ends with the exchange that it is made for.

import { MisuseError } from '../protocols/errors.ts'
import { limits } from '../protocols/limits.ts'
import type { Permission } from './decision.ts'
import type { Gate } from './gate.ts'
import { type OwnAnswer, OwnExchange, type OwnRequest } from './own-exchange.ts'
import type { Call, Permitted } from './permitted.ts'
import { requestInfo } from './request-info.ts'

/** Who a request of the gateway's own is made as, and for which exchange. */
type Caller = Pick<Permitted, 'client' | 'exchange' | 'cluster' | 'clusterName' | 'principal' | 'claims'>

/** Rejects with TapeFailed. */
export async function asCaller(gate: Gate, caller: Caller, request: OwnRequest, call: Call): Promise<OwnAnswer> {
  const attributes = requestInfo(request.method, request.target, undefined)
  if ('status' in attributes) throw new MisuseError('a request of the gateway’s own that it cannot read')
  if (caller.exchange.isGone) return 'broken'
  const { previewMillis: millis, previewBytes: bytes } = limits.approvals
  const exchange = new OwnExchange(request, { millis, bytes }, gate.deadlines)
  caller.exchange.owner = { drained: () => undefined, gone: () => exchange.leave('broken') }
  const { fields, body } = request
  const mask = gate.masking.of(caller.clusterName, undefined, attributes)
  try {
    await call(gate, {
      ...{ ...caller, exchange, attributes, mask, fields, body, permission: PREVIEW },
      ...{ offer: undefined, spending: undefined, auditId: gate.newId() },
    })
    return await exchange.answered
  } finally {
    caller.exchange.owner = undefined
  }
}

/** Nobody is asked for it: it is a part of asking. */
export const PREVIEW: Permission = {
  allowed: true,
  rule: 'approvals.preview',
  reason: 'to show people what the call would change',
  durability: 'group',
}
