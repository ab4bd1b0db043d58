// The masking of RFC 6455 section 5.3: octet i of the payload XOR octet (i mod 4) of the key. Always into other memory than
// the octets came in, since these pass on as they came; four octets at a time where that memory lets it.

/** Machines that run Node are little-endian but for s390x, where words are built the other way round. */
const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1
/** Below this many octets the views for words cost more than they save. */
const FEW = 32

/** Room for `length` octets that begin on a word. Its content is not initialised. */
export function wordAligned(length: number): Uint8Array {
  const memory = Buffer.allocUnsafe(length + 3)
  return new Uint8Array(memory.buffer, (memory.byteOffset + 3) & ~3, length)
}

/**
 * Masks (or unmasks: it is the same) `octets` into `room` from `offset`, and returns that part of it. `key` is the
 * masking key read as a big-endian 32-bit number; `phase` counts the payload octets of the frame that came before these.
 * Fast where `room` is `wordAligned` and `offset` a multiple of four.
 */
export function mask(octets: Uint8Array, key: number, phase: number, room: Uint8Array, offset: number): Uint8Array {
  const length = octets.length
  const shift = (phase & 3) * 8
  const rotated = shift === 0 ? key : (key << shift) | (key >>> (32 - shift))
  const start = room.byteOffset + offset
  const masked = new Uint8Array(room.buffer, start, length)
  let at = 0
  if (length >= FEW && (start & 3) === 0) {
    masked.set(octets)
    const words = new Uint32Array(room.buffer, start, length >>> 2)
    maskWords(words, LITTLE_ENDIAN ? swap(rotated) : rotated)
    at = length & ~3
    for (; at < length; at++) masked[at]! ^= (rotated >>> (24 - (at & 3) * 8)) & 0xff
  } else {
    for (; at < length; at++) masked[at] = octets[at]! ^ ((rotated >>> (24 - (at & 3) * 8)) & 0xff)
  }
  return masked
}

/** Four words a turn: on Node 20 half as long again as one by one. */
function maskWords(words: Uint32Array, word: number): void {
  const length = words.length
  let at = 0
  for (const fours = length & ~3; at < fours; at += 4) {
    words[at]! ^= word
    words[at + 1]! ^= word
    words[at + 2]! ^= word
    words[at + 3]! ^= word
  }
  for (; at < length; at++) words[at]! ^= word
}

function swap(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)
}
