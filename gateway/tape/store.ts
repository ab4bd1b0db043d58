// A directory -> the tape store: one writer over one open database. After the first write error that database is closed
// and never written to again (LevelDB acknowledges writes behind a torn record and loses them); a new one is opened over
// the same files, and what was open is sealed after what is really there.

import { randomFillSync } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { MisuseError } from '../../protocols/errors.ts'
import { limits } from '../../protocols/limits.ts'
import type { KeyValueReader } from '../../protocols/tape/reader.ts'
import { ULID_RANDOM, UlidSequence } from '../../protocols/tape/ulid.ts'
import { Ballast, isDiskFull } from './ballast.ts'
import { type Clock, systemClock, systemTimers, type Timers } from './clock.ts'
import type { Database } from './database.ts'
import { openLevelDatabase, WRITE_BUFFER } from './leveldb.ts'
import { Log } from './log.ts'
import { type LogKey, logKey } from './log-key.ts'
import { sealOpenTapes } from './recovery.ts'
import { type Tape, TapeFailed, type TapeOpening, type TapeStore } from './tape.ts'
import { FileWitness } from './witness.ts'
import { TapeWriter } from './writer.ts'

export interface TapeStoreOptions {
  /** LevelDB's own directory. `log-key.pem`, `log-key.pub`, `checkpoint` and `ballast` are put beside it. */
  readonly directory: string
  /** The store has failed; it goes on trying to come back. Called once for each time it fails. */
  onFault(error: TapeFailed): void
  /** A checkpoint could not be written to its file. Nothing stops for that. */
  readonly onWitnessFault?: (error: Error) => void
  readonly clock?: Clock
  readonly timers?: Timers
  /** Fills an array with random bytes. */
  readonly random?: (bytes: Uint8Array) => void
  readonly database?: (directory: string) => Promise<Database>
  /** Disk space held for recovery from a full disk, bytes. */
  readonly ballastBytes?: number
}

/** The store with what the gateway does not need of it while it moves bytes. */
export interface OpenTapeStore extends TapeStore {
  /** For who lists and reads tapes while they are written. Rejects with TapeFailed while the store has failed. */
  reader(): KeyValueReader
}

/** This package's name and version, as tapes name their writer. */
export const WRITER = 'sallyport/0.1.0'

/**
 * Opens the store, making it if there is none; tapes that were left open are sealed with "crashed". Throws StoreHeld,
 * LogRefused, or the database's error.
 */
export async function openTapeStore(options: TapeStoreOptions): Promise<OpenTapeStore> {
  await mkdir(dirname(resolve(options.directory)), { recursive: true, mode: 0o700 })
  const store = new Store(options)
  await store.start('crashed')
  return store
}

class Store implements OpenTapeStore {
  readonly #options: TapeStoreOptions
  readonly #directory: string
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #random: (bytes: Uint8Array) => void
  readonly #ids = new UlidSequence()
  readonly #witness: FileWitness
  readonly #ballast: Ballast
  readonly #listeners = new Set<() => void>()
  #key: LogKey | undefined
  #writer: TapeWriter | undefined
  #database: Database | undefined
  /** Wakes the reopening from its wait. */
  #wake: () => void = () => undefined
  #reopening: Promise<void> | undefined
  #ballasting: Promise<void> | undefined
  #cancelBallast: () => void = () => undefined
  #closing: Promise<void> | undefined
  failed: TapeFailed | undefined

  constructor(options: TapeStoreOptions) {
    this.#options = options
    this.#directory = resolve(options.directory)
    this.#clock = options.clock ?? systemClock
    this.#timers = options.timers ?? systemTimers
    this.#random = options.random ?? randomFillSync
    this.#witness = new FileWitness(this.#beside('checkpoint'), (error) => options.onWitnessFault?.(error))
    this.#ballast = new Ballast(this.#beside('ballast'), options.ballastBytes ?? 2 * WRITE_BUFFER)
  }

  /** Opens the database and makes it fit to be written to, or, throwing, leaves it closed. */
  async start(sealReason: string): Promise<void> {
    const database = await (this.#options.database ?? openLevelDatabase)(this.#directory)
    try {
      // Read once: what cannot be read again must not keep the store from coming back.
      this.#key ??= await logKey(this.#beside('log-key.pem'))
      const log = await Log.restore(database, this.#key, await this.#witness.last())
      const note = await sealOpenTapes(database, log, this.#clock, sealReason)
      if (note !== undefined) this.#witness.keep(note)
      this.#database = database
      this.#writer = new TapeWriter({
        database,
        log,
        clock: this.#clock,
        timers: this.#timers,
        name: WRITER,
        checkpointed: (checkpoint) => this.#witness.keep(checkpoint),
        relieved: () => this.#notify(),
        failed: (error) => this.#fail(error),
      })
    } catch (error) {
      await database.close().catch(ignored)
      throw error
    }
    // In the background: it takes a while, and nothing waits for it.
    this.#takeBallast()
  }

  open(opening: TapeOpening): Tape {
    if (this.failed !== undefined) throw this.failed
    const writer = this.#writer
    if (this.#closing !== undefined || writer === undefined) throw new MisuseError('the tape store has been closed')
    const random = new Uint8Array(ULID_RANDOM)
    this.#random(random)
    return writer.open(this.#ids.next(this.#clock.now(), random), opening)
  }

  get congested(): boolean {
    return this.failed === undefined && this.#writer !== undefined && this.#writer.congested
  }

  onChange(listener: () => void): () => void {
    // Its own function, so that one listener given twice is two.
    const entry = (): void => listener()
    this.#listeners.add(entry)
    return () => this.#listeners.delete(entry)
  }

  reader(): KeyValueReader {
    const current = (): Database => {
      if (this.#database === undefined) throw this.failed ?? new MisuseError('the tape store has been closed')
      return this.#database
    }
    return {
      get: async (key) => current().get(key),
      async *entries(from, to, options) {
        yield* current().entries(from, to, options)
      },
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#wake()
    await this.#reopening
    // A failure now has been told to onFault; what is on disk is sealed at the next start.
    await this.#writer?.close('drained').catch(ignored)
    this.#writer?.fail(new TapeFailed('the tape store has been closed'))
    await Promise.all([this.#witness.idle(), this.#ballasting])
    this.#cancelBallast()
    const database = this.#database
    this.#database = undefined
    await database?.close().catch(ignored)
  }

  #fail(cause: Error): void {
    const database = this.#database
    if (this.failed !== undefined || database === undefined) return
    this.#database = undefined
    this.failed = new TapeFailed(
      `the tapes in ${this.#directory} cannot be written${isDiskFull(cause) ? ': the disk is full; make room' : ''}; ` +
        'nothing passes until they can, which is tried again and again',
      { cause },
    )
    this.#writer?.fail(this.failed)
    this.#notify()
    this.#options.onFault(this.failed)
    this.#reopening = this.#reopen(database).finally(() => {
      this.#reopening = undefined
    })
  }

  async #reopen(broken: Database): Promise<void> {
    await broken.close().catch(ignored)
    let wait: number = limits.tape.reopenMillis
    while (this.#closing === undefined) {
      await this.#sleep(wait)
      if (this.#closing !== undefined) return
      try {
        await this.start('fault')
        this.failed = undefined
        return
      } catch (error) {
        if (isDiskFull(error)) {
          await this.#ballasting
          await this.#ballast.drop()
        }
        wait = Math.min(2 * wait, limits.tape.reopenLongestMillis)
      }
    }
  }

  #sleep(millis: number): Promise<void> {
    return new Promise((done) => {
      const cancel = this.#timers.after(millis, done)
      this.#wake = () => {
        cancel()
        done()
      }
    })
  }

  /** Now, or once there is room. */
  #takeBallast(): void {
    this.#cancelBallast()
    this.#ballasting = this.#ballast.take().then((isTaken) => {
      if (isTaken || this.#closing !== undefined || this.failed !== undefined) return
      this.#cancelBallast = this.#timers.after(limits.tape.ballastMillis, () => this.#takeBallast())
    })
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener()
  }

  #beside(name: string): string {
    return join(dirname(this.#directory), name)
  }
}

function ignored(): void {}
