// SPDY events as a machine tells them, for tests of the stream labels.

import type { Fields } from '../../../protocols/fields.ts'
import type { SpdyEvent } from '../../../protocols/spdy/events.ts'

type SynStream = Extract<SpdyEvent, { readonly type: 'synStream' }>
type Data = Extract<SpdyEvent, { readonly type: 'data' }>

const NOTHING = new Uint8Array(0)

export function synStream(streamId: number, headers: Fields, more: Partial<SynStream> = {}): SynStream {
  const rest = { associatedId: 0, priority: 0, fin: false, unidirectional: false, block: 0, raw: NOTHING }
  return { type: 'synStream', streamId, headers, ...rest, ...more }
}

/** A whole data frame, or with `more` a piece of one. */
export function data(streamId: number, payload: string, more: Partial<Data> = {}): Data {
  const whole = { fin: false, start: true, end: true, header: NOTHING }
  return { type: 'data', streamId, payload: new Uint8Array(Buffer.from(payload)), ...whole, ...more }
}

export const FIN = { fin: true }

/** The rule of what was returned, or the value itself. */
export function ruleOf<Value>(result: Value): unknown {
  return result instanceof Error && 'rule' in result ? result.rule : result
}
