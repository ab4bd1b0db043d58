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
import { type Caller, httpsCall } from './https-call.ts'
import type { TapeStore } from './tape/tape.ts'
import { Nonces } from './webhooks/nonces.ts'
import { type Notification, ofApproval, ofBudget, ofLock } from './webhooks/notification.ts'
import { Outbox } from './webhooks/outbox.ts'

export interface PeopleOptions {
  /** The journal's own directory. */
  readonly directory: string
  readonly store: TapeStore
  readonly deadlines: Deadlines
  readonly timers: JournalOptions['timers']
  readonly database?: NonNullable<JournalOptions['database']>
  /** For webhooks; absent: over the network. */
  readonly call?: Caller
  /** The journal has failed; it goes on trying to come back. */
  onFault(error: JournalFailed): void
  /** A webhook has not taken a notification; `isLost`: it will not be tried again. */
  onWebhookFault?(webhook: string, why: string, isLost: boolean): void
}

export class People {
  readonly journal: Journal
  readonly control: ControlTape
  readonly approvals: ApprovalBook
  readonly grants: Grants
  readonly locks: Locks
  readonly budgets: Budgets
  readonly outbox: Outbox
  readonly nonces: Nonces
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
        this.note({ code: 'journal.failed', text: 'what was noted just before may not have come about' })
        options.onFault(error)
      },
      ...(database === undefined ? {} : { database }),
    })
    const books = { journal: this.journal, ledger: this.control, now, newId }
    this.approvals = new ApprovalBook(books)
    this.grants = new Grants(this.approvals, now)
    this.locks = new Locks(books)
    this.budgets = new Budgets({ journal: this.journal, timers, now })
    this.nonces = new Nonces(this.journal, now)
    this.outbox = new Outbox({
      ...{ journal: this.journal, timers, now, newId, call: options.call ?? httpsCall },
      durable: () => Promise.all([this.journal.durable(), this.control.durable()]),
      failed: (webhook, why) => options.onWebhookFault?.(webhook, why, false),
      lost: (webhook, { type, subject }, why) => {
        this.note({
          code: 'webhooks.lost',
          text: `${webhook} will not hear: ${why}`,
          facts: { webhook, type, subject },
        })
        options.onWebhookFault?.(webhook, why, true)
      },
    })
    const tell = (notification: Notification | undefined): void => {
      if (notification !== undefined) this.outbox.put(notification)
    }
    this.approvals.onAppend = (event, approval) => tell(ofApproval(event, approval))
    this.locks.onEvent((event) => tell(ofLock(event)))
    this.budgets.onExceeded((event) => tell(ofBudget(event, now())))
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
    this.outbox.close()
    await this.journal.close()
    this.control.seal('drained')
  }

  #look(): void {
    this.approvals.look()
    this.locks.look()
  }

  /** A tape begins with what stands: a crash may have lost the end of the one before. */
  #standing(): void {
    for (const approval of this.approvals.live()) this.note(standingNote(approval))
    for (const lock of this.locks.list()) this.note(standingLockNote(lock))
  }

  /** Notes what is of the past: where it cannot be noted, nothing is undone. */
  note(note: NoteBody): void {
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
