// A Kubernetes protobuf body on its way, masked object by object: one object, the elements of a list, the events of a watch.
// Events pass as they come. A list is held, masked, to its end: the length of all of it stands before its first element, and
// masks have other lengths than what they stand for.

import type { BodyRewriter, BodyShape, FieldMasker, FieldTree } from '../kube/field-masker.ts'
import type { Limits } from '../limits.ts'
import { EnvelopeRewriting, MAGIC, RAW, TYPE_META, typeMeta, UNTYPED } from './envelope.ts'
import { cut, noEnvelope, ProtobufError } from './errors.ts'
import { messageOf } from './kinds.ts'
import type { Message } from './message.ts'
import { ITEMS } from './metadata.ts'
import { Rewriting } from './rewriting.ts'
import { NO_OBJECT } from './selection.ts'
import { DELIMITED, FieldReader, fieldLength, findVarintEnd, varintLength, writeVarint } from './wire.ts'

type Bounds = Limits['mask']

const NOTHING = new Uint8Array(0)
/** Bytes of the length before an event. */
const FRAME_HEAD = 4
/** Of a list's length, as it will be written: lists are shorter than 2^35. */
const LENGTH_ROOM = 5
/** What masks may add to a list before its buffer has to grow. */
const SPARE = 65_536

/**
 * Where the reading is: before it is known whether a list comes, in an object (or whatever is held whole), in a list, behind
 * it in the envelope, or in a watch.
 */
type Place = 'head' | 'object' | 'list' | 'behind' | 'watch'

export class ProtobufBody implements BodyRewriter {
  readonly #bounds: Bounds
  readonly #masker: FieldMasker
  readonly #rewriting: Rewriting
  readonly #envelopes: EnvelopeRewriting
  #place: Place
  /** What is not complete yet, in a buffer that grows in doubles. */
  #held = NOTHING
  #room = NOTHING
  /** The list that has begun. */
  #list: HeldList | undefined

  /** `shape`: only a watch is told by it; whether one object or a list comes the body says itself. */
  constructor(shape: BodyShape, masker: FieldMasker, bounds: Bounds) {
    this.#masker = masker
    this.#bounds = bounds
    this.#rewriting = new Rewriting(masker, bounds)
    this.#envelopes = new EnvelopeRewriting(this.#rewriting)
    this.#place = shape === 'watch' ? 'watch' : 'head'
  }

  receive(bytes: Uint8Array): Uint8Array {
    const isLent = this.#held.length === 0
    if (!isLent) this.#hold(bytes)
    const known = isLent ? bytes : this.#held
    if (this.#place === 'watch') return this.#events(known, isLent)
    let at = 0
    if (this.#place === 'head') at = this.#head(known)
    const list = this.#list
    if (this.#place === 'list' && list !== undefined) {
      at = list.take(known, at)
      if (list.isComplete) this.#place = 'behind'
    }
    this.#keep(known, at, isLent)
    return NOTHING
  }

  end(): Uint8Array {
    const held = this.#held
    if (this.#place === 'watch') {
      if (held.length > 0) throw cut()
      return NOTHING
    }
    if (this.#place === 'list') throw cut()
    this.#rewriting.begin(held)
    const list = this.#list
    if (list !== undefined) {
      this.#envelopes.behind(0, held.length)
      return list.end(held)
    }
    if (held.length === 0) return NOTHING
    const change = this.#envelopes.envelope(0, held.length)
    return written(this.#rewriting, held, 0, held.length, change)
  }

  /** Looks for a list's first byte; returns how much of the bytes has been done with, all of it or nothing. */
  #head(bytes: Uint8Array): number {
    for (let at = 0; at < MAGIC.length; at += 1) {
      if (at === bytes.length) return 0
      if (bytes[at] !== MAGIC[at]) throw noEnvelope()
    }
    const reader = new FieldReader()
    reader.begin(bytes)
    let type = UNTYPED
    for (let at = MAGIC.length; ; at = reader.at) {
      const length = fieldLength(bytes, at, bytes.length)
      if (length === -1) return 0
      const end = at + length
      // A tag of more bytes than it needs is of no list that Go writes.
      if (bytes[at] === ((RAW << 3) | DELIMITED)) {
        const from = findVarintEnd(bytes, at + 1, bytes.length)
        return this.#begin(messageOf(type.apiVersion, type.kind), bytes.subarray(0, at + 1), from, end - from)
      }
      if (end > this.#bounds.key) throw tooLong()
      if (end > bytes.length) return 0
      reader.at = at
      reader.next(end)
      if (reader.number === TYPE_META) type = typeMeta(reader)
      reader.at = end
    }
  }

  /** `head`: up to the object's length; `from`: where it begins. */
  #begin(message: Message, head: Uint8Array, from: number, length: number): number {
    const element = message.fields[ITEMS]?.message
    if (!message.names.has('items') || element === undefined) {
      if (length > this.#bounds.object) throw tooLong()
      this.#place = 'object'
      return 0
    }
    if (length > this.#bounds.list) throw tooLong()
    this.#list = new HeldList(head, length, message, element, this.#masker, this.#bounds)
    this.#place = 'list'
    return from
  }

  #events(bytes: Uint8Array, isLent: boolean): Uint8Array {
    const pieces: Uint8Array[] = []
    let at = 0
    this.#rewriting.begin(bytes)
    while (bytes.length - at >= FRAME_HEAD) {
      const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0)
      if (length > this.#bounds.object) throw tooLong()
      const from = at + FRAME_HEAD
      const end = from + length
      if (end > bytes.length) break
      this.#rewriting.spans.forget()
      const change = this.#envelopes.event(from, end)
      if (!this.#rewriting.spans.isChanged) pieces.push(bytes.subarray(at, end))
      else {
        const frame = Buffer.allocUnsafe(FRAME_HEAD + length + change)
        frame.writeUInt32BE(length + change)
        this.#rewriting.spans.copy(from, end, frame, FRAME_HEAD)
        pieces.push(frame)
      }
      at = end
    }
    const passed = pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces)
    this.#keep(bytes, at, isLent)
    return passed
  }

  /** Holds what is left of the bytes; what has passed may be a view, whose buffer is not written to again. */
  #keep(bytes: Uint8Array, from: number, isLent: boolean): void {
    if (from === 0 && !isLent) return
    if (!isLent && this.#place === 'list') {
      this.#held = this.#room.copyWithin(0, from, bytes.length).subarray(0, bytes.length - from)
      return
    }
    this.#held = NOTHING
    this.#room = NOTHING
    if (from < bytes.length) this.#hold(bytes.subarray(from))
  }

  #hold(bytes: Uint8Array): void {
    const before = this.#held.length
    const size = before + bytes.length
    // The envelope stands around an object.
    if (this.#place !== 'list' && size > this.#bounds.object + this.#bounds.key) throw tooLong()
    if (size > this.#room.length) {
      const room = new Uint8Array(Math.max(4_096, 2 * size))
      room.set(this.#held)
      this.#room = room
    }
    this.#room.set(bytes, before)
    this.#held = this.#room.subarray(0, size)
  }
}

/** A list whose elements are masked as they come, and put into one buffer with room before it for what precedes them. */
class HeldList {
  readonly #head: Uint8Array
  readonly #message: Message
  readonly #element: Message
  readonly #tree: FieldTree | undefined
  readonly #rewriting: Rewriting
  readonly #bounds: Bounds
  /** Bytes of it that have not come yet, of as many as its length says. */
  #left: number
  #room: Buffer
  #at: number

  /** `head`: everything before its length. */
  constructor(
    head: Uint8Array,
    length: number,
    message: Message,
    element: Message,
    masker: FieldMasker,
    bounds: Bounds,
  ) {
    this.#head = Uint8Array.from(head)
    this.#message = message
    this.#element = element
    this.#tree = masker.select(NO_OBJECT)
    this.#rewriting = new Rewriting(masker, bounds)
    this.#bounds = bounds
    this.#left = length
    this.#at = head.length + LENGTH_ROOM
    // Memory that is not written to is not taken, so that a length alone costs nothing.
    this.#room = Buffer.allocUnsafeSlow(this.#at + length + SPARE)
  }

  get isComplete(): boolean {
    return this.#left === 0
  }

  /** Takes the fields that are complete; returns the place behind them. */
  take(bytes: Uint8Array, from: number): number {
    this.#rewriting.begin(bytes)
    let at = from
    while (this.#left > 0 && at < bytes.length) {
      const end = Math.min(bytes.length, at + this.#left)
      const length = fieldLength(bytes, at, end)
      if (length === -1) {
        if (end - at === this.#left) throw cut()
        break
      }
      if (length > this.#left) throw new ProtobufError('protobuf.list.length', 'an element goes beyond its list')
      if (length > this.#bounds.item) throw tooLong()
      if (at + length > end) break
      this.#field(at, at + length)
      at += length
      this.#left -= length
    }
    return at
  }

  /** All of it, with what stands behind it. */
  end(behind: Uint8Array): Uint8Array {
    const head = this.#head
    const start = head.length + LENGTH_ROOM
    const length = this.#at - start
    this.#reserve(behind.length)
    this.#room.set(behind, this.#at)
    const begin = LENGTH_ROOM - varintLength(length)
    this.#room.set(head, begin)
    writeVarint(this.#room, begin + head.length, length)
    return this.#room.subarray(begin, this.#at + behind.length)
  }

  #field(from: number, to: number): void {
    const rewriting = this.#rewriting
    const { reader } = rewriting
    rewriting.spans.forget()
    reader.at = from
    reader.next(to)
    const isElement = reader.number === ITEMS && reader.wire === DELIMITED
    const change = isElement
      ? rewriting.element(reader.lengthAt, reader.from, to, this.#element)
      : rewriting.listFields(from, to, this.#message, this.#tree)
    this.#reserve(to - from + change)
    this.#at = rewriting.spans.copy(from, to, this.#room, this.#at)
  }

  #reserve(bytes: number): void {
    const size = this.#at + bytes
    if (size <= this.#room.length) return
    if (size > this.#bounds.list + this.#bounds.key) throw tooLong()
    const room = Buffer.allocUnsafeSlow(Math.ceil(size * 1.25))
    room.set(this.#room.subarray(0, this.#at))
    this.#room = room
  }
}

function written(rewriting: Rewriting, bytes: Uint8Array, from: number, to: number, change: number): Uint8Array {
  if (!rewriting.spans.isChanged) return bytes.subarray(from, to)
  const into = Buffer.allocUnsafe(to - from + change)
  rewriting.spans.copy(from, to, into, 0)
  return into
}

function tooLong(): ProtobufError {
  return new ProtobufError('protobuf.length.bound', 'an object or a list is longer than is held for masking')
}
