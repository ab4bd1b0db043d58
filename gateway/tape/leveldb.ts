// A directory -> LevelDB as the store's database. Every batch is a sync batch: LevelDB starts a new log file without a
// sync of the old one, so an unsynced batch in front of a synced one could be lost alone and leave a hole in a tape.

import { ClassicLevel } from 'classic-level'
import { storedReader } from '../../replay/stored-reader.ts'
import type { Change, Database } from './database.ts'
import { Segments } from './segments.ts'

/** LevelDB's memtable and log file. Twice this may be held in memory; the ballast is as large (ballast.ts). */
export const WRITE_BUFFER = 33_554_432
/** Tables of 2 MiB, the default, would be 50,000 files for 100 GB. */
const TABLE = 33_554_432

/** The directory is in use by another process. */
export class StoreHeld extends Error {}

/** Opens the database, making it if there is none. Throws StoreHeld, or LevelDB's error. */
export async function openLevelDatabase(directory: string): Promise<Database> {
  const level = new ClassicLevel<string, Uint8Array>(directory, {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    writeBufferSize: WRITE_BUFFER,
    maxFileSize: TABLE,
    // What matters in bulk is ciphertext, archives and hashes; the rest is small. Snappy is time at every flush.
    compression: false,
  })
  try {
    await level.open()
  } catch (error) {
    const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
    if (cause?.code !== 'LEVEL_LOCKED') throw error
    const message = `${directory} is held by another process: stop it, or give this gateway a data directory of its own`
    throw new StoreHeld(message, { cause: error })
  }
  const segments = await Segments.open(directory)
  return {
    write: async (changes) => write(level, await segments.move(changes)),
    ...storedReader(level, directory),
    async close() {
      await segments.close()
      await level.close()
    },
  }
}

const SYNC = { sync: true } as const
/** Bytes of a change on average, from which on a batch goes as an array. */
const LARGE = 8_192

/**
 * A list of operations costs 11 us each in abstract-level, a chained batch 1 us. But a chained batch keeps its native
 * memory until it is collected, of which V8 knows nothing: in bulk, at megabytes a batch, that would be gigabytes.
 */
async function write(level: ClassicLevel<string, Uint8Array>, changes: readonly Change[]): Promise<void> {
  let bytes = 0
  for (const change of changes) if (change.type === 'put') bytes += change.value.length
  if (bytes >= LARGE * changes.length) return level.batch(changes as Change[], SYNC)
  const batch = level.batch()
  for (const change of changes) {
    if (change.type === 'put') batch.put(change.key, change.value)
    else batch.del(change.key)
  }
  return batch.write(SYNC)
}
