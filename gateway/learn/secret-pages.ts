// Answers about Secrets as they come in -> Secrets, one at a time: those of a page of a list, and the events of a watch. Holds
// one of them at most. Refuses, by throwing, what is longer than that or no JSON.

import { PeerError } from '../../protocols/errors.ts'
import { ValueCutter } from '../../protocols/json/cutter.ts'
import { limits } from '../../protocols/limits.ts'

/** An object as it was parsed: any shape. */
export type Loose = Readonly<Record<string, unknown>>

/** The cluster's answer cannot be read. */
export class LearnError extends PeerError {
  readonly protocol = 'kubernetes'
  readonly code = 502
}

export interface SecretReader {
  /** Takes borrowed bytes. Throws LearnError, or SyntaxError. */
  receive(bytes: Uint8Array): void
}

const OPEN_OBJECT = 0x7b
const CLOSE_ARRAY = 0x5d
const LINE_FEED = 0x0a

/** One page of a list, in JSON. */
export class SecretPage implements SecretReader {
  readonly #secret: (secret: Loose) => void
  readonly #cutter = new ValueCutter()
  #place: 'before' | 'between' | 'within' | 'behind' = 'before'
  readonly #item = new Held(limits.mask.item)
  /** All but the elements. */
  readonly #rest = new Held(limits.learn.pageHead)

  constructor(secret: (secret: Loose) => void) {
    this.#secret = secret
  }

  receive(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) at = this.#step(bytes, at)
  }

  /** What the page says of itself. Throws LearnError, or SyntaxError. */
  end(): { readonly resourceVersion: string; readonly next: string } {
    const { resourceVersion, continue: next } = loose(loose(JSON.parse(this.#rest.take())).metadata)
    if (typeof resourceVersion !== 'string' || resourceVersion === '') {
      throw new LearnError('learn.list', 'a list without a resourceVersion')
    }
    return { resourceVersion, next: typeof next === 'string' ? next : '' }
  }

  #step(bytes: Uint8Array, at: number): number {
    if (this.#place === 'before') {
      const end = this.#cutter.findList(bytes, at)
      this.#rest.add(bytes.subarray(at, end))
      if (this.#cutter.isAtList) this.#place = 'between'
      return end
    }
    if (this.#place === 'between') {
      if (bytes[at] === OPEN_OBJECT) {
        this.#cutter.begin()
        this.#place = 'within'
        return at
      }
      if (bytes[at] !== CLOSE_ARRAY) return at + 1
      this.#place = 'behind'
    }
    if (this.#place === 'behind') {
      this.#rest.add(bytes.subarray(at))
      return bytes.length
    }
    const end = this.#cutter.findEnd(bytes, at)
    this.#item.add(bytes.subarray(at, end))
    if (this.#cutter.isComplete) {
      this.#place = 'between'
      this.#secret(loose(JSON.parse(this.#item.take())))
    }
    return end
  }
}

/** Events of a watch, in JSON: one in each line. */
export class SecretEvents implements SecretReader {
  readonly #event: (type: string, object: Loose) => void
  readonly #line = new Held(limits.mask.item)

  constructor(event: (type: string, object: Loose) => void) {
    this.#event = event
  }

  receive(bytes: Uint8Array): void {
    let at = 0
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, at)) {
      this.#line.add(bytes.subarray(at, end))
      at = end + 1
      const line = this.#line.take()
      if (line.trim() === '') continue
      const { type, object } = loose(JSON.parse(line))
      this.#event(typeof type === 'string' ? type : '', loose(object))
    }
    this.#line.add(bytes.subarray(at))
  }
}

/** Copies of pieces, up to a bound. */
class Held {
  readonly #bound: number
  #pieces: Uint8Array[] = []
  #length = 0

  constructor(bound: number) {
    this.#bound = bound
  }

  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#length += bytes.length
    if (this.#length > this.#bound) throw new LearnError('learn.length', 'an object is longer than is held')
    this.#pieces.push(new Uint8Array(bytes))
  }

  take(): string {
    const text = Buffer.concat(this.#pieces).toString('utf8')
    this.#pieces = []
    this.#length = 0
    return text
  }
}

export function loose(value: unknown): Loose {
  return typeof value === 'object' && value !== null ? (value as Loose) : {}
}
