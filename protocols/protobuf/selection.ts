// What rules select objects by, read from an object's metadata, and the entries of its maps. Refuses what is there twice: Go
// merges two messages, and takes the last of two strings, so that what was looked at might not be what counts.

import type { MaskedObject } from '../kube/field-masker.ts'
import { twice } from './errors.ts'
import type { Message } from './message.ts'
import { metadata } from './metadata.ts'
import { assertDelimited, type FieldReader } from './wire.ts'

/** Fields of ObjectMeta. */
const NAME = 1
const NAMESPACE = 3
const UID = 5
const LABELS = 11

/** Fields of a map's entry. */
const KEY = 1
const VALUE = 2

/** What has no metadata of an object, such as a list. */
export const NO_OBJECT: MaskedObject = { name: '', namespace: '', uid: '', labels: new Map() }

/** The metadata by which rules select. Go would merge two of them, so there may be one only. */
export function describe(reader: FieldReader, from: number, to: number, message: Message): MaskedObject {
  if (message.fields[1] !== metadata) return NO_OBJECT
  let object: MaskedObject | undefined
  reader.at = from
  while (reader.next(to)) {
    if (reader.number !== 1) continue
    if (object !== undefined) throw twice()
    assertDelimited(reader)
    const next = reader.at
    object = metadataOf(reader, reader.from, next)
    reader.at = next
  }
  return object ?? NO_OBJECT
}

function metadataOf(reader: FieldReader, from: number, to: number): MaskedObject {
  let name: string | undefined
  let namespace: string | undefined
  let uid: string | undefined
  let labels: Map<string, string> | undefined
  reader.at = from
  while (reader.next(to)) {
    switch (reader.number) {
      case NAME:
        name = onlyText(reader, name)
        break
      case NAMESPACE:
        namespace = onlyText(reader, namespace)
        break
      case UID:
        uid = onlyText(reader, uid)
        break
      case LABELS: {
        assertDelimited(reader)
        const next = reader.at
        labels ??= new Map()
        const entry = new MapEntry()
        entry.read(reader, reader.from, next)
        const key = reader.text(entry.keyFrom, entry.keyTo)
        if (labels.has(key)) throw twice()
        labels.set(key, reader.text(entry.valueFrom, entry.valueTo))
        reader.at = next
        break
      }
      default:
    }
  }
  return { name: name ?? '', namespace: namespace ?? '', uid: uid ?? '', labels: labels ?? NO_OBJECT.labels }
}

export function onlyText(reader: FieldReader, before: string | undefined): string {
  if (before !== undefined) throw twice()
  assertDelimited(reader)
  return reader.text(reader.from, reader.to)
}

/** Where the key and the value of a map's entry lie; a key that is not there is empty. */
export class MapEntry {
  hasKey = false
  keyFrom = 0
  keyTo = 0
  hasValue = false
  /** Where the value's length begins. */
  valueLengthAt = 0
  valueFrom = 0
  valueTo = 0

  /** Reads the entry that lies from `from` to `to`. Throws ProtobufError. */
  read(reader: FieldReader, from: number, to: number): void {
    this.keyFrom = from
    this.keyTo = from
    this.hasKey = false
    this.hasValue = false
    this.valueFrom = to
    this.valueTo = to
    reader.at = from
    while (reader.next(to)) {
      if (reader.number === KEY) {
        if (this.hasKey) throw twice()
        assertDelimited(reader)
        this.hasKey = true
        this.keyFrom = reader.from
        this.keyTo = reader.to
      } else if (reader.number === VALUE) {
        if (this.hasValue) throw twice()
        assertDelimited(reader)
        this.hasValue = true
        this.valueLengthAt = reader.lengthAt
        this.valueFrom = reader.from
        this.valueTo = reader.to
      }
    }
  }
}
