// Tells the timestamps that the kubelet sets before each line of a log (`timestamps=true`: RFC 3339 with nanoseconds, a blank)
// from its text, byte by byte: a key of several lines, or a value, is not hidden by them.

import { byteClass } from './classes.ts'
import type { Interleaved } from './interleaved-masker.ts'

/** 2006-01-02T15:04:05.999999999-07:00 */
const TIMESTAMP = byteClass('0-9T:.Z+-')
const LONGEST = 35
const LF = 0x0a
const SPACE = 0x20

export class LineTimestamps implements Interleaved {
  #isTimestamp = true
  #length = 0

  get isText(): boolean {
    return !this.#isTimestamp
  }

  /** Behind the next line end. */
  next(bytes: Uint8Array, at: number): number {
    const lineEnd = bytes.indexOf(LF, at)
    return lineEnd === -1 ? -1 : lineEnd + 1
  }

  begin(): void {
    this.#isTimestamp = true
    this.#length = 0
  }

  take(octet: number): boolean {
    this.#length += 1
    if (TIMESTAMP[octet] === 1 && this.#length <= LONGEST) return true
    this.#isTimestamp = false
    return octet === SPACE
  }
}
