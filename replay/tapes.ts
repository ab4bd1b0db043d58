// What every source of tapes gives, be it a store at rest or a gateway that runs: a list, entries, and the log.
// Readers of tapes take this interface, so that they do not know where the tapes are.

import { type Stored, splitStored } from '../protocols/tape/chain.ts'
import { decodeEntry } from '../protocols/tape/codec.ts'
import type { Entry, TapeKind } from '../protocols/tape/entry.ts'
import { TapeError } from '../protocols/tape/errors.ts'
import { DamagedTape } from './stream-runs.ts'
import type { TapeFilter } from './tape-filter.ts'

/** One entry as it is stored and as it reads. */
export interface StoredEntry extends Stored {
  readonly entry: Entry
}

/** One tape in a list. */
export interface TapeSummary {
  /** A ULID: ids sort by the time at which tapes were opened. */
  readonly id: string
  /** "damaged" for a tape that cannot be read: then only `id` and `openedAt` mean something. */
  readonly kind: TapeKind | 'damaged'
  readonly cluster: string
  /** The client's address. */
  readonly client: string
  /** Microseconds since 1970. */
  readonly openedAt: number
  /** Microseconds from the open to the last entry. */
  readonly duration: number
  readonly entries: number
  /** Why the tape ended, "" while it is open. */
  readonly sealed: string
  /** The caller of the first request, "" if nobody was identified. */
  readonly user: string
  readonly actor: string
  /** The first request that matches the filter as a kubectl line, "" if there is none. */
  readonly line: string
}

/** The log as it is stored: what verification of completeness needs. */
export interface StoredLog {
  /** The leaves' bytes, in the order of their keys. */
  leaves(): AsyncIterable<Uint8Array>
  /** The latest signed checkpoint (C2SP signed note), undefined if none was made yet. */
  checkpoint(): Promise<string | undefined>
}

export interface Tapes {
  /** Newest first. Ends after `filter.limit` tapes. */
  list(filter: TapeFilter): AsyncIterable<TapeSummary>
  /** All entries of a tape in the order of their keys, as they are stored (hash ‖ entry). Throws NoSuchTape. */
  stored(id: string): AsyncIterable<Uint8Array>
  /** The same, decoded. Throws NoSuchTape; DamagedTape at the first entry that cannot be decoded. */
  entries(id: string): AsyncIterable<StoredEntry>
  readonly log: StoredLog
  close(): Promise<void>
}

/** There is no tape of that id. */
export class NoSuchTape extends Error {
  readonly id: string

  constructor(id: string) {
    super(`there is no tape ${id}`)
    this.id = id
  }
}

/** The source cannot be read now: it is not reached, or refuses. The message says what to do. */
export class TapesUnavailable extends Error {}

/** Decodes entries as they come. Throws DamagedTape. */
export async function* decodeStored(stored: AsyncIterable<Uint8Array>): AsyncGenerator<StoredEntry> {
  for await (const value of stored) yield decodeValue(value)
}

/** Decodes one stored value. Throws DamagedTape. */
export function decodeValue(value: Uint8Array): StoredEntry {
  try {
    const { bytes, hash } = splitStored(value)
    return { hash, bytes, entry: decodeEntry(bytes) }
  } catch (error) {
    if (error instanceof TapeError) throw new DamagedTape(`an entry cannot be read: ${error.message}`, { cause: error })
    throw error
  }
}

/** The entries alone, for readers that need no hashes. */
export async function* decoded(entries: AsyncIterable<StoredEntry>): AsyncGenerator<Entry> {
  for await (const { entry } of entries) yield entry
}
