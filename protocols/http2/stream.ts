// One stream of an HTTP/2 connection as state (RFC 9113 section 5.1): which sides have ended, its windows, and what waits
// for them. One shape, and no buffer while nothing waits.

import type { Fields } from '../fields.ts'

const NONE: Uint8Array[] = []

export class Stream {
  readonly id: number
  /** The interval that it was opened in, by the connection's count. */
  readonly born: number
  /** The peer's HEADERS have come. */
  isHeadRead = false
  /** Final HEADERS of ours have gone out. */
  isHeadSent = false
  isRemoteClosed = false
  isLocalClosed = false
  /** No longer among the open ones: pieces of its DATA frame may still come. */
  isGone = false
  /** Its answer has no body whatever Content-Length says: it answers HEAD. */
  isHead = false
  /** 1xx answers that have come. */
  informational = 0
  /** What the peer may still send. */
  receiveWindow: number
  /** Octets received whose credit the peer has not got back on the connection. */
  unconsumed = 0
  /** Credit to give back on the stream. */
  owed = 0
  /** What we may still send; below zero after the peer has made its initial window smaller. */
  sendWindow: number
  /** Octets of the body that Content-Length still announces; -1: it says nothing. */
  contentLeft = -1
  // What waits for window.
  held: Uint8Array[] = NONE
  heldLength = 0
  /** The end of our side waits behind it. */
  endsBehind = false
  trailers: Fields | undefined

  constructor(id: number, born: number, receiveWindow: number, sendWindow: number) {
    this.id = id
    this.born = born
    this.receiveWindow = receiveWindow
    this.sendWindow = sendWindow
  }

  get isBlocked(): boolean {
    return this.heldLength > 0 || this.endsBehind
  }

  hold(bytes: Uint8Array): void {
    if (this.held.length === 0) this.held = []
    this.held.push(bytes)
    this.heldLength += bytes.length
  }

  /** The next `length` octets of what is held, as views of it; at most what is there. */
  takeHeld(length: number): Uint8Array {
    const first = this.held[0]!
    if (first.length <= length) {
      this.held.shift()
      this.heldLength -= first.length
      return first
    }
    this.held[0] = first.subarray(length)
    this.heldLength -= length
    return first.subarray(0, length)
  }

  dropHeld(): void {
    this.held = NONE
    this.heldLength = 0
    this.endsBehind = false
    this.trailers = undefined
  }
}
