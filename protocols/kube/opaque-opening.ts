// The first bytes of a stream -> what it is, if it is compressed or encrypted, so that nothing in it can be found. Knows
// formats by their fixed beginnings; a stream that hides its own is taken for what it looks like.

/** For each byte of a beginning, the lowest and the highest that it may be. */
type Beginning = readonly (readonly [low: number, high: number])[]

const FORMATS: readonly (readonly [name: string, beginning: Beginning])[] = [
  // RFC 8446 section 5.1 and before it: content type, version 3.0 to 3.4, a length of at most 2^14 + 2048.
  ['TLS', [range(0x14, 0x17), range(3, 3), range(0, 4), range(0, 0x48)]],
  ['SSH', exactly(...Buffer.from('SSH-2.0-'))],
  ['gzip', exactly(0x1f, 0x8b, 0x08)],
  ['zstd', exactly(0x28, 0xb5, 0x2f, 0xfd)],
  ['zip', exactly(0x50, 0x4b, 0x03, 0x04)],
  ['xz', exactly(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)],
  ['bzip2', [...exactly(0x42, 0x5a, 0x68), range(0x31, 0x39), ...exactly(0x31, 0x41, 0x59, 0x26, 0x53, 0x59)]],
  ['lz4', exactly(0x04, 0x22, 0x4d, 0x18)],
  ['7z', exactly(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c)],
]

const ALL = (1 << FORMATS.length) - 1

export class OpaqueOpening {
  /** Formats that it may still be, a bit each. */
  #live = ALL
  #length = 0

  /** True while it is not known yet: no byte has come, or all so far begin a format. */
  get isOpen(): boolean {
    return this.#live !== 0
  }

  /** Takes bytes as long as `isOpen`. The format's name, at the byte that completes its beginning. */
  receive(bytes: Uint8Array): string | undefined {
    for (let at = 0; at < bytes.length && this.#live !== 0; at++) {
      const found = this.#byte(bytes[at]!)
      if (found !== undefined) return found
    }
    return undefined
  }

  #byte(byte: number): string | undefined {
    for (let index = 0; index < FORMATS.length; index++) {
      if ((this.#live & (1 << index)) === 0) continue
      const [name, beginning] = FORMATS[index]!
      const [low, high] = beginning[this.#length]!
      if (byte < low || byte > high) this.#live &= ~(1 << index)
      else if (this.#length + 1 === beginning.length) {
        this.#live = 0
        return name
      }
    }
    this.#length += 1
    return undefined
  }
}

function range(low: number, high: number): readonly [number, number] {
  return [low, high]
}

function exactly(...bytes: readonly number[]): Beginning {
  return bytes.map((byte) => range(byte, byte))
}
