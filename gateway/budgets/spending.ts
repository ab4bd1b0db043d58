// One call and the budgets that it spends from: what it costs by itself is spent as it begins, what its answer or stream
// holds as that passes. All the counters of a step have room, or none of them is touched and the step is refused.

import { ElementCounter } from '../../protocols/json/element-counter.ts'
import type { Budget, BudgetLimit, Cost, Meter } from '../budget.ts'
import { type Refusal, refuse } from '../decision.ts'
import type { Counter } from './counter.ts'
import { overBudget } from './refusals.ts'

/** A figure of a budget and its counter. */
export interface Share {
  readonly budget: Budget
  readonly limit: BudgetLimit
  counter: Counter
}

export interface SpendingOptions {
  readonly now: () => number
  /** Something was spent or given back. */
  readonly changed: () => void
  /** What counts in place of a counter that was forgotten. */
  readonly inForce: (counter: Counter) => Counter
  readonly exceeded: (share: Share, refusal: Refusal) => void
}

export class Spending implements Meter {
  readonly #shares: readonly Share[]
  readonly #cost: Cost
  readonly #options: SpendingOptions
  readonly #objectShares: readonly Share[]
  readonly #byteShares: readonly Share[]
  readonly #begun: Begun[] = []
  readonly #names: { readonly counter: Counter; readonly touches: number }[] = []
  #elements: ElementCounter | undefined
  #isOver = false

  constructor(shares: readonly Share[], cost: Cost, options: SpendingOptions) {
    this.#shares = shares
    this.#cost = cost
    this.#options = options
    this.#byteShares = shares.filter(({ limit }) => limit.counted === 'bytesOut')
    this.#objectShares = shares.filter(({ limit }) => isOfObjects(limit, cost))
  }

  /** Whether what the answer holds has to be read: then it must come as plain JSON. */
  get readsAnswer(): boolean {
    return this.#cost.answer !== 'none' && this.#objectShares.length > 0
  }

  /** Spends what the call costs by itself. Called once, first. */
  begin(): Refusal | undefined {
    const now = this.#options.now()
    for (const share of this.#shares) {
      const needed = this.#needed(share, now)
      if (needed > share.limit.limit - share.counter.total(now)) return this.#refused(share, needed, now)
    }
    for (const share of this.#shares) {
      if (share.limit.counted === 'namespacesTouched') {
        const { namespace } = this.#cost
        if (typeof namespace !== 'string' || namespace === '') continue
        const { counter } = share
        const isNew = !counter.hasName(namespace, now)
        const touches = counter.addName(namespace, now)
        if (isNew) this.#names.push({ counter, touches })
        continue
      }
      const amount = costIn(share.limit, this.#cost)
      if (amount === 0) continue
      const { counter } = share
      this.#begun.push({ share, counter, amount, part: counter.add(amount, now), windowMillis: counter.windowMillis })
    }
    this.#options.changed()
    return undefined
  }

  /** The call does not go on after all: nobody has allowed it. What it was counted as by its rate stays. */
  giveBack(): void {
    for (const begun of this.#begun) if (begun.share.limit.counted !== 'callsPerSecond') takeBack(begun)
    for (const { counter, touches } of this.#names) counter.giveBackName(this.#cost.namespace as string, touches)
    this.#options.changed()
  }

  answered(status: number, type: string, length: number | undefined): Refusal | undefined {
    if (status < 200 || status > 299) {
      this.#giveBackObjects()
    } else if (this.readsAnswer) {
      if (type !== 'application/json') {
        this.#isOver = true
        const message =
          'the cluster answered in a form whose objects cannot be counted, so the answer was not passed on'
        return refuse(502, 'BadGateway', 'budgets.uncountable', message)
      }
      this.#elements = new ElementCounter(this.#cost.answer === 'watch')
    }
    if (length === undefined || this.#byteShares.length === 0) return undefined
    const now = this.#options.now()
    const over = this.#byteShares.find(({ limit, counter }) => length > limit.limit - counter.total(now))
    return over === undefined ? undefined : this.#refused(over, length, now)
  }

  passes(bytes: Uint8Array): Refusal | undefined {
    const objects = this.#elements?.receive(bytes) ?? 0
    return this.#more(objects, bytes.length)
  }

  streams(count: number): Refusal | undefined {
    return this.#more(0, count)
  }

  #more(objects: number, bytes: number): Refusal | undefined {
    const now = this.#options.now()
    const refusal = this.#overWith(this.#objectShares, objects, now) ?? this.#overWith(this.#byteShares, bytes, now)
    if (refusal !== undefined) return refusal
    if (objects > 0) for (const { counter } of this.#objectShares) counter.add(objects, now)
    for (const { counter } of this.#byteShares) counter.add(bytes, now)
    if (objects > 0 || this.#byteShares.length > 0) this.#options.changed()
    return undefined
  }

  #overWith(shares: readonly Share[], amount: number, now: number): Refusal | undefined {
    if (amount === 0) return undefined
    for (const share of shares) {
      if (share.counter.isForgotten) share.counter = this.#options.inForce(share.counter)
      if (amount > share.limit.limit - share.counter.total(now)) return this.#refused(share, amount, now)
    }
    return undefined
  }

  /** An answer without the object that was asked for. */
  #giveBackObjects(): void {
    for (const begun of this.#begun) if (isOfObjects(begun.share.limit, this.#cost)) takeBack(begun)
    if (this.#objectShares.length > 0) this.#options.changed()
  }

  /** What must have room. Of what is counted later there must be some left. */
  #needed({ limit, counter }: Share, now: number): number {
    const { counted } = limit
    if (counted === 'namespacesTouched') {
      const { namespace } = this.#cost
      if (typeof namespace !== 'string') return Number.POSITIVE_INFINITY
      return namespace === '' || counter.hasName(namespace, now) ? 0 : 1
    }
    const isLater = counted === 'bytesOut' || (this.#cost.answer !== 'none' && isOfObjects(limit, this.#cost))
    return isLater ? 1 : costIn(limit, this.#cost)
  }

  #refused(share: Share, needed: number, now: number): Refusal {
    const refusal = overBudget(share, needed, now)
    // Told once: what comes behind a piece that did not pass is refused as well.
    if (!this.#isOver) this.#options.exceeded(share, refusal)
    this.#isOver = true
    return refusal
  }
}

/** What was spent as the call began: how much, and where. */
interface Begun {
  readonly share: Share
  readonly counter: Counter
  readonly amount: number
  readonly part: number
  readonly windowMillis: number
}

/** Not where the policy has cut the window into other parts since. */
function takeBack({ counter, amount, part, windowMillis }: Begun): void {
  if (counter.windowMillis === windowMillis) counter.giveBack(amount, part)
}

function isOfObjects({ counted }: BudgetLimit, { isSecret }: Cost): boolean {
  return counted === 'objectsReturned' || (counted === 'secretsRead' && isSecret)
}

/** What is spent as the call begins; not of namespaces. */
function costIn({ counted }: BudgetLimit, cost: Cost): number {
  switch (counted) {
    case 'callsPerSecond':
      return 1
    case 'mutations':
      return cost.mutations
    case 'deletions':
      return cost.deletions
    case 'execs':
      return cost.execs
    case 'objectsReturned':
      return cost.objects
    case 'secretsRead':
      return cost.isSecret ? cost.objects : 0
    case 'bytesOut':
    case 'namespacesTouched':
      return 0
  }
}
