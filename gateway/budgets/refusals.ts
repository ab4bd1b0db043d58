// A budget that has no room for a call or for what it holds -> the refusal that names it, what is left and when it renews.
// A rate is a 429, all else a 403; neither has a Retry-After, on which client-go repeats any verb.

import type { BudgetLimit, Counted } from '../budget.ts'
import { type Refusal, refuse } from '../decision.ts'
import type { Share } from './spending.ts'

/** How a person says so many of what is counted. */
const WORDS: Readonly<Record<Counted, string>> = {
  mutations: 'changes',
  deletions: 'deletions',
  objectsReturned: 'objects returned',
  secretsRead: 'Secrets read',
  namespacesTouched: 'namespaces',
  execs: 'execs',
  bytesOut: 'bytes out',
  callsPerSecond: 'calls',
}

/** budgets.NAME. `needed`: Infinity for what no budget has room for, since nobody knows how much it is. */
export function overBudget({ budget, limit, counter }: Share, needed: number, now: number): Refusal {
  const left = Math.max(0, limit.limit - counter.total(now))
  const what = `budget ${budget.name} allows ${figure(limit)} per ${budget.per}, and ${left} ${left === 1 ? 'is' : 'are'} left`
  const rule = `budgets.${budget.name}`
  const causes: [string, string][] = [
    ['SallyportBudget', budget.name],
    ['SallyportBudgetLeft', `${left} of ${figure(limit)}`],
  ]
  if (needed === Number.POSITIVE_INFINITY) {
    return { ...refuse(403, 'Forbidden', rule, `${what}; ${UNCOUNTABLE[limit.counted] ?? ''}`), causes }
  }
  if (needed > limit.limit) {
    const message = `${what}; this takes ${needed}, so no wait will make room: ask for less, or ask whoever writes the policy for more`
    return { ...refuse(403, 'Forbidden', rule, message), causes }
  }
  const renewsAt = new Date(counter.backAt(needed - left, now)).toISOString()
  causes.push(['SallyportBudgetRenews', renewsAt])
  const message = `${what}; there is room again at ${renewsAt}`
  const isRate = limit.counted === 'callsPerSecond'
  return isRate
    ? { ...refuse(429, 'TooManyRequests', rule, message), causes }
    : { ...refuse(403, 'Forbidden', rule, message), causes }
}

const UNCOUNTABLE: Readonly<Partial<Record<Counted, string>>> = {
  deletions: 'how many objects this call deletes is not in it: delete them one by one, by their names',
  namespacesTouched: 'this call reaches every namespace: name one (-n)',
}

/** "3 deletions in 1 h". */
function figure({ counted, limit, windowMillis }: BudgetLimit): string {
  return `${limit} ${WORDS[counted]} in ${duration(windowMillis)}`
}

function duration(millis: number): string {
  for (const [unit, length] of UNITS) if (millis % length === 0) return `${millis / length} ${unit}`
  return `${millis} ms`
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const
