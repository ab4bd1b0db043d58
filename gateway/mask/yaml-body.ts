// Reads a body in JSON or YAML into what it means. Refuses, by throwing, what is no YAML, what has too many parts, aliases that blow up,
// and what would mean another object to the cluster than to the tape: merge keys and keys that are there twice.

import { Composer, type Document, isScalar, visit } from 'yaml'
import { limits } from '../../protocols/limits.ts'
import { tokensOf } from '../../protocols/yaml/document.ts'
import { hasKeyTwice } from '../json.ts'
import { hasOddLineEnds, hasTwoReadings } from '../yaml-readings.ts'

/** Aliases of one document that are followed (CVE-2019-11253: a few hundred bytes that mean gigabytes). */
const ALIASES = 100

/** Go takes both of two objects under one key, JSON.parse the last alone: SyntaxError. */
export function readJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  if (hasKeyTwice(text)) throw new SyntaxError('a key is there twice')
  return value
}

/** The documents of a body, in order; JSON is YAML as well. Throws where the text is neither. */
export function readYaml(text: string): unknown[] {
  if (hasOddLineEnds(text)) throw new SyntaxError('a text of two readings')
  try {
    return [readJson(text)]
  } catch {
    // The reader looks at keys pair by pair, which takes it minutes for a body of 3 MiB: we look.
    const options = { uniqueKeys: false, prettyErrors: false, logLevel: 'error' } as const
    const documents = [...new Composer(options).compose(tokensOf(text, limits.mask), false)] as Document.Parsed[]
    return documents.map((document) => {
      if (document.errors.length > 0) throw document.errors[0]
      if (hasTwoReadings(text, document)) throw new SyntaxError('a text of two readings')
      assertKeys(document)
      return document.toJS({ maxAliasCount: ALIASES }) as unknown
    })
  }
}

function assertKeys(document: Document.Parsed): void {
  visit(document, {
    Map(_, map) {
      const keys = new Set<string>()
      for (const { key } of map.items) {
        if (!isScalar(key)) continue
        if (key.type === 'PLAIN' && key.value === '<<') throw new SyntaxError('a merge key')
        const name = String(key.value)
        if (keys.has(name)) throw new SyntaxError('a key is there twice')
        keys.add(name)
      }
    },
  })
}

/** The JSON of a body's first document, which is all that the API server reads; undefined where there is none. */
export function jsonOfYaml(body: Uint8Array): Uint8Array | undefined {
  try {
    const [first] = readYaml(new TextDecoder('utf-8', { fatal: true }).decode(body))
    return first === undefined ? undefined : Buffer.from(JSON.stringify(first))
  } catch {
    return undefined
  }
}
