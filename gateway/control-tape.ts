// Notes of what people, the clock and the policy's files do -> a tape of the kind `control`, followed by a new one when it
// is long or old, or when the store has failed and come back. What a failed store may have lost is written again, first.

import { limits } from '../protocols/limits.ts'
import type { NoteBody } from '../protocols/tape/entry.ts'
import { type Ledger, LedgerFailed } from './approvals/ledger.ts'
import { type Tape, TapeFailed, type TapeStore } from './tape/tape.ts'

export class ControlTape implements Ledger {
  readonly #store: TapeStore
  readonly #now: () => number
  #tape: Tape | undefined
  /** Notes that may not be on disk, in order; the last is number `#appended`. */
  readonly #unwritten: NoteBody[] = []
  #appended = 0

  constructor(store: TapeStore, now: () => number) {
    this.#store = store
    this.#now = now
  }

  append(note: NoteBody): void {
    try {
      this.#put(note)
      this.#rotate()
    } catch (error) {
      throw failure(error)
    }
    this.#unwritten.push(note)
    this.#appended++
  }

  async durable(): Promise<void> {
    const upTo = this.#appended
    try {
      await this.#written()
    } catch (error) {
      throw failure(error)
    }
    const left = this.#appended - upTo
    if (this.#unwritten.length > left) this.#unwritten.splice(0, this.#unwritten.length - left)
  }

  seal(reason: string): void {
    this.#tape?.seal(reason)
    this.#tape = undefined
  }

  async #written(): Promise<void> {
    const tape = this.#tape
    if (tape === undefined || this.#unwritten.length === 0) return
    try {
      await tape.durable()
    } catch (error) {
      if (!(error instanceof TapeFailed)) throw error
      // Somebody else may have begun it anew meanwhile.
      await (this.#tape === tape ? this.#again() : this.#tape)?.durable()
    }
  }

  #put(note: NoteBody): void {
    const tape = this.#tape ?? this.#open(undefined)
    try {
      tape.append('note', note)
    } catch (error) {
      if (!(error instanceof TapeFailed)) throw error
      this.#again().append('note', note)
    }
  }

  #rotate(): void {
    const tape = this.#tape as Tape
    const isOld = this.#now() - tape.openedAt >= limits.tape.rotateMillis
    if (!isOld && tape.size < limits.tape.rotateBytes) return
    this.#open(tape.id)
    tape.seal('rotated')
  }

  /** A new tape after a failure of the store, with what may be on none. Throws TapeFailed while the store is away. */
  #again(): Tape {
    const tape = this.#open(this.#tape?.id)
    for (const note of this.#unwritten) tape.append('note', note)
    return tape
  }

  #open(previous: string | undefined): Tape {
    const opening = { kind: 'control', cluster: '', client: '' } as const
    this.#tape = this.#store.open(previous === undefined ? opening : { ...opening, previous })
    return this.#tape
  }
}

function failure(error: unknown): unknown {
  return error instanceof TapeFailed ? new LedgerFailed('nothing can be recorded', { cause: error }) : error
}
