// From the masking part of a configuration to what masks: a pure function, so that a file can be masked as a gateway would.

import { randomBytes } from 'node:crypto'
import { Detection } from '../../protocols/detect/detection.ts'
import { DETECTORS } from '../../protocols/detect/detectors.ts'
import { LearnedValues } from '../../protocols/detect/learned-values.ts'
import { limits } from '../../protocols/limits.ts'
import { ageFile, ageRecipient } from './age-file.ts'
import { builtinRules } from './builtin-rules.ts'
import type { MaskingDocument } from './document.ts'
import type { LearnFrom } from './field-record.ts'
import { configuredRule } from './mask-rule.ts'
import { Masking } from './masking.ts'
import type { Seal } from './original.ts'

/**
 * `key`: of the sentinels. `learned`: what a gateway has learned, which outlives its configurations. Throws for a document
 * that check.ts would have refused.
 */
export function maskingOf(document: MaskingDocument, key: Uint8Array, learned: LearnedValues): Masking {
  const { disabled, patterns } = document.detectors
  const detectors = new Set([...DETECTORS.keys()].filter((name) => !disabled.includes(name)))
  const text = new Detection({ detectors, patterns, learned: document.learn ? learned : undefined })
  return new Masking({
    key,
    rules: [...builtinRules(document.builtin), ...document.rules.map(configuredRule)],
    exempt: document.exempt,
    opaque: document.opaque,
    seal: document.originals === undefined ? undefined : sealOf(document.originals.recipients),
    text,
    detectors: document.learn ? new Detection({ detectors, patterns, learned: undefined }) : text,
    learn: document.learn ? learnerOf(learned) : undefined,
  })
}

/** Encrypts what is masked, as it was. Throws RecipientError. */
function sealOf(texts: readonly string[]): Seal {
  const recipients = texts.map(ageRecipient)
  return (bytes) => ageFile(recipients, bytes)
}

/** What a gateway starts with: in memory alone, by a key of this process alone. */
export function nothingLearned(): LearnedValues {
  const { learned, learnedBytes, learnedPiece, learnedDepth, learnedShortest } = limits.detect
  return new LearnedValues(randomBytes(32), {
    values: learned,
    bytes: learnedBytes,
    piece: learnedPiece,
    depth: learnedDepth,
    shortest: learnedShortest,
  })
}

/** What names a thing is no secret, though a Secret holds it: it is masked there, and nowhere else. */
export function learnerOf(learned: LearnedValues): LearnFrom {
  return (object, path, value, origin) => {
    if (path.endsWith('.namespace')) return
    const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1')
    if (text === object.name || text === object.namespace) return
    learned.learn(value, origin)
  }
}
