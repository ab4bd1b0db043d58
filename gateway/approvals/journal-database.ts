// What the journal needs of a database: pairs in the order of their keys, and batches that are on disk when they say so;
// and LevelDB as one. Refuses a directory that another process holds.

import { mkdir } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'

/** Put or delete one key. */
export type Change =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'del'; readonly key: string }

export interface JournalDatabase {
  /** All pairs, in the order of their keys. */
  entries(): AsyncIterable<readonly [string, string]>
  /**
   * Writes all changes or none; they are on disk (fdatasync) when it resolves. After it has rejected once the database is
   * not used again, except to close it: LevelDB acknowledges writes behind a torn record and loses them.
   */
  write(changes: readonly Change[]): Promise<void>
  close(): Promise<void>
}

/** The directory is in use by another process. */
export class JournalHeld extends Error {}

const SYNC = { sync: true } as const

/** Opens the database in a directory, making both if they are not there. Throws JournalHeld, or LevelDB's error. */
export async function openJournalDatabase(directory: string): Promise<JournalDatabase> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const level = new ClassicLevel<string, string>(directory, { keyEncoding: 'utf8', valueEncoding: 'utf8' })
  try {
    await level.open()
  } catch (error) {
    const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
    if (cause?.code !== 'LEVEL_LOCKED') throw error
    const message = `${directory} is held by another process: stop it, or give this gateway a data directory of its own`
    throw new JournalHeld(message, { cause: error })
  }
  return {
    entries: () => level.iterator(),
    write: (changes) => level.batch(changes as Change[], SYNC),
    close: () => level.close(),
  }
}
