// Masks the fields of Kubernetes objects in protobuf that is there whole. What is not masked keeps every byte, but for the
// lengths around what is. Refuses what Go would read as something else than what was masked: fields that are there twice,
// and those that are not described where masks may lie.

import { MisuseError } from '../errors.ts'
import { type FieldMasker, type FieldTree, fieldPath, type MaskedObject } from '../kube/field-masker.ts'
import type { Limits } from '../limits.ts'
import { maskFieldText, maskRaw } from './embedded.ts'
import { twice, unknown, wireType } from './errors.ts'
import type { Field, Message } from './message.ts'
import { ITEMS } from './metadata.ts'
import { describe, MapEntry, NO_OBJECT, onlyText } from './selection.ts'
import { Spans } from './spans.ts'
import { assertDelimited, DELIMITED, FieldReader } from './wire.ts'

/** Field of a RawExtension. */
const EXTENSION_RAW = 1

export class Rewriting {
  readonly #masker: FieldMasker
  readonly #bounds: Limits['mask']
  readonly reader = new FieldReader()
  readonly spans = new Spans()
  readonly #entry = new MapEntry()

  constructor(masker: FieldMasker, bounds: Limits['mask']) {
    this.#masker = masker
    this.#bounds = bounds
  }

  /** Forgets what was masked before: these are the bytes from now on, and borrowed. */
  begin(bytes: Uint8Array): void {
    this.reader.begin(bytes)
    this.spans.begin(this.reader.bytes)
  }

  // Each of these walks over the bytes from `from` to `to`, and returns by how much masks make them longer. All throw ProtobufError.

  /** One or more fields of a list other than its elements. */
  listFields(from: number, to: number, list: Message, tree: FieldTree | undefined): number {
    return tree === undefined ? 0 : this.#fields(from, to, list, NO_OBJECT, tree, '', true)
  }

  /** An element of a list: its length begins at `lengthAt`, and its content at `from`. */
  element(lengthAt: number, from: number, to: number, message: Message): number {
    const slot = this.spans.open(lengthAt, from)
    return this.spans.close(slot, to - from, this.root(from, to, message))
  }

  /** An object without an envelope, or a list of such. */
  root(from: number, to: number, message: Message): number {
    const object = describe(this.reader, from, to, message)
    const tree = this.#masker.select(object)
    if (message.names.get('items')?.content === 'message') return this.#list(from, to, message, tree)
    return tree === undefined ? 0 : this.#fields(from, to, message, object, tree, '', true)
  }

  #list(from: number, to: number, message: Message, tree: FieldTree | undefined): number {
    const reader = this.reader
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
    const reader = this.reader
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
      const at = field.content === 'inline' ? path : fieldPath(path, field.name)
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
    return this.spans.replace(lengthAt, to, this.#masked(from, to, field, object, tree, path))
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
    const slot = this.spans.open(lengthAt, from)
    return this.spans.close(slot, to - from, this.#fields(from, to, message, object, tree, path, isRoot))
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
    const entry = this.#entry
    entry.read(this.reader, from, to)
    const key = this.reader.text(entry.keyFrom, entry.keyTo)
    if (known.has(key)) throw twice()
    known.add(key)
    const child = tree.fields.get(key) ?? tree.any ?? whole(tree)
    // Go leaves out what JSON has as null.
    if (child?.form === undefined || !entry.hasValue) return 0
    const slot = this.spans.open(lengthAt, from)
    const masked = this.#masked(entry.valueFrom, entry.valueTo, field, object, child, fieldPath(path, key))
    const change = this.spans.replace(entry.valueLengthAt, entry.valueTo, masked)
    return this.spans.close(slot, to - from, change)
  }

  /** A RawExtension: a message around JSON. */
  #raw(lengthAt: number, from: number, to: number, object: MaskedObject, tree: FieldTree, path: string): number {
    const reader = this.reader
    const slot = this.spans.open(lengthAt, from)
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
      const text = this.reader.bytes.subarray(start, next)
      const masked = maskRaw(text, object, tree, path, this.#masker, this.#bounds)
      if (masked !== undefined) change += this.spans.replace(rawLengthAt, next, masked)
    }
    return this.spans.close(slot, to - from, change)
  }

  #masked(from: number, to: number, field: Field, object: MaskedObject, tree: FieldTree, path: string): Uint8Array {
    const value = this.reader.bytes.subarray(from, to)
    if (field.content === 'bytes') {
      if (tree.form === 'base64') return Buffer.from(this.#masker.mask(object, path, value, tree))
      return maskFieldText(value.toString('base64'), object, tree, path, this.#masker, this.#bounds)
    }
    if (tree.form === 'text') return Buffer.from(this.#masker.mask(object, path, value, tree))
    return maskFieldText(value.toString('utf8'), object, tree, path, this.#masker, this.#bounds)
  }

  /** The `name` of an element, as JSON has it; "" where it has none. */
  #nameOf(from: number, to: number, message: Message | undefined): string {
    const reader = this.reader
    if (message?.names.get('name')?.content !== 'text') return ''
    let name: string | undefined
    reader.at = from
    while (reader.next(to)) {
      const field = message.fields[reader.number]
      const next = reader.at
      if (field?.content === 'inline') {
        assertDelimited(reader)
        const below = this.#nameOf(reader.from, next, field.message)
        if (below !== '' && name !== undefined) throw twice()
        if (below !== '') name = below
      } else if (field?.name === 'name') name = onlyText(reader, name)
      reader.at = next
    }
    return name ?? ''
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
function mayName(tree: FieldTree, message: Message): boolean {
  for (const [name, below] of tree.fields) if (!message.names.has(name) && isLive(below)) return true
  return false
}
