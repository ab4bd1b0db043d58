// Objects in what is around them: an envelope (runtime.Unknown) that says their kind, an event of a watch. Refuses envelopes
// that could be read in two ways, and content that is encoded in another way.

import { noEnvelope, ProtobufError, twice } from './errors.ts'
import { messageOf } from './kinds.ts'
import type { Rewriting } from './rewriting.ts'
import { assertDelimited, type FieldReader } from './wire.ts'

/** "k8s" and a zero, before every object (apimachinery pkg/runtime/serializer/protobuf). */
export const MAGIC: readonly number[] = [0x6b, 0x38, 0x73, 0x00]

const CONTENT = 'application/vnd.kubernetes.protobuf'

/** Fields of runtime.Unknown and of its TypeMeta. */
export const TYPE_META = 1
export const RAW = 2
const CONTENT_ENCODING = 3
const CONTENT_TYPE = 4
const API_VERSION = 1
const KIND = 2

/** Fields of a WatchEvent, and of the RawExtension in it. */
const EVENT_OBJECT = 2
const EXTENSION_RAW = 1

/** What an envelope says of its object. */
export interface ObjectType {
  readonly apiVersion: string
  readonly kind: string
}

/** Of an envelope that does not say. */
export const UNTYPED: ObjectType = { apiVersion: '', kind: '' }

export class EnvelopeRewriting {
  readonly #rewriting: Rewriting

  constructor(rewriting: Rewriting) {
    this.#rewriting = rewriting
  }

  // These walk over the bytes from `from` to `to`, and return by how much masks make them longer. All throw ProtobufError.

  /** An object in its envelope, magic and all. */
  envelope(from: number, to: number): number {
    const { reader, spans } = this.#rewriting
    for (let at = 0; at < MAGIC.length; at += 1) {
      if (from + at >= to || reader.bytes[from + at] !== MAGIC[at]) throw noEnvelope()
    }
    let type: ObjectType | undefined
    let hasRaw = false
    let change = 0
    reader.at = from + MAGIC.length
    while (reader.next(to)) {
      const next = reader.at
      if (reader.number === RAW) {
        if (hasRaw) throw twice()
        hasRaw = true
        assertDelimited(reader)
        const { lengthAt, from: start } = reader
        const slot = spans.open(lengthAt, start)
        const { apiVersion, kind } = type ?? UNTYPED
        change += spans.close(slot, next - start, this.#rewriting.root(start, next, messageOf(apiVersion, kind)))
      } else if (reader.number === TYPE_META) {
        if (type !== undefined) throw twice()
        if (hasRaw) throw new ProtobufError('protobuf.envelope.order', 'an object comes before what says its kind')
        type = typeMeta(reader)
      } else this.#field(reader)
      reader.at = next
    }
    return change
  }

  /** What stands in an envelope behind a list. */
  behind(from: number, to: number): void {
    const { reader } = this.#rewriting
    reader.at = from
    while (reader.next(to)) {
      if (reader.number === RAW || reader.number === TYPE_META) throw twice()
      this.#field(reader)
    }
  }

  /** A WatchEvent, without the length before it. */
  event(from: number, to: number): number {
    const { reader, spans } = this.#rewriting
    let hasObject = false
    let change = 0
    reader.at = from
    while (reader.next(to)) {
      if (reader.number !== EVENT_OBJECT) continue
      if (hasObject) throw twice()
      hasObject = true
      assertDelimited(reader)
      const { lengthAt, from: start, at: next } = reader
      const slot = spans.open(lengthAt, start)
      change += spans.close(slot, next - start, this.#eventObject(start, next))
      reader.at = next
    }
    return change
  }

  #field(reader: FieldReader): void {
    const { number, from, to } = reader
    if (number !== CONTENT_ENCODING && number !== CONTENT_TYPE) return
    assertDelimited(reader)
    if (from === to) return
    if (number === CONTENT_TYPE && reader.text(from, to) === CONTENT) return
    throw new ProtobufError('protobuf.envelope.content', 'an object in an envelope is encoded in another way')
  }

  #eventObject(from: number, to: number): number {
    const { reader, spans } = this.#rewriting
    let hasRaw = false
    let change = 0
    reader.at = from
    while (reader.next(to)) {
      if (reader.number !== EXTENSION_RAW) continue
      if (hasRaw) throw twice()
      hasRaw = true
      assertDelimited(reader)
      const { lengthAt, from: start, at: next } = reader
      if (start === next) continue
      const slot = spans.open(lengthAt, start)
      change += spans.close(slot, next - start, this.envelope(start, next))
      reader.at = next
    }
    return change
  }
}

/** The content of the field that was read last, as a TypeMeta. */
export function typeMeta(reader: FieldReader): ObjectType {
  assertDelimited(reader)
  const { to } = reader
  let apiVersion: string | undefined
  let kind: string | undefined
  reader.at = reader.from
  while (reader.next(to)) {
    if (reader.number !== API_VERSION && reader.number !== KIND) continue
    assertDelimited(reader)
    const text = reader.text(reader.from, reader.to)
    if ((reader.number === KIND ? kind : apiVersion) !== undefined) throw twice()
    if (reader.number === KIND) kind = text
    else apiVersion = text
  }
  return { apiVersion: apiVersion ?? '', kind: kind ?? '' }
}
