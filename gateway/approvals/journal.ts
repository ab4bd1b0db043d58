// Records of several books -> one database, in the order in which they were made, each on disk before what it permits.
// After a failed write nothing is taken until the database has been opened anew and every book been read from it again:
// what a failed batch left on disk is known by nothing else. Refuses records that it did not write.

import { MisuseError } from '../../protocols/errors.ts'
import { limits } from '../../protocols/limits.ts'
import { type Change, type JournalDatabase, openJournalDatabase } from './journal-database.ts'
import type { Timers } from './timers.ts'

/** Whose state is made of its records, and of nothing else. */
export interface Book {
  /** Unique in the journal. */
  readonly topic: string
  /** Forgets everything: records follow. */
  reset(): void
  /** A record as it was appended, parsed; in their order. `number`: what `append` returned. */
  replay(record: unknown, number: number): void
  /** All records have been read, and more can be appended. */
  restored(): void
  /** Nothing can be appended until `reset` is called. */
  failed(): void
}

export interface JournalOptions {
  /** LevelDB's own directory. */
  readonly directory: string
  readonly timers: Timers
  /** The journal has failed; it goes on trying to come back. Called once for each time it fails. */
  onFault(error: JournalFailed): void
  readonly database?: (directory: string) => Promise<JournalDatabase>
}

/** The journal cannot take records. Its cause is the I/O error. */
export class JournalFailed extends Error {}

/** What is on disk is not a journal that this version can read. */
export class JournalRefused extends Error {}

/** Of the records' form. */
const VERSION = 1
const KEY_DIGITS = 16

export class Journal {
  readonly #options: JournalOptions
  readonly #books = new Map<string, Book>()
  #database: JournalDatabase | undefined
  #next = 1
  #collecting = new Batch()
  #writing: Batch | undefined
  #isSoon = false
  #isClosed = false
  #cancelReopening: () => void = () => undefined
  #reopening: Promise<void> | undefined
  /** Set from a failed write until the journal has come back. */
  failed: JournalFailed | undefined

  constructor(options: JournalOptions) {
    this.#options = options
  }

  /** Before `start`. */
  register(book: Book): void {
    if (this.#database !== undefined || this.#books.has(book.topic))
      throw new MisuseError('a book comes too late, or twice')
    this.#books.set(book.topic, book)
  }

  /** Opens the database and reads the books from it. Throws JournalHeld, JournalRefused, or the database's error. */
  async start(): Promise<void> {
    const database = await (this.#options.database ?? openJournalDatabase)(this.#options.directory)
    try {
      for (const book of this.#books.values()) book.reset()
      this.#next = 1
      for await (const [key, value] of database.entries()) this.#read(key, value)
    } catch (error) {
      await database.close().catch(ignored)
      throw error
    }
    this.#database = database
    this.#collecting = new Batch()
    this.failed = undefined
    for (const book of this.#books.values()) book.restored()
  }

  /**
   * Takes a record, which is JSON, in place of others of the same book that it makes needless. What is appended in one
   * turn is on disk whole or not at all. Returns the record's number. Throws JournalFailed.
   */
  append(book: Book, record: object, replaced: readonly number[] = []): number {
    this.#check()
    const number = this.#next++
    const value = JSON.stringify({ version: VERSION, topic: book.topic, record })
    this.#collecting.changes.push({ type: 'put', key: keyOf(number), value })
    this.remove(replaced)
    return number
  }

  /** Takes records away. Throws JournalFailed. */
  remove(numbers: readonly number[]): void {
    this.#check()
    for (const number of numbers) this.#collecting.changes.push({ type: 'del', key: keyOf(number) })
    this.#soon()
  }

  /** Resolves when all that was appended so far is on disk; rejects with JournalFailed. */
  async durable(): Promise<void> {
    this.#check()
    const batch = this.#collecting.changes.length > 0 ? this.#collecting : this.#writing
    await batch?.durable()
  }

  /** Writes everything and closes the database. */
  async close(): Promise<void> {
    if (this.failed === undefined) await this.durable().catch(ignored)
    this.#isClosed = true
    this.#cancelReopening()
    await this.#reopening
    this.failed ??= new JournalFailed('the journal of approvals has been closed')
    const database = this.#database
    this.#database = undefined
    await database?.close().catch(ignored)
  }

  #check(): void {
    if (this.failed !== undefined) throw this.failed
    if (this.#database === undefined) throw new MisuseError('the journal has not been started')
  }

  #read(key: string, value: string): void {
    const { version, topic, record } = parsed(key, value)
    const book = this.#books.get(topic)
    if (version !== VERSION || book === undefined) {
      throw new JournalRefused(
        `${this.#options.directory} was written by a version of the gateway that this one cannot read`,
      )
    }
    const number = Number(key)
    this.#next = number + 1
    book.replay(record, number)
  }

  /** Once the turn is over, so that what is appended in it stays together. */
  #soon(): void {
    if (this.#isSoon || this.#writing !== undefined || this.#collecting.changes.length === 0) return
    this.#isSoon = true
    queueMicrotask(() => {
      this.#isSoon = false
      this.#write()
    })
  }

  #write(): void {
    const database = this.#database
    if (database === undefined || this.failed !== undefined || this.#collecting.changes.length === 0) return
    const batch = this.#collecting
    this.#collecting = new Batch()
    this.#writing = batch
    database.write(batch.changes).then(
      () => this.#written(batch),
      (error: Error) => this.#fail(database, error),
    )
  }

  #written(batch: Batch): void {
    this.#writing = undefined
    batch.end(undefined)
    this.#soon()
  }

  #fail(database: JournalDatabase, cause: Error): void {
    const message = `the approvals in ${this.#options.directory} cannot be written; nothing that needs them passes until they can`
    const error = new JournalFailed(message, { cause })
    const batches = [this.#writing, this.#collecting]
    this.failed = error
    this.#database = undefined
    this.#writing = undefined
    for (const batch of batches) batch?.end(error)
    for (const book of this.#books.values()) book.failed()
    this.#options.onFault(error)
    this.#reopening = database
      .close()
      .catch(ignored)
      .then(() => this.#reopen())
  }

  async #reopen(): Promise<void> {
    let wait: number = limits.approvals.reopenMillis
    while (!this.#isClosed) {
      await this.#sleep(wait)
      if (this.#isClosed) return
      try {
        await this.start()
        return
      } catch {
        wait = Math.min(2 * wait, limits.approvals.reopenLongestMillis)
      }
    }
  }

  #sleep(millis: number): Promise<void> {
    return new Promise((done) => {
      const cancel = this.#options.timers.after(millis, done)
      this.#cancelReopening = () => {
        cancel()
        done()
      }
    })
  }
}

/** What is on disk together. */
class Batch {
  readonly changes: Change[] = []
  #promise: Promise<void> | undefined
  #resolve: (() => void) | undefined
  #reject: ((error: Error) => void) | undefined

  /** Made only for who waits, so that no rejection goes unseen. */
  durable(): Promise<void> {
    this.#promise ??= new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    return this.#promise
  }

  end(error: Error | undefined): void {
    if (error === undefined) this.#resolve?.()
    else this.#reject?.(error)
  }
}

/** Numbers sort as they count. */
function keyOf(number: number): string {
  return String(number).padStart(KEY_DIGITS, '0')
}

function parsed(key: string, value: string): { version: unknown; topic: string; record: unknown } {
  try {
    if (/^\d{16}$/.test(key)) return JSON.parse(value)
  } catch {
    // Its message would hold what is in the record.
  }
  throw new JournalRefused('the journal of approvals holds a record that is none')
}

function ignored(): void {}
