// A policy in force and the files that it is from -> the next one, whole, with what has changed in it; or every mistake, and
// then the one in force stays. When to look is up to the caller: it watches the folder, or is told to.

import { statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { ConfigError, type Problem } from '../config-file.ts'
import type { Durability } from '../decision.ts'
import type { Effect, Policy, RequestClass } from './policy.ts'
import { readPolicy } from './policy-file.ts'

/** What another policy is to the one before it; names of rules, then of grants and budgets, in the order of the policy that has them. */
export interface PolicyChanges {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
  /** Rules that both have, as they are, but not in the same order: which of them gives its name may be another. */
  readonly reordered: boolean
  readonly defaults: readonly DefaultChange[]
}

export interface DefaultChange {
  readonly of: RequestClass
  readonly was: Exclude<Effect, 'requireApproval'>
  readonly is: Exclude<Effect, 'requireApproval'>
}

export type NextPolicy =
  | { readonly policy: Policy; readonly changes: PolicyChanges }
  /** Never empty. */
  | { readonly problems: readonly Problem[] }

/** `path` and `durability` as for readPolicy. Never throws: what it cannot read is a problem. */
export function nextPolicy(inForce: Policy, path: string | undefined, durability: Durability): NextPolicy {
  try {
    const policy = readPolicy(path, durability)
    return { policy, changes: policyChanges(inForce, policy) }
  } catch (error) {
    if (error instanceof ConfigError) return { problems: error.problems }
    // A folder that may not be read, or went away while it was.
    const code = (error as NodeJS.ErrnoException).code
    if (code === undefined) throw error
    return { problems: [{ file: path ?? '', line: 1, column: 1, path: '', message: `cannot be read: ${code}` }] }
  }
}

export function policyChanges(before: Policy, after: Policy): PolicyChanges {
  const were = sourcesOf(before)
  const are = sourcesOf(after)
  const namesOf = ({ rules }: Policy, other: ReadonlyMap<string, unknown>): string[] =>
    rules.flatMap(({ name }) => (other.has(name) ? [name] : []))
  const kept = namesOf(after, were)
  const classes: readonly RequestClass[] = ['reads', 'writes', 'streams']
  return {
    added: [...are.keys()].filter((name) => !were.has(name)),
    removed: [...were.keys()].filter((name) => !are.has(name)),
    changed: [...are.keys()].filter((name) => were.has(name) && !isDeepStrictEqual(were.get(name), are.get(name))),
    reordered: !isDeepStrictEqual(kept, namesOf(before, are)),
    defaults: classes.flatMap((of) => {
      const was = before.default[of]
      const is = after.default[of]
      return was === is ? [] : [{ of, was, is }]
    }),
  }
}

/** By their names, which differ over rules, grants and budgets. */
function sourcesOf({ rules, grants, budgets }: Policy): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>([...rules, ...grants, ...budgets].map(({ name, source }) => [name, source]))
}

/** False where the files say what they said before, in whatever words. */
export function isChange({ added, removed, changed, reordered, defaults }: PolicyChanges): boolean {
  return reordered || added.length + removed.length + changed.length + defaults.length > 0
}

/** "2 rules added (a, b), 1 changed (c), default.writes: deny is allow now": for the log and the tape. */
export function changesText(changes: PolicyChanges): string {
  const { added, removed, changed, reordered, defaults } = changes
  const lists = [
    ['added', added],
    ['removed', removed],
    ['changed', changed],
  ] as const
  const parts = lists.flatMap(([word, names]) =>
    names.length === 0
      ? []
      : [`${names.length} ${word} (${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ', …' : ''})`],
  )
  if (reordered) parts.push('the order of rules')
  for (const { of, was, is } of defaults) parts.push(`default.${of} from ${was} to ${is}`)
  return parts.length === 0 ? 'nothing' : parts.join('; ')
}

/** Names that a text lists. */
const SHOWN = 20

export interface WatchedFolder {
  readonly folder: string
  /** Whether something that happened to a name in the folder may concern the policy; null: the name is not known. */
  concerns(name: string | null): boolean
}

/** Where to watch: the folder that a policy file is in, since a file that is replaced is another file; or the directory itself. */
export function watchedFolder(path: string): WatchedFolder {
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  const file = basename(path)
  return {
    folder: isDirectory ? path : dirname(path),
    concerns(name) {
      // A mounted ConfigMap changes by a link of its own, "..data", and never the files.
      if (name === null || name.startsWith('..')) return true
      return isDirectory ? name.endsWith('.yaml') && !name.startsWith('.') : name === file
    },
  }
}
