// All counters of budgets, kept in a journal: what a call costs is spent before it goes on, all of it or none, in one step
// that nothing comes between. Nobody waits for the disk: what a crash forgets is at most what was spent in
// `limits.approvals.budgetMillis` and the write after it. Refuses more counters than are held.

import { createHash } from 'node:crypto'
import { limits } from '../../protocols/limits.ts'
import { type Book, type Journal, JournalFailed } from '../approvals/journal.ts'
import type { Timers } from '../approvals/timers.ts'
import type { Budget, BudgetLimit, Cost, Counted, Spender } from '../budget.ts'
import { type Refusal, refuse } from '../decision.ts'
import { Counter, type CounterId, type CounterRecord } from './counter.ts'
import { type Share, Spending } from './spending.ts'

export interface BudgetsOptions {
  readonly journal: Journal
  readonly timers: Timers
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export interface BudgetExceeded {
  readonly budget: string
  readonly counted: Counted
  readonly spender: Spender
  readonly refusal: Refusal
}

/** What is left of one budget, for whoever asks. */
export interface BudgetLeft {
  readonly name: string
  readonly per: Budget['per']
  readonly limits: readonly {
    readonly counted: Counted
    readonly limit: number
    readonly left: number
    readonly windowSeconds: number
    /** When all of it is there again, RFC 3339; null while nothing is spent. */
    readonly renewsAt: string | null
  }[]
}

export class Budgets implements Book {
  readonly topic = 'budgets'
  readonly #options: BudgetsOptions
  readonly #counters = new Map<string, Counter>()
  /** How many are each user's. */
  readonly #owned = new Map<string, number>()
  readonly #listeners = new Set<(event: BudgetExceeded) => void>()
  #cancelFlush: (() => void) | undefined

  constructor(options: BudgetsOptions) {
    this.#options = options
    options.journal.register(this)
  }

  /**
   * Spends what a call costs, before it goes on. Refusals: budgets.NAME (403, of a rate 429), budgets.many (429). `budgets`
   * are all that are for the call.
   */
  spend(budgets: readonly Budget[], spender: Spender, cost: Cost): Spending | Refusal {
    const now = this.#options.now()
    const shares: Share[] = []
    for (const budget of budgets) {
      for (const limit of budget.limits) {
        const counter = this.#counter(budget, limit, spender, now)
        if (counter === undefined) return tooMany()
        shares.push({ budget, limit, counter })
      }
    }
    const spending = new Spending(shares, cost, {
      now: this.#options.now,
      changed: () => this.#flushSoon(),
      inForce: (counter) => this.#inForce(counter),
      exceeded: ({ budget, limit, counter }, refusal) => {
        const at = this.#options.now()
        if (at - counter.toldAt < limits.approvals.budgetTellMillis) return
        counter.toldAt = at
        const event = { budget: budget.name, counted: limit.counted, spender, refusal }
        for (const listener of this.#listeners) listener(event)
      },
    })
    return spending.begin() ?? spending
  }

  /** What is left of each of these budgets. Makes no counter. */
  left(budgets: readonly Budget[], spender: Spender): readonly BudgetLeft[] {
    const now = this.#options.now()
    return budgets.map((budget) => ({
      name: budget.name,
      per: budget.per,
      limits: budget.limits.map((limit) => {
        const { counted, limit: most, windowMillis } = limit
        const counter = this.#counters.get(keyOf(idOf(budget, counted, spender)))
        const total = counter?.total(now) ?? 0
        const renewsAt = counter === undefined || total === 0 ? null : counter.backAt(total, now)
        return {
          counted,
          limit: most,
          left: Math.max(0, most - total),
          windowSeconds: windowMillis / 1000,
          renewsAt: renewsAt === null ? null : new Date(renewsAt).toISOString(),
        }
      }),
    }))
  }

  /** Told of refusals, of each counter now and then. Does not throw. Returns the remover. */
  onExceeded(listener: (event: BudgetExceeded) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Writes what has changed; for the end of the process. */
  close(): void {
    this.#cancelFlush?.()
    this.#cancelFlush = undefined
    this.#flush()
  }

  reset(): void {
    // What is in memory is newer than what is on disk, and stays.
    for (const counter of this.#counters.values()) {
      counter.number = undefined
      counter.isDirty = true
    }
  }

  replay(record: unknown, number: number): void {
    const kept = record as CounterRecord
    const key = keyOf(kept)
    let counter = this.#counters.get(key)
    if (counter === undefined) {
      counter = Counter.restored(kept, ownerOf(kept.spender), this.#options.now())
      this.#put(key, counter)
    }
    counter.number = number
  }

  restored(): void {
    this.#sweep(this.#options.now())
    this.#flush()
  }

  failed(): void {
    this.#cancelFlush?.()
    this.#cancelFlush = undefined
  }

  #counter(budget: Budget, { counted, windowMillis }: BudgetLimit, spender: Spender, now: number): Counter | undefined {
    const id = idOf(budget, counted, spender)
    const key = keyOf(id)
    const found = this.#counters.get(key)
    if (found !== undefined) {
      found.resize(windowMillis, now)
      return found
    }
    const owner = ownerOf(id.spender)
    if (!this.#hasRoom(owner)) this.#sweep(now)
    if (!this.#hasRoom(owner)) return undefined
    const counter = new Counter(id, owner, windowMillis)
    this.#put(key, counter)
    return counter
  }

  /** The same counter, or what has taken its place: a long stream outlives one of which nothing was spent. */
  #inForce(counter: Counter): Counter {
    const key = keyOf(counter.id)
    const found = this.#counters.get(key)
    if (found !== undefined) return found
    counter.isForgotten = false
    this.#put(key, counter)
    return counter
  }

  #hasRoom(owner: string): boolean {
    if (this.#counters.size >= limits.approvals.budgetKeys) return false
    return owner === '' || (this.#owned.get(owner) ?? 0) < limits.approvals.userBudgetKeys
  }

  #put(key: string, counter: Counter): void {
    this.#counters.set(key, counter)
    if (counter.owner !== '') this.#owned.set(counter.owner, (this.#owned.get(counter.owner) ?? 0) + 1)
  }

  /** Forgets counters of which nothing is spent. */
  #sweep(now: number): void {
    for (const [key, counter] of this.#counters) {
      if (counter.total(now) > 0 || !this.#forget(counter)) continue
      this.#counters.delete(key)
      counter.isForgotten = true
      counter.number = undefined
      const left = (this.#owned.get(counter.owner) ?? 0) - 1
      if (left > 0) this.#owned.set(counter.owner, left)
      else this.#owned.delete(counter.owner)
    }
  }

  /** Takes its record away; false if the journal takes nothing now. */
  #forget({ number }: Counter): boolean {
    if (number === undefined) return true
    return this.#tried(() => this.#options.journal.remove([number]))
  }

  #flushSoon(): void {
    if (this.#cancelFlush !== undefined || this.#options.journal.failed !== undefined) return
    this.#cancelFlush = this.#options.timers.after(limits.approvals.budgetMillis, () => {
      this.#cancelFlush = undefined
      this.#flush()
    })
  }

  #flush(): void {
    const now = this.#options.now()
    for (const counter of this.#counters.values()) {
      if (!counter.isDirty || !counter.isKept) continue
      const isTaken = this.#tried(() => {
        const replaced = counter.number === undefined ? [] : [counter.number]
        counter.number = this.#options.journal.append(this, counter.record(now), replaced)
        counter.isDirty = false
      })
      if (!isTaken) return
    }
  }

  /** False while the journal has failed: it is written once the journal has come back. */
  #tried(step: () => void): boolean {
    if (this.#options.journal.failed !== undefined) return false
    try {
      step()
      return true
    } catch (error) {
      if (error instanceof JournalFailed) return false
      throw error
    }
  }
}

function tooMany(): Refusal {
  const message =
    'there are too many counters of budgets; if you name runs (Sallyport-Run), name fewer, or wait until the first are over'
  return refuse(429, 'TooManyRequests', 'budgets.many', message)
}

/** A run is what its caller says: it counts within the principal, so that nobody spends another's. */
function idOf({ name, per }: Budget, counted: Counted, { user, actor, run }: Spender): CounterId {
  if (per === 'actor' && actor !== '') return { budget: name, counted, spender: ['actor', actor] }
  if (per === 'run') return { budget: name, counted, spender: ['run', user, actor, bounded(run)] }
  return { budget: name, counted, spender: ['principal', user, actor] }
}

/** A longer name is known by its digest: records and memory do not depend on it. */
function bounded(name: string): string {
  return name.length <= LONGEST_NAME ? name : createHash('sha256').update(name, 'utf16le').digest('hex')
}

const LONGEST_NAME = 128

function ownerOf([kind, user = '']: CounterId['spender']): string {
  return kind === 'actor' ? '' : user
}

function keyOf({ budget, counted, spender }: CounterId): string {
  return JSON.stringify([budget, counted, ...spender])
}
