// A store of keys and values in memory, in the order of the keys' UTF-8 bytes, as readers of tapes see LevelDB.

import type { KeyValueReader } from '../../protocols/tape/reader.ts'

export class MemoryReader implements KeyValueReader {
  readonly values = new Map<string, Uint8Array>()

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.values.get(key)
  }

  async *entries(
    from: string,
    to: string,
    options: { readonly reverse?: boolean; readonly limit?: number } = {},
  ): AsyncGenerator<readonly [string, Uint8Array]> {
    const inside = [...this.values].filter(([key]) => compare(key, from) >= 0 && compare(key, to) < 0)
    inside.sort(([one], [other]) => compare(one, other))
    if (options.reverse === true) inside.reverse()
    yield* inside.slice(0, options.limit)
  }
}

function compare(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}
