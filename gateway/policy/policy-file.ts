// Reads an AccessPolicy file into a compiled policy. Refuses the file whole, with every mistake in it, or takes it whole.

import { readFile } from '../config-file.ts'
import type { Durability } from '../decision.ts'
import { checkPolicy, NOT_YET, policyDocument } from './document.ts'
import { compilePolicy, type Policy } from './policy.ts'

/**
 * Without a file: reads are allowed, all else is denied. `durability` is for what no rule says otherwise. Throws
 * ConfigError.
 */
export function readPolicy(file: string | undefined, durability: Durability): Policy {
  if (file === undefined) {
    return compilePolicy(policyDocument.parse({ apiVersion: 'sallyport/v1', kind: 'AccessPolicy' }), durability)
  }
  return compilePolicy(readFile(file, { schema: policyDocument, notYet: NOT_YET, check: checkPolicy }), durability)
}
