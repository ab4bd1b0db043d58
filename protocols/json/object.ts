// Masks the fields of one Kubernetes object, or of the objects in a list, Table or watch event, in JSON text that is there
// whole. What is not masked keeps every byte: numbers, order, escapes, white space. Refuses keys that are there twice
// where one of them decides what is masked.

import type { FieldMasker, FieldTree, MaskedObject } from '../kube/field-masker.ts'
import { JsonError } from './errors.ts'
import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COMMA,
  type JsonBounds,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  skipChecked,
  skipColon,
  skipSpace,
  skipValue,
} from './scan.ts'
import { bytesOf, decodeBase64, encodeBase64, stringAt, stringToken } from './text.ts'

/** Manifests within manifests: nobody writes more than one. */
const MANIFESTS = 3

/** The checked text of one value, masked. `text` is a whole value with white space around it; throws JsonError. */
export function maskValue(text: Uint8Array, masker: FieldMasker, bounds: JsonBounds): Uint8Array {
  return new Rewriting(text, masker, bounds, 0).run(checked(text, bounds), undefined)
}

/** Where the one value of a text begins. Everything behind this relies on the text being JSON. Throws JsonError. */
function checked(text: Uint8Array, bounds: JsonBounds): number {
  const start = skipSpace(text, 0)
  if (skipSpace(text, skipValue(text, start, bounds)) !== text.length) {
    throw new JsonError('json.behind', 'something stands behind the value')
  }
  return start
}

/** A text that has been checked and is being rewritten: spans of it, and what stands in place of others. */
class Rewriting {
  readonly #text: Uint8Array
  readonly #masker: FieldMasker
  readonly #bounds: JsonBounds
  readonly #manifest: number
  readonly #pieces: Uint8Array[] = []
  /** Everything before it is in the pieces. */
  #done = 0

  constructor(text: Uint8Array, masker: FieldMasker, bounds: JsonBounds, manifest: number) {
    this.#text = text
    this.#masker = masker
    this.#bounds = bounds
    this.#manifest = manifest
  }

  /** `known`: of a manifest, the object that it describes; otherwise the text says what it is. */
  run(start: number, known: { readonly object: MaskedObject; readonly tree: FieldTree } | undefined): Uint8Array {
    if (known === undefined) this.#root(start)
    else this.#fields(start, known.object, known.tree, '')
    if (this.#pieces.length === 0) return this.#text
    this.#pieces.push(this.#text.subarray(this.#done))
    return Buffer.concat(this.#pieces)
  }

  /** An object, or whatever holds some: items of a list, objects of a Table's rows, the object of a watch event. */
  #root(at: number): number {
    const text = this.#text
    if (text[at] !== OPEN_OBJECT) {
      if (text[at] === OPEN_ARRAY) return this.#elements(at, (element) => this.#root(element))
      return skipChecked(text, at)
    }
    const object = describe(text, at)
    const tree = this.#masker.select(object)
    return this.#members(at, (key, value) => {
      const child = tree === undefined ? undefined : (tree.fields.get(key) ?? tree.any)
      if (child !== undefined) return this.#fields(value, object, child, key)
      const isHolder = (key === 'items' || key === 'rows') && text[value] === OPEN_ARRAY
      if (isHolder || (key === 'object' && text[value] === OPEN_OBJECT)) return this.#root(value)
      return skipChecked(text, value)
    })
  }

  /** What lies at a node of the tree. */
  #fields(at: number, object: MaskedObject, tree: FieldTree, path: string): number {
    const text = this.#text
    const { form } = tree
    switch (text[at]) {
      case QUOTE: {
        const end = skipChecked(text, at)
        if (form === undefined) return end
        this.#replace(at, end, this.#masked(stringAt(text, at, end), object, form, path))
        return end
      }
      case OPEN_OBJECT:
        return this.#members(at, (key, value) => {
          const child = tree.fields.get(key) ?? tree.any ?? (form === undefined ? undefined : tree)
          return child === undefined ? skipChecked(text, value) : this.#fields(value, object, child, joined(path, key))
        })
      case OPEN_ARRAY: {
        const child = tree.any ?? (form === undefined ? undefined : tree)
        let index = 0
        return this.#elements(at, (element) =>
          child === undefined
            ? skipChecked(text, element)
            : this.#fields(element, object, child, `${path}[${index++}]`),
        )
      }
      default:
        return skipChecked(text, at)
    }
  }

  #masked(value: string, object: MaskedObject, form: NonNullable<FieldTree['form']>, path: string): string {
    if (form === 'base64') {
      const bytes = decodeBase64(value)
      return encodeBase64(this.#masker.mask(object, path, bytes ?? bytesOf(value)))
    }
    if (form === 'manifest') return this.#manifestOf(value, object, path)
    return this.#masker.mask(object, path, bytesOf(value))
  }

  /** JSON within a string stays JSON, or kubectl apply could not read it. */
  #manifestOf(value: string, object: MaskedObject, path: string): string {
    const tree = this.#masker.select(object)
    if (this.#manifest < MANIFESTS && tree !== undefined) {
      const text = bytesOf(value)
      try {
        const start = checked(text, this.#bounds)
        const inner = new Rewriting(text, this.#masker, this.#bounds, this.#manifest + 1)
        return Buffer.from(inner.run(start, { object, tree })).toString('utf8')
      } catch (error) {
        if (!(error instanceof JsonError)) throw error
      }
    }
    return JSON.stringify({ masked: this.#masker.mask(object, path, bytesOf(value)) })
  }

  #replace(from: number, to: number, value: string): void {
    this.#pieces.push(this.#text.subarray(this.#done, from), stringToken(value))
    this.#done = to
  }

  /** Calls `visit` with each key and the place of its value; it returns the place behind it. Refuses a key that comes twice. */
  #members(at: number, visit: (key: string, value: number) => number): number {
    const text = this.#text
    const keys = new Set<string>()
    at = skipSpace(text, at + 1)
    if (text[at] === CLOSE_OBJECT) return at + 1
    for (;;) {
      const behind = skipChecked(text, at)
      const key = stringAt(text, at, behind)
      if (keys.has(key)) throw new JsonError('json.duplicate_key', 'a key is there twice')
      keys.add(key)
      at = skipSpace(text, visit(key, skipColon(text, behind)))
      if (text[at] !== COMMA) return at + 1
      at = skipSpace(text, at + 1)
    }
  }

  #elements(at: number, visit: (element: number) => number): number {
    const text = this.#text
    at = skipSpace(text, at + 1)
    if (text[at] === CLOSE_ARRAY) return at + 1
    for (;;) {
      at = skipSpace(text, visit(at))
      if (text[at] !== COMMA) return at + 1
      at = skipSpace(text, at + 1)
    }
  }
}

/** "data.password"; a key with a dot or a bracket in it stands in brackets. */
function joined(path: string, key: string): string {
  if (/[.[\]]/.test(key)) return `${path}[${key}]`
  return path === '' ? key : `${path}.${key}`
}

/** An object's metadata, from text that has been checked. Keys that come twice are refused where they are read. */
function describe(text: Uint8Array, at: number): MaskedObject {
  const found = { name: '', namespace: '', uid: '' }
  const labels = new Map<string, string>()
  eachMember(text, at, (key, value) => {
    if (key !== 'metadata' || text[value] !== OPEN_OBJECT) return
    eachMember(text, value, (name, place) => {
      if (name === 'name' || name === 'namespace' || name === 'uid') {
        if (text[place] === QUOTE) found[name] = stringAt(text, place, skipChecked(text, place))
      } else if (name === 'labels' && text[place] === OPEN_OBJECT) {
        eachMember(text, place, (label, at) => {
          if (text[at] === QUOTE) labels.set(label, stringAt(text, at, skipChecked(text, at)))
        })
      }
    })
  })
  return { ...found, labels }
}

function eachMember(text: Uint8Array, at: number, visit: (key: string, value: number) => void): void {
  const keys = new Set<string>()
  at = skipSpace(text, at + 1)
  while (text[at] !== CLOSE_OBJECT) {
    const behind = skipChecked(text, at)
    const key = stringAt(text, at, behind)
    if (keys.has(key)) throw new JsonError('json.duplicate_key', 'a key is there twice')
    keys.add(key)
    const value = skipColon(text, behind)
    visit(key, value)
    at = skipSpace(text, skipChecked(text, value))
    if (text[at] === COMMA) at = skipSpace(text, at + 1)
  }
}
