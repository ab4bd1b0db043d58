// The fields of a protobuf message as they lie in bytes (protobuf.dev/programming-guides/encoding). Refuses groups, field
// number 0, varints of more than ten bytes and lengths beyond the end; a varint longer than it need be is taken, as Go
// takes it.

import { cut, ProtobufError, wireType } from './errors.ts'

export const VARINT = 0
const FIXED_64 = 1
export const DELIMITED = 2
const FIXED_32 = 5

/** Ten times seven bits are more than 64 (gogo/protobuf, ErrIntOverflow). */
const LONGEST_VARINT = 10
/** Past it a tag's field number would be more than 29 bits; Go cuts it, and reads another field. */
const LARGEST_TAG = 0xffff_ffff

const NOTHING = Buffer.alloc(0)

/** One field after another of a message within `bytes`. Its own fields say what was read last. */
export class FieldReader {
  bytes: Buffer = NOTHING
  /** Where the next field begins, once this one has been read. */
  at = 0
  number = 0
  wire = VARINT
  /** Where the length of a delimited field begins. */
  lengthAt = 0
  /** The content of a delimited field, the value of another. */
  from = 0
  to = 0

  /** These are the bytes from now on. */
  begin(bytes: Uint8Array): void {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.at = 0
  }

  text(from: number, to: number): string {
    return this.bytes.toString('utf8', from, to)
  }

  /** Reads the field at `at`, of a message that ends at `end`; false at the end. Throws ProtobufError. */
  next(end: number): boolean {
    const { bytes } = this
    let at = this.at
    if (at >= end) return false
    let tag = bytes[at]!
    at += 1
    if (tag >= 0x80) {
      tag = varint(bytes, at - 1, end)
      if (tag > LARGEST_TAG) throw new ProtobufError('protobuf.field.number', 'a field number of more than 29 bits')
      at = varintEnd(bytes, at - 1, end)
    }
    this.number = tag >>> 3
    this.wire = tag & 7
    if (this.number === 0) throw new ProtobufError('protobuf.field.zero', 'a field has number 0')
    this.lengthAt = at
    switch (this.wire) {
      case DELIMITED: {
        let length = at < end ? bytes[at]! : 0x80
        if (length < 0x80) at += 1
        else {
          length = varint(bytes, at, end)
          at = varintEnd(bytes, at, end)
        }
        if (length > end - at) throw new ProtobufError('protobuf.length', 'a length goes beyond the end')
        this.from = at
        at += length
        break
      }
      case VARINT:
        this.from = at
        at = varintEnd(bytes, at, end)
        break
      case FIXED_64:
      case FIXED_32:
        this.from = at
        at += this.wire === FIXED_64 ? 8 : 4
        if (at > end) throw cut()
        break
      default:
        throw noWireType()
    }
    this.to = at
    this.at = at
    return true
  }
}

/** That the field which was read last has a length and a content. Throws ProtobufError. */
export function assertDelimited(reader: FieldReader): void {
  if (reader.wire !== DELIMITED) throw wireType()
}

/** The value of a varint; past 2^53 it is not exact, and longer than anything. Throws ProtobufError. */
export function varint(bytes: Uint8Array, at: number, end: number): number {
  let value = 0
  let scale = 1
  for (let read = 0; read < LONGEST_VARINT; read += 1) {
    if (at >= end) throw cut()
    const byte = bytes[at]!
    at += 1
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
    scale *= 128
  }
  throw overlong()
}

/** The place behind a varint. Throws ProtobufError. */
export function varintEnd(bytes: Uint8Array, at: number, end: number): number {
  const behind = findVarintEnd(bytes, at, end)
  if (behind === -1) throw cut()
  return behind
}

/** The place behind a varint; -1 where the bytes end before it does. Throws ProtobufError. */
export function findVarintEnd(bytes: Uint8Array, at: number, end: number): number {
  for (let read = 0; read < LONGEST_VARINT; read += 1) {
    if (at >= end) return -1
    const byte = bytes[at]!
    at += 1
    if (byte < 0x80) return at
  }
  throw overlong()
}

/**
 * How long the field at `at` is, tag and all, as far as its first bytes say; -1 where too few are there. It may be longer
 * than what is there. Throws ProtobufError.
 */
export function fieldLength(bytes: Uint8Array, at: number, end: number): number {
  const behindTag = findVarintEnd(bytes, at, end)
  if (behindTag === -1) return -1
  switch (bytes[at]! & 7) {
    case DELIMITED: {
      const from = findVarintEnd(bytes, behindTag, end)
      return from === -1 ? -1 : from - at + varint(bytes, behindTag, from)
    }
    case VARINT: {
      const behind = findVarintEnd(bytes, behindTag, end)
      return behind === -1 ? -1 : behind - at
    }
    case FIXED_64:
      return behindTag - at + 8
    case FIXED_32:
      return behindTag - at + 4
    default:
      throw noWireType()
  }
}

export function varintLength(value: number): number {
  let length = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) length += 1
  return length
}

/** Writes a varint at its shortest; returns the place behind it. */
export function writeVarint(into: Uint8Array, at: number, value: number): number {
  while (value >= 0x80) {
    into[at] = (value % 128) | 0x80
    value = Math.floor(value / 128)
    at += 1
  }
  into[at] = value
  return at + 1
}

function noWireType(): ProtobufError {
  return new ProtobufError('protobuf.wire_type', 'a group, or a wire type that there is not')
}

function overlong(): ProtobufError {
  return new ProtobufError('protobuf.varint', 'a varint of more than ten bytes')
}
