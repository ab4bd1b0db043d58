// HEADERS and CONTINUATION frames -> whole field blocks (RFC 9113 sections 4.3 and 6.2), without padding and priority.
// Refuses blocks in too many frames or octets before they are decoded (CVE-2024-27316), and frames between their parts.

import type { Limits } from '../limits.ts'
import { calm, sizeError, wrong } from './errors.ts'
import { FLAG, FRAME, LARGEST_WINDOW, uint32 } from './frames.ts'

const PRIORITY_OCTETS = 5

export class FieldBlocks {
  readonly #limits: Limits['http2']
  /** The stream of the block that is being read, or was read last. */
  stream = 0
  /** The block ends its stream. */
  end = false
  /** Parts of the block are still to come. */
  isOpen = false
  #pieces: Uint8Array[] = []
  #length = 0
  #continuations = 0

  constructor(limits: Limits['http2']) {
    this.#limits = limits
  }

  /** Judges any frame by its header. Throws Http2Error. */
  frameBegins(type: number, stream: number): void {
    if (this.isOpen && (type !== FRAME.CONTINUATION || stream !== this.stream)) {
      throw wrong('http2.continuation.interrupted', 'another frame within a field block')
    }
    if (type !== FRAME.CONTINUATION) return
    if (!this.isOpen) throw wrong('http2.continuation.alone', 'CONTINUATION of nothing')
    this.#continuations += 1
    if (this.#continuations > this.#limits.continuations) {
      throw calm('http2.continuation.flood', 'a field block in too many frames')
    }
  }

  /** HEADERS; returns the block if that is all of it, as a view of the payload. Throws Http2Error. */
  headers(flags: number, stream: number, payload: Uint8Array): Uint8Array | undefined {
    let at = 0
    let padding = 0
    if ((flags & FLAG.PADDED) !== 0) padding = payload[at++] ?? 0
    if ((flags & FLAG.PRIORITY) !== 0) {
      if (payload.length < at + PRIORITY_OCTETS) throw sizeError('http2.headers.priority')
      if ((uint32(payload, at) & LARGEST_WINDOW) === stream) {
        throw wrong('http2.headers.self_dependency', 'a stream that depends on itself')
      }
      at += PRIORITY_OCTETS
    }
    if (at + padding > payload.length) throw wrong('http2.headers.padding', 'padding that is longer than its frame')
    this.stream = stream
    this.end = (flags & FLAG.END_STREAM) !== 0
    const fragment = payload.subarray(at, payload.length - padding)
    if ((flags & FLAG.END_HEADERS) !== 0) return fragment
    this.isOpen = true
    this.#continuations = 0
    this.#add(fragment)
    return undefined
  }

  /** CONTINUATION; returns the block if this was the last of it. Throws Http2Error. */
  continuation(flags: number, payload: Uint8Array): Uint8Array | undefined {
    this.#add(payload)
    if ((flags & FLAG.END_HEADERS) === 0) return undefined
    const block = Buffer.concat(this.#pieces)
    this.isOpen = false
    this.#pieces = []
    this.#length = 0
    return block
  }

  #add(fragment: Uint8Array): void {
    this.#length += fragment.length
    if (this.#length > this.#limits.blockBytes) {
      throw calm('http2.block.too_long', 'a field block longer than is taken')
    }
    this.#pieces.push(new Uint8Array(fragment))
  }
}
