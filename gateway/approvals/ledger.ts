// Where everything that people, the clock and the policy's files do is written for auditors, before it takes effect for
// anyone. The journal beside it is for the gateway's own memory; what only one of the two has taken is not believed.

import type { NoteBody } from '../../protocols/tape/entry.ts'

export interface Ledger {
  /** In order. Throws LedgerFailed: then nothing has happened. */
  append(note: NoteBody): void
  /** Resolves when all that was appended so far is on disk. Rejects with LedgerFailed; asked again later, it tries again. */
  durable(): Promise<void>
}

/** The ledger takes nothing for now. Its cause is the store's error. */
export class LedgerFailed extends Error {}
