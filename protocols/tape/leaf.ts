// A leaf of the log <-> its bytes: `msgpack([type, tape, entries, head, micros])`. It says that at that time the tape had
// so many entries, and that its chain then stood at that hash.

import { HASH_LENGTH } from './chain.ts'
import { TapeError } from './errors.ts'
import { readMsgpack } from './msgpack-reader.ts'
import { MsgpackWriter } from './msgpack-writer.ts'
import { isUlid } from './ulid.ts'

export type LeafType = 'open' | 'head' | 'seal'

export interface Leaf {
  /** Opened with its first entry, still open, or sealed: nothing follows. */
  readonly type: LeafType
  readonly tape: string
  /** Entries on the tape by then. */
  readonly entries: number
  /** The chain's hash after the last of them. */
  readonly head: Uint8Array
  /** Microseconds since 1970. */
  readonly micros: number
}

const TYPES: ReadonlySet<unknown> = new Set<LeafType>(['open', 'head', 'seal'])
/** A leaf is below 100 bytes. */
const LONGEST = 256

const writer = new MsgpackWriter(1)

export function encodeLeaf({ type, tape, entries, head, micros }: Leaf): Uint8Array {
  return writer.begin().array(5).text(type).text(tape).integer(entries).bytes(head).integer(micros).written.slice()
}

/** Throws TapeError. */
export function decodeLeaf(bytes: Uint8Array): Leaf {
  const value = bytes.length <= LONGEST ? readMsgpack(bytes, 1) : undefined
  if (!Array.isArray(value) || value.length !== 5) throw new TapeError('tape.leaf.form', 'not a leaf of the log')
  const [type, tape, entries, head, micros] = value as readonly unknown[]
  if (
    !TYPES.has(type) ||
    typeof tape !== 'string' ||
    !isUlid(tape) ||
    !Number.isSafeInteger(entries) ||
    (entries as number) < 1 ||
    !(head instanceof Uint8Array) ||
    head.length !== HASH_LENGTH ||
    !Number.isSafeInteger(micros)
  ) {
    throw new TapeError('tape.leaf.body', 'a leaf that does not say what a leaf says')
  }
  return { type, tape, entries, head, micros } as Leaf
}
