// Keys and values of a store -> tapes: what they are, newest first, their entries in order, and the log. A damaged tape
// never hides others: it stays in the list and says so.

import {
  CHECKPOINT_KEY,
  type Dimension,
  entryRange,
  indexRange,
  type KeyRange,
  leafRange,
  tapeOf,
  tapeRange,
} from '../protocols/tape/keys.ts'
import type { KeyValueReader } from '../protocols/tape/reader.ts'
import { ulidTime } from '../protocols/tape/ulid.ts'
import { DamagedTape } from './stream-runs.ts'
import { summarise } from './summary.ts'
import type { TapeFilter } from './tape-filter.ts'
import {
  decoded,
  decodeStored,
  decodeValue,
  NoSuchTape,
  type StoredEntry,
  type StoredLog,
  type TapeSummary,
  type Tapes,
} from './tapes.ts'

/** A reader that may have something to close. */
export type ClosableReader = KeyValueReader & { close?(): Promise<void> }

export class StoredTapes implements Tapes {
  readonly #reader: ClosableReader
  readonly log: StoredLog

  constructor(reader: ClosableReader) {
    this.#reader = reader
    this.log = { leaves: () => this.#range(leafRange()), checkpoint: () => this.#checkpoint() }
  }

  async *list(filter: TapeFilter): AsyncGenerator<TapeSummary> {
    let left = filter.limit
    const { from, to } = rangeOf(filter)
    for await (const [key] of this.#reader.entries(from, to, { reverse: true })) {
      const summary = await this.#summary(tapeOf(key), filter)
      if (summary === undefined) continue
      yield summary
      if (--left === 0) return
    }
  }

  async *stored(id: string): AsyncGenerator<Uint8Array> {
    let found = false
    for await (const value of this.#range(entryRange(id))) {
      found = true
      yield value
    }
    if (!found) throw new NoSuchTape(id)
  }

  entries(id: string): AsyncGenerator<StoredEntry> {
    return decodeStored(this.stored(id))
  }

  async close(): Promise<void> {
    await this.#reader.close?.()
  }

  async #summary(id: string, filter: TapeFilter): Promise<TapeSummary | undefined> {
    try {
      return await summarise(decoded(this.entries(id)), await this.#last(id), filter)
    } catch (error) {
      if (error instanceof DamagedTape || error instanceof NoSuchTape) return damaged(id)
      throw error
    }
  }

  async #last(id: string): Promise<StoredEntry['entry']> {
    const { from, to } = entryRange(id)
    for await (const [, value] of this.#reader.entries(from, to, { reverse: true, limit: 1 })) {
      return decodeValue(value).entry
    }
    throw new NoSuchTape(id)
  }

  async *#range({ from, to }: KeyRange): AsyncGenerator<Uint8Array> {
    for await (const [, value] of this.#reader.entries(from, to)) yield value
  }

  async #checkpoint(): Promise<string | undefined> {
    const note = await this.#reader.get(CHECKPOINT_KEY)
    return note === undefined ? undefined : new TextDecoder().decode(note)
  }
}

/** The narrowest index that the filter can be looked up in; `summarise` checks the rest. */
const INDEXED = ['user', 'actor', 'namespace', 'resource', 'verb'] as const satisfies readonly Dimension[]

function rangeOf(filter: TapeFilter): KeyRange {
  const { cursor, since, until } = filter
  for (const dimension of INDEXED) {
    const value = filter[dimension]
    if (value !== undefined) return indexRange(dimension, value, since, until, cursor)
  }
  return tapeRange(since, until, cursor)
}

/** What a list says of a tape that cannot be read: its id is all that can be trusted. */
function damaged(id: string): TapeSummary {
  return {
    id,
    kind: 'damaged',
    cluster: '',
    client: '',
    openedAt: ulidTime(id) * 1000,
    duration: 0,
    entries: 0,
    sealed: '',
    user: '',
    actor: '',
    line: '',
  }
}
