// A store whose writer stopped in the middle -> one without open tapes: each is sealed after the entries that are really
// there, and the log says so. Nothing of a tape is read but its end.

import { chainNext, splitStored } from '../../protocols/tape/chain.ts'
import { decodeEntry, encodeEntry } from '../../protocols/tape/codec.ts'
import { TapeError } from '../../protocols/tape/errors.ts'
import { entryKey, entryRange, openRange, tapeOf } from '../../protocols/tape/keys.ts'
import type { Clock } from './clock.ts'
import { type Change, type Database, del, put } from './database.ts'
import type { Log } from './log.ts'

/** Tapes sealed in one batch. */
const TOGETHER = 1_000

/** Seals what is open with `reason`; returns the checkpoint over it, undefined if there was nothing to seal. */
export async function sealOpenTapes(
  database: Database,
  log: Log,
  clock: Clock,
  reason: string,
): Promise<string | undefined> {
  let changes: Change[] = []
  let note: string | undefined
  const write = async (): Promise<void> => {
    const checkpoint = log.checkpoint()
    await database.write([...changes, ...checkpoint.changes])
    note = checkpoint.note
    changes = []
  }
  const { from, to } = openRange()
  for await (const [key] of database.entries(from, to)) {
    changes.push(del(key), ...(await seal(database, log, clock, tapeOf(key), reason)))
    if (changes.length >= 3 * TOGETHER) await write()
  }
  if (changes.length > 0 || log.isBehind) await write()
  return note
}

/** The tape's last entry and leaf. A tape whose end has been spoiled gets none: verification is to find it as it is. */
async function seal(
  database: Database,
  log: Log,
  clock: Clock,
  tape: string,
  reason: string,
): Promise<readonly Change[]> {
  const { from, to } = entryRange(tape)
  for await (const [, value] of database.entries(from, to, { reverse: true, limit: 1 })) {
    try {
      const { hash, bytes } = splitStored(value)
      const last = decodeEntry(bytes)
      const seq = last.seq + 1
      // The tape ended with what is on it; when that was noticed stands in the leaf.
      const entry = encodeEntry(seq, last.micros, 'seal', { reason, entries: seq + 1 })
      const head = chainNext(hash, entry)
      const stored = new Uint8Array(head.length + entry.length)
      stored.set(head)
      stored.set(entry, head.length)
      const leaf = { type: 'seal', tape, entries: seq + 1, head, micros: clock.now() * 1000 } as const
      return [put(entryKey(tape, seq), stored), log.append(leaf)]
    } catch (error) {
      if (!(error instanceof TapeError)) throw error
    }
  }
  return []
}
