// Finds where values end in JSON that comes in pieces, by brackets and strings alone; what it cuts out is checked to the
// letter afterwards. A text that is no JSON is cut somewhere, and refused then.

import { BACKSLASH, CLOSE_ARRAY, CLOSE_OBJECT, COLON, closingQuote, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './scan.ts'

/** "items" and "rows" are what lists and Tables hold their elements in. Longer keys are not kept. */
const LONGEST_KEY = 5

export class ValueCutter {
  #depth = 0
  #inString = false
  #escaped = false
  /** The last string at depth 1, as far as it can be "items" or "rows". */
  #word = ''
  #isKey = false
  /** True once the value that `begin` began is complete. */
  isComplete = false
  /** True once `findList` stands behind the bracket of a list's elements. */
  isAtList = false
  /** "items" or "rows". */
  list = ''

  begin(): void {
    this.#depth = 0
    this.isComplete = false
  }

  /** The place behind the value's last byte, or the end of the bytes while it is not complete. */
  findEnd(bytes: Uint8Array, from: number): number {
    let at = from
    if (this.#inString) {
      at = this.#string(bytes, at)
      if (this.#inString) return at
    }
    let depth = this.#depth
    const end = bytes.length
    while (at < end) {
      const byte = bytes[at]!
      at += 1
      if (byte === QUOTE) {
        at = this.#string(bytes, at)
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        depth -= 1
        if (depth <= 0) {
          this.isComplete = true
          break
        }
      }
    }
    this.#depth = depth
    return at
  }

  /** To behind the closing quote, or to the end of the bytes in the middle of a string. */
  #string(bytes: Uint8Array, from: number): number {
    const start = this.#escaped && from < bytes.length ? from + 1 : from
    this.#escaped &&= start === from
    const quote = closingQuote(bytes, start)
    this.#inString = quote === -1
    if (quote !== -1) return quote + 1
    let backslashes = 0
    while (bytes.length - backslashes > start && bytes[bytes.length - backslashes - 1] === BACKSLASH) backslashes += 1
    if ((backslashes & 1) === 1) this.#escaped = true
    return bytes.length
  }

  /** The place behind the bracket that opens a list's elements, or the end of the bytes while there is none. */
  findList(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at]!
      if (this.#inString) {
        this.#character(byte)
        continue
      }
      if (byte === QUOTE) {
        this.#inString = true
        this.#word = ''
      } else if (byte === COLON) this.#isKey = this.#depth === 1
      else if (byte === OPEN_ARRAY && this.#depth === 1 && this.#isKey && isList(this.#word)) {
        this.list = this.#word
        this.isAtList = true
        return at + 1
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#depth += 1
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) this.#depth -= 1
      else if (byte > 0x20 && this.#depth === 1) this.#isKey = false
    }
    return bytes.length
  }

  #character(byte: number): void {
    if (this.#escaped) this.#escaped = false
    else if (byte === QUOTE) {
      this.#inString = false
      return
    } else if (byte === BACKSLASH) this.#escaped = true
    if (this.#depth === 1 && this.#word.length <= LONGEST_KEY) this.#word += String.fromCharCode(byte)
  }
}

function isList(word: string): boolean {
  return word === 'items' || word === 'rows'
}
