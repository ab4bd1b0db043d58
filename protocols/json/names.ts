// The keys of objects as strings: those that come again and again are decoded once, and one that comes twice in an object is
// refused.

import { JsonError } from './errors.ts'
import { stringAt } from './text.ts'

/** A power of two; longer keys are decoded each time. */
const SLOTS = 256
const LONGEST = 64
/** Up to this many keys are compared one by one. */
const FEW = 16

/** The last keys that were read, by a hash of their bytes: in a list each object has the same. */
export class KnownNames {
  readonly #slots: string[] = new Array<string>(SLOTS).fill('')

  /** The meaning of the key token text[from, to), quotes included. */
  read(text: Buffer, from: number, to: number): string {
    const length = to - from - 2
    if (length > LONGEST) return stringAt(text, from, to)
    let hash = length
    for (let at = from + 1; at < to - 1; at += 1) hash = (hash * 31 + text[at]!) | 0
    const slot = (hash ^ (hash >>> 8)) & (SLOTS - 1)
    const known = this.#slots[slot]!
    if (known.length === length && isSame(known, text, from + 1)) return known
    const name = stringAt(text, from, to)
    // Then it has neither escapes nor characters of several bytes.
    if (name.length === length) this.#slots[slot] = name
    return name
  }
}

function isSame(known: string, text: Buffer, from: number): boolean {
  for (let at = 0; at < known.length; at += 1) if (known.charCodeAt(at) !== text[from + at]) return false
  return true
}

/** The keys of one object, in order. */
export class Keys {
  readonly names: string[] = []
  #all: Set<string> | undefined

  /** Throws JsonError. */
  add(name: string): void {
    if (this.names.length >= FEW) this.#all ??= new Set(this.names)
    if (this.#all?.has(name) ?? this.names.includes(name)) {
      throw new JsonError('json.duplicate_key', 'a key is there twice')
    }
    this.#all?.add(name)
    this.names.push(name)
  }
}
