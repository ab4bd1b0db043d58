// Reads a YAML body into what it means. Refuses, by throwing, what is no YAML, and aliases that blow up.

import { parseAllDocuments } from 'yaml'

/** Aliases of one document that are followed (CVE-2019-11253: a few hundred bytes that mean gigabytes). */
const ALIASES = 100

/** The documents of a body, in order; JSON is YAML as well. Throws where the text is neither. */
export function readYaml(text: string): unknown[] {
  try {
    return [JSON.parse(text)]
  } catch {
    return parseAllDocuments(text).map((document) => {
      if (document.errors.length > 0) throw document.errors[0]
      return document.toJS({ maxAliasCount: ALIASES })
    })
  }
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
