// A journal's database in memory, which fails when it is told to: what was written before stays for who opens it again.

import type { Change, JournalDatabase } from '../../gateway/approvals/journal-database.ts'

export class MemoryJournal {
  readonly pairs = new Map<string, string>()
  /** How many changes each write had, failed ones counted. */
  readonly writes: number[] = []
  /** The write that fails, counted from 1, and what of its batch is on the disk then: nothing, or all of it. */
  failAt = Number.POSITIVE_INFINITY
  torn: 'lost' | 'kept' = 'lost'
  /** While set, a write waits for `release`. */
  isHeld = false
  isBroken = false
  opens = 0
  #held: (() => void)[] = []

  readonly open = async (): Promise<JournalDatabase> => {
    this.opens++
    if (this.isBroken) throw new Error('EIO')
    let isOpen = true
    return {
      entries: () => this.#entries(),
      write: async (changes) => {
        if (!isOpen) throw new Error('a write behind a failure')
        if (this.isHeld) await new Promise<void>((release) => this.#held.push(release))
        this.writes.push(changes.length)
        if (this.writes.length >= this.failAt) {
          isOpen = false
          if (this.torn === 'kept') this.#apply(changes)
          throw new Error('ENOSPC')
        }
        this.#apply(changes)
      },
      close: async () => {
        isOpen = false
      },
    }
  }

  release(): void {
    this.isHeld = false
    for (const release of this.#held.splice(0)) release()
  }

  #apply(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.type === 'put') this.pairs.set(change.key, change.value)
      else this.pairs.delete(change.key)
    }
  }

  async *#entries(): AsyncGenerator<readonly [string, string]> {
    yield* [...this.pairs].sort(([one], [other]) => (one < other ? -1 : 1))
  }
}
