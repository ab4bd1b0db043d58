// Narrows what a client accepts to what can be masked: JSON, in whatever shape (as, g, v) it asks for. Refuses, with 406,
// clients that take none of it.

import { type Fields, fieldList } from '../../protocols/fields.ts'
import { type Refusal, refuse } from '../decision.ts'

/** The fields with Accept narrowed and Accept-Encoding gone: what is compressed cannot be masked on its way. */
export function acceptMaskable(fields: Fields): Fields | Refusal {
  const kept: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] as string).toLowerCase()
    if (name !== 'accept' && name !== 'accept-encoding') kept.push(fields[at] as string, fields[at + 1] as string)
  }
  const asked = fieldList(fields, 'accept')
  const accepted = asked.length === 0 ? ['application/json'] : asked.map(asJson).filter((range) => range !== undefined)
  if (accepted.length === 0) {
    const message = 'this answer is masked, which only JSON can be: accept application/json'
    return refuse(406, 'NotAcceptable', 'mask.not_acceptable', message)
  }
  kept.push('Accept', accepted.join(','))
  return kept
}

/** A media range with its parameters, as one of JSON; undefined for what is another type. */
function asJson(range: string): string | undefined {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
  const name = type.toLowerCase()
  if (name !== 'application/json' && name !== 'application/*' && name !== '*/*') return undefined
  return ['application/json', ...parameters].join(';')
}
