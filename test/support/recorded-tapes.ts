// Recordings as a source of tapes, for tests of what takes one: no store and no codec. Stored bytes and hashes are empty.

import { summarise } from '../../replay/summary.ts'
import type { TapeFilter } from '../../replay/tape-filter.ts'
import { NoSuchTape, type StoredEntry, type StoredLog, type TapeSummary, type Tapes } from '../../replay/tapes.ts'
import type { Recording } from './recording.ts'

export class RecordedTapes implements Tapes {
  closed = false
  readonly log: StoredLog = {
    async *leaves() {},
    checkpoint: async () => undefined,
  }
  readonly #recordings: ReadonlyMap<string, Recording>

  constructor(...recordings: readonly Recording[]) {
    this.#recordings = new Map(recordings.map((recording) => [recording.id, recording]))
  }

  async *list(filter: TapeFilter): AsyncGenerator<TapeSummary> {
    let left = filter.limit
    for (const [id, recording] of [...this.#recordings].sort().reverse()) {
      if (filter.cursor !== undefined && id >= filter.cursor) continue
      const summary = await summarise(recording, recording.entries.at(-1)!, filter)
      if (summary === undefined) continue
      yield summary
      if (--left === 0) return
    }
  }

  async *entries(id: string): AsyncGenerator<StoredEntry> {
    const recording = this.#recordings.get(id)
    if (recording === undefined) throw new NoSuchTape(id)
    for await (const entry of recording) yield { entry, bytes: new Uint8Array(0), hash: new Uint8Array(32) }
  }

  async *stored(id: string): AsyncGenerator<Uint8Array> {
    for await (const { bytes } of this.entries(id)) yield bytes
  }

  async close(): Promise<void> {
    this.closed = true
  }
}
