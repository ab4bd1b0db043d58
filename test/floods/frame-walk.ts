// Cuts a byte stream into frames just well enough to count them and to hear why a connection ends: GOAWAY, RST_STREAM and
// close codes. Refuses nothing; it reads what the attacker wrote and what the gateway answered.

import { FRAME, HEADER_OCTETS } from '../../protocols/http2/frames.ts'
import { OPCODE } from '../../protocols/websocket/events.ts'

/** What is spoken on a connection, behind an upgrade if there was one. */
export type Wire = 'http1' | 'http2' | 'websocket' | 'spdy'

/** The octets of a payload that say why: GOAWAY's last stream and code are the longest. */
const TOLD = 8
const SPDY_HEADER = 8

interface Frame {
  readonly header: number
  readonly payload: number
}

export class FrameWalk {
  frames = 0
  readonly #wire: Wire
  readonly #told: (what: string) => void
  #held: Buffer = Buffer.alloc(0)
  #skip = 0

  /** `told` hears "GOAWAY 11", "RST 7", "close 1009", "HTTP 408". */
  constructor(wire: Wire, told: (what: string) => void) {
    this.#wire = wire
    this.#told = told
  }

  read(chunk: Buffer): void {
    if (this.#wire === 'http1') {
      this.#readStatus(chunk)
      return
    }
    let at = Math.min(this.#skip, chunk.length)
    this.#skip -= at
    let bytes = chunk
    if (this.#held.length > 0) {
      bytes = Buffer.concat([this.#held, chunk.subarray(at)])
      at = 0
    }
    while (at < bytes.length) {
      const frame = frameAt(this.#wire, bytes, at)
      if (frame === undefined || bytes.length - at < frame.header + Math.min(frame.payload, TOLD)) break
      this.frames += 1
      const what = reason(this.#wire, bytes, at, at + frame.header, frame.payload)
      if (what !== undefined) this.#told(what)
      at += frame.header + frame.payload
    }
    this.#skip += Math.max(0, at - bytes.length)
    this.#held = Buffer.from(bytes.subarray(at))
  }

  /** Answers are not followed to their ends: a head that happens to begin a chunk is enough. */
  #readStatus(chunk: Buffer): void {
    this.frames += 1
    const status = /^HTTP\/1\.1 (\d{3})/.exec(chunk.toString('latin1', 0, 12))
    if (status !== null) this.#told(`HTTP ${status[1]}`)
  }
}

/** The sizes of the frame that begins at `at`, or undefined if more of its header has to come. */
function frameAt(wire: Wire, b: Buffer, at: number): Frame | undefined {
  const left = b.length - at
  if (wire === 'http2') return left < HEADER_OCTETS ? undefined : { header: HEADER_OCTETS, payload: b.readUIntBE(at, 3) }
  if (wire === 'spdy') return left < SPDY_HEADER ? undefined : { header: SPDY_HEADER, payload: b.readUIntBE(at + 5, 3) }
  if (left < 2) return undefined
  const short = b[at + 1]! & 0x7f
  const header = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (b[at + 1]! & 0x80 ? 4 : 0)
  if (left < header) return undefined
  if (short < 126) return { header, payload: short }
  return { header, payload: short === 126 ? b.readUInt16BE(at + 2) : b.readUIntBE(at + 4, 6) }
}

function reason(wire: Wire, b: Buffer, at: number, payloadAt: number, length: number): string | undefined {
  if (wire === 'http2') {
    if (b[at + 3] === FRAME.GOAWAY && length >= 8) return `GOAWAY ${b.readUInt32BE(payloadAt + 4)}`
    if (b[at + 3] === FRAME.RST_STREAM && length === 4) return `RST ${b.readUInt32BE(payloadAt)}`
    return undefined
  }
  if (wire === 'websocket') {
    return (b[at]! & 0x0f) === OPCODE.CLOSE && length >= 2 ? `close ${b.readUInt16BE(payloadAt)}` : undefined
  }
  // SPDY/3.1: RST_STREAM is type 3 and GOAWAY type 7, the status second in both.
  if ((b[at]! & 0x80) === 0 || length < 8) return undefined
  const type = b.readUInt16BE(at + 2)
  if (type !== 3 && type !== 7) return undefined
  return `${type === 3 ? 'RST' : 'GOAWAY'} ${b.readUInt32BE(payloadAt + 4)}`
}
