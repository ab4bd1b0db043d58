// The control frames without a header block, from bytes and to bytes (SPDY draft 3.1, sections 2.6.3 to 2.6.8).
// Refuses what spdystream refuses, and what it reads without looking: reserved bits and a SETTINGS count that lies.

import { SpdyError, STATUS } from './errors.ts'
import type { SpdyEvent } from './events.ts'
import { HEADER_LENGTH, type TYPE, uint32, VERSION } from './frame-reader.ts'

type Event<Type extends SpdyEvent['type']> = Extract<SpdyEvent, { readonly type: Type }>

const BODY = HEADER_LENGTH

/** The stream id at `at`. */
export function readStreamId(raw: Uint8Array, at: number): number {
  const id = uint32(raw, at)
  if (id > 0x7fffffff) {
    throw new SpdyError(STATUS.PROTOCOL_ERROR, 'spdy.stream.reserved_bit', 'the reserved bit of a stream id is set')
  }
  return id
}

export function readReset(raw: Uint8Array): Event<'reset'> {
  const streamId = readStreamId(raw, BODY)
  const status = uint32(raw, BODY + 4)
  if (status === 0) {
    throw new SpdyError(STATUS.PROTOCOL_ERROR, 'spdy.reset.status', 'RST_STREAM with status 0', streamId)
  }
  return { type: 'reset', streamId, status, raw }
}

export function readSettings(raw: Uint8Array, maxCount: number): Event<'settings'> {
  const count = uint32(raw, BODY)
  if (count > maxCount) {
    throw new SpdyError(STATUS.FRAME_TOO_LARGE, 'spdy.settings.too_many', 'SETTINGS has more entries than allowed')
  }
  if (raw.length !== BODY + 4 + 8 * count) {
    throw new SpdyError(STATUS.PROTOCOL_ERROR, 'spdy.settings.length', 'SETTINGS has not the length of its entries')
  }
  const settings: { flags: number; id: number; value: number }[] = []
  for (let at = BODY + 4; at < raw.length; at += 8) {
    settings.push({ flags: raw[at]!, id: uint32(raw, at) & 0xffffff, value: uint32(raw, at + 4) })
  }
  return { type: 'settings', settings, raw }
}

export function readPing(raw: Uint8Array): Event<'ping'> {
  const id = uint32(raw, BODY)
  if (id === 0) throw new SpdyError(STATUS.PROTOCOL_ERROR, 'spdy.ping.id', 'PING with id 0')
  return { type: 'ping', id, raw }
}

export function readGoAway(raw: Uint8Array): Event<'goAway'> {
  return { type: 'goAway', lastStreamId: readStreamId(raw, BODY), status: uint32(raw, BODY + 4), raw }
}

export function readWindowUpdate(raw: Uint8Array): Event<'windowUpdate'> {
  const streamId = readStreamId(raw, BODY)
  const delta = uint32(raw, BODY + 4)
  if (delta === 0 || delta > 0x7fffffff) {
    throw new SpdyError(STATUS.FLOW_CONTROL_ERROR, 'spdy.window.delta', 'WINDOW_UPDATE by no amount', streamId)
  }
  return { type: 'windowUpdate', streamId, delta, raw }
}

/** The 8-byte header of a data frame. */
export function dataHeader(streamId: number, flags: number, length: number): Uint8Array {
  const header = Buffer.allocUnsafe(HEADER_LENGTH)
  header.writeUInt32BE(streamId, 0)
  header.writeUInt32BE(((flags << 24) | length) >>> 0, 4)
  return header
}

/** A control frame with `body` behind its header; `words` are the 32-bit words that come first. */
export function controlFrame(
  type: (typeof TYPE)[keyof typeof TYPE],
  flags: number,
  words: readonly number[],
  body: Uint8Array = NOTHING,
): Uint8Array {
  const length = 4 * words.length + body.length
  const frame = Buffer.allocUnsafe(HEADER_LENGTH + length)
  frame.writeUInt32BE(((0x8000 | VERSION) * 0x1_0000 + type) >>> 0, 0)
  frame.writeUInt32BE(((flags << 24) | length) >>> 0, 4)
  let at = BODY
  for (const word of words) at = frame.writeUInt32BE(word, at)
  frame.set(body, at)
  return frame
}

const NOTHING = new Uint8Array(0)
