// The different names that were touched in a sliding window: a name is forgotten when it has not come up for that long.
// Times are arguments; a clock that goes back is stood still.

import { limits } from '../../protocols/limits.ts'

/** A name and when it came up last, in milliseconds since 1970, rounded up to a part of the window. */
export type Touched = readonly [at: number, name: string]

export class Names {
  readonly millis: number
  readonly #partMillis: number
  /** By when they came up last, oldest first. */
  readonly #names = new Map<string, { readonly at: number; readonly touches: number }>()
  #now = 0

  constructor(millis: number) {
    this.millis = millis
    this.#partMillis = Math.ceil(millis / limits.approvals.budgetParts)
  }

  total(now: number): number {
    this.#advance(now)
    return this.#names.size
  }

  has(name: string, now: number): boolean {
    this.#advance(now)
    return this.#names.has(bounded(name))
  }

  /** True if anything changed that is worth keeping on disk. */
  add(name: string, now: number): boolean {
    this.#advance(now)
    const kept = bounded(name)
    const at = Math.ceil(this.#now / this.#partMillis) * this.#partMillis
    const found = this.#names.get(kept)
    this.#names.delete(kept)
    this.#names.set(kept, { at, touches: (found?.touches ?? 0) + 1 })
    return found?.at !== at
  }

  /** How often it came up since it was not there. */
  touches(name: string): number {
    return this.#names.get(bounded(name))?.touches ?? 0
  }

  /** Takes back a name that `add` has added, where nobody else has touched it since. */
  giveBack(name: string, touches: number): void {
    if (this.touches(name) === touches) this.#names.delete(bounded(name))
  }

  /** When one more name has room, in milliseconds since 1970. */
  backAt(now: number): number {
    this.#advance(now)
    const [oldest] = this.#names.values()
    return (oldest?.at ?? this.#now) + this.millis
  }

  /** Oldest first. */
  spent(now: number): Touched[] {
    this.#advance(now)
    return [...this.#names].map(([name, { at }]) => [at, name])
  }

  restore(touched: readonly Touched[], now: number): void {
    for (const [at, name] of touched) {
      this.#names.set(bounded(name), { at: Math.min(at, now + this.#partMillis), touches: 1 })
    }
    this.#advance(now)
  }

  #advance(now: number): void {
    this.#now = Math.max(this.#now, now)
    for (const [name, { at }] of this.#names) {
      if (at + this.millis > this.#now) break
      this.#names.delete(name)
    }
  }
}

/** No namespace has a longer name (RFC 1123 label): what is cut names none. */
function bounded(name: string): string {
  return name.slice(0, 64)
}
