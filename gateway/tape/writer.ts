// The one writer of all tapes over one open database: it opens and lists tapes, puts leaves and checkpoints into the
// batches of their entries, and is done with for good at the database's first error.

import { limits } from '../../protocols/limits.ts'
import { openKey } from '../../protocols/tape/keys.ts'
import type { LeafType } from '../../protocols/tape/leaf.ts'
import type { Clock, Timers } from './clock.ts'
import { type Change, type Database, del, NOTHING, put } from './database.ts'
import { type Batch, GroupCommit } from './group-commit.ts'
import { JoinBuffers } from './join-buffer.ts'
import type { Log } from './log.ts'
import type { TapeFailed, TapeOpening } from './tape.ts'
import { TapeRecorder } from './tape-recorder.ts'

export interface WriterOptions {
  readonly database: Database
  readonly log: Log
  readonly clock: Clock
  readonly timers: Timers
  /** Who writes, as tapes name it: "sallyport/0.1.0". */
  readonly name: string
  /** A checkpoint is on disk. */
  checkpointed(note: string): void
  /** `congested` has turned false. */
  relieved(): void
  /** The database failed; the writer then waits for `fail`. */
  failed(error: Error): void
}

export class TapeWriter {
  readonly buffers = new JoinBuffers()
  readonly clock: Clock
  readonly name: string
  /** Why nothing is taken any more. */
  failed: TapeFailed | undefined
  readonly #options: WriterOptions
  readonly #commit: GroupCommit
  readonly #log: Log
  readonly #tapes = new Set<TapeRecorder>()
  /** Tapes that hold joined bytes. */
  readonly #joining = new Set<TapeRecorder>()
  #heads: () => void = () => undefined
  /** When the latest checkpoint was made, microseconds on the clock that never goes back. */
  #checkpointedAt = Number.NEGATIVE_INFINITY
  #checkpointTimer: (() => void) | undefined
  /** Somebody was told to pause. */
  #toldCongested = false

  constructor(options: WriterOptions) {
    this.#options = options
    this.clock = options.clock
    this.name = options.name
    this.#log = options.log
    this.#commit = new GroupCommit(options.database, options.clock, options.timers, {
      paced: () => this.#flush(),
      writing: () => this.#checkpoint(),
      written: () => this.#written(),
      failed: (error) => options.failed(error),
    })
    this.#waitForHeads()
  }

  open(id: string, opening: TapeOpening): TapeRecorder {
    const tape = new TapeRecorder(this, id, this.clock.now(), this.clock.micros(), opening)
    this.#tapes.add(tape)
    return tape
  }

  get congested(): boolean {
    const oldest = this.#commit.oldest
    const isLate = oldest !== undefined && this.clock.micros() - oldest > 1000 * limits.tape.groupMillis
    const isCongested = isLate || this.#commit.backlog > limits.tape.backlogBytes
    if (isCongested) this.#toldCongested = true
    return isCongested
  }

  // -- for tapes

  add(change: Change): Batch {
    return this.#commit.add(change)
  }

  durable(batch: Batch): Promise<void> {
    return this.#commit.durable(batch)
  }

  joining(tape: TapeRecorder): void {
    this.#joining.add(tape)
    this.#commit.wake()
  }

  joined(tape: TapeRecorder): void {
    this.#joining.delete(tape)
  }

  /** A leaf, and the mark by which recovery finds tapes that were not sealed. Returns the batch they are in. */
  log(tape: TapeRecorder, type: LeafType, entries: number, head: Uint8Array): Batch {
    if (type === 'open') this.#commit.add(put(openKey(tape.id), NOTHING))
    if (type === 'seal') {
      this.#commit.add(del(openKey(tape.id)))
      this.#tapes.delete(tape)
    }
    return this.#commit.add(this.#log.append({ type, tape: tape.id, entries, head, micros: this.clock.now() * 1000 }))
  }

  // -- for the store

  /** From now on nothing is taken; all who wait are told. */
  fail(error: TapeFailed): void {
    this.failed = error
    this.#stopTimers()
    this.#tapes.clear()
    this.#joining.clear()
    this.#commit.stop(error)
  }

  /** Seals what is open, and resolves when everything is on disk under a checkpoint. Rejects with TapeFailed. */
  async close(reason: string): Promise<void> {
    for (const tape of this.#tapes) tape.seal(reason)
    this.#checkpointedAt = Number.NEGATIVE_INFINITY
    if (this.#log.isBehind && this.failed === undefined) this.#sign()
    await this.#commit.all()
    this.#stopTimers()
  }

  #flush(): void {
    for (const tape of this.#joining) tape.flush()
  }

  #written(): void {
    if (this.#toldCongested && !this.congested) {
      this.#toldCongested = false
      this.#options.relieved()
    }
  }

  /** Before each batch: a checkpoint in it if one is due, or a timer for when it will be. */
  #checkpoint(): void {
    if (!this.#log.isBehind) return
    const left = limits.tape.checkpointMillis - (this.clock.micros() - this.#checkpointedAt) / 1000
    if (left <= 0) this.#sign()
    else this.#checkpointTimer ??= this.#options.timers.after(left, () => this.#overdue())
  }

  #overdue(): void {
    this.#checkpointTimer = undefined
    if (this.#log.isBehind) this.#sign()
  }

  #sign(): void {
    this.#checkpointTimer?.()
    this.#checkpointTimer = undefined
    this.#checkpointedAt = this.clock.micros()
    const { note, changes } = this.#log.checkpoint()
    let batch: Batch | undefined
    for (const change of changes) batch = this.#commit.add(change)
    if (batch === undefined) return
    this.#commit.durable(batch).then(
      () => this.#options.checkpointed(note),
      () => undefined,
    )
  }

  #waitForHeads(): void {
    this.#heads = this.#options.timers.after(limits.tape.headMillis, () => {
      for (const tape of this.#tapes) tape.logHead()
      this.#waitForHeads()
    })
  }

  #stopTimers(): void {
    this.#heads()
    this.#checkpointTimer?.()
    this.#checkpointTimer = undefined
  }
}
