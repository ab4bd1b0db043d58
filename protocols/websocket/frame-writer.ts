// A frame of our own making, as bytes (RFC 6455 section 5.2). Refuses, as misuse, frames that no peer would take.

import { MisuseError } from '../errors.ts'
import { OPCODE } from './events.ts'
import { mask, wordAligned } from './mask.ts'

/** RFC 6455 section 5.5: a control frame's payload. */
const CONTROL_PAYLOAD = 125
const OPCODES: ReadonlySet<number> = new Set(Object.values(OPCODE))

/**
 * Appends a frame to `output`. With a masking key (any 32-bit number) the payload is copied; without one it is appended
 * as it is, and must not change until it was written. `lead`: an octet of payload in front of it.
 */
export function frame(
  opcode: number,
  payload: Uint8Array,
  fin: boolean,
  key: number | undefined,
  output: Uint8Array[],
  lead?: number,
): void {
  if (!OPCODES.has(opcode)) throw new MisuseError('an opcode that does not exist')
  if (opcode >= OPCODE.CLOSE && (!fin || payload.length > CONTROL_PAYLOAD)) {
    throw new MisuseError('a control frame is whole and at most 125 bytes long')
  }
  const leading = lead === undefined ? 0 : 1
  const length = leading + payload.length
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const size = 2 + extended + (key === undefined ? 0 : 4) + leading
  if (key === undefined) {
    const header = new Uint8Array(size)
    writeHeader(header, 0, opcode, fin, length, extended, 0)
    if (lead !== undefined) header[size - 1] = lead
    output.push(header)
    if (payload.length > 0) output.push(payload)
    return
  }
  // One piece, in which the payload begins on a word: it is masked four octets at a time.
  const start = -size & 3
  const room = wordAligned(start + size + payload.length)
  writeHeader(room, start, opcode, fin, length, extended, 0x80)
  const keyAt = start + size - leading - 4
  room[keyAt] = key >>> 24
  room[keyAt + 1] = (key >>> 16) & 0xff
  room[keyAt + 2] = (key >>> 8) & 0xff
  room[keyAt + 3] = key & 0xff
  if (lead !== undefined) room[keyAt + 4] = lead ^ (key >>> 24)
  mask(payload, key, leading, room, start + size)
  output.push(room.subarray(start))
}

function writeHeader(
  b: Uint8Array,
  at: number,
  opcode: number,
  fin: boolean,
  length: number,
  extended: number,
  masked: number,
): void {
  b[at] = (fin ? 0x80 : 0) | opcode
  b[at + 1] = masked | (extended === 0 ? length : extended === 2 ? 126 : 127)
  let rest = length
  for (let octet = at + 1 + extended; octet > at + 1; octet--) {
    b[octet] = rest & 0xff
    rest = Math.floor(rest / 256)
  }
}
