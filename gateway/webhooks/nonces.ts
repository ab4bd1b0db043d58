// The ids of signed messages that have come in, for as long as their timestamps would be believed: none is taken twice, also
// not after a restart. Refuses more than it may hold.

import { limits } from '../../protocols/limits.ts'
import type { Book, Journal } from '../approvals/journal.ts'

interface Nonce {
  readonly key: string
  /** Milliseconds since 1970: from then on its timestamp is too old. */
  readonly until: number
}

export class Nonces implements Book {
  readonly topic = 'nonces'
  readonly #journal: Journal
  readonly #now: () => number
  /** By their keys, oldest first: the number of their records and their ends. */
  readonly #nonces = new Map<string, { readonly number: number; readonly until: number }>()

  constructor(journal: Journal, now: () => number) {
    this.#journal = journal
    this.#now = now
    journal.register(this)
  }

  /**
   * `seen`: it has come before; `full`: nothing more can be remembered for now; `fresh`: it is remembered from now on, on
   * disk with whatever is appended in this turn. Throws JournalFailed.
   */
  take(key: string, until: number): 'fresh' | 'seen' | 'full' {
    this.#sweep()
    if (this.#nonces.has(key)) return 'seen'
    if (this.#nonces.size >= limits.approvals.nonces) return 'full'
    this.#nonces.set(key, { number: this.#journal.append(this, { key, until } satisfies Nonce), until })
    return 'fresh'
  }

  reset(): void {
    this.#nonces.clear()
  }

  replay(record: unknown, number: number): void {
    const { key, until } = record as Nonce
    this.#nonces.set(key, { number, until })
  }

  restored(): void {
    this.#sweep()
  }

  failed(): void {}

  #sweep(): void {
    const now = this.#now()
    const over: number[] = []
    for (const [key, { number, until }] of this.#nonces) {
      if (until > now) continue
      over.push(number)
      this.#nonces.delete(key)
    }
    if (over.length > 0) this.#journal.remove(over)
  }
}
