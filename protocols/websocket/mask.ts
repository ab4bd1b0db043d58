// The masking of RFC 6455 section 5.3: octet i of the payload XOR octet (i mod 4) of the key, four octets at a time.

/** Machines that run Node are little-endian but for s390x, where words are built the other way round. */
const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1

/**
 * The octets unmasked (or masked: it is the same), as a copy. `key` is the masking key read as a big-endian 32-bit
 * number; `phase` counts the payload octets of the frame that came before these.
 */
export function unmask(octets: Uint8Array, key: number, phase: number): Uint8Array {
  const length = octets.length
  const copy = new Uint8Array(length) // its own buffer, so that words are aligned
  copy.set(octets)
  const shift = (phase & 3) * 8
  const rotated = shift === 0 ? key : (key << shift) | (key >>> (32 - shift))
  const words = new Uint32Array(copy.buffer, 0, length >>> 2)
  const word = LITTLE_ENDIAN ? swap(rotated) : rotated
  for (let at = 0; at < words.length; at++) words[at]! ^= word
  for (let at = length & ~3; at < length; at++) copy[at]! ^= (rotated >>> (24 - (at & 3) * 8)) & 0xff
  return copy
}

function swap(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)
}
