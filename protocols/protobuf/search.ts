// Looks through a request body in protobuf for values that may not be written, and names the field that holds one. What is not
// described is looked through as well, as far as it can be read as messages.

import { fieldPath } from '../kube/field-masker.ts'
import type { Limits } from '../limits.ts'
import { MAGIC, RAW, TYPE_META, typeMeta, UNTYPED } from './envelope.ts'
import { noEnvelope, ProtobufError, twice } from './errors.ts'
import { messageOf } from './kinds.ts'
import { type Message, part } from './message.ts'
import { MapEntry } from './selection.ts'
import { assertDelimited, DELIMITED, FieldReader } from './wire.ts'

/** Fields that nothing is known of. */
const NOT_DESCRIBED = part({})

/**
 * The path of the first key or value for which `holds` says yes, as in JSON; of what is not described that of the field
 * around it, and "" for what is not the object. `holds` gets borrowed bytes: a string, bytes, or a message that is not
 * described. undefined: there is none. Throws ProtobufError for what is no object in an envelope.
 */
export function findInProtobuf(
  body: Uint8Array,
  holds: (value: Uint8Array) => boolean,
  bounds: Limits['mask'],
): string | undefined {
  return new Search(body, holds, bounds).run()
}

class Search {
  readonly #reader = new FieldReader()
  readonly #holds: (value: Uint8Array) => boolean
  readonly #bounds: Limits['mask']

  constructor(body: Uint8Array, holds: (value: Uint8Array) => boolean, bounds: Limits['mask']) {
    this.#reader.begin(body)
    this.#holds = holds
    this.#bounds = bounds
  }

  run(): string | undefined {
    const reader = this.#reader
    const { length } = reader.bytes
    if (MAGIC.some((byte, at) => reader.bytes[at] !== byte)) throw noEnvelope()
    let type = UNTYPED
    let raw: { readonly from: number; readonly to: number } | undefined
    let found: string | undefined
    reader.at = MAGIC.length
    while (reader.next(length)) {
      const { number, from, to, at } = reader
      if (number === RAW) {
        if (raw !== undefined) throw twice()
        assertDelimited(reader)
        raw = { from, to }
      } else {
        if (reader.wire === DELIMITED && this.#holds(reader.bytes.subarray(from, to))) found = ''
        if (number === TYPE_META) type = typeMeta(reader)
      }
      reader.at = at
    }
    if (raw === undefined) return found
    return this.#fields(raw.from, raw.to, messageOf(type.apiVersion, type.kind), '', 0) ?? found
  }

  #fields(from: number, to: number, message: Message, path: string, guessed: number): string | undefined {
    const reader = this.#reader
    const counts = new Map<number, number>()
    reader.at = from
    while (reader.next(to)) {
      if (reader.wire !== DELIMITED) continue
      const { number, from: start, at: next } = reader
      const field = message.fields[number]
      const content = reader.bytes.subarray(start, next)
      let at = field === undefined || field.content === 'inline' ? path : fieldPath(path, field.name)
      if (field?.occurs === 'list') {
        const index = counts.get(number) ?? 0
        counts.set(number, index + 1)
        at = `${at}[${index}]`
      }
      let found: string | undefined
      if (field?.message !== undefined) found = this.#fields(start, next, field.message, at, guessed)
      else if (field?.occurs === 'map') found = this.#entry(start, next, at, field.content === 'opaque', guessed)
      else if (this.#holds(content)) return at
      else if (field === undefined || field.content === 'opaque' || field.content === 'raw') {
        found = this.#guess(start, next, at, guessed)
      }
      if (found !== undefined) return found
      reader.at = next
    }
    return undefined
  }

  #entry(from: number, to: number, path: string, isOpaque: boolean, guessed: number): string | undefined {
    const reader = this.#reader
    const entry = new MapEntry()
    entry.read(reader, from, to)
    const at = fieldPath(path, reader.text(entry.keyFrom, entry.keyTo))
    if (this.#holds(reader.bytes.subarray(entry.keyFrom, entry.keyTo))) return path
    if (!entry.hasValue) return undefined
    if (this.#holds(reader.bytes.subarray(entry.valueFrom, entry.valueTo))) return at
    return isOpaque ? this.#guess(entry.valueFrom, entry.valueTo, at, guessed) : undefined
  }

  /** What may be a message, or text: if it cannot be read as a message it has been looked at already. */
  #guess(from: number, to: number, path: string, guessed: number): string | undefined {
    if (guessed === this.#bounds.guesses) return undefined
    try {
      return this.#fields(from, to, NOT_DESCRIBED, path, guessed + 1)
    } catch (error) {
      if (!(error instanceof ProtobufError)) throw error
      return undefined
    }
  }
}
