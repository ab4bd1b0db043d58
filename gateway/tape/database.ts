// What the store needs of a database: ordered keys, batches that are on disk when they say so, and a close. LevelDB is
// one (leveldb.ts); tests bring one that fails and forgets.

import type { KeyValueReader } from '../../protocols/tape/reader.ts'

/** Put or delete one key. */
export type Change =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }

export interface Database extends KeyValueReader {
  /**
   * Writes all changes or none; they are on disk (fdatasync) when it resolves. Values are borrowed until then. After it
   * has rejected once the database is not used again, except to close it.
   */
  write(changes: readonly Change[]): Promise<void>
  close(): Promise<void>
}

export function put(key: string, value: Uint8Array): Change {
  return { type: 'put', key, value }
}

export function del(key: string): Change {
  return { type: 'del', key }
}

/** The value of keys that say all there is to say. */
export const NOTHING = new Uint8Array(0)
