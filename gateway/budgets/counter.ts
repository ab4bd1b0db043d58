// One figure of one budget for one spender: what is spent of it, whether more has room, and how it is kept on disk. It has
// no opinion on how much is allowed: that is the policy's in force.

import { limits } from '../../protocols/limits.ts'
import type { Counted } from '../budget.ts'
import { Names, type Touched } from './names.ts'
import { type Spent, Window } from './window.ts'

/** Which figure of which budget, and whose. */
export interface CounterId {
  readonly budget: string
  readonly counted: Counted
  readonly spender: readonly string[]
}

/** As the journal has it. */
export interface CounterRecord extends CounterId {
  readonly windowMillis: number
  readonly partMillis: number
  /** Amounts by the beginnings of parts, or names by when they came up. */
  readonly spent: readonly Spent[] | readonly Touched[]
}

export class Counter {
  readonly id: CounterId
  /** The user whose it is: a user has only so many; "" for an agent's. */
  readonly owner: string
  #window: Window
  #names: Names
  /** Its record, while it has one. */
  number: number | undefined
  /** Changed since it was recorded. */
  isDirty = false
  /** When listeners last heard that it has no room. */
  toldAt = 0
  /** Nothing is spent of it, and nobody holds it any more but a call that has begun. */
  isForgotten = false

  constructor(id: CounterId, owner: string, windowMillis: number) {
    this.id = id
    this.owner = owner
    this.#window = new Window(windowMillis)
    this.#names = new Names(windowMillis)
  }

  static restored(record: CounterRecord, owner: string, now: number): Counter {
    const { budget, counted, spender, windowMillis, partMillis, spent } = record
    const counter = new Counter({ budget, counted, spender }, owner, windowMillis)
    if (counted === 'namespacesTouched') counter.#names.restore(spent as readonly Touched[], now)
    else counter.#window.restore(spent as readonly Spent[], partMillis, now)
    return counter
  }

  get windowMillis(): number {
    return this.#window.millis
  }

  /** Whether a start finds it again: short windows are over by then. */
  get isKept(): boolean {
    return this.windowMillis >= limits.approvals.budgetKeptMillis
  }

  /** The policy has another window for it now: what was spent within that stays spent. */
  resize(windowMillis: number, now: number): void {
    if (windowMillis === this.windowMillis) return
    const { spent, partMillis } = this.record(now)
    this.#window = new Window(windowMillis)
    this.#names = new Names(windowMillis)
    if (this.id.counted === 'namespacesTouched') this.#names.restore(spent as readonly Touched[], now)
    else this.#window.restore(spent as readonly Spent[], partMillis, now)
    this.isDirty = true
  }

  total(now: number): number {
    return this.#window.total(now) + this.#names.total(now)
  }

  /** Returns the part that it was added to. */
  add(amount: number, now: number): number {
    if (amount > 0) this.isDirty = true
    return this.#window.add(amount, now)
  }

  giveBack(amount: number, part: number): void {
    this.#window.giveBack(amount, part)
    this.isDirty = true
  }

  hasName(name: string, now: number): boolean {
    return this.#names.has(name, now)
  }

  /** Returns how often it has come up, for `giveBackName`. */
  addName(name: string, now: number): number {
    if (this.#names.add(name, now)) this.isDirty = true
    return this.#names.touches(name)
  }

  giveBackName(name: string, touches: number): void {
    this.#names.giveBack(name, touches)
    this.isDirty = true
  }

  /** When so much of what is spent will have come back, in milliseconds since 1970. */
  backAt(amount: number, now: number): number {
    return this.id.counted === 'namespacesTouched' ? this.#names.backAt(now) : this.#window.backAt(amount, now)
  }

  record(now: number): CounterRecord {
    const isNames = this.id.counted === 'namespacesTouched'
    const spent = isNames ? this.#names.spent(now) : this.#window.spent(now)
    return { ...this.id, windowMillis: this.windowMillis, partMillis: this.#window.partMillis, spent }
  }
}
