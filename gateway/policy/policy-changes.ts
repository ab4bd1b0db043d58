// Two policies -> what a reload has changed, by the names of rules, grants and budgets, with each as it is written before
// and after; and a sum by which two policies are known to be the same.

import { createHash } from 'node:crypto'
import type { Policy } from './policy.ts'

export interface PolicyChange {
  /** "rule shells", "grant edit", "budget deletes", "default", "durability". */
  readonly what: string
  readonly how: 'added' | 'removed' | 'changed'
  /** JSON as written; "" where there was none. */
  readonly before: string
  readonly after: string
}

/** In the order of what they are and their names. Order among rules changes no decision, and is no change. */
export function policyChanges(before: Policy, after: Policy): PolicyChange[] {
  const [was, is] = [partsOf(before), partsOf(after)]
  const changes: PolicyChange[] = []
  for (const what of [...new Set([...was.keys(), ...is.keys()])].sort()) {
    const [old = '', fresh = ''] = [was.get(what), is.get(what)]
    if (old === fresh) continue
    const how = old === '' ? 'added' : fresh === '' ? 'removed' : 'changed'
    changes.push({ what, how, before: old, after: fresh })
  }
  return changes
}

/** SHA-256 over all of it, 64 hexadecimal digits. */
export function policySum(policy: Policy): string {
  const parts = [...partsOf(policy)].sort(([one], [other]) => (one < other ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

function partsOf({ rules, grants, budgets, default: defaults, durability }: Policy): Map<string, string> {
  const parts = new Map([
    ['default', JSON.stringify(defaults)],
    ['durability', JSON.stringify(durability)],
  ])
  for (const [kind, named] of [
    ['rule', rules],
    ['grant', grants],
    ['budget', budgets],
  ] as const) {
    for (const { name, source } of named) parts.set(`${kind} ${name}`, JSON.stringify(source))
  }
  return parts
}
