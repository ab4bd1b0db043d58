// What we write on streams: field blocks, and bodies as far as the peer's windows allow (RFC 9113 sections 4.3, 5.2 and
// 6.9). What they have no room for is copied and waits; streams that wait take turns, a frame each.

import { MisuseError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import { HpackEncoder } from '../hpack/encoder.ts'
import type { Limits } from '../limits.ts'
import { ERROR_CODE, Http2Error } from './errors.ts'
import { DEFAULT_WINDOW, FLAG, FRAME, LARGEST_WINDOW, SMALLEST_MAX_FRAME, writeFrame } from './frames.ts'
import type { PeerSettings } from './settings.ts'
import type { Stream } from './stream.ts'

/** Who is told what became of a stream. */
export interface OutgoingOwner {
  /** Its last frame of ours is written. */
  localEnd(stream: Stream): void
  /** All that it held is written. */
  drained(stream: Stream): void
}

export class Outgoing {
  /** Pieces to write, in order. */
  output: Uint8Array[] = []
  /** Bytes that wait for window, on all streams. */
  heldBytes = 0
  readonly #owner: OutgoingOwner
  readonly #peer: PeerSettings
  readonly #mostHeld: number
  readonly #encoder: HpackEncoder
  /** What may still be sent on all streams. */
  #window = DEFAULT_WINDOW
  /** Streams that wait for window, whose turn is next first. */
  readonly #blocked = new Set<Stream>()

  constructor(
    owner: OutgoingOwner,
    peer: PeerSettings,
    limits: { readonly hpack: Limits['hpack']; readonly http2: Limits['http2'] },
  ) {
    this.#owner = owner
    this.#peer = peer
    this.#mostHeld = limits.http2.heldBytes
    this.#encoder = new HpackEncoder(limits.hpack)
  }

  get blocked(): ReadonlySet<Stream> {
    return this.#blocked
  }

  takeOutput(): readonly Uint8Array[] {
    const output = this.output
    this.output = []
    return output
  }

  /** A field block, in as many frames as the peer's frame size asks for. MisuseError: nothing of it was written. */
  block(stream: number, fields: Fields, end: boolean): void {
    const block = this.#encode(fields)
    const most = Math.min(this.#peer.maxFrame, SMALLEST_MAX_FRAME)
    let type: number = FRAME.HEADERS
    let at = 0
    do {
      const piece = block.subarray(at, at + most)
      at += most
      const last = at >= block.length ? FLAG.END_HEADERS : 0
      writeFrame(this.output, type, type === FRAME.HEADERS && end ? last | FLAG.END_STREAM : last, stream, piece)
      type = FRAME.CONTINUATION
    } while (at < block.length)
  }

  /** False: the stream would hold more than it may, and takes nothing of it. */
  data(stream: Stream, bytes: Uint8Array, end: boolean): boolean {
    if (stream.isLocalClosed || stream.endsBehind) return true
    if (!stream.isHeadSent) throw new MisuseError('a body before its head')
    let at = 0
    if (!stream.isBlocked) {
      at = this.#write(stream, bytes, end)
      if (at === bytes.length) return true
    }
    const left = bytes.length - at
    if (stream.heldLength + left > this.#mostHeld) return false
    if (left > 0) {
      // `slice` would not copy a Buffer, and these bytes are lent.
      stream.hold(new Uint8Array(bytes.subarray(at)))
      this.heldBytes += left
    }
    stream.endsBehind = end
    this.#blocked.add(stream)
    return true
  }

  /** Trailers, or an empty DATA frame; behind what is held. */
  end(stream: Stream, trailers: Fields | undefined): void {
    if (stream.isLocalClosed || stream.endsBehind) return
    if (!stream.isHeadSent) throw new MisuseError('an end before its head')
    if (!stream.isBlocked) {
      this.#writeEnd(stream, trailers)
      return
    }
    stream.endsBehind = true
    stream.trailers = trailers
  }

  /** The peer's SETTINGS have been taken over: `change` is that of its initial window. `pump` follows. Throws Http2Error. */
  settingsChanged(streams: Iterable<Stream>, change: number): void {
    // A size that held only between two entries has emptied the peer's table all the same (RFC 7541 section 4.2).
    this.#encoder.setTableSize(this.#peer.leastHeaderTableSize)
    this.#encoder.setTableSize(this.#peer.headerTableSize)
    if (change === 0) return
    for (const stream of streams) {
      stream.sendWindow += change
      if (stream.sendWindow > LARGEST_WINDOW) throw overflow('http2.settings.overflow')
    }
  }

  /** Sends what is held, a frame of each stream in turn, as far as the windows allow. */
  pump(): void {
    for (const stream of this.#blocked) {
      if (this.#window <= 0) return
      this.#sendHeld(stream)
    }
  }

  /** WINDOW_UPDATE of the connection. Throws Http2Error. */
  widen(more: number): void {
    this.#window += more
    if (this.#window > LARGEST_WINDOW) throw overflow('http2.window_update.overflow')
    this.pump()
  }

  /** WINDOW_UPDATE of a stream. False: its window would be above 2^31-1. */
  widenStream(stream: Stream, more: number): boolean {
    stream.sendWindow += more
    if (stream.sendWindow > LARGEST_WINDOW) return false
    // Nobody else has gained anything: looking at all the others would be work for 13 octets.
    while (stream.isBlocked && this.#sendHeld(stream));
    return true
  }

  /** A stream is gone, and with it what it held. */
  drop(stream: Stream): void {
    this.heldBytes -= stream.heldLength
    stream.dropHeld()
    this.#blocked.delete(stream)
  }

  #encode(fields: Fields): Uint8Array {
    try {
      return this.#encoder.encode(fields)
    } catch (error) {
      // The table may hold what the peer never hears of, and the next request would be written with it: both tables are
      // emptied by the sizes that the next block begins with.
      this.#encoder.setTableSize(0)
      this.#encoder.setTableSize(this.#peer.headerTableSize)
      throw error
    }
  }

  #writeEnd(stream: Stream, trailers: Fields | undefined): void {
    if (trailers !== undefined && trailers.length > 0) this.block(stream.id, trailers, true)
    else writeFrame(this.output, FRAME.DATA, FLAG.END_STREAM, stream.id, NOTHING)
    this.#owner.localEnd(stream)
  }

  /** As much as the windows have room for; returns how much that was. `end` goes with the last octet. */
  #write(stream: Stream, bytes: Uint8Array, end: boolean): number {
    const room = Math.min(stream.sendWindow, this.#window)
    const length = Math.min(bytes.length, Math.max(0, room))
    stream.sendWindow -= length
    this.#window -= length
    let at = 0
    while (at < length) {
      const next = Math.min(at + SMALLEST_MAX_FRAME, length)
      const flags = end && next === bytes.length ? FLAG.END_STREAM : 0
      const piece = at === 0 && next === bytes.length ? bytes : bytes.subarray(at, next)
      writeFrame(this.output, FRAME.DATA, flags, stream.id, piece)
      at = next
    }
    if (bytes.length === 0 && end) writeFrame(this.output, FRAME.DATA, FLAG.END_STREAM, stream.id, NOTHING)
    if (end && at === bytes.length) this.#owner.localEnd(stream)
    return at
  }

  /** One frame of what a stream holds, and its end behind the last. False: there is no window for it. */
  #sendHeld(stream: Stream): boolean {
    const room = Math.min(stream.sendWindow, this.#window, SMALLEST_MAX_FRAME)
    if (room <= 0) return false
    const piece = stream.takeHeld(room)
    this.heldBytes -= piece.length
    const isLast = stream.heldLength === 0 && stream.endsBehind && stream.trailers === undefined
    if (isLast) stream.endsBehind = false
    this.#write(stream, piece, isLast)
    this.#blocked.delete(stream)
    if (stream.heldLength > 0) {
      this.#blocked.add(stream) // behind the others; whoever goes through them comes to it again
      return true
    }
    if (stream.endsBehind) {
      stream.endsBehind = false
      this.#writeEnd(stream, stream.trailers)
    }
    this.#owner.drained(stream)
    return true
  }
}

const NOTHING = new Uint8Array(0)

function overflow(rule: string): Http2Error {
  return new Http2Error(ERROR_CODE.FLOW_CONTROL_ERROR, rule, 'a window above 2^31-1')
}
