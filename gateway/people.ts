// What people have a say in, opened and closed as one: approvals, grants, locks and what is spent of budgets over one journal, with a tape of their
// own. It outlives every reload; what cannot be read back at the start stops the gateway.

import { randomBytes } from 'node:crypto'
import type { NoteBody } from '../protocols/tape/entry.ts'
import { ApprovalBook } from './approvals/approval-book.ts'
import { Grants } from './approvals/grants.ts'
import { Journal, type JournalFailed, type JournalOptions } from './approvals/journal.ts'
import { LedgerFailed } from './approvals/ledger.ts'
import { Locks } from './approvals/locks.ts'
import { standingLockNote, standingNote } from './approvals/notes.ts'
import { Budgets } from './budgets/budgets.ts'
import { ControlTape } from './control-tape.ts'
import type { Deadlines, Waiting } from './deadlines.ts'
import type { TapeStore } from './tape/tape.ts'

export interface PeopleOptions {
  /** The journal's own directory. */
  readonly directory: string
  readonly store: TapeStore
  readonly deadlines: Deadlines
  readonly timers: JournalOptions['timers']
  readonly database?: NonNullable<JournalOptions['database']>
  /** The journal has failed; it goes on trying to come back. */
  onFault(error: JournalFailed): void
}

export class People {
  readonly journal: Journal
  readonly control: ControlTape
  readonly approvals: ApprovalBook
  readonly grants: Grants
  readonly locks: Locks
  readonly budgets: Budgets
  readonly #deadlines: Deadlines
  readonly #looking: Waiting

  /** Throws JournalHeld, JournalRefused, TapeFailed, or the database's error. */
  static async open(options: PeopleOptions): Promise<People> {
    const people = new People(options)
    await people.journal.start()
    people.#standing()
    options.deadlines.watch(people.#looking)
    return people
  }

  private constructor(options: PeopleOptions) {
    const { store, deadlines, directory, timers, database } = options
    const now = (): number => deadlines.now()
    this.#deadlines = deadlines
    this.control = new ControlTape(store, now)
    this.journal = new Journal({
      directory,
      timers,
      onFault: (error) => {
        this.#note({ code: 'journal.failed', text: 'what was noted just before may not have come about' })
        options.onFault(error)
      },
      ...(database === undefined ? {} : { database }),
    })
    const books = { journal: this.journal, ledger: this.control, now, newId }
    this.approvals = new ApprovalBook(books)
    this.grants = new Grants(this.approvals, now)
    this.locks = new Locks(books)
    this.budgets = new Budgets({ journal: this.journal, timers, now })
    // At each look of the deadlines.
    this.#looking = { deadline: 0, expired: () => this.#look() }
  }

  /** Set from a failed write of the journal until it has come back. */
  get failed(): Error | undefined {
    return this.journal.failed
  }

  /** Writes everything; the tape gets its last entry. */
  async close(): Promise<void> {
    this.#deadlines.forget(this.#looking)
    this.budgets.close()
    await this.journal.close()
    this.control.seal('drained')
  }

  #look(): void {
    this.approvals.look()
    this.locks.look()
  }

  /** A tape begins with what stands: a crash may have lost the end of the one before. */
  #standing(): void {
    for (const approval of this.approvals.live()) this.#note(standingNote(approval))
    for (const lock of this.locks.list()) this.#note(standingLockNote(lock))
  }

  /** Whatever cannot be noted now is of the past. */
  #note(note: NoteBody): void {
    try {
      this.control.append(note)
    } catch (error) {
      if (!(error instanceof LedgerFailed)) throw error
    }
  }
}

/** Short enough to be read out, and not to be guessed. */
function newId(): string {
  return randomBytes(10).toString('hex')
}
