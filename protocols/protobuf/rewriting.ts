// Masks the fields of Kubernetes objects in protobuf that is there whole: an object, its envelope (runtime.Unknown), an event
// of a watch. What is not masked keeps every byte, but for the lengths around what is. Refuses what Go would read as
// something else than what was masked: fields that are there twice, and those that are not described where masks may lie.

import { MisuseError } from '../errors.ts'
import type { FieldMasker, FieldTree, MaskedObject } from '../kube/field-masker.ts'
import type { Limits } from '../limits.ts'
import { maskFieldText, maskRaw } from './embedded.ts'
import { ProtobufError } from './errors.ts'
import { messageOf } from './kinds.ts'
import type { Field, Message } from './message.ts'
import { ITEMS, metadata } from './metadata.ts'
import { DELIMITED, FieldReader, varintLength, writeVarint } from './wire.ts'

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

/** Fields of ObjectMeta by which rules select. */
const NAME = 1
const NAMESPACE = 3
const UID = 5
const LABELS = 11

/** Fields of a map's entry. */
const KEY = 1
const VALUE = 2

const NOTHING = Buffer.alloc(0)

/** What has no metadata of an object, such as a list. */
export const NO_OBJECT: MaskedObject = { name: '', namespace: '', uid: '', labels: new Map() }

/** Where the fields of a map's entry lie; -1 where there is none. */
interface Entry {
  keyFrom: number
  keyTo: number
  valueLengthAt: number
  valueFrom: number
  valueTo: number
}

export class Rewriting {
  readonly #masker: FieldMasker
  readonly #bounds: Limits['mask']
  readonly #reader = new FieldReader()
  readonly #entry: Entry = { keyFrom: -1, keyTo: -1, valueLengthAt: -1, valueFrom: -1, valueTo: -1 }
  #bytes: Buffer = NOTHING
  /** Spans of the bytes, in their order, and what stands in their place. */
  readonly #spanFrom: number[] = []
  readonly #spanTo: number[] = []
  readonly #inPlace: Uint8Array[] = []

  constructor(masker: FieldMasker, bounds: Limits['mask']) {
    this.#masker = masker
    this.#bounds = bounds
  }

  /** Forgets what has been masked before: these are the bytes from now on, and borrowed. */
  begin(bytes: Uint8Array): void {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#reader.bytes = bytes
    this.#spanFrom.length = 0
    this.#spanTo.length = 0
    this.#inPlace.length = 0
  }

  /** Whether a mask stands anywhere: lengths may be the same nevertheless. */
  get isChanged(): boolean {
    return this.#spanFrom.length > 0
  }

  /** Writes the bytes from `from` to `to` as they are masked; returns the place behind them. */
  copy(from: number, to: number, into: Uint8Array, at: number): number {
    const bytes = this.#bytes
    let done = from
    for (let index = 0; index < this.#spanFrom.length; index += 1) {
      const start = this.#spanFrom[index]!
      const inPlace = this.#inPlace[index]!
      into.set(bytes.subarray(done, start), at)
      at += start - done
      into.set(inPlace, at)
      at += inPlace.length
      done = this.#spanTo[index]!
    }
    into.set(bytes.subarray(done, to), at)
    return at + to - done
  }

  // Each of these walks over the bytes from `from` to `to`, and returns by how much masks make them longer. All throw ProtobufError.

  /** An object in its envelope, magic and all. */
  envelope(from: number, to: number): number {
    const reader = this.#reader
    for (let at = 0; at < MAGIC.length; at += 1) {
      if (from + at >= to || this.#bytes[from + at] !== MAGIC[at]) throw noEnvelope()
    }
    let type: { apiVersion: string; kind: string } | undefined
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
        const slot = this.#open(lengthAt, start)
        const { apiVersion, kind } = type ?? { apiVersion: '', kind: '' }
        change += this.#close(slot, next - start, this.#root(start, next, messageOf(apiVersion, kind)))
      } else if (reader.number === TYPE_META) {
        if (type !== undefined) throw twice()
        if (hasRaw) throw new ProtobufError('protobuf.envelope.order', 'an object comes before what says its kind')
        type = this.typeMeta(reader)
      } else this.#envelopeField(reader)
      reader.at = next
    }
    return change
  }

  /** What stands in an envelope behind a list. */
  behind(from: number, to: number): void {
    const reader = this.#reader
    reader.at = from
    while (reader.next(to)) {
      if (reader.number === RAW || reader.number === TYPE_META) throw twice()
      this.#envelopeField(reader)
    }
  }

  /** A WatchEvent, without the length before it. */
  event(from: number, to: number): number {
    const reader = this.#reader
    let hasObject = false
    let change = 0
    reader.at = from
    while (reader.next(to)) {
      if (reader.number !== EVENT_OBJECT) continue
      if (hasObject) throw twice()
      hasObject = true
      assertDelimited(reader)
      const { lengthAt, from: start, at: next } = reader
      const slot = this.#open(lengthAt, start)
      change += this.#close(slot, next - start, this.#eventObject(start, next))
      reader.at = next
    }
    return change
  }

  /** One or more fields of a list other than its elements. */
  listFields(from: number, to: number, list: Message, tree: FieldTree | undefined): number {
    return tree === undefined ? 0 : this.#fields(from, to, list, NO_OBJECT, tree, '', true)
  }

  /** An element of a list: its length begins at `lengthAt`, and its content at `from`. */
  element(lengthAt: number, from: number, to: number, message: Message): number {
    const slot = this.#open(lengthAt, from)
    return this.#close(slot, to - from, this.#root(from, to, message))
  }

  /** The content of the field that was read last, as a TypeMeta. */
  typeMeta(reader: FieldReader): { apiVersion: string; kind: string } {
    assertDelimited(reader)
    const { to } = reader
    const bytes = reader.bytes
    let apiVersion: string | undefined
    let kind: string | undefined
    reader.at = reader.from
    while (reader.next(to)) {
      if (reader.number !== API_VERSION && reader.number !== KIND) continue
      assertDelimited(reader)
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8', reader.from, reader.to)
      if ((reader.number === KIND ? kind : apiVersion) !== undefined) throw twice()
      if (reader.number === KIND) kind = text
      else apiVersion = text
    }
    return { apiVersion: apiVersion ?? '', kind: kind ?? '' }
  }

  #envelopeField(reader: FieldReader): void {
    const { number, from, to } = reader
    if (number !== CONTENT_ENCODING && number !== CONTENT_TYPE) return
    assertDelimited(reader)
    if (from === to) return
    if (number === CONTENT_TYPE && this.#bytes.toString('latin1', from, to) === CONTENT) return
    throw new ProtobufError('protobuf.envelope.content', 'an object in an envelope is encoded in another way')
  }

  #eventObject(from: number, to: number): number {
    const reader = this.#reader
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
      const slot = this.#open(lengthAt, start)
      change += this.#close(slot, next - start, this.envelope(start, next))
      reader.at = next
    }
    return change
  }

  /** An object without an envelope, or a list of such. */
  #root(from: number, to: number, message: Message): number {
    const object = this.#describe(from, to, message)
    const tree = this.#masker.select(object)
    if (message.names.get('items')?.content === 'message') return this.#list(from, to, message, tree)
    return tree === undefined ? 0 : this.#fields(from, to, message, object, tree, '', true)
  }

  #list(from: number, to: number, message: Message, tree: FieldTree | undefined): number {
    const reader = this.#reader
    let change = 0
    reader.at = from
    for (let at = from; reader.next(to); at = reader.at) {
      const next = reader.at
      const below = message.fields[ITEMS]?.message
      if (reader.number === ITEMS && below !== undefined) {
        assertDelimited(reader)
        change += this.element(reader.lengthAt, reader.from, next, below)
      } else change += this.listFields(at, next, message, tree)
      reader.at = next
    }
    return change
  }

  /** The metadata by which rules select. Go would merge two of them, so there may be one only. */
  #describe(from: number, to: number, message: Message): MaskedObject {
    if (message.fields[1] !== metadata) return NO_OBJECT
    const reader = this.#reader
    let object: MaskedObject | undefined
    reader.at = from
    while (reader.next(to)) {
      if (reader.number !== 1) continue
      if (object !== undefined) throw twice()
      assertDelimited(reader)
      const next = reader.at
      object = this.#metadata(reader.from, next)
      reader.at = next
    }
    return object ?? NO_OBJECT
  }

  #metadata(from: number, to: number): MaskedObject {
    const reader = this.#reader
    let name: string | undefined
    let namespace: string | undefined
    let uid: string | undefined
    let labels: Map<string, string> | undefined
    reader.at = from
    while (reader.next(to)) {
      switch (reader.number) {
        case NAME:
          name = this.#onlyText(reader, name)
          break
        case NAMESPACE:
          namespace = this.#onlyText(reader, namespace)
          break
        case UID:
          uid = this.#onlyText(reader, uid)
          break
        case LABELS: {
          assertDelimited(reader)
          const next = reader.at
          labels ??= new Map()
          const { valueFrom, valueTo } = this.#readEntry(reader.from, next)
          const key = this.#key()
          if (labels.has(key)) throw twice()
          labels.set(key, this.#bytes.toString('utf8', valueFrom, valueTo))
          reader.at = next
          break
        }
        default:
      }
    }
    return { name: name ?? '', namespace: namespace ?? '', uid: uid ?? '', labels: labels ?? NO_OBJECT.labels }
  }

  #onlyText(reader: FieldReader, before: string | undefined): string {
    if (before !== undefined) throw twice()
    assertDelimited(reader)
    return this.#bytes.toString('utf8', reader.from, reader.to)
  }

  /** The fields of a message at a node of the tree. The form of a root's own node is of nothing. */
  #fields(
    from: number,
    to: number,
    message: Message,
    object: MaskedObject,
    tree: FieldTree,
    path: string,
    isRoot: boolean,
  ): number {
    const reader = this.#reader
    const rest = tree.any ?? (isRoot || tree.form === undefined ? undefined : tree)
    let change = 0
    let [seenLow, seenHigh] = [0, 0]
    let counts: Map<number, number> | undefined
    let keys: Map<number, Set<string>> | undefined
    reader.at = from
    while (reader.next(to)) {
      const { number, at: next } = reader
      const field = message.fields[number]
      if (field === undefined) {
        if (rest !== undefined || mayName(tree, message)) throw unknown()
        continue
      }
      if ((reader.wire === DELIMITED) === (field.content === 'number')) throw wireType()
      if (field.occurs === 'once') {
        const bit = 1 << (number & 31)
        if (((number < 32 ? seenLow : seenHigh) & bit) !== 0) throw twice()
        if (number < 32) seenLow |= bit
        else seenHigh |= bit
      }
      const child = field.content === 'inline' ? tree : (tree.fields.get(field.name) ?? rest)
      if (child === undefined || field.content === 'number') continue
      if (field.content === 'opaque') {
        if (isLive(child)) throw unknown()
        continue
      }
      const { lengthAt, from: start } = reader
      const at = field.content === 'inline' ? path : joined(path, field.name)
      if (field.occurs === 'once') {
        change +=
          field.content === 'inline'
            ? this.#nested(lengthAt, start, next, field, object, tree, at, isRoot)
            : this.#content(lengthAt, start, next, field, object, child, at)
      } else if (field.occurs === 'list') {
        counts ??= new Map()
        const index = counts.get(number) ?? 0
        counts.set(number, index + 1)
        const element = child.named?.(this.#nameOf(start, next, field.message)) ?? child.any ?? whole(child)
        if (element !== undefined) {
          change += this.#content(lengthAt, start, next, field, object, element, `${at}[${index}]`)
        }
      } else {
        keys ??= new Map()
        let known = keys.get(number)
        if (known === undefined) {
          known = new Set()
          keys.set(number, known)
        }
        change += this.#mapEntry(lengthAt, start, next, field, object, child, at, known)
      }
      reader.at = next
    }
    return change
  }

  /** The value of a field, or an element of a list. */
  #content(
    lengthAt: number,
    from: number,
    to: number,
    field: Field,
    object: MaskedObject,
    tree: FieldTree,
    path: string,
  ): number {
    if (field.content === 'message') return this.#nested(lengthAt, from, to, field, object, tree, path, false)
    if (field.content === 'raw') return this.#raw(lengthAt, from, to, object, tree, path)
    // Go writes fields that are not there as empty text, and JSON leaves them out.
    if (tree.form === undefined || (from === to && field.occurs === 'once')) return 0
    return this.#replace(lengthAt, to, this.#masked(from, to, field, object, tree, path))
  }

  #nested(
    lengthAt: number,
    from: number,
    to: number,
    field: Field,
    object: MaskedObject,
    tree: FieldTree,
    path: string,
    isRoot: boolean,
  ): number {
    const { message } = field
    if (message === undefined) throw new MisuseError('a message that is not described')
    const slot = this.#open(lengthAt, from)
    return this.#close(slot, to - from, this.#fields(from, to, message, object, tree, path, isRoot))
  }

  #mapEntry(
    lengthAt: number,
    from: number,
    to: number,
    field: Field,
    object: MaskedObject,
    tree: FieldTree,
    path: string,
    known: Set<string>,
  ): number {
    const { valueLengthAt, valueFrom, valueTo } = this.#readEntry(from, to)
    const key = this.#key()
    if (known.has(key)) throw twice()
    known.add(key)
    const child = tree.fields.get(key) ?? tree.any ?? whole(tree)
    // Go leaves out what JSON has as null.
    if (child?.form === undefined || valueLengthAt === -1) return 0
    const slot = this.#open(lengthAt, from)
    const masked = this.#masked(valueFrom, valueTo, field, object, child, joined(path, key))
    const change = this.#replace(valueLengthAt, valueTo, masked)
    return this.#close(slot, to - from, change)
  }

  /** A RawExtension: a message around JSON. */
  #raw(lengthAt: number, from: number, to: number, object: MaskedObject, tree: FieldTree, path: string): number {
    const reader = this.#reader
    const slot = this.#open(lengthAt, from)
    let hasRaw = false
    let change = 0
    reader.at = from
    while (reader.next(to)) {
      if (reader.number !== EXTENSION_RAW) throw unknown()
      if (hasRaw) throw twice()
      hasRaw = true
      assertDelimited(reader)
      const { lengthAt: rawLengthAt, from: start, at: next } = reader
      if (start === next) continue
      const text = this.#bytes.subarray(start, next)
      const masked = maskRaw(text, object, tree, path, this.#masker, this.#bounds)
      if (masked !== undefined) change += this.#replace(rawLengthAt, next, masked)
    }
    return this.#close(slot, to - from, change)
  }

  #masked(from: number, to: number, field: Field, object: MaskedObject, tree: FieldTree, path: string): Uint8Array {
    const value = this.#bytes.subarray(from, to)
    if (field.content === 'bytes') {
      if (tree.form === 'base64') return Buffer.from(this.#masker.mask(object, path, value, tree))
      return maskFieldText(value.toString('base64'), object, tree, path, this.#masker, this.#bounds)
    }
    if (tree.form === 'text') return Buffer.from(this.#masker.mask(object, path, value, tree))
    return maskFieldText(value.toString('utf8'), object, tree, path, this.#masker, this.#bounds)
  }

  /** The `name` of an element, as JSON has it; "" where it has none. */
  #nameOf(from: number, to: number, message: Message | undefined): string {
    const reader = this.#reader
    if (message?.names.get('name')?.content !== 'text') return ''
    let name: string | undefined
    reader.at = from
    while (reader.next(to)) {
      const field = message.fields[reader.number]
      const next = reader.at
      if (field?.content === 'inline') {
        assertDelimited(reader)
        const below = this.#nameOf(reader.from, next, field.message)
        if (below !== '') name = below
      } else if (field?.name === 'name') name = this.#onlyText(reader, name)
      reader.at = next
    }
    return name ?? ''
  }

  /** The same object each time. */
  #readEntry(from: number, to: number): Entry {
    const reader = this.#reader
    const entry = this.#entry
    entry.keyFrom = -1
    entry.keyTo = -1
    entry.valueLengthAt = -1
    entry.valueFrom = to
    entry.valueTo = to
    reader.at = from
    while (reader.next(to)) {
      if (reader.number === KEY) {
        if (entry.keyFrom !== -1) throw twice()
        assertDelimited(reader)
        entry.keyFrom = reader.from
        entry.keyTo = reader.to
      } else if (reader.number === VALUE) {
        if (entry.valueLengthAt !== -1) throw twice()
        assertDelimited(reader)
        entry.valueLengthAt = reader.lengthAt
        entry.valueFrom = reader.from
        entry.valueTo = reader.to
      }
    }
    return entry
  }

  #key(): string {
    const { keyFrom, keyTo } = this.#entry
    return keyFrom === -1 ? '' : this.#bytes.toString('utf8', keyFrom, keyTo)
  }

  // -- spans

  /** A place for the length of what comes next, in case that masks change it. */
  #open(lengthAt: number, from: number): number {
    this.#span(lengthAt, from, NOTHING)
    return this.#spanFrom.length - 1
  }

  /** `length`: as it was. Returns the change with that of the length's own bytes. */
  #close(slot: number, length: number, change: number): number {
    if (slot === this.#spanFrom.length - 1) {
      this.#spanFrom.length = slot
      this.#spanTo.length = slot
      this.#inPlace.length = slot
      return 0
    }
    const from = this.#spanFrom[slot]!
    const to = this.#spanTo[slot]!
    if (change === 0) {
      this.#inPlace[slot] = this.#bytes.subarray(from, to)
      return 0
    }
    const written = Buffer.allocUnsafe(varintLength(length + change))
    writeVarint(written, 0, length + change)
    this.#inPlace[slot] = written
    return change + written.length - (to - from)
  }

  #replace(lengthAt: number, to: number, by: Uint8Array): number {
    const lengthBytes = varintLength(by.length)
    const written = Buffer.allocUnsafe(lengthBytes + by.length)
    writeVarint(written, 0, by.length)
    written.set(by, lengthBytes)
    this.#span(lengthAt, to, written)
    return written.length - (to - lengthAt)
  }

  #span(from: number, to: number, inPlace: Uint8Array): void {
    this.#spanFrom.push(from)
    this.#spanTo.push(to)
    this.#inPlace.push(inPlace)
  }
}

/** A form masks what is below it as well. */
function whole(tree: FieldTree): FieldTree | undefined {
  return tree.form === undefined ? undefined : tree
}

/** Whether anything at or below a node may be masked. */
export function isLive(tree: FieldTree): boolean {
  return tree.form !== undefined || tree.fields.size > 0 || tree.any !== undefined || tree.named !== undefined
}

/** Whether a node names fields that a message is not known to have: one that is not described may be such. */
export function mayName(tree: FieldTree, message: Message): boolean {
  for (const [name, below] of tree.fields) if (!message.names.has(name) && isLive(below)) return true
  return false
}

/** "data.password"; a key with a dot or a bracket in it stands in brackets. As in JSON: the sentinel is made of it. */
export function joined(path: string, key: string): string {
  if (/[.[\]]/.test(key)) return `${path}[${key}]`
  return path === '' ? key : `${path}.${key}`
}

function assertDelimited(reader: FieldReader): void {
  if (reader.wire !== DELIMITED) throw wireType()
}

export function noEnvelope(): ProtobufError {
  return new ProtobufError('protobuf.envelope.magic', 'something else than an object in its envelope')
}

function wireType(): ProtobufError {
  return new ProtobufError('protobuf.field.wire_type', 'a field has another wire type than it is described with')
}

function twice(): ProtobufError {
  return new ProtobufError('protobuf.field.twice', 'a field that decides what is masked is there twice')
}

function unknown(): ProtobufError {
  return new ProtobufError('protobuf.field.unknown', 'a field may have to be masked and is not described')
}
