// Cuts a byte stream into WebSocket frames wherever TCP happened to cut it first (RFC 6455 section 5.2). Payload of data
// frames goes on as it arrives; control frames come whole; what breaks the framing is refused on the header alone.

import type { Limits } from '../limits.ts'
import { CLOSE_CODE, WebSocketError } from './errors.ts'
import { OPCODE, type WebSocketEvent, type WebSocketFrame } from './events.ts'
import { unmask } from './mask.ts'
import { Utf8 } from './utf8.ts'

const NOTHING = new Uint8Array(0)
/** Two octets, eight of extended length, four of masking key. */
const LONGEST_HEADER = 14
/** RFC 6455 section 5.5: a control frame's payload. */
const CONTROL_PAYLOAD = 125

//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-------+-+-------------+-------------------------------+
//   |F|R|R|R| opcode|M| Payload len |    Extended payload length    |
//   |I|S|S|S|  (4)  |A|     (7)     |             (16/64)           |
//   |N|V|V|V|       |S|             |   (if payload len==126/127)   |
//   | |1|2|3|       |K|             |                               |
//   +-+-+-+-+-------+-+-------------+ - - - - - - - - - - - - - - - +
//   |  Extended payload length continued   |  Masking-key, if MASK  |

export class FrameReader {
  readonly #limits: Limits['websocket']
  readonly #masked: boolean

  // The frame now being read. All fields are set here, so that the shape never changes.
  #inPayload = false
  #opcode = 0
  #fin = false
  #left = 0
  #length = 0
  #key = 0
  /** Payload octets seen of this frame: the phase of its mask. */
  #phase = 0

  // The message that data frames belong to.
  #message = 0
  #fragments = 0
  #controls = 0
  readonly #utf8 = new Utf8()

  // What a chunk boundary cut in two.
  readonly #header = new Uint8Array(LONGEST_HEADER)
  #headerHeld = 0
  #headerBytes: Uint8Array = NOTHING
  #control: Uint8Array = NOTHING
  #controlHeld = 0

  /** `masked`: the peer is a client, whose frames must be masked; a server's must not (section 5.1). */
  constructor(limits: Limits['websocket'], masked: boolean) {
    this.#limits = limits
    this.#masked = masked
  }

  /** True between frames and between messages: nothing has been begun. */
  get isIdle(): boolean {
    return !this.#inPayload && this.#headerHeld === 0 && this.#message === 0
  }

  /** Appends the frames in `chunk` to `events`, up to and including a CLOSE. Throws WebSocketError. */
  read(chunk: Uint8Array, events: WebSocketEvent[]): void {
    const end = chunk.length
    let at = 0
    while (at < end) {
      if (!this.#inPayload) {
        at = this.#readHeader(chunk, at, end)
        if (!this.#inPayload) return // the header goes on in the next chunk
      }
      at = this.#readPayload(chunk, at, end, events) // even at `end`: an empty payload is already complete
      if (this.#opcode === OPCODE.CLOSE && !this.#inPayload) return
    }
  }

  #readHeader(chunk: Uint8Array, at: number, end: number): number {
    if (this.#headerHeld === 0) {
      const length = end - at >= 2 ? headerLength(chunk[at + 1]!) : LONGEST_HEADER + 1
      if (end - at >= length) {
        this.#open(chunk, at)
        this.#headerBytes = chunk.subarray(at, at + length)
        return at + length
      }
    }
    while (at < end) {
      this.#header[this.#headerHeld++] = chunk[at++]!
      // The first two octets can already be wrong: they are judged before more is waited for.
      if (this.#headerHeld === 2) this.#judge(this.#header[0]!, this.#header[1]!)
      if (this.#headerHeld >= 2 && this.#headerHeld === headerLength(this.#header[1]!)) {
        const length = this.#headerHeld
        this.#headerHeld = 0
        this.#open(this.#header, 0)
        this.#headerBytes = this.#header.slice(0, length)
        return at
      }
    }
    return at
  }

  /** The checks that need no more than the first two octets. */
  #judge(first: number, second: number): void {
    if ((first & 0x70) !== 0) throw fault('websocket.frame.reserved_bits', 'no extension was agreed on')
    const opcode = first & 0x0f
    const known = opcode <= OPCODE.BINARY || (opcode >= OPCODE.CLOSE && opcode <= OPCODE.PONG)
    if (!known) throw fault('websocket.frame.opcode', 'a reserved opcode')
    const masked = (second & 0x80) !== 0
    if (masked && !this.#masked) throw fault('websocket.frame.masked', 'a server masked a frame')
    if (!masked && this.#masked) throw fault('websocket.frame.unmasked', 'a client sent a frame without a mask')
    if (opcode < OPCODE.CLOSE) return
    if ((first & 0x80) === 0) throw fault('websocket.control.fragmented', 'a control frame in fragments')
    if ((second & 0x7f) > CONTROL_PAYLOAD) throw fault('websocket.control.too_long', 'a control frame over 125 octets')
  }

  #open(b: Uint8Array, at: number): void {
    this.#judge(b[at]!, b[at + 1]!)
    this.#fin = (b[at]! & 0x80) !== 0
    this.#opcode = b[at]! & 0x0f
    let length = b[at + 1]! & 0x7f
    let next = at + 2
    if (length === 126) {
      length = (b[next]! << 8) | b[next + 1]!
      next += 2
      if (length < 126) throw fault('websocket.frame.length_form', 'a length in a longer form than it needs')
    } else if (length === 127) {
      const high = ((b[next]! << 24) | (b[next + 1]! << 16) | (b[next + 2]! << 8) | b[next + 3]!) >>> 0
      const low = ((b[next + 4]! << 24) | (b[next + 5]! << 16) | (b[next + 6]! << 8) | b[next + 7]!) >>> 0
      next += 8
      if (high >= 0x8000_0000) throw fault('websocket.frame.length_sign', 'a length with its highest bit set')
      if (high === 0 && low < 65_536) {
        throw fault('websocket.frame.length_form_64', 'a length in a longer form than it needs')
      }
      length = high * 4_294_967_296 + low
    }
    if (length > this.#limits.frame) {
      throw new WebSocketError(CLOSE_CODE.TOO_BIG, 'websocket.frame.too_long', 'a frame over the limit')
    }
    if (this.#masked) this.#key = (b[next]! << 24) | (b[next + 1]! << 16) | (b[next + 2]! << 8) | b[next + 3]!
    this.#sequence()
    this.#length = length
    this.#left = length
    this.#phase = 0
    this.#inPayload = true
  }

  /** Which frame may follow which (section 5.4), and how many. */
  #sequence(): void {
    if (this.#opcode >= OPCODE.CLOSE) {
      this.#controls += 1
      if (this.#controls > this.#limits.controlFrames) {
        throw new WebSocketError(
          CLOSE_CODE.POLICY,
          'websocket.control.flood',
          'control frames without data between them',
        )
      }
      return
    }
    this.#controls = 0
    if (this.#opcode === OPCODE.CONTINUATION) {
      if (this.#message === 0) throw fault('websocket.message.nothing_to_continue', 'a continuation of nothing')
      this.#fragments += 1
      if (this.#fragments > this.#limits.fragments) {
        throw new WebSocketError(CLOSE_CODE.POLICY, 'websocket.message.fragments', 'too many fragments in a message')
      }
      return
    }
    if (this.#message !== 0) throw fault('websocket.message.interleaved', 'a message within another')
    this.#message = this.#opcode
    this.#fragments = 1
  }

  #readPayload(chunk: Uint8Array, at: number, end: number, events: WebSocketEvent[]): number {
    const take = Math.min(this.#left, end - at)
    const done = take === this.#left
    if (take === 0 && !done) return at
    if (this.#opcode >= OPCODE.CLOSE) {
      if (this.#holdControl(chunk, at, take)) this.#emit(this.#control, true, events)
    } else {
      this.#left -= take
      this.#emit(chunk.subarray(at, at + take), done, events)
    }
    return at + take
  }

  /** Control payloads are few and short: always copied, so that they can be judged whole. True once complete. */
  #holdControl(chunk: Uint8Array, at: number, take: number): boolean {
    if (this.#controlHeld === 0) this.#control = new Uint8Array(this.#length)
    this.#control.set(chunk.subarray(at, at + take), this.#controlHeld)
    this.#controlHeld += take
    this.#left -= take
    if (this.#left > 0) return false
    this.#controlHeld = 0
    return true
  }

  #emit(raw: Uint8Array, done: boolean, events: WebSocketEvent[]): void {
    const payload = this.#masked ? unmask(raw, this.#key, this.#phase) : raw
    const control = this.#opcode >= OPCODE.CLOSE
    const message = control ? this.#opcode : this.#message
    if (message === OPCODE.TEXT) this.#checkText(payload, done && this.#fin)
    if (this.#opcode === OPCODE.CLOSE) checkClose(payload)
    const start = this.#headerBytes.length > 0
    const frame: WebSocketFrame = {
      type: 'frame',
      opcode: this.#opcode,
      message,
      fin: this.#fin,
      start,
      end: done,
      header: this.#headerBytes,
      raw,
      payload,
    }
    this.#headerBytes = NOTHING
    this.#phase += raw.length
    this.#inPayload = !done
    if (done && this.#fin && !control) this.#message = 0
    events.push(frame)
  }

  /** Section 8.1: text is UTF-8 as a whole message, whatever the frames cut. */
  #checkText(payload: Uint8Array, last: boolean): void {
    if (!this.#utf8.accepts(payload, last)) {
      throw new WebSocketError(CLOSE_CODE.INVALID_PAYLOAD, 'websocket.text.not_utf8', 'a text message is not UTF-8')
    }
  }
}

function headerLength(second: number): number {
  const length = second & 0x7f
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + ((second & 0x80) !== 0 ? 4 : 0)
}

/** Section 7.4: codes that may be on the wire. */
function checkClose(payload: Uint8Array): void {
  if (payload.length === 0) return
  if (payload.length === 1) throw fault('websocket.close.length', 'a close code is two octets')
  const code = (payload[0]! << 8) | payload[1]!
  const standard = code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006
  if (!standard && (code < 3000 || code > 4999)) throw fault('websocket.close.code', 'a close code that is never sent')
  if (!new Utf8().accepts(payload.subarray(2), true)) {
    throw new WebSocketError(CLOSE_CODE.INVALID_PAYLOAD, 'websocket.close.reason', 'a close reason that is not UTF-8')
  }
}

function fault(rule: string, explanation: string): WebSocketError {
  return new WebSocketError(CLOSE_CODE.PROTOCOL_ERROR, rule, explanation)
}
