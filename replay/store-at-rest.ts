// A directory in which a gateway left its tapes -> a reader of its keys and values. It puts nothing in, though LevelDB
// itself tidies its files when it opens them; a store that another process holds, or that is not there, is refused.

import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import type { KeyValueReader } from '../protocols/tape/reader.ts'
import { storedReader } from './stored-reader.ts'

/** Another process has the store open: LevelDB lets in one at a time, readers as well. */
export class StoreHeld extends Error {}

/** There is no store in that directory. */
export class StoreMissing extends Error {}

/** A store that was opened for reading. */
export interface StoreAtRest extends KeyValueReader {
  close(): Promise<void>
}

/** Opens `tapes` in the gateway's data directory. Throws StoreHeld, StoreMissing, or LevelDB's error. */
export async function openAtRest(data: string): Promise<StoreAtRest> {
  const directory = join(data, 'tapes')
  // LevelDB makes the directory that it does not find; CURRENT is the file that every store has.
  const found = await access(join(directory, 'CURRENT')).then(
    () => true,
    () => false,
  )
  if (!found) throw new StoreMissing(`there is no tape store in ${directory}`)
  const level = new ClassicLevel<string, Uint8Array>(directory, { keyEncoding: 'utf8', valueEncoding: 'view' })
  try {
    await level.open({ createIfMissing: false })
  } catch (error) {
    const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
    if (cause?.code === 'LEVEL_LOCKED') throw new StoreHeld(`another process holds ${directory}`, { cause: error })
    throw error
  }
  return { ...storedReader(level, directory), close: () => level.close() }
}
