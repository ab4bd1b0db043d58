// Approvals, grants and locks in memory, on a clock of their own: for tests of them and of what is built on them.

import { ApprovalBook } from '../../gateway/approvals/approval-book.ts'
import { Grants } from '../../gateway/approvals/grants.ts'
import { Journal, type JournalFailed } from '../../gateway/approvals/journal.ts'
import { type Ledger, LedgerFailed } from '../../gateway/approvals/ledger.ts'
import { Locks } from '../../gateway/approvals/locks.ts'
import { Budgets } from '../../gateway/budgets/budgets.ts'
import { Nonces } from '../../gateway/webhooks/nonces.ts'
import type { NoteBody } from '../../protocols/tape/entry.ts'
import { ManualTime } from './manual-time.ts'
import { MemoryJournal } from './memory-journal.ts'

/** A ledger that keeps its notes, and fails when it is told to. */
export class MemoryLedger implements Ledger {
  readonly notes: NoteBody[] = []
  /** Takes nothing. */
  isBroken = false
  /** Takes notes, and cannot say that they are on disk. */
  isLate = false

  append(note: NoteBody): void {
    if (this.isBroken) throw new LedgerFailed('broken')
    this.notes.push(note)
  }

  async durable(): Promise<void> {
    if (this.isBroken || this.isLate) throw new LedgerFailed('broken')
  }

  get codes(): string[] {
    return this.notes.map(({ code }) => code)
  }
}

export interface Books {
  readonly time: ManualTime
  readonly disk: MemoryJournal
  readonly ledger: MemoryLedger
  readonly journal: Journal
  readonly approvals: ApprovalBook
  readonly grants: Grants
  readonly locks: Locks
  readonly budgets: Budgets
  readonly nonces: Nonces
  readonly faults: JournalFailed[]
}

/** Opens them over what is on the disk: the same disk again is a restart. */
export async function openBooks({
  time = new ManualTime(),
  disk = new MemoryJournal(),
  ledger = new MemoryLedger(),
}: Partial<Pick<Books, 'time' | 'disk' | 'ledger'>> = {}): Promise<Books> {
  const faults: JournalFailed[] = []
  const journal = new Journal({
    directory: 'approvals',
    timers: time,
    database: disk.open,
    onFault: (error) => faults.push(error),
  })
  let ids = 0
  const opened = disk.opens + 1
  const common = { journal, ledger, now: () => time.now(), newId: () => `id-${opened}-${++ids}` }
  const approvals = new ApprovalBook(common)
  const books = {
    ...{ time, disk, ledger, journal, approvals, faults },
    grants: new Grants(approvals, common.now),
    locks: new Locks(common),
    budgets: new Budgets({ journal, timers: time, now: common.now }),
    nonces: new Nonces(journal, common.now),
  }
  await journal.start()
  return books
}
