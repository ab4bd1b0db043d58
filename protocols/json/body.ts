// A JSON body on its way, masked object by object: of a list each element by itself, of a watch each event, so that memory
// does not depend on their number. Refuses what is longer than is held, cut, or no JSON.

import { isUtf8 } from 'node:buffer'
import type { BodyRewriter, BodyShape, FieldMasker } from '../kube/field-masker.ts'
import type { Limits } from '../limits.ts'
import { ValueCutter } from './cutter.ts'
import { JsonError } from './errors.ts'
import { type Edit, ObjectMasker } from './object.ts'
import { CLOSE_ARRAY, COMMA, OPEN_OBJECT, skipSpace } from './scan.ts'
import { asBuffer } from './text.ts'

const NOTHING = Buffer.alloc(0)

/**
 * Where the reading is: before the elements of a list, between two of them, in one, behind them all. The events of a
 * watch are elements too, without commas.
 */
type Place = 'before' | 'between' | 'within' | 'behind'

/** Stands for what has passed already when the rest of a list is read by itself. */
const OPENING = Buffer.from('{"items":[')
const CLOSING = Buffer.from(']}')

export class JsonBody implements BodyRewriter {
  readonly #masker: ObjectMasker
  readonly #bounds: Limits['mask']
  readonly #isWatch: boolean
  readonly #cutter = new ValueCutter()
  #place: Place
  /** What is not complete yet, in a buffer that grows in doubles and is let go with it. */
  #held: Buffer = NOTHING
  #room: Buffer = NOTHING
  /** No element has come yet. */
  #isFirst = true
  /** Behind a comma: an element must come. */
  #awaits = false
  #hasList = false
  #out: Uint8Array[] = []
  /** What passes of the bytes at hand behind `#out`: one view of them until something else comes between. */
  #from = 0
  #to = 0

  constructor(shape: BodyShape, masker: FieldMasker, bounds: Limits['mask']) {
    this.#masker = new ObjectMasker(masker, bounds)
    this.#bounds = bounds
    this.#isWatch = shape === 'watch'
    this.#place = shape === 'object' ? 'behind' : shape === 'watch' ? 'between' : 'before'
  }

  receive(lent: Uint8Array): Uint8Array {
    const bytes = asBuffer(lent)
    let at = 0
    while (at < bytes.length) {
      if (this.#place === 'between') at = this.#between(bytes, at)
      else if (this.#place === 'within') at = this.#within(bytes, at)
      else if (this.#place === 'before') at = this.#before(bytes, at)
      else {
        this.#hold(bytes, at, bytes.length, this.#bounds.object)
        at = bytes.length
      }
    }
    this.#flush(bytes)
    return this.#take()
  }

  end(): Uint8Array {
    if (this.#place === 'within') throw new JsonError('json.cut', 'the text ends before the value does')
    if (this.#isWatch) return this.#take()
    if (this.#place === 'between') throw new JsonError('json.cut', 'the text ends before the value does')
    if (this.#hasList) {
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
  #before(bytes: Buffer, at: number): number {
    const found = this.#cutter.findList(bytes, at)
    this.#hold(bytes, at, found, this.#bounds.object)
    if (!this.#cutter.isAtList) return found
    this.#hasList = true
    const head = this.#masked(Buffer.concat([this.#held, CLOSING]))
    this.#out.push(head.subarray(0, head.length - CLOSING.length))
    this.#forget()
    this.#place = 'between'
    return found
  }

  #between(bytes: Buffer, from: number): number {
    const at = skipSpace(bytes, from)
    const byte = bytes[at]
    if (byte === OPEN_OBJECT && (this.#isFirst || this.#isWatch || this.#awaits)) {
      this.#pass(bytes, from, at)
      this.#isFirst = false
      this.#awaits = false
      const end = this.#whole(bytes, at)
      if (end !== -1) return end
      this.#cutter.begin()
      this.#place = 'within'
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

  /**
   * An element that is whole in the bytes at hand, as nearly all are, needs no cutting out: returns the place behind it. -1
   * where it is not, or has a fault: then it is cut out, and refused as it would be in any other cut.
   */
  #whole(bytes: Buffer, at: number): number {
    let end: number
    try {
      end = this.#masker.find(bytes, at)
    } catch (error) {
      if (error instanceof JsonError) return -1
      throw error
    }
    if (end - at > this.#bound() || !isUtf8(bytes.subarray(at, end))) return -1
    let done = at
    for (const edit of this.#masker.edits()) {
      this.#pass(bytes, done, edit.from)
      this.#put(bytes, edit)
      done = edit.to
    }
    this.#pass(bytes, done, end)
    return end
  }

  #within(bytes: Buffer, from: number): number {
    const end = this.#cutter.findEnd(bytes, from)
    this.#hold(bytes, from, end, this.#bound())
    if (this.#cutter.isComplete) {
      this.#place = 'between'
      this.#flush(bytes)
      this.#out.push(this.#masked(this.#held))
      this.#forget()
    }
    return end
  }

  #bound(): number {
    return this.#isWatch ? this.#bounds.object : this.#bounds.item
  }

  #masked(text: Uint8Array): Uint8Array {
    if (!isUtf8(text)) throw new JsonError('json.utf8', 'the text is not UTF-8')
    return this.#masker.mask(text)
  }

  #pass(bytes: Buffer, from: number, to: number): void {
    if (from !== this.#to) {
      this.#flush(bytes)
      this.#from = from
    }
    this.#to = to
  }

  #put(bytes: Buffer, edit: Edit): void {
    this.#flush(bytes)
    this.#out.push(edit.token)
  }

  #flush(bytes: Buffer): void {
    if (this.#to > this.#from) this.#out.push(bytes.subarray(this.#from, this.#to))
    this.#from = 0
    this.#to = 0
  }

  #hold(bytes: Buffer, from: number, to: number, bound: number): void {
    const before = this.#held.length
    const size = before + to - from
    if (size > bound) throw tooLong()
    if (size > this.#room.length) {
      const room = Buffer.allocUnsafeSlow(Math.max(4_096, 2 * size))
      room.set(this.#held)
      this.#room = room
    }
    bytes.copy(this.#room, before, from, to)
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
