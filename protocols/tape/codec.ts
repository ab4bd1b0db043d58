// An entry <-> its bytes: `msgpack([seq, microseconds since the tape opened, kind, body])`. Decoding is strict, because
// a tape may come from anywhere: one past the cap, of another shape, or with anything behind its end is refused. Nothing
// re-encodes what was decoded: what is hashed is what is stored.

import { MisuseError } from '../errors.ts'
import { limits } from '../limits.ts'
import type { BodyEnd, BodyPiece, Entry, EntryBodies, EntryKind, StreamBody } from './entry.ts'
import { TapeError } from './errors.ts'
import { readMsgpack } from './msgpack-reader.ts'
import { MsgpackWriter } from './msgpack-writer.ts'
import { shapes } from './shapes.ts'

const writer = new MsgpackWriter(limits.tape.depth)

/** Kinds whose body ends with its bytes, so that they are copied once, straight to where they stay. */
const ENDS_WITH_BYTES: ReadonlySet<EntryKind> = new Set(['requestBody', 'responseBody', 'stream'])

/**
 * The entry's bytes in a buffer of their own, behind `room` bytes for the caller. `micros`: since the tape opened, below
 * 2^53. Throws MisuseError for a body that no reader would take: too long, too deep, or with values that are no data.
 */
export function encodeEntry<K extends EntryKind>(
  seq: number,
  micros: number,
  kind: K,
  body: EntryBodies[K],
  room = 0,
): Uint8Array {
  if (!ENDS_WITH_BYTES.has(kind)) {
    return behind(room, begin(seq, micros, kind).value(body, 1).written, NOTHING)
  }
  if (kind === 'stream') {
    const { runs, bytes } = body as StreamBody
    return behind(room, encodeStreamHead(seq, micros, runs, runs.length, bytes.length), bytes)
  }
  const { exchange, end, bytes } = body as BodyPiece
  return behind(room, bodyHead(seq, micros, kind as 'requestBody' | 'responseBody', exchange, end, bytes.length), bytes)
}

/** A responseBody entry up to its bytes, as `encodeStreamHead` is for a stream. Borrowed: valid until the next entry is encoded. */
export function encodeBodyHead(
  seq: number,
  micros: number,
  exchange: number,
  end: BodyEnd | undefined,
  length: number,
): Uint8Array {
  return bodyHead(seq, micros, 'responseBody', exchange, end, length)
}

function bodyHead(
  seq: number,
  micros: number,
  kind: 'requestBody' | 'responseBody',
  exchange: number,
  end: BodyEnd | undefined,
  length: number,
): Uint8Array {
  begin(seq, micros, kind).map(end === undefined ? 2 : 3)
  writer.text('exchange').integer(exchange)
  if (end !== undefined) writer.text('end').value(end, 2)
  return writer.text('bytes').bytesHead(length).written
}

/**
 * A stream entry up to its bytes, for who has joined them already: the entry is this and then `length` bytes. Only the
 * first `count` of `runs` count. Borrowed: valid until the next entry is encoded.
 */
export function encodeStreamHead(
  seq: number,
  micros: number,
  runs: readonly number[],
  count: number,
  length: number,
): Uint8Array {
  begin(seq, micros, 'stream').map(2).text('runs').array(count)
  for (let at = 0; at < count; at++) writer.integer(runs[at]!)
  return writer.text('bytes').bytesHead(length).written
}

/** Bytes that the head of a stream entry needs at most, for so many numbers in its runs. */
export function streamHeadLength(numbers: number): number {
  // The array, seq, micros, "stream", the map, "runs" with its head, the numbers below 2^32, "bytes" with its head.
  return 1 + 9 + 9 + 7 + 1 + 5 + 5 + 5 * numbers + 6 + 5
}

/** Binary values are views of `bytes`. Throws TapeError for anything that is no entry of ours. */
export function decodeEntry(bytes: Uint8Array): Entry {
  if (bytes.length > limits.tape.entry) throw new TapeError('tape.entry.too_long', 'longer than an entry may be')
  const value = readMsgpack(bytes, limits.tape.depth)
  if (!Array.isArray(value) || value.length !== 4) throw new TapeError('tape.entry.form', 'not an array of four')
  const [seq, micros, kind, body] = value as readonly unknown[]
  if (!isCount(seq) || !isCount(micros)) throw new TapeError('tape.entry.number', 'no sequence number or no time')
  if (typeof kind !== 'string' || !Object.hasOwn(shapes, kind)) {
    throw new TapeError('tape.entry.kind', 'an entry of an unknown kind')
  }
  if (!shapes[kind as EntryKind](body)) throw new TapeError('tape.entry.body', 'a body that is not of its kind')
  return { seq, micros, kind, body } as Entry
}

function begin(seq: number, micros: number, kind: EntryKind): MsgpackWriter {
  return writer.begin().array(4).integer(seq).integer(micros).text(kind)
}

function behind(room: number, head: Uint8Array, bytes: Uint8Array): Uint8Array {
  const length = head.length + bytes.length
  if (length > limits.tape.entry) throw new MisuseError('an entry is longer than an entry may be')
  const record = new Uint8Array(room + length)
  record.set(head, room)
  record.set(bytes, room + head.length)
  return record
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

const NOTHING = new Uint8Array(0)
