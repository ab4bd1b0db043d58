// Reads an AccessPolicy, of one file or of a directory of them, into a compiled policy. Refuses it whole, with every mistake
// in it, or takes it whole.

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { limits } from '../../protocols/limits.ts'
import { ConfigError, type Problem, readFile } from '../config-file.ts'
import type { Durability } from '../decision.ts'
import { checkPolicy } from './check.ts'
import { type PolicyDocument, policyDocument } from './document.ts'
import { compilePolicy, type Policy } from './policy.ts'

/**
 * Without a path: reads are allowed, all else is denied. `durability` is for what no rule says otherwise. Throws
 * ConfigError.
 */
export function readPolicy(path: string | undefined, durability: Durability): Policy {
  if (path === undefined) {
    return compilePolicy(policyDocument.parse({ apiVersion: 'sallyport/v1', kind: 'AccessPolicy' }), durability)
  }
  const { document } = readDocuments(path)
  return compilePolicy(document, durability)
}

/** A policy as written, and which file each rule and each grant is from, and its place there. */
export interface PolicyFiles {
  readonly document: PolicyDocument
  readonly origins: readonly Origin[]
  readonly grantOrigins: readonly Origin[]
}

export interface Origin {
  readonly file: string
  readonly at: number
}

/**
 * A file, or the files *.yaml of a directory in the order of their names: their rules, grants and budgets one after
 * another, with names that differ over all of them; at most one of the files has defaults. Throws ConfigError.
 */
export function readDocuments(path: string): PolicyFiles {
  const names = new Set<unknown>()
  const problems: Problem[] = []
  const origins: Origin[] = []
  const grantOrigins: Origin[] = []
  const rules: PolicyDocument['rules'] = []
  const grants: PolicyDocument['grants'] = []
  const budgets: PolicyDocument['budgets'] = []
  let defaults: PolicyDocument['default'] | undefined
  let withDefaults: string | undefined
  for (const file of filesAt(path)) {
    let hasDefaults = false
    try {
      const document = readFile(file, {
        schema: policyDocument,
        notYet: {},
        check: (content, report) => {
          checkPolicy(content, report, names)
          hasDefaults = typeof content === 'object' && content !== null && 'default' in content
          if (hasDefaults && withDefaults !== undefined) {
            report(['default'], `${withDefaults} has defaults already; keep them in one file`)
          }
        },
      })
      if (hasDefaults || defaults === undefined) defaults = document.default
      origins.push(...document.rules.map((_, at) => ({ file, at })))
      rules.push(...document.rules)
      grantOrigins.push(...document.grants.map((_, at) => ({ file, at })))
      grants.push(...document.grants)
      budgets.push(...document.budgets)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push(...error.problems)
    }
    if (hasDefaults) withDefaults ??= file
  }
  if (problems.length > 0 || defaults === undefined) throw new ConfigError(problems)
  const document: PolicyDocument = {
    apiVersion: 'sallyport/v1',
    kind: 'AccessPolicy',
    default: defaults,
    rules,
    grants,
    budgets,
  }
  return { document, origins, grantOrigins }
}

/** Throws ConfigError where a directory has none, or too many. */
function filesAt(path: string): string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path]
  // Names with a dot in front are others' (a mounted ConfigMap keeps its versions there).
  const files = readdirSync(path).filter((name) => name.endsWith('.yaml') && !name.startsWith('.'))
  if (files.length > 0 && files.length <= limits.policy.files) return files.sort().map((name) => join(path, name))
  const message =
    files.length === 0
      ? 'the directory has no *.yaml; without a policy file reads are allowed and all else is denied'
      : `the directory has more than ${limits.policy.files} files`
  throw new ConfigError([{ file: path, line: 1, column: 1, path: '', message }])
}
