// The Huffman code of RFC 7541 appendix B. It is canonical, so the lengths of its 257 codes are all there is to know.
// Refuses EOS, and padding that is longer than seven bits or not the beginning of EOS (section 5.2).

import { HpackError } from './errors.ts'

/** Bits of the code of each octet, then of EOS. */
const LENGTHS: readonly number[] = [
  ...[13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28],
  ...[28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15],
  ...[6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  ...[15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22],
  ...[20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23],
  ...[23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22],
  ...[22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26],
  ...[27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27],
  ...[26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30],
]
const EOS = 256
const CODES = canonicalCodes()

// Decoding goes by half octets. A state is a node of the code's tree; each step leads to another one, and may have
// completed one octet on its way (no code is shorter than five bits).
const COMPLETES = 0x1_0000
const FAILS = 0x2_0000
const { steps: STEPS, padding: PADDING } = decodingTable()

/** Octets that a text takes when encoded. */
export function huffmanLength(text: string): number {
  let bits = 0
  for (let at = 0; at < text.length; at++) bits += LENGTHS[text.charCodeAt(at)]!
  return (bits + 7) >> 3
}

/** Encodes latin1 text into `target` from `at` on; returns where it ended. There must be room. */
export function huffmanEncode(text: string, target: Uint8Array, at: number): number {
  // At most 7 bits wait while a code of at most 30 comes: past 32 bits, so the code is taken in two halves.
  let waiting = 0
  let bits = 0
  for (let index = 0; index < text.length; index++) {
    const octet = text.charCodeAt(index)
    let left = LENGTHS[octet]!
    const code = CODES[octet]!
    while (left > 0) {
      const take = Math.min(left, 16)
      left -= take
      waiting = (waiting << take) | ((code >>> left) & ((1 << take) - 1))
      bits += take
      while (bits >= 8) {
        bits -= 8
        target[at++] = waiting >>> bits
      }
      waiting &= (1 << bits) - 1
    }
  }
  if (bits > 0) target[at++] = (waiting << (8 - bits)) | (0xff >> bits)
  return at
}

/** Decodes `bytes` from `at` to `end` into `target` from 0 on; returns how many octets came out. Throws HpackError. */
export function huffmanDecode(bytes: Uint8Array, at: number, end: number, target: Uint8Array): number {
  let state = 0
  let length = 0
  for (; at < end; at++) {
    const octet = bytes[at]!
    let step = STEPS[(state << 4) | (octet >> 4)]!
    if ((step & COMPLETES) !== 0) target[length++] = step >>> 18
    if ((step & FAILS) !== 0) throw eos()
    step = STEPS[((step & 0xffff) << 4) | (octet & 0x0f)]!
    if ((step & COMPLETES) !== 0) target[length++] = step >>> 18
    if ((step & FAILS) !== 0) throw eos()
    state = step & 0xffff
  }
  if (PADDING[state] === 0) {
    throw new HpackError(
      'hpack.huffman.padding',
      'a text ends in more than seven bits of padding, or in others than ones',
    )
  }
  return length
}

/** The most octets that so many can decode to: no code is shorter than five bits. */
export function huffmanRoom(octets: number): number {
  return Math.ceil((octets * 8) / 5)
}

function eos(): HpackError {
  return new HpackError('hpack.huffman.eos', 'the end-of-string code within a text')
}

/** Codes in order of their length, then of their octet. */
function canonicalCodes(): Uint32Array {
  const order = LENGTHS.map((_, octet) => octet).sort((a, b) => LENGTHS[a]! - LENGTHS[b]! || a - b)
  const codes = new Uint32Array(LENGTHS.length)
  let code = 0
  let length = LENGTHS[order[0]!]!
  for (const octet of order) {
    code <<= LENGTHS[octet]! - length
    length = LENGTHS[octet]!
    codes[octet] = code++
  }
  return codes
}

function decodingTable(): { steps: Uint32Array; padding: Uint8Array } {
  // Two children for each node: a node's number, or -1 - octet for a leaf.
  const children: [number, number][] = [[0, 0]]
  for (let octet = 0; octet <= EOS; octet++) {
    let node = 0
    for (let bit = LENGTHS[octet]! - 1; bit >= 0; bit--) {
      const side = ((CODES[octet]! >>> bit) & 1) as 0 | 1
      if (bit === 0) children[node]![side] = -1 - octet
      else {
        if (children[node]![side] === 0) children[node]![side] = children.push([0, 0]) - 1
        node = children[node]![side]
      }
    }
  }
  const steps = new Uint32Array(children.length * 16)
  for (let node = 0; node < children.length; node++) {
    for (let half = 0; half < 16; half++) {
      let at = node
      let done = 0
      for (let bit = 3; bit >= 0; bit--) {
        const next = children[at]![((half >>> bit) & 1) as 0 | 1]
        if (next >= 0) at = next
        else {
          const octet = -1 - next
          done |= octet === EOS ? FAILS : COMPLETES | (octet << 18)
          at = 0
        }
      }
      steps[(node << 4) | half] = done | at
    }
  }
  // Only ones, at most seven of them, lead from the root to where a text may end.
  const padding = new Uint8Array(children.length)
  let node = 0
  for (let ones = 0; ones < 8; ones++) {
    padding[node] = 1
    node = children[node]![1]
  }
  return { steps, padding }
}
