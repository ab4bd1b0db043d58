// A gzip body (RFC 1952, members in a row) on its way to the rewriter of what is in it; what comes out is not compressed.
// Refuses bombs, bodies that are cut, wrong sums, and anything else than members.

import {
  Z_BUF_ERROR,
  Z_OK,
  Z_STREAM_END,
  Z_SYNC_FLUSH,
  ZStream,
  zlibInflate,
  zlibInflateInit2,
  zlibInflateReset,
} from 'pako'
import type { BodyRewriter } from '../kube/field-masker.ts'
import type { Limits } from '../limits.ts'
import { GzipError } from './errors.ts'

/** zlib's largest window, and 16: a gzip header and trailer, whose CRC-32 and length it checks. */
const GZIP_WINDOW_BITS = 15 + 16
/** RFC 1952 section 2.3.1. */
const FIRST_OCTET = 0x1f
/** Octets inflated between two looks at the bound; fewer for a watch event of some. */
const STEP = 65_536
const SMALL_STEP = 1_024
const GROWTH = 16
const NOTHING = new Uint8Array(0)

export class GzipBody implements BodyRewriter {
  readonly #inner: BodyRewriter
  readonly #bounds: Limits['mask']
  readonly #stream = new ZStream()
  /** Before a member, or behind the last. */
  #isBetween = true
  #taken = 0
  #made = 0
  #out: Uint8Array[] = []

  /** `inner`: takes what is inflated, in pieces of the inflater's. */
  constructor(inner: BodyRewriter, bounds: Limits['mask']) {
    this.#inner = inner
    this.#bounds = bounds
    zlibInflateInit2(this.#stream, GZIP_WINDOW_BITS)
  }

  receive(bytes: Uint8Array): Uint8Array {
    const stream = this.#stream
    stream.input = bytes
    stream.next_in = 0
    stream.avail_in = bytes.length
    while (stream.avail_in > 0 || !this.#isBetween) {
      if (this.#isBetween) this.#begin(bytes[stream.next_in])
      if (this.#inflate()) break
    }
    // Nothing is kept of what was lent.
    stream.input = NOTHING
    return this.#take()
  }

  end(): Uint8Array {
    if (!this.#isBetween) throw new GzipError('gzip.cut', 'the body ends within a gzip member')
    this.#put(this.#inner.end())
    return this.#take()
  }

  /** Watches have a member for each flush, and end where one ends. */
  #begin(octet: number | undefined): void {
    if (octet !== FIRST_OCTET) throw new GzipError('gzip.member', 'something else than a gzip member')
    zlibInflateReset(this.#stream)
    this.#isBetween = false
  }

  /** One step; true if there is no more to be had of the input. */
  #inflate(): boolean {
    const stream = this.#stream
    const before = stream.avail_in
    const room = Math.min(STEP, Math.max(SMALL_STEP, GROWTH * before))
    // New for each step: what the rewriter passes may be views of it.
    stream.output = new Uint8Array(room)
    stream.next_out = 0
    stream.avail_out = room
    const status = zlibInflate(stream, Z_SYNC_FLUSH)
    if (status !== Z_OK && status !== Z_STREAM_END && status !== Z_BUF_ERROR) {
      throw new GzipError('gzip.data', 'a gzip member that does not inflate, or not to its own sum and length')
    }
    this.#taken += before - stream.avail_in
    this.#made += stream.next_out
    if (this.#made > this.#bounds.inflated + this.#bounds.inflatedRatio * this.#taken) {
      throw new GzipError('gzip.ratio', 'a body inflates to more than is taken')
    }
    if (stream.next_out > 0) this.#put(this.#inner.receive(stream.output.subarray(0, stream.next_out)))
    this.#isBetween = status === Z_STREAM_END
    return !this.#isBetween && stream.avail_out > 0
  }

  #put(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#out.push(bytes)
  }

  #take(): Uint8Array {
    const pieces = this.#out
    this.#out = []
    if (pieces.length === 0) return NOTHING
    return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces)
  }
}
