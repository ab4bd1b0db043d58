// Where a long entry lies: in LevelDB its chain hash is followed by this pointer instead of its bytes, which are in an
// append-only segment file. An entry is a msgpack array and never begins with 0xc1, which msgpack does not use.

import { HASH_LENGTH } from './chain.ts'

/** Entries of at least so many bytes (hash counted) lie in segments. */
export const LONG_ENTRY = 8_192

const MARK = 0xc1
const POINTER_LENGTH = 1 + 4 + 6 + 4

export interface Pointer {
  /** Number of the segment file, from 1. */
  readonly segment: number
  /** Where the entry begins in it, bytes, below 2^48. */
  readonly offset: number
  readonly length: number
}

/** The stored value of a long entry: its hash, as given, and the pointer. */
export function encodePointer(hash: Uint8Array, { segment, offset, length }: Pointer): Uint8Array {
  const value = new Uint8Array(HASH_LENGTH + POINTER_LENGTH)
  value.set(hash)
  const view = new DataView(value.buffer, HASH_LENGTH)
  view.setUint8(0, MARK)
  view.setUint32(1, segment)
  view.setUint16(5, Math.floor(offset / 2 ** 32))
  view.setUint32(7, offset >>> 0)
  view.setUint32(11, length)
  return value
}

/** The pointer in a stored value; undefined for a value that holds its entry itself. */
export function decodePointer(value: Uint8Array): Pointer | undefined {
  if (value.length !== HASH_LENGTH + POINTER_LENGTH || value[HASH_LENGTH] !== MARK) return undefined
  const view = new DataView(value.buffer, value.byteOffset + HASH_LENGTH)
  const offset = view.getUint16(5) * 2 ** 32 + view.getUint32(7)
  return { segment: view.getUint32(1), offset, length: view.getUint32(11) }
}

/** The name of a segment's file, in order of its number. */
export function segmentName(segment: number): string {
  return `${String(segment).padStart(8, '0')}.segment`
}

/** The folder of the segments, in that of the store. */
export const SEGMENTS = 'segments'
