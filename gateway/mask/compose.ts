// From the masking part of a configuration to what masks: a pure function, so that a file can be masked as a gateway would.

import { builtinRules } from './builtin-rules.ts'
import type { MaskingDocument } from './document.ts'
import { configuredRule } from './mask-rule.ts'
import { Masking } from './masking.ts'
import { NOTHING_LOOKED_FOR } from './text.ts'

/** `key`: of the sentinels. Throws for a document that check.ts would have refused. */
export function maskingOf(document: MaskingDocument, key: Uint8Array): Masking {
  return new Masking({
    key,
    rules: [...builtinRules(document.builtin), ...document.rules.map(configuredRule)],
    exempt: document.exempt,
    opaque: document.opaque,
    text: NOTHING_LOOKED_FOR,
    detectors: NOTHING_LOOKED_FOR,
    learn: undefined,
  })
}
