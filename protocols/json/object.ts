// Masks the fields of one Kubernetes object, or of the objects in a list, Table or watch event. One walk checks the text
// to the letter and finds what is masked; nothing is masked before all of it is found sound. Refuses keys that are there
// twice where one of them decides what is masked.

import { type FieldMasker, type FieldTree, fieldPath, type MaskedObject } from '../kube/field-masker.ts'
import { JsonError } from './errors.ts'
import { Keys, KnownNames } from './names.ts'
import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  firstPart,
  type JsonBounds,
  nextPart,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  skipChecked,
  skipColon,
  skipKey,
  skipSpace,
  skipString,
  skipValue,
  tooDeep,
} from './scan.ts'
import { asBuffer, base64Token, bytesOf, decodeBase64, stringAt, stringToken } from './text.ts'

/** Manifests within manifests: nobody writes more than one. */
const MANIFESTS = 3

/** What stands in place of text[from, to). */
export interface Edit {
  readonly from: number
  readonly to: number
  readonly token: Uint8Array
}

/** A value that has masked strings in it, found and not masked yet. */
interface Found {
  readonly at: number
  readonly object: MaskedObject
  readonly tree: FieldTree
  readonly path: string
}

/** What an object says of itself. */
interface Description {
  name: string
  namespace: string
  uid: string
  labels: ReadonlyMap<string, string>
}

const NO_LABELS: ReadonlyMap<string, string> = new Map()

export class ObjectMasker {
  readonly #masker: FieldMasker
  readonly #bounds: JsonBounds
  readonly #manifest: number
  readonly #names: KnownNames
  #text: Buffer = Buffer.alloc(0)
  #found: Found[] = []
  #edits: Edit[] = []
  /** Behind the key that was read last. */
  #behind = 0

  /** `manifest`: how many manifests this text lies in. */
  constructor(masker: FieldMasker, bounds: JsonBounds, manifest = 0, names = new KnownNames()) {
    this.#masker = masker
    this.#bounds = bounds
    this.#manifest = manifest
    this.#names = names
  }

  /** Checks the value that begins at text[at] and returns the place behind it; `edits` masks what was found. Throws JsonError. */
  find(text: Buffer, at: number): number {
    this.#text = text
    this.#found = []
    return this.#root(at, 0)
  }

  /** The masks of what `find` found, in the order of the text. Throws JsonError. */
  edits(): readonly Edit[] {
    const found = this.#found
    if (found.length === 0) return NONE
    this.#edits = []
    if (found.length > 1) found.sort((one, other) => one.at - other.at)
    for (const { at, object, tree, path } of found) this.#fields(at, object, tree, path)
    return this.#edits
  }

  /** A whole text, masked; white space may stand around its value. `known`: of a manifest, the object that it describes. */
  mask(bytes: Uint8Array, known?: Pick<Found, 'object' | 'tree'>): Uint8Array {
    const text = asBuffer(bytes)
    const start = skipSpace(text, 0)
    let end: number
    if (known === undefined) end = this.find(text, start)
    else {
      end = skipValue(text, start, this.#bounds)
      this.#text = text
      this.#found = [{ at: start, ...known, path: '' }]
    }
    if (skipSpace(text, end) !== text.length) throw new JsonError('json.behind', 'something stands behind the value')
    return edited(text, this.edits())
  }

  /** An object, or whatever holds some: items of a list, objects of a Table's rows, the object of a watch event. */
  #root(start: number, depth: number): number {
    const text = this.#text
    if (text[start] === OPEN_ARRAY) return this.#roots(start, depth)
    if (text[start] !== OPEN_OBJECT) return skipValue(text, start, this.#bounds, depth)
    if (depth >= this.#bounds.depth) throw tooDeep()
    const object: Description = { name: '', namespace: '', uid: '', labels: NO_LABELS }
    const keys = new Keys()
    const places: number[] = []
    let at = firstPart(text, start, CLOSE_OBJECT)
    while (at >= 0) {
      const name = this.#key(at, keys)
      const value = skipColon(text, this.#behind)
      places.push(value)
      at = nextPart(text, this.#member(name, value, depth + 1, object), CLOSE_OBJECT)
    }
    const tree = this.#masker.select(object)
    if (tree !== undefined) this.#select(object, tree, keys.names, places, ~at)
    return ~at
  }

  #roots(start: number, depth: number): number {
    if (depth >= this.#bounds.depth) throw tooDeep()
    let at = firstPart(this.#text, start, CLOSE_ARRAY)
    while (at >= 0) at = nextPart(this.#text, this.#root(at, depth + 1), CLOSE_ARRAY)
    return ~at
  }

  /** To behind the value of a root's member. */
  #member(name: string, value: number, depth: number, object: Description): number {
    const byte = this.#text[value]
    if (byte === OPEN_OBJECT) {
      if (name === 'metadata') return this.#metadata(value, depth, object)
      if (name === 'object') return this.#root(value, depth)
    } else if (byte === OPEN_ARRAY && (name === 'items' || name === 'rows')) return this.#root(value, depth)
    return skipValue(this.#text, value, this.#bounds, depth)
  }

  #metadata(start: number, depth: number, object: Description): number {
    const text = this.#text
    if (depth >= this.#bounds.depth) throw tooDeep()
    const keys = new Keys()
    let at = firstPart(text, start, CLOSE_OBJECT)
    while (at >= 0) {
      const name = this.#key(at, keys)
      const value = skipColon(text, this.#behind)
      let end: number
      if (text[value] === QUOTE && (name === 'name' || name === 'namespace' || name === 'uid')) {
        end = skipString(text, value)
        object[name] = stringAt(text, value, end)
      } else if (name === 'labels' && text[value] === OPEN_OBJECT) end = this.#labels(value, depth + 1, object)
      else end = skipValue(text, value, this.#bounds, depth + 1)
      at = nextPart(text, end, CLOSE_OBJECT)
    }
    return ~at
  }

  #labels(start: number, depth: number, object: Description): number {
    const text = this.#text
    if (depth >= this.#bounds.depth) throw tooDeep()
    const keys = new Keys()
    const labels = new Map<string, string>()
    let at = firstPart(text, start, CLOSE_OBJECT)
    while (at >= 0) {
      const name = this.#key(at, keys)
      const value = skipColon(text, this.#behind)
      const end = skipValue(text, value, this.#bounds, depth + 1)
      if (text[value] === QUOTE) labels.set(name, stringAt(text, value, end))
      at = nextPart(text, end, CLOSE_OBJECT)
    }
    object.labels = labels
    return ~at
  }

  /**
   * Which members of a root are masked is known at its end only, since metadata may stand behind them. What was found
   * meanwhile in objects within a member that is masked itself is the member's.
   */
  #select(
    object: MaskedObject,
    tree: FieldTree,
    names: readonly string[],
    places: readonly number[],
    end: number,
  ): void {
    for (let member = 0; member < names.length; member += 1) {
      const path = names[member] as string
      const child = tree.fields.get(path) ?? tree.any
      if (child === undefined) continue
      const at = places[member] as number
      if (path === 'items' || path === 'rows' || path === 'object') {
        const behind = places[member + 1] ?? end
        this.#found = this.#found.filter((found) => found.at < at || found.at >= behind)
      }
      this.#found.push({ at, object, tree: child, path })
    }
  }

  /** What lies at a node of the tree, in text that has been checked. */
  #fields(start: number, object: MaskedObject, tree: FieldTree, path: string): number {
    const text = this.#text
    const { form } = tree
    const byte = text[start]
    if (byte === QUOTE) {
      const end = skipChecked(text, start)
      if (form !== undefined) {
        this.#edits.push({ from: start, to: end, token: this.#token(start, end, object, tree, path) })
      }
      return end
    }
    const rest = tree.any ?? (form === undefined ? undefined : tree)
    if (byte === OPEN_OBJECT) {
      const keys = new Keys()
      let at = firstPart(text, start, CLOSE_OBJECT)
      while (at >= 0) {
        const name = this.#key(at, keys)
        const value = skipColon(text, this.#behind)
        const child = tree.fields.get(name) ?? rest
        const end =
          child === undefined ? skipChecked(text, value) : this.#fields(value, object, child, fieldPath(path, name))
        at = nextPart(text, end, CLOSE_OBJECT)
      }
      return ~at
    }
    if (byte === OPEN_ARRAY && (rest !== undefined || tree.named !== undefined)) {
      let at = firstPart(text, start, CLOSE_ARRAY)
      for (let index = 0; at >= 0; index += 1) {
        const child = tree.named?.(this.#nameAt(at)) ?? rest
        const end = child === undefined ? skipChecked(text, at) : this.#fields(at, object, child, `${path}[${index}]`)
        at = nextPart(text, end, CLOSE_ARRAY)
      }
      return ~at
    }
    return skipChecked(text, start)
  }

  /** The `name` of an element; "" where it has none. */
  #nameAt(start: number): string {
    const text = this.#text
    if (text[start] !== OPEN_OBJECT) return ''
    const keys = new Keys()
    let name = ''
    let at = firstPart(text, start, CLOSE_OBJECT)
    while (at >= 0) {
      const key = this.#key(at, keys)
      const value = skipColon(text, this.#behind)
      const end = skipChecked(text, value)
      if (key === 'name' && text[value] === QUOTE) name = stringAt(text, value, end)
      at = nextPart(text, end, CLOSE_OBJECT)
    }
    return name
  }

  #key(at: number, keys: Keys): string {
    this.#behind = skipKey(this.#text, at, this.#bounds)
    const name = this.#names.read(this.#text, at, this.#behind)
    keys.add(name)
    return name
  }

  /** What stands in place of the string token text[from, to). */
  #token(from: number, to: number, object: MaskedObject, node: FieldTree, path: string): Uint8Array {
    const value = stringAt(this.#text, from, to)
    if (node.form === 'base64') {
      return base64Token(this.#masker.mask(object, path, decodeBase64(value) ?? bytesOf(value), node))
    }
    if (node.form === 'manifest') return stringToken(this.#manifestOf(value, object, node, path))
    return stringToken(this.#masker.mask(object, path, bytesOf(value), node))
  }

  /** JSON within a string stays JSON, or kubectl apply could not read it. */
  #manifestOf(value: string, object: MaskedObject, node: FieldTree, path: string): string {
    const tree = this.#masker.select(object)
    if (this.#manifest < MANIFESTS && tree !== undefined) {
      const inner = new ObjectMasker(this.#masker, this.#bounds, this.#manifest + 1, this.#names)
      try {
        return asBuffer(inner.mask(bytesOf(value), { object, tree })).toString('utf8')
      } catch (error) {
        if (!(error instanceof JsonError)) throw error
      }
    }
    return JSON.stringify({ masked: this.#masker.mask(object, path, bytesOf(value), node) })
  }
}

const NONE: readonly Edit[] = []

function edited(text: Buffer, edits: readonly Edit[]): Uint8Array {
  if (edits.length === 0) return text
  const pieces: Uint8Array[] = []
  let done = 0
  for (const { from, to, token } of edits) {
    pieces.push(text.subarray(done, from), token)
    done = to
  }
  pieces.push(text.subarray(done))
  return Buffer.concat(pieces)
}
