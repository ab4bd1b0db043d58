// The windows of what a peer sends (RFC 9113 sections 5.2 and 6.9): what it may still send, on each stream and on all, and
// the credit that goes back to it for what has left us.

import { ERROR_CODE, Http2Error } from './errors.ts'
import { DEFAULT_WINDOW, FRAME, writeNumber } from './frames.ts'
import type { Stream } from './stream.ts'

export class Credit {
  readonly #streamWindow: number
  /**
   * A client is held back as a whole by what it has sent and we have not passed on. A cluster's connection gets its
   * credit back at once: the reader of one answer, who stalls, must not stall the others.
   */
  readonly #holdsBack: boolean
  #window = DEFAULT_WINDOW
  #target = DEFAULT_WINDOW
  /** To be given back on the connection. */
  #owed = 0
  /** Streams with credit to give back. */
  readonly #owing = new Set<Stream>()

  constructor(streamWindow: number, holdsBack: boolean) {
    this.#streamWindow = streamWindow
    this.#holdsBack = holdsBack
  }

  /** Raises the connection's window to `window` octets. */
  raise(window: number, output: Uint8Array[]): void {
    const more = window - this.#target
    if (more <= 0) return
    this.#target = window
    this.#window += more
    writeNumber(output, FRAME.WINDOW_UPDATE, 0, more)
  }

  /** DATA has begun, of any stream; `length`: with its padding. Throws Http2Error, for the connection. */
  received(length: number): void {
    this.#window -= length
    if (this.#window < 0) {
      const rule = 'http2.window.connection'
      throw new Http2Error(ERROR_CODE.FLOW_CONTROL_ERROR, rule, 'more than the connection may carry')
    }
  }

  /** It was nobody's. */
  dropped(length: number): void {
    this.#owed += length
  }

  /** It was this stream's. False: it is more than that may carry. */
  receivedOn(stream: Stream, length: number): boolean {
    stream.unconsumed += length
    if (!this.#holdsBack) this.#owed += length
    stream.receiveWindow -= length
    return stream.receiveWindow >= 0
  }

  /** So much of it has left us. */
  consumed(stream: Stream, octets: number): void {
    const credit = Math.min(octets, stream.unconsumed)
    stream.unconsumed -= credit
    if (this.#holdsBack) this.#owed += credit
    if (stream.isRemoteClosed || stream.isGone) return
    stream.owed += credit
    this.#owing.add(stream)
  }

  /** What the owner of a closed stream has not read is nobody's; the connection must not starve of it. */
  closed(stream: Stream): void {
    if (this.#holdsBack) this.#owed += stream.unconsumed
    stream.unconsumed = 0
  }

  /** Gives back what is owed, in as few frames as will do: once half a window is. */
  write(output: Uint8Array[]): void {
    if (this.#owed > 0 && 2 * this.#owed >= this.#target) {
      writeNumber(output, FRAME.WINDOW_UPDATE, 0, this.#owed)
      this.#window += this.#owed
      this.#owed = 0
    }
    for (const stream of this.#owing) {
      if (!stream.isRemoteClosed && !stream.isGone) {
        if (2 * stream.owed < this.#streamWindow) continue
        writeNumber(output, FRAME.WINDOW_UPDATE, stream.id, stream.owed)
        stream.receiveWindow += stream.owed
      }
      stream.owed = 0
      this.#owing.delete(stream)
    }
  }
}
