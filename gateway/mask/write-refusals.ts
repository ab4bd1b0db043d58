// Why a write to what has masked fields goes no further, though no mask is in it: the tape could not hold it masked, or it takes
// a value to where nobody masks it. Refused for everybody, exempt or not.

import type { FieldMasker } from '../../protocols/kube/field-masker.ts'
import { type Refusal, refuse } from '../decision.ts'
import type { AskedRules } from './asked-rules.ts'
import type { FieldNode } from './field-tree.ts'
import { movedOut } from './patch-paths.ts'
import { maskedFields } from './taped-body.ts'

/** `type`: lower-cased, without parameters. `isPart`: of an object, as a patch is. */
export function unkept(body: Uint8Array, type: string, rules: AskedRules, isPart: boolean): Refusal | undefined {
  const masker: FieldMasker = { select: (object) => rules.select(object, isPart), mask: () => '' }
  if (maskedFields(body, type, masker, rules.tree) !== undefined) return undefined
  const message = 'the body has a part twice, too deep, too long or unknown here, so it cannot be masked on the tape'
  if (!type.includes('protobuf')) return refuse(400, 'BadRequest', 'mask.unreadable_body', message)
  return refuse(415, 'UnsupportedMediaType', 'mask.unreadable_body', `${message}; send it as JSON`)
}

/** `body`: where it is a JSON patch, it has been found to be JSON. */
export function moved(body: Uint8Array, type: string, tree: FieldNode): Refusal | undefined {
  if (type !== 'application/json-patch+json') return undefined
  const at = movedOut(JSON.parse(new TextDecoder().decode(body)), tree)
  if (at === -1) return undefined
  const message = `operation ${at} of the patch takes a masked value to a field in which it would not be masked, or gives a variable that may be masked another name; write the value there itself`
  return refuse(422, 'Invalid', 'mask.moved', message)
}
