// Changes from all tapes -> one batch at a time, each on disk before the next one begins. Who waits is written at once
// and together with all others; without anybody waiting a batch is collected for joinMillis.

import { limits } from '../../protocols/limits.ts'
import type { Clock, Timers } from './clock.ts'
import type { Change, Database } from './database.ts'

export interface CommitOwner {
  /** The pace: what is joined but not yet put is to be put now. */
  paced(): void
  /** The last moment to put something into the batch that is about to be written. */
  writing(): void
  /** A batch is on disk. */
  written(): void
  /** The database failed. Nothing is taken from now on. */
  failed(error: Error): void
}

/** What is on disk together. */
export class Batch {
  changes: Change[] = []
  bytes = 0
  /** When it was begun, microseconds on the clock that never goes back. */
  since = 0
  isDurable = false
  /** Called once the values are no longer borrowed. */
  #releases: (() => void)[] = []
  #promise: Promise<void> | undefined
  #resolve: (() => void) | undefined
  #reject: ((error: Error) => void) | undefined

  get isAwaited(): boolean {
    return this.#promise !== undefined
  }

  durable(): Promise<void> {
    this.#promise ??= new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    return this.#promise
  }

  whenDone(release: () => void): void {
    this.#releases.push(release)
  }

  /** Lets go of everything but the fact: idle tapes keep their last batch. */
  end(error: Error | undefined): void {
    for (const release of this.#releases) release()
    this.#releases = []
    this.changes = []
    this.isDurable = error === undefined
    if (error === undefined) this.#resolve?.()
    else this.#reject?.(error)
  }
}

export class GroupCommit {
  readonly #database: Database
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #owner: CommitOwner
  #collecting = new Batch()
  #writing: Batch | undefined
  /** The pace's timer; undefined while nothing waits for it. */
  #pace: (() => void) | undefined
  /** The collected batch has had its time. */
  #isDue = false
  #isSoon = false
  #error: Error | undefined

  constructor(database: Database, clock: Clock, timers: Timers, owner: CommitOwner) {
    this.#database = database
    this.#clock = clock
    this.#timers = timers
    this.#owner = owner
  }

  /** Bytes accepted and not yet on disk. */
  get backlog(): number {
    return this.#collecting.bytes + (this.#writing?.bytes ?? 0)
  }

  /** When the oldest of them was accepted, microseconds on the clock that never goes back; undefined if there are none. */
  get oldest(): number | undefined {
    if (this.#writing !== undefined) return this.#writing.since
    return this.#collecting.changes.length > 0 ? this.#collecting.since : undefined
  }

  /** Takes a change into the batch being collected, which is returned. The caller has seen to it that none has failed. */
  add(change: Change): Batch {
    const batch = this.#collecting
    if (batch.changes.length === 0) batch.since = this.#clock.micros()
    batch.changes.push(change)
    batch.bytes += change.key.length + (change.type === 'put' ? change.value.length : 0)
    // Never at once: what is added in one turn stays in one batch, an entry with its leaf.
    if (batch.bytes >= limits.tape.batchBytes) this.#soon()
    else this.wake()
    return batch
  }

  /** Something is to be written within joinMillis, even if nothing was added yet. */
  wake(): void {
    this.#pace ??= this.#timers.after(limits.tape.joinMillis, () => this.#paced())
  }

  /** Resolves when the batch is on disk, which is then as soon as can be. Rejects with the store's error. */
  durable(batch: Batch): Promise<void> {
    if (batch.isDurable) return DONE
    if (this.#error !== undefined) return Promise.reject(this.#error)
    const promise = batch.durable()
    if (batch === this.#collecting) this.#soon()
    return promise
  }

  /** Everything accepted so far. */
  all(): Promise<void> {
    const last = this.#collecting.changes.length > 0 ? this.#collecting : this.#writing
    return last === undefined ? DONE : this.durable(last)
  }

  /** Takes nothing more and tells all who wait. */
  stop(error: Error): void {
    if (this.#error !== undefined) return
    this.#error = error
    this.#pace?.()
    this.#writing?.end(error)
    this.#collecting.end(error)
    this.#writing = undefined
  }

  #paced(): void {
    this.#pace = undefined
    if (this.#error !== undefined) return
    this.#owner.paced()
    if (this.#collecting.changes.length === 0) return
    this.#isDue = true
    this.#write()
  }

  /** Once the requests that came in the same turn have joined; one batch costs what each of them would. */
  #soon(): void {
    if (this.#isSoon || this.#writing !== undefined) return
    this.#isSoon = true
    this.#timers.soon(() => {
      this.#isSoon = false
      if (this.#isWanted) this.#write()
    })
  }

  get #isWanted(): boolean {
    return this.#isDue || this.#collecting.isAwaited || this.#collecting.bytes >= limits.tape.batchBytes
  }

  #write(): void {
    if (this.#writing !== undefined || this.#error !== undefined || this.#collecting.changes.length === 0) return
    this.#owner.writing()
    const batch = this.#collecting
    this.#collecting = new Batch()
    this.#writing = batch
    this.#isDue = false
    this.#database.write(batch.changes).then(
      () => this.#written(batch),
      (error: Error) => this.#failed(error),
    )
  }

  #written(batch: Batch): void {
    if (this.#error !== undefined) return
    this.#writing = undefined
    batch.end(undefined)
    this.#owner.written()
    if (this.#isWanted) this.#write()
  }

  #failed(error: Error): void {
    if (this.#error === undefined) this.#owner.failed(error)
  }
}

const DONE = Promise.resolve()
