// Recordings -> a store in memory as a gateway would have written them: entries with their chain, the index, and the log
// with a signed checkpoint.

import { generateKeyPairSync } from 'node:crypto'
import { chainNext, chainStart } from '../../protocols/tape/chain.ts'
import { signCheckpoint, verifierKey } from '../../protocols/tape/checkpoint.ts'
import { encodeEntry } from '../../protocols/tape/codec.ts'
import { CHECKPOINT_KEY, entryKey, indexKey, leafKey, searchTerms, tapeKey } from '../../protocols/tape/keys.ts'
import { encodeLeaf } from '../../protocols/tape/leaf.ts'
import { MerkleEdge } from '../../protocols/tape/merkle.ts'
import { MemoryReader } from './memory-reader.ts'
import { OPENED_AT, type Recording } from './recording.ts'

const NOTHING = new Uint8Array(0)
const keys = generateKeyPairSync('ed25519')

/** The key that all these logs are signed with. */
export const LOG_KEY = verifierKey(keys.publicKey)

export function stored(...recordings: readonly Recording[]): MemoryReader {
  const store = new MemoryReader()
  const edge = new MerkleEdge()
  for (const { id, entries } of recordings) {
    store.values.set(tapeKey(id), NOTHING)
    let head = chainStart(id)
    for (const { seq, micros, kind, body } of entries) {
      const bytes = encodeEntry(seq, micros, kind, body)
      head = chainNext(head, bytes)
      store.values.set(entryKey(id, seq), new Uint8Array(Buffer.concat([head, bytes])))
      if (kind === 'open' || kind === 'seal') {
        const leaf = encodeLeaf({ type: kind, tape: id, entries: seq + 1, head, micros: OPENED_AT + micros })
        store.values.set(leafKey(edge.size), leaf)
        edge.append(leaf)
      }
      if (kind !== 'request') continue
      for (const [dimension, value] of searchTerms(body)) store.values.set(indexKey(dimension, value, id), NOTHING)
    }
  }
  const checkpoint = signCheckpoint(edge.size, edge.root(), LOG_KEY, keys.privateKey)
  store.values.set(CHECKPOINT_KEY, new TextEncoder().encode(checkpoint))
  return store
}
