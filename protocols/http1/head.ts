// Cuts bytes into a start line and field lines, as far as the empty line (RFC 9112 sections 2.2 and 5), for requests,
// responses and trailers. Lines end in CRLF and nothing else; folded, nameless and oversized lines are refused.

import { skip, TOKEN, VALUE } from '../syntax.ts'
import { Http1Error } from './errors.ts'

/** Bounds in bytes, line ends included, and in lines. */
export interface HeadLimits {
  readonly startLine: number
  readonly fieldBytes: number
  readonly fieldCount: number
}

const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const HTAB = 0x09
const COLON = 0x3a
const NOTHING = Buffer.alloc(0)

/**
 * Reads one head after another; `reset` between them. Only a line that a chunk boundary cut is copied. A line is looked
 * at when its LF is there, so that what is refused, and by which rule, does not depend on where the bytes were cut.
 */
export class HeadReader<Start> {
  readonly #limits: HeadLimits
  readonly #parseStart: ((line: string) => Start) | undefined
  #fields: string[] = []
  #fieldBytes = 0
  /** What has come of a line that is not whole. */
  #held = NOTHING
  #heldLength = 0
  /** What the start line said; undefined until it is read, and always for trailers. */
  start: Start | undefined = undefined
  /** The empty line was read. */
  isComplete = false
  /** Bytes of this head were read. */
  isBegun = false

  /** `parseStart` reads the first line (without CRLF), or throws Http1Error; undefined where there is none (trailers). */
  constructor(limits: HeadLimits, parseStart: ((line: string) => Start) | undefined) {
    this.#limits = limits
    this.#parseStart = parseStart
  }

  /** The field lines read so far; after `isComplete`, all of them. */
  get fields(): readonly string[] {
    return this.#fields
  }

  reset(): void {
    this.#fields = []
    this.#fieldBytes = 0
    this.start = undefined
    this.isComplete = false
    this.isBegun = false
  }

  /** Reads from `at` to the end of the head or of the chunk, and returns where it stopped. Throws Http1Error. */
  read(chunk: Uint8Array, at: number): number {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    this.isBegun ||= at < bytes.length
    while (!this.isComplete && at < bytes.length) {
      const lineFeed = bytes.indexOf(LF, at)
      if (lineFeed === -1) {
        this.#checkLength(this.#heldLength + bytes.length - at + 1)
        this.#hold(bytes, at, bytes.length)
        return bytes.length
      }
      const next = lineFeed + 1
      this.#checkLength(this.#heldLength + next - at)
      if (this.#heldLength === 0) {
        this.#line(bytes, at, next)
      } else {
        this.#hold(bytes, at, next)
        const length = this.#heldLength
        this.#heldLength = 0
        this.#line(this.#held, 0, length)
      }
      at = next
    }
    if (this.isComplete) this.#held = NOTHING
    return at
  }

  /** Refuses a line by its length alone: `length` counts its LF, come or still to come. */
  #checkLength(length: number): void {
    if (this.#inStartLine()) {
      if (length > this.#limits.startLine) {
        throw new Http1Error(431, 'http1.start_line.too_long', 'the first line is longer than is taken')
      }
    } else if (this.#fieldBytes + length > this.#limits.fieldBytes) {
      throw new Http1Error(431, 'http1.field.too_large', 'the fields are longer than is taken')
    }
  }

  #inStartLine(): boolean {
    return this.start === undefined && this.#parseStart !== undefined
  }

  #hold(bytes: Buffer, at: number, end: number): void {
    const length = this.#heldLength + end - at
    if (length > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(256, 2 * length))
      this.#held.copy(larger, 0, 0, this.#heldLength)
      this.#held = larger
    }
    bytes.copy(this.#held, this.#heldLength, at, end)
    this.#heldLength = length
  }

  /** A line with its LF, from `at` to `next`. */
  #line(bytes: Buffer, at: number, next: number): void {
    const end = next - 2
    if (end < at || bytes[end] !== CR) {
      throw new Http1Error(400, 'http1.field.bare_lf', 'a line ends in CR LF, not in LF alone')
    }
    const line = bytes.toString('latin1', at, end)
    if (this.#parseStart !== undefined && this.start === undefined) {
      this.start = this.#parseStart(line)
      return
    }
    this.#fieldBytes += next - at
    if (line.length === 0) {
      this.isComplete = true
      return
    }
    if (this.#fields.length === 2 * this.#limits.fieldCount) {
      throw new Http1Error(431, 'http1.field.too_many', 'more fields than are taken')
    }
    this.#field(line)
  }

  #field(line: string): void {
    const nameEnd = skip(line, 0, line.length, TOKEN)
    if (nameEnd === 0 || line.charCodeAt(nameEnd) !== COLON) throw wrongName(line, nameEnd)
    let at = nameEnd + 1
    let end = line.length
    while (at < end && isBlank(line.charCodeAt(at))) at++
    while (end > at && isBlank(line.charCodeAt(end - 1))) end--
    const wrong = skip(line, at, end, VALUE)
    if (wrong !== end) {
      if (line.charCodeAt(wrong) === CR) throw new Http1Error(400, 'http1.field.bare_cr', 'a CR without LF in a field')
      throw new Http1Error(400, 'http1.field.control', 'a control character in a field value')
    }
    const name = line.slice(0, nameEnd)
    // White space behind a value is allowed, but a length that a reader takes with it is a length that readers differ on.
    if (end !== line.length && isFraming(name)) {
      throw new Http1Error(400, 'http1.field.trailing_space', 'white space behind the value of a framing field')
    }
    this.#fields.push(name, line.slice(at, end))
  }
}

function wrongName(line: string, nameEnd: number): Http1Error {
  if (isBlank(line.charCodeAt(0))) {
    return new Http1Error(400, 'http1.field.obs_fold', 'a field may not go on in the next line')
  }
  if (nameEnd === 0 || nameEnd === line.length || !isBlank(line.charCodeAt(nameEnd))) {
    return new Http1Error(400, 'http1.field.name', 'a field is a name, a colon and a value')
  }
  return new Http1Error(400, 'http1.field.space_before_colon', 'white space between a field name and its colon')
}

function isBlank(code: number): boolean {
  return code === SPACE || code === HTAB
}

function isFraming(name: string): boolean {
  if (name.length !== 14 && name.length !== 17) return false
  const lower = name.toLowerCase()
  return lower === 'content-length' || lower === 'transfer-encoding'
}
