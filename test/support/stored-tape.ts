// A tape as a store has it, made entry by entry: bytes, hashes, and the leaves that the log has of it.

import { chainNext, chainStart, type Stored } from '../../protocols/tape/chain.ts'
import { encodeEntry } from '../../protocols/tape/codec.ts'
import type { Leaf, LeafType } from '../../protocols/tape/leaf.ts'
import { Recording, TAPE_ID } from './recording.ts'

/** An API tape of `entries` entries, sealed; at least the opening and the seal. */
export function storedTape(entries: number): Stored[] {
  const recording = new Recording()
  while (recording.entries.length < entries - 1) {
    recording.add(recording.entries.length, 'note', { code: 'test', text: `note ${recording.entries.length}` })
  }
  recording.seal(entries)
  return chained(recording.entries.map((entry) => encodeEntry(entry.seq, entry.micros, entry.kind, entry.body)))
}

/** Any bytes, with the hashes that chain them. */
export function chained(entries: readonly Uint8Array[]): Stored[] {
  let hash = chainStart(TAPE_ID)
  return entries.map((bytes) => {
    hash = chainNext(hash, bytes)
    return { bytes, hash }
  })
}

/** What the log says of the tape at some of its entries: [type, entries by then]. */
export function leavesOf(tape: readonly Stored[], ...at: readonly (readonly [LeafType, number])[]): Leaf[] {
  return at.map(([type, entries]) => ({
    type,
    tape: TAPE_ID,
    entries,
    head: tape[entries - 1]!.hash,
    micros: 1_795_435_200_000_000 + entries,
  }))
}
