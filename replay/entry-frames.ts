// Values of a store (entries with their hashes, leaves) <-> one stream of bytes, as the admin API gives them: `length |
// value` for each, the length as u32 big-endian. A frame above the cap or cut off by the stream's end is refused.

import { limits } from '../protocols/limits.ts'
import { HASH_LENGTH } from '../protocols/tape/chain.ts'
import { DamagedTape } from './stream-runs.ts'

const HEAD = 4
/** The longest value: an entry with its hash. */
const LONGEST = limits.tape.entry + HASH_LENGTH

export function frame(value: Uint8Array): Uint8Array {
  const framed = new Uint8Array(HEAD + value.length)
  new DataView(framed.buffer).setUint32(0, value.length)
  framed.set(value, HEAD)
  return framed
}

/** Reads frames out of chunks that were cut anywhere and stay as they are, as those of Node's streams do. Throws DamagedTape. */
export async function* readFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array = new Uint8Array(0)
  /** Chunks behind `held`, joined only once a whole frame is there: a long frame is copied once. */
  let waiting: Uint8Array[] = []
  let missing = HEAD
  for await (const chunk of chunks) {
    waiting.push(chunk)
    missing -= chunk.length
    if (missing > 0) continue
    held = Buffer.concat([held, ...waiting])
    waiting = []
    let at = 0
    for (;;) {
      missing = HEAD - (held.length - at)
      if (missing > 0) break
      const length = new DataView(held.buffer, held.byteOffset + at).getUint32(0)
      if (length > LONGEST) throw new DamagedTape('an entry is longer than an entry may be')
      missing += length
      if (missing > 0) break
      const start = at + HEAD
      yield held.slice(start, start + length)
      at = start + length
    }
    held = held.subarray(at)
  }
  if (held.length > 0 || waiting.length > 0) throw new DamagedTape('the stream of entries ended in the middle of one')
}
