// An open LevelDB with its segments -> what readers of tapes take: keys and whole values, wherever an entry's bytes lie.

import type { ClassicLevel } from 'classic-level'
import type { KeyValueReader } from '../protocols/tape/reader.ts'
import { SegmentReader } from './segments.ts'

/** `directory`: the one that the database was opened in. */
export function storedReader(level: ClassicLevel<string, Uint8Array>, directory: string): KeyValueReader {
  return {
    async get(key) {
      const value = await level.get(key)
      if (value === undefined) return undefined
      const segments = new SegmentReader(directory)
      try {
        return await segments.resolve(value)
      } finally {
        await segments.close()
      }
    },
    async *entries(from, to, options = {}) {
      const segments = new SegmentReader(directory)
      try {
        for await (const [key, value] of level.iterator({ gte: from, lt: to, ...options })) {
          yield [key, await segments.resolve(value)] as const
        }
      } finally {
        await segments.close()
      }
    },
  }
}
