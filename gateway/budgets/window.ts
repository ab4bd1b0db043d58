// What was spent in a sliding window, kept by parts of it: a part is forgotten as a whole, a part or two late and never early,
// so that no window of that length ever holds more than was allowed. Times are arguments; a clock that goes back is stood still.

import { limits } from '../../protocols/limits.ts'

/** A part's beginning, in milliseconds since 1970, and what was spent in it. */
export type Spent = readonly [start: number, amount: number]

export class Window {
  readonly millis: number
  readonly #partMillis: number
  /** By the number of the part, modulo their number: the part that is under way and those that a window before it reaches. */
  readonly #parts: Float64Array
  #last = 0
  #total = 0

  constructor(millis: number) {
    this.millis = millis
    this.#partMillis = Math.ceil(millis / limits.approvals.budgetParts)
    this.#parts = new Float64Array(Math.ceil(millis / this.#partMillis) + 1)
  }

  total(now: number): number {
    this.#advance(now)
    return this.#total
  }

  /** Returns the part that it was added to, for `giveBack`. */
  add(amount: number, now: number): number {
    this.#advance(now)
    this.#at(this.#last, amount)
    return this.#last
  }

  /** Takes back what was added to a part and did not come about after all; nothing where the part is over. */
  giveBack(amount: number, part: number): void {
    if (part > this.#last - this.#parts.length) this.#at(part, -amount)
  }

  /** When so much of what is spent will have come back, in milliseconds since 1970. */
  backAt(amount: number, now: number): number {
    this.#advance(now)
    let back = 0
    for (let part = Math.max(0, this.#last - this.#parts.length + 1); part <= this.#last; part++) {
      back += this.#parts[part % this.#parts.length] as number
      if (back >= amount) return (part + this.#parts.length) * this.#partMillis
    }
    return now + this.millis
  }

  /** Oldest first. */
  spent(now: number): Spent[] {
    this.#advance(now)
    const spent: Spent[] = []
    for (let part = Math.max(0, this.#last - this.#parts.length + 1); part <= this.#last; part++) {
      const amount = this.#parts[part % this.#parts.length] as number
      if (amount > 0) spent.push([part * this.#partMillis, amount])
    }
    return spent
  }

  /** Of another window, perhaps of another length: never forgotten earlier for that. */
  restore(spent: readonly Spent[], partMillis: number, now: number): void {
    this.#advance(now)
    for (const [start, amount] of spent) {
      const end = partMillis === this.#partMillis ? start : start + partMillis
      const part = Math.min(Math.floor(end / this.#partMillis), this.#last)
      if (part > this.#last - this.#parts.length) this.#at(part, amount)
    }
  }

  get partMillis(): number {
    return this.#partMillis
  }

  #at(part: number, amount: number): void {
    const at = part % this.#parts.length
    this.#parts[at] = (this.#parts[at] as number) + amount
    this.#total += amount
  }

  #advance(now: number): void {
    const part = Math.floor(now / this.#partMillis)
    if (part <= this.#last) return
    const { length } = this.#parts
    if (part - this.#last >= length) {
      this.#parts.fill(0)
      this.#total = 0
    } else {
      for (let next = this.#last + 1; next <= part; next++) {
        this.#total -= this.#parts[next % length] as number
        this.#parts[next % length] = 0
      }
    }
    this.#last = part
  }
}
