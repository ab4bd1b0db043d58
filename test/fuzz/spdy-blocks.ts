// SPDY frames whose header blocks are plain -> the frames as they would be sent, for inputs that a fuzzer can change.

const HEADER = 8
/** Octets before the block in SYN_STREAM, SYN_REPLY and HEADERS. */
const BEFORE_BLOCK: Readonly<Record<number, number>> = { 1: 10, 2: 4, 8: 4 }

/** Deflates each block in its place. From where the input is no whole frame it goes on as it is. */
export function withBlocks(input: Uint8Array, deflate: (block: Uint8Array) => Uint8Array): Buffer {
  const bytes = Buffer.from(input)
  const pieces: Buffer[] = []
  let at = 0
  while (at + HEADER <= bytes.length) {
    const end = at + HEADER + bytes.readUIntBE(at + 5, 3)
    if (end > bytes.length) break
    const frame = bytes.subarray(at, end)
    at = end
    const before = frame[0] === 0x80 ? BEFORE_BLOCK[frame[3]!] : undefined
    if (before === undefined || frame.length < HEADER + before) {
      pieces.push(frame)
      continue
    }
    const head = Buffer.from(frame.subarray(0, HEADER + before))
    const block = deflate(frame.subarray(HEADER + before))
    head.writeUIntBE(before + block.length, 5, 3)
    pieces.push(head, Buffer.from(block))
  }
  return Buffer.concat([...pieces, bytes.subarray(at)])
}
