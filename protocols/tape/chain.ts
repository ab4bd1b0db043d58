// Entries -> the hashes that chain them: h0 = SHA-256(0x00 ‖ tape id), hi = SHA-256(0x01 ‖ h(i-1) ‖ entry), over the
// bytes as stored. A stored value is `hi ‖ entry`; it is hashed in the place where it lies.

import { createHash, hash } from 'node:crypto'
import { TapeError } from './errors.ts'

/** SHA-256, bytes. */
export const HASH_LENGTH = 32
/** Room in front of an entry's bytes for the tag and the hash before it; the stored value begins one byte into it. */
export const LINK_LENGTH = 1 + HASH_LENGTH

const START = 0x00
const LINK = 0x01

/** h0: the chain's hash before the first entry. */
export function chainStart(tape: string): Uint8Array {
  return createHash('sha256').update(Uint8Array.of(START)).update(tape, 'latin1').digest()
}

/** hi for an entry's stored bytes. */
export function chainNext(previous: Uint8Array, entry: Uint8Array): Uint8Array {
  return createHash('sha256').update(Uint8Array.of(LINK)).update(previous).update(entry).digest()
}

/**
 * Hashes an entry where it lies: `record` is LINK_LENGTH bytes of room and then the entry. `chain`, the hash before it,
 * becomes the hash after it. Returns the stored value, a view of `record`: the hash and the entry.
 */
export function link(chain: Uint8Array, record: Uint8Array): Uint8Array {
  record[0] = LINK
  record.set(chain, 1)
  chain.set(hash('sha256', record, 'buffer'))
  record.set(chain, 1)
  return new Uint8Array(record.buffer, record.byteOffset + 1, record.length - 1)
}

export interface Stored {
  /** The chain's hash after this entry, 32 bytes. */
  readonly hash: Uint8Array
  /** The entry's bytes as stored: what is hashed, and what codec.ts decodes. */
  readonly bytes: Uint8Array
}

/** Splits a stored value into views of it. Throws TapeError for one that is too short. */
export function splitStored(value: Uint8Array): Stored {
  if (value.length <= HASH_LENGTH) throw new TapeError('tape.stored.short', 'a stored value without an entry')
  return { hash: value.subarray(0, HASH_LENGTH), bytes: value.subarray(HASH_LENGTH) }
}
