// SPDY frames made and read by other means than ours: node:zlib for header blocks, and a writer that trusts nobody's
// rules but its arguments, so that wrong frames can be built as easily as right ones.

import { constants, deflateRawSync, inflateSync } from 'node:zlib'
import { DICTIONARY } from '../../../protocols/spdy/dictionary.ts'
import type { SpdyEvent } from '../../../protocols/spdy/events.ts'

const FLUSH = { finishFlush: constants.Z_SYNC_FLUSH }
const FIRST = Buffer.from('78f9e3c6a7c2', 'hex')

/** One direction's deflate context, by node:zlib: each block is raw deflate with all before it as its dictionary. */
export class PeerDeflater {
  #history = Buffer.from(DICTIONARY)
  #started = false

  deflate(block: Uint8Array): Buffer {
    const deflated = deflateRawSync(block, { ...FLUSH, level: 9, dictionary: this.#history })
    this.#history = Buffer.concat([this.#history, block]).subarray(-32_768)
    const first = !this.#started
    this.#started = true
    return first ? Buffer.concat([FIRST, deflated]) : deflated
  }
}

/** One direction's inflate context, by node:zlib: all blocks so far are one zlib stream. */
export class PeerInflater {
  #stream = Buffer.alloc(0)
  #taken = 0

  inflate(deflated: Uint8Array): Buffer {
    this.#stream = Buffer.concat([this.#stream, deflated])
    const all = inflateSync(this.#stream, { ...FLUSH, dictionary: Buffer.from(DICTIONARY) })
    const block = all.subarray(this.#taken)
    this.#taken = all.length
    return block
  }
}

/** A name/value block, written as told: names may repeat, be empty or be wrong. */
export function block(...pairs: readonly (readonly [name: string, value: string])[]): Buffer {
  const pieces = [word(pairs.length)]
  for (const pair of pairs) for (const text of pair) pieces.push(word(text.length), Buffer.from(text, 'latin1'))
  return Buffer.concat(pieces)
}

export function unblock(bytes: Buffer): [string, string][] {
  let at = 4
  const text = (): string => {
    const length = bytes.readUInt32BE(at)
    at += 4 + length
    return bytes.toString('latin1', at - length, at)
  }
  return Array.from({ length: bytes.readUInt32BE(0) }, () => [text(), text()])
}

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

export function control(type: number, flags: number, ...body: readonly (number | Uint8Array)[]): Buffer {
  const payload = Buffer.concat(body.map((part) => (typeof part === 'number' ? word(part) : part)))
  return Buffer.concat([word(0x8003_0000 + type), word((flags << 24) | payload.length), payload])
}

export function data(streamId: number, payload: string | Uint8Array, flags = 0): Buffer {
  const bytes = Buffer.from(payload as string)
  return Buffer.concat([word(streamId), word((flags << 24) | bytes.length), bytes])
}

export function synStream(streamId: number, deflated: Uint8Array, flags = 0): Buffer {
  return control(1, flags, streamId, 0, Uint8Array.of(0, 0), deflated)
}

/** Frames of a byte stream that is whole. */
export function split(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 8 + bytes.readUIntBE(at + 5, 3)
    frames.push(bytes.subarray(at, end))
    at = end
  }
  return frames
}

/** Pieces of one data frame are one; for tests that cut. */
export function joinData(earlier: SpdyEvent, later: SpdyEvent): SpdyEvent | undefined {
  if (earlier.type !== 'data' || later.type !== 'data' || later.start || earlier.end) return undefined
  return {
    ...later,
    start: earlier.start,
    header: earlier.header,
    payload: new Uint8Array(Buffer.concat([earlier.payload, later.payload])),
  }
}
