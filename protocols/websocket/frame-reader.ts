// Cuts a byte stream into WebSocket frames wherever TCP happened to cut it first (RFC 6455 section 5.2). Payload of data
// frames goes on as it arrives; control frames come whole; what breaks the framing is refused on the header alone.

import type { Limits } from '../limits.ts'
import { checkClosePayload } from './close.ts'
import { CLOSE_CODE, WebSocketError } from './errors.ts'
import { OPCODE, type WebSocketEvent } from './events.ts'
import { mask, wordAligned } from './mask.ts'
import { Utf8 } from './utf8.ts'

const NOTHING = new Uint8Array(0)
/** Two octets, eight of extended length, four of masking key. */
const LONGEST_HEADER = 14
const KEY_OCTETS = 4
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
  #length = 0
  #left = 0
  #key = 0

  // The message that data frames belong to.
  #message = 0
  #fragments = 0
  #controls = 0
  readonly #utf8 = new Utf8()

  // What a chunk boundary cut in two.
  readonly #header = new Uint8Array(LONGEST_HEADER)
  #headerHeld = 0
  #control: Uint8Array = NOTHING

  /** The header of the frame now being read, until it has been told. */
  #headerBytes: Uint8Array = NOTHING

  // Where payload of the chunk now being read is unmasked: memory of its own for each chunk, since what one machine hands
  // on may wait in another one's output for longer than until the next chunk.
  #room: Uint8Array = NOTHING
  #roomUsed = 0

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
    this.#readFrames(chunk, events)
    this.#room = NOTHING
  }

  #readFrames(chunk: Uint8Array, events: WebSocketEvent[]): void {
    const end = chunk.length
    let at = 0
    while (at < end) {
      if (!this.#inPayload) {
        at = this.#readHeader(chunk, at, end)
        if (!this.#inPayload) return // the header goes on in the next chunk
      }
      // Even at `end`: an empty payload is already complete, and the header of another is told at once.
      if (this.#opcode < OPCODE.CLOSE) {
        at = this.#readData(chunk, at, end, events)
      } else {
        at = this.#readControl(chunk, at, end, events)
        if (this.#opcode === OPCODE.CLOSE && !this.#inPayload) return
      }
    }
  }

  #readHeader(chunk: Uint8Array, at: number, end: number): number {
    if (this.#headerHeld === 0 && end - at >= 2) {
      const length = headerLength(chunk[at + 1]!)
      if (end - at >= length) {
        this.#open(chunk, at)
        this.#headerBytes = new Uint8Array(chunk.buffer, chunk.byteOffset + at, length)
        return at + length
      }
    }
    // What is wrong is refused as soon as it shows: nobody waits for the rest of a bad header.
    while (at < end) {
      this.#header[this.#headerHeld++] = chunk[at++]!
      if (this.#headerHeld < 2) continue
      if (this.#headerHeld === 2) this.#judge(this.#header[0]!, this.#header[1]!)
      const length = headerLength(this.#header[1]!)
      if (this.#masked && this.#headerHeld === length - KEY_OCTETS) this.#payloadLength(this.#header, 0)
      if (this.#headerHeld < length) continue
      this.#headerHeld = 0
      this.#open(this.#header, 0)
      this.#headerBytes = this.#header.slice(0, length)
      return at
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
    if (opcode < OPCODE.CLOSE) {
      this.#judgeOrder(opcode)
      return
    }
    if ((first & 0x80) === 0) throw fault('websocket.control.fragmented', 'a control frame in fragments')
    const length = second & 0x7f
    if (length > CONTROL_PAYLOAD) throw fault('websocket.control.too_long', 'a control frame over 125 octets')
    if (opcode === OPCODE.CLOSE && length === 1) throw fault('websocket.close.length', 'a close code is two octets')
  }

  /** Which data frame may follow which (section 5.4). */
  #judgeOrder(opcode: number): void {
    if (opcode === OPCODE.CONTINUATION) {
      if (this.#message === 0) throw fault('websocket.message.nothing_to_continue', 'a continuation of nothing')
    } else if (this.#message !== 0) {
      throw fault('websocket.message.interleaved', 'a message within another')
    }
  }

  #payloadLength(b: Uint8Array, at: number): number {
    const short = b[at + 1]! & 0x7f
    if (short < 126) return this.#bounded(short)
    if (short === 126) {
      const length = (b[at + 2]! << 8) | b[at + 3]!
      if (length < 126) throw fault('websocket.frame.length_form', 'a length in a longer form than it needs')
      return this.#bounded(length)
    }
    const high = uint32(b, at + 2)
    const low = uint32(b, at + 6)
    if (high >= 0x8000_0000) throw fault('websocket.frame.length_sign', 'a length with its highest bit set')
    if (high === 0 && low < 65_536) {
      throw fault('websocket.frame.length_form_64', 'a length in a longer form than it needs')
    }
    return this.#bounded(high * 4_294_967_296 + low)
  }

  #bounded(length: number): number {
    if (length <= this.#limits.frame) return length
    throw new WebSocketError(CLOSE_CODE.TOO_BIG, 'websocket.frame.too_long', 'a frame over the limit')
  }

  /** Takes a whole header: it is judged before anything of the payload is taken. */
  #open(b: Uint8Array, at: number): void {
    this.#judge(b[at]!, b[at + 1]!)
    const length = this.#payloadLength(b, at)
    this.#opcode = b[at]! & 0x0f
    this.#fin = (b[at]! & 0x80) !== 0
    this.#count()
    this.#key = this.#masked ? uint32(b, at + headerLength(b[at + 1]!) - KEY_OCTETS) : 0
    this.#length = length
    this.#left = length
    this.#inPayload = true
  }

  #count(): void {
    if (this.#opcode >= OPCODE.CLOSE) {
      this.#controls += 1
      if (this.#controls <= this.#limits.controlFrames) return
      throw new WebSocketError(CLOSE_CODE.POLICY, 'websocket.control.flood', 'control frames without data between them')
    }
    this.#controls = 0
    if (this.#opcode !== OPCODE.CONTINUATION) {
      this.#message = this.#opcode
      this.#fragments = 0
    }
    this.#fragments += 1
    if (this.#fragments > this.#limits.fragments) {
      throw new WebSocketError(CLOSE_CODE.POLICY, 'websocket.message.fragments', 'too many fragments in a message')
    }
  }

  #readData(chunk: Uint8Array, at: number, end: number, events: WebSocketEvent[]): number {
    const take = Math.min(this.#left, end - at)
    const last = take === this.#left
    const raw = new Uint8Array(chunk.buffer, chunk.byteOffset + at, take)
    const payload = this.#masked && take > 0 ? this.#unmask(raw, end - at) : raw
    const faultAt = this.#message === OPCODE.TEXT ? this.#textFault(payload, last && this.#fin) : -1
    if (faultAt >= 0) {
      // What came before the fault is told, so that what is told does not depend on where the chunks were cut.
      this.#tell(raw.subarray(0, faultAt), payload.subarray(0, faultAt), false, events)
      throw new WebSocketError(CLOSE_CODE.INVALID_PAYLOAD, 'websocket.text.not_utf8', 'a text message is not UTF-8')
    }
    this.#left -= take
    this.#inPayload = !last
    this.#tell(raw, payload, last, events)
    if (last && this.#fin) this.#message = 0
    return at + take
  }

  /** Section 8.1: text is UTF-8 as a whole message, whatever the frames cut. Returns where it is not, or -1. */
  #textFault(payload: Uint8Array, ends: boolean): number {
    const valid = this.#utf8.valid(payload)
    if (valid < payload.length) return valid
    // A text that ends within a character is wrong from its last octet on.
    return ends && !this.#utf8.isWhole ? Math.max(0, valid - 1) : -1
  }

  /** `remaining`: octets of the chunk from here on, the bound on what can still need room. */
  #unmask(raw: Uint8Array, remaining: number): Uint8Array {
    if (this.#room.length === 0) {
      this.#room = wordAligned(remaining)
      this.#roomUsed = 0
    }
    const payload = mask(raw, this.#key, this.#length - this.#left, this.#room, this.#roomUsed)
    // To the next word. It fits: at least six octets of header lie between two payloads.
    this.#roomUsed = (this.#roomUsed + raw.length + 3) & ~3
    return payload
  }

  #readControl(chunk: Uint8Array, at: number, end: number, events: WebSocketEvent[]): number {
    // Few and short: always copied, so that they can be judged whole.
    if (this.#left === this.#length) this.#control = this.#length === 0 ? NOTHING : new Uint8Array(this.#length)
    const take = Math.min(this.#left, end - at)
    const last = take === this.#left
    this.#control.set(new Uint8Array(chunk.buffer, chunk.byteOffset + at, take), this.#length - this.#left)
    this.#left -= take
    if (!last) {
      this.#headerBytes = new Uint8Array(this.#headerBytes) // a view of a chunk that is over
      return at + take
    }
    this.#inPayload = false
    const raw = this.#control
    this.#control = NOTHING
    const payload = this.#masked && raw.length > 0 ? mask(raw, this.#key, 0, wordAligned(raw.length), 0) : raw
    if (this.#opcode === OPCODE.CLOSE) checkClosePayload(payload)
    this.#tell(raw, payload, true, events)
    return at + take
  }

  #tell(raw: Uint8Array, payload: Uint8Array, end: boolean, events: WebSocketEvent[]): void {
    const header = this.#headerBytes
    this.#headerBytes = NOTHING
    events.push({
      type: 'frame',
      opcode: this.#opcode,
      message: this.#opcode >= OPCODE.CLOSE ? this.#opcode : this.#message,
      fin: this.#fin,
      start: header.length > 0,
      end,
      header,
      raw,
      payload,
    })
  }
}

function headerLength(second: number): number {
  const length = second & 0x7f
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + ((second & 0x80) !== 0 ? 4 : 0)
}

function uint32(b: Uint8Array, at: number): number {
  return ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) >>> 0
}

function fault(rule: string, explanation: string): WebSocketError {
  return new WebSocketError(CLOSE_CODE.PROTOCOL_ERROR, rule, explanation)
}
