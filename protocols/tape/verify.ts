// The stored entries of a tape, and what the log says of it -> what is wrong with it, by entry and kind of fault.
// Integrity (is what is there what was written?) and completeness (is all of it there?) are judged apart.

import { chainNext, chainStart, type Stored } from './chain.ts'
import { decodeEntry } from './codec.ts'
import type { Entry } from './entry.ts'
import { TapeError } from './errors.ts'
import type { Leaf } from './leaf.ts'
import { same } from './merkle.ts'

/**
 * What was done to a tape. `rewritten`: the chain holds, but not to the head that the log has, so hashes were made anew;
 * `cut`: entries are gone from the end; `missing`: all of them are.
 */
export type TapeFault = 'changed' | 'removed' | 'swapped' | 'inserted' | 'rewritten' | 'cut' | 'missing' | 'unlogged'

export interface TapeProblem {
  readonly fault: TapeFault
  readonly tape: string
  /** The first entry concerned, by its number on the tape. */
  readonly seq: number
  readonly message: string
}

/**
 * `complete`: sealed, and the log has the same seal. `open`: not sealed, and the log knows of no more entries; what came
 * after the log's last leaf, up to a minute, could be gone. `incomplete`: the log knows better. Without a log a tape can
 * only speak for itself: `sealed` or `unsealed`.
 */
export type Completeness = 'complete' | 'open' | 'incomplete' | 'sealed' | 'unsealed'

export interface TapeReport {
  readonly tape: string
  /** Entries found. */
  readonly entries: number
  /** The reason on its seal, "" without one. */
  readonly sealed: string
  readonly integrity: 'intact' | 'broken'
  readonly completeness: Completeness
  /** The first fault of each judgement: at most one of integrity, then at most one of completeness. */
  readonly problems: readonly TapeProblem[]
}

/** Verifies entries that are at hand. `logged`: the tape's leaves in the log's order, undefined if there is no log. */
export function verifyTape(tape: string, entries: Iterable<Stored>, logged?: readonly Leaf[]): TapeReport {
  const verification = new TapeVerification(tape, logged)
  for (const stored of entries) verification.add(stored)
  return verification.finish()
}

/**
 * Verifies a tape entry by entry, holding one: the next one tells a removed entry from an inserted one. Read the log
 * before the tape: a tape that is being written grows, and must not seem shorter than the log says.
 */
export class TapeVerification {
  readonly #tape: string
  readonly #logged: readonly Leaf[] | undefined
  /** The first leaf of `logged` whose number of entries has not been reached. */
  #leaf = 0
  /** Entries up to here are those that the log vouches for. */
  #vouched = 0
  #held: Stored | undefined
  #count = 0
  #hash: Uint8Array
  #hashBefore: Uint8Array
  #sealed: string | undefined
  #problem: TapeProblem | undefined

  constructor(tape: string, logged: readonly Leaf[] | undefined) {
    this.#tape = tape
    this.#logged = logged
    this.#hash = chainStart(tape)
    this.#hashBefore = this.#hash
  }

  /** The next entry in the order of the store. */
  add(stored: Stored): void {
    if (this.#held !== undefined) this.#judge(this.#held, stored)
    this.#held = stored
  }

  finish(): TapeReport {
    if (this.#held !== undefined) this.#judge(this.#held, undefined)
    this.#held = undefined
    const incomplete = this.#judgeCompleteness()
    const completeness = incomplete === undefined ? this.#completeness() : 'incomplete'
    return {
      tape: this.#tape,
      entries: this.#count,
      sealed: this.#sealed ?? '',
      integrity: this.#problem === undefined ? 'intact' : 'broken',
      completeness,
      problems: [this.#problem, incomplete].filter((problem) => problem !== undefined),
    }
  }

  #judge(stored: Stored, next: Stored | undefined): void {
    const seq = this.#count++
    const entry = decoded(stored)
    if (this.#problem === undefined) {
      const hash = chainNext(this.#hash, stored.bytes)
      if (entry?.seq !== seq || !same(hash, stored.hash)) {
        this.#problem = this.#diagnose(seq, entry, stored, next)
      } else {
        this.#problem = this.#contradiction(entry) ?? this.#againstLog(hash, next)
        this.#hashBefore = this.#hash
        this.#hash = hash
      }
    }
    if (entry?.kind === 'seal') this.#sealed = entry.body.reason
  }

  /** An entry in its place that says what its place does not allow. */
  #contradiction(entry: Entry): TapeProblem | undefined {
    const { seq } = entry
    if (this.#sealed !== undefined) return this.#fault('inserted', seq, 'there is an entry behind the seal')
    if ((entry.kind === 'open') !== (seq === 0)) {
      return this.#fault('changed', seq, 'a tape begins with its opening, and has one')
    }
    if (entry.kind === 'open' && entry.body.tape !== this.#tape) {
      return this.#fault('changed', seq, 'the opening is that of another tape')
    }
    if (entry.kind === 'seal' && entry.body.entries !== seq + 1) {
      return this.#fault('changed', seq, 'the seal counts other entries than there are')
    }
    return undefined
  }

  #againstLog(hash: Uint8Array, next: Stored | undefined): TapeProblem | undefined {
    const logged = this.#logged ?? []
    for (; this.#leaf < logged.length; this.#leaf++) {
      const leaf = logged[this.#leaf]!
      if (leaf.entries > this.#count) return undefined
      if (leaf.entries < this.#count || !same(leaf.head, hash)) {
        // Not all of the chain was made anew if what follows still fits what came before.
        if (this.#isSkipped(this.#count - 1, next)) return this.#fault('inserted', this.#count - 1, SKIPPED)
        const message = `the chain was made anew: by entry ${leaf.entries - 1} it is not the one that the log has`
        return this.#fault('rewritten', this.#vouched, message)
      }
      this.#vouched = leaf.entries
    }
    return undefined
  }

  /** Why an entry does not stand in its place, from what it says of itself and what follows it. */
  #diagnose(seq: number, entry: Entry | undefined, stored: Stored, next: Stored | undefined): TapeProblem {
    if (this.#sealed !== undefined) return this.#fault('inserted', seq, 'there is an entry behind the seal')
    const follower = next === undefined ? undefined : decoded(next)
    if (entry?.seq === seq + 1 && follower?.seq === seq) {
      return this.#fault('swapped', seq, `entries ${seq} and ${seq + 1} have changed places`)
    }
    if (this.#isSkipped(seq, next)) return this.#fault('inserted', seq, SKIPPED)
    if (entry?.seq === seq - 1 && same(chainNext(this.#hashBefore, stored.bytes), stored.hash)) {
      return this.#fault('inserted', seq - 1, SKIPPED)
    }
    if (entry === undefined) return this.#fault('changed', seq, 'the entry cannot be read')
    if (entry.seq === seq) return this.#fault('changed', seq, 'the entry or its hash is not what was written')
    if (entry.seq < seq) return this.#fault('inserted', seq, `entry ${entry.seq} comes again`)
    if (follower?.seq === seq + 1) {
      return this.#fault('swapped', seq, `entry ${entry.seq} is in the place of entry ${seq}`)
    }
    return this.#fault('removed', seq, `entry ${entry.seq} follows where this one should be`)
  }

  /** Whether the next entry has the number `seq` and follows the last good one: the one in between does not belong. */
  #isSkipped(seq: number, next: Stored | undefined): boolean {
    if (next === undefined || !same(chainNext(this.#hash, next.bytes), next.hash)) return false
    return decoded(next)?.seq === seq
  }

  #judgeCompleteness(): TapeProblem | undefined {
    if (this.#logged === undefined) return undefined
    const last = this.#logged.at(-1)
    if (last === undefined) return this.#fault('unlogged', 0, 'the log does not know this tape')
    if (this.#count === 0) return this.#fault('missing', 0, `the log has ${last.entries} entries of this tape`)
    if (this.#count < last.entries) {
      return this.#fault('cut', this.#count, `the log has ${last.entries} entries, the tape ${this.#count}`)
    }
    if (last.type === 'seal' && this.#sealed === undefined) {
      return this.#fault('cut', this.#count, 'the log has the seal of this tape, the tape has none')
    }
    return undefined
  }

  #completeness(): Completeness {
    if (this.#logged === undefined) return this.#sealed === undefined ? 'unsealed' : 'sealed'
    // A seal that the log has not: made up, or written between the reading of the log and of the tape.
    return this.#logged.at(-1)?.type === 'seal' ? 'complete' : 'open'
  }

  #fault(fault: TapeFault, seq: number, message: string): TapeProblem {
    return { fault, tape: this.#tape, seq, message }
  }
}

const SKIPPED = 'the chain goes on without this entry'

function decoded(stored: Stored): Entry | undefined {
  try {
    return decodeEntry(stored.bytes)
  } catch (error) {
    if (error instanceof TapeError) return undefined
    throw error
  }
}
