// A JSON body on its way, masked object by object: of a list each element by itself, of a watch each event, so that memory
// does not depend on their number. Refuses what is longer than is held, cut, or no JSON.

import { isUtf8 } from 'node:buffer'
import type { BodyRewriter, BodyShape, FieldMasker } from '../kube/field-masker.ts'
import type { Limits } from '../limits.ts'
import { ValueCutter } from './cutter.ts'
import { JsonError } from './errors.ts'
import { maskValue } from './object.ts'
import { CLOSE_ARRAY, COMMA, OPEN_OBJECT, skipSpace } from './scan.ts'

const NOTHING = new Uint8Array(0)

/**
 * Where the reading is: before the elements of a list, between two of them, in one, behind them all. The events of a
 * watch are elements too, without commas.
 */
type Place = 'before' | 'between' | 'within' | 'behind'

/** Stands for what has passed already when the rest of a list is read by itself. */
const OPENING = Buffer.from('{"items":[')
const CLOSING = Buffer.from(']}')

export class JsonBody implements BodyRewriter {
  readonly #masker: FieldMasker
  readonly #bounds: Limits['mask']
  readonly #isWatch: boolean
  readonly #cutter = new ValueCutter()
  #place: Place
  /** What is not complete yet, in a buffer that grows in doubles and is let go with it. */
  #held = NOTHING
  #room = NOTHING
  /** No element has come yet. */
  #isFirst = true
  /** Behind a comma: an element must come. */
  #awaits = false
  /** "items" or "rows", once the list has begun. */
  #key = ''
  #out: Uint8Array[] = []

  constructor(shape: BodyShape, masker: FieldMasker, bounds: Limits['mask']) {
    this.#masker = masker
    this.#bounds = bounds
    this.#isWatch = shape === 'watch'
    this.#place = shape === 'object' ? 'behind' : shape === 'watch' ? 'between' : 'before'
  }

  receive(bytes: Uint8Array): Uint8Array {
    let at = 0
    while (at < bytes.length) {
      if (this.#place === 'between') at = this.#between(bytes, at)
      else if (this.#place === 'within') at = this.#within(bytes, at)
      else if (this.#place === 'before') at = this.#before(bytes, at)
      else {
        this.#hold(bytes.subarray(at), this.#bounds.object)
        at = bytes.length
      }
    }
    return this.#take()
  }

  end(): Uint8Array {
    if (this.#place === 'within') throw new JsonError('json.cut', 'the text ends before the value does')
    if (this.#isWatch) return this.#take()
    if (this.#place === 'between') throw new JsonError('json.cut', 'the text ends before the value does')
    if (this.#key !== '') {
      // What stands behind the elements, read as a list of none.
      const rest = this.#masked(Buffer.concat([OPENING, this.#held]))
      this.#out.push(rest.subarray(OPENING.length))
    } else if (this.#held.length > 0) {
      this.#out.push(this.#masked(this.#held))
    }
    this.#forget()
    return this.#take()
  }

  /** Up to the bracket of a list's elements; a body that has none is held to its end. */
  #before(bytes: Uint8Array, at: number): number {
    const found = this.#cutter.findList(bytes, at)
    this.#hold(bytes.subarray(at, found), this.#bounds.object)
    if (!this.#cutter.isAtList) return found
    this.#key = this.#cutter.list
    const head = this.#masked(Buffer.concat([this.#held, CLOSING]))
    this.#out.push(head.subarray(0, head.length - CLOSING.length))
    this.#forget()
    this.#place = 'between'
    return found
  }

  #between(bytes: Uint8Array, from: number): number {
    const at = skipSpace(bytes, from)
    const byte = bytes[at]
    if (byte === OPEN_OBJECT && (this.#isFirst || this.#isWatch || this.#awaits)) {
      this.#pass(bytes, from, at)
      this.#cutter.begin()
      this.#place = 'within'
      this.#awaits = false
      return at
    }
    if (byte === undefined) {
      this.#pass(bytes, from, at)
      return at
    }
    if (this.#isWatch) throw new JsonError('json.watch', 'something else than events in a watch')
    if (byte === COMMA && !this.#isFirst && !this.#awaits) {
      this.#pass(bytes, from, at + 1)
      this.#awaits = true
      return at + 1
    }
    if (byte === CLOSE_ARRAY && !this.#awaits) {
      this.#pass(bytes, from, at)
      this.#place = 'behind'
      return at
    }
    throw new JsonError('json.list', 'something else than objects and commas in a list')
  }

  #within(bytes: Uint8Array, from: number): number {
    const end = this.#cutter.findEnd(bytes, from)
    const bound = this.#isWatch ? this.#bounds.object : this.#bounds.item
    if (this.#held.length === 0 && this.#cutter.isComplete) {
      if (end - from > bound) throw tooLong()
      this.#element(bytes.subarray(from, end))
    } else {
      this.#hold(bytes.subarray(from, end), bound)
      if (this.#cutter.isComplete) {
        this.#element(this.#held)
        this.#forget()
      }
    }
    return end
  }

  #element(text: Uint8Array): void {
    this.#place = 'between'
    this.#isFirst = false
    if (this.#key !== 'rows') {
      this.#out.push(this.#masked(text))
      return
    }
    // A row is no object itself: it is read as the only one of a Table.
    const head = Buffer.from('{"rows":[')
    const table = this.#masked(Buffer.concat([head, text, CLOSING]))
    this.#out.push(table.subarray(head.length, table.length - CLOSING.length))
  }

  #masked(text: Uint8Array): Uint8Array {
    if (!isUtf8(text)) throw new JsonError('json.utf8', 'the text is not UTF-8')
    return maskValue(text, this.#masker, this.#bounds)
  }

  #pass(bytes: Uint8Array, from: number, to: number): void {
    if (to > from) this.#out.push(bytes.subarray(from, to))
  }

  #hold(bytes: Uint8Array, bound: number): void {
    const before = this.#held.length
    const size = before + bytes.length
    if (size > bound) throw tooLong()
    if (size > this.#room.length) {
      const room = new Uint8Array(Math.max(4_096, 2 * size))
      room.set(this.#held)
      this.#room = room
    }
    this.#room.set(bytes, before)
    this.#held = this.#room.subarray(0, size)
  }

  /** What was held has been passed, perhaps as a view: its buffer is not written to again. */
  #forget(): void {
    this.#held = NOTHING
    this.#room = NOTHING
  }

  #take(): Uint8Array {
    const pieces = this.#out
    if (pieces.length === 0) return NOTHING
    this.#out = []
    return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces)
  }
}

function tooLong(): JsonError {
  return new JsonError('json.length', 'an object is longer than is held for masking')
}
