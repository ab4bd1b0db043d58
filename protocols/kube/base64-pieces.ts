// Standard padded base64 (RFC 4648 section 4) that comes in pieces, to bytes. Refuses every other character, padding in
// the middle, a length that is no multiple of four, and bits behind the end that are not zero.

const INVALID = 0xff
const PAD = 0x3d
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const VALUES = new Uint8Array(256).fill(INVALID)
for (let at = 0; at < 64; at++) VALUES[ALPHABET.charCodeAt(at)] = at

export class Base64Pieces {
  #bits = 0
  #count = 0
  #padding = 0

  /** The bytes that `text` completes, or undefined if it is not base64. */
  decode(text: Uint8Array): Uint8Array | undefined {
    const bytes = new Uint8Array(Math.floor(((this.#count + text.length) * 3) / 4))
    let length = 0
    for (let at = 0; at < text.length; at++) {
      const octet = text[at]!
      if (octet === PAD) {
        this.#padding += 1
        // One or two, and only where the group has two or three characters.
        if (this.#padding > 2 || (this.#count & 3) + 1 < 3) return undefined
        if (this.#padding === 1 && !this.#isTailZero()) return undefined
        this.#count += 1
        continue
      }
      const value = VALUES[octet]!
      if (value === INVALID || this.#padding > 0) return undefined
      this.#bits = ((this.#bits << 6) | value) & 0xffffff
      this.#count += 1
      const place = this.#count & 3
      // The second character completes the first byte, the third the second, the fourth the third.
      if (place !== 1) bytes[length++] = (this.#bits >>> (place === 2 ? 4 : place === 3 ? 2 : 0)) & 0xff
    }
    return bytes.subarray(0, length)
  }

  /** The text is over: true if it was whole. Afterwards the next one begins. */
  end(): boolean {
    const whole = (this.#count & 3) === 0
    this.#bits = 0
    this.#count = 0
    this.#padding = 0
    return whole
  }

  #isTailZero(): boolean {
    const unused = (this.#count & 3) === 2 ? 0x0f : 0x03
    return (this.#bits & unused) === 0
  }
}
