// A watch's body in JSON, in whatever pieces -> its events, each whole, for clients that take a WebSocket message for an
// event. Refuses what stands between events and is none, events without end, and text that no message may hold.

import { JsonError } from '../json/errors.ts'
import type { Limits } from '../limits.ts'
import { Utf8 } from '../websocket/utf8.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d

const NOTHING = new Uint8Array(0)
const NONE: readonly Uint8Array[] = []

export class WatchMessages {
  readonly #limit: number
  readonly #utf8 = new Utf8()
  /** What has come of the event under way, with room for more; it is given away with the event. */
  #held: Uint8Array = NOTHING
  #length = 0
  /** Braces open; 0 between events. Brackets need no count: an object within them has braces of its own. */
  #depth = 0
  #inString = false
  #escaped = false

  constructor({ watchEvent }: Pick<Limits['kubernetes'], 'watchEvent'>) {
    this.#limit = watchEvent
  }

  /** The events that end in these bytes: views of them, or memory of their own. Throws JsonError. */
  receive(bytes: Uint8Array): readonly Uint8Array[] {
    let messages: Uint8Array[] | undefined
    let start = 0
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]!
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false
        else if (byte === BACKSLASH) this.#escaped = true
        else if (byte === QUOTE) this.#inString = false
      } else if (this.#depth === 0) {
        start = at
        if (byte === OPEN) this.#depth = 1
        else if (!isSpace(byte)) throw new JsonError('json.watch.between', 'something between events that is none')
      } else if (byte === QUOTE) this.#inString = true
      else if (byte === OPEN) this.#depth += 1
      else if (byte === CLOSE) {
        this.#depth -= 1
        if (this.#depth === 0) {
          messages ??= []
          messages.push(this.#whole(bytes.subarray(start, at + 1)))
        }
      }
    }
    if (this.#depth > 0 && bytes.length > 0) this.#hold(bytes.subarray(start))
    return messages ?? NONE
  }

  /** The body is complete. Throws JsonError where an event is not. */
  end(): void {
    if (this.#depth > 0) throw new JsonError('json.watch.cut', 'the watch ends within an event')
  }

  #whole(last: Uint8Array): Uint8Array {
    let message = last
    if (this.#held.length > 0) {
      this.#hold(last)
      message = this.#held.subarray(0, this.#length)
      this.#held = NOTHING
      this.#length = 0
    } else if (last.length > this.#limit) throw tooLong()
    // RFC 6455 section 5.6: a text that is not UTF-8 would end the client's connection, with the blame on us.
    if (this.#utf8.valid(message) < message.length || !this.#utf8.isWhole) {
      throw new JsonError('json.watch.utf8', 'an event that is not UTF-8')
    }
    return message
  }

  #hold(part: Uint8Array): void {
    const length = this.#length + part.length
    if (length > this.#limit) throw tooLong()
    if (length > this.#held.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#held.length))
      larger.set(this.#held.subarray(0, this.#length))
      this.#held = larger
    }
    this.#held.set(part, this.#length)
    this.#length = length
  }
}

function tooLong(): JsonError {
  return new JsonError('json.watch.length', 'an event is longer than is taken')
}

function isSpace(byte: number): boolean {
  return byte === 0x0a || byte === 0x20 || byte === 0x0d || byte === 0x09
}
