// Standard padded base64 (RFC 4648 section 4) that comes in pieces, to bytes. Refuses every other character, padding in
// the middle, a length that is no multiple of four, and bits behind the end that are not zero. Go's decoder would pass
// over line ends and such bits: what two readers could read in two ways is not passed.

const INVALID = 0xff
const PAD = 0x3d
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const VALUES = new Uint8Array(256).fill(INVALID)
for (let at = 0; at < 64; at++) VALUES[ALPHABET.charCodeAt(at)] = at

export class Base64Pieces {
  /** The characters of the group under way, six bits each. */
  #bits = 0
  /** How many of its four characters have come, padding included. */
  #place = 0
  /** Padding has come: only more of it may follow, to the end of the group. */
  #padded = false
  #invalid = false

  /** True from the first character that cannot be. */
  get isInvalid(): boolean {
    return this.#invalid
  }

  /** The bytes that `text` completes, up to the first character that cannot be; new memory. */
  decode(text: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(((this.#place + text.length) * 3) >>> 2)
    let length = 0
    for (let at = 0; at < text.length && !this.#invalid; at++) {
      const octet = text[at]!
      const value = VALUES[octet]!
      if (value === INVALID || this.#padded) {
        this.#invalid = octet !== PAD || !this.#mayPad()
        this.#padded = true
        this.#place = (this.#place + 1) & 3
        continue
      }
      this.#bits = ((this.#bits << 6) | value) & 0xffffff
      this.#place = (this.#place + 1) & 3
      // The second character completes the first byte, the third the second, the fourth the third.
      if (this.#place === 2) bytes[length++] = (this.#bits >>> 4) & 0xff
      else if (this.#place === 3) bytes[length++] = (this.#bits >>> 2) & 0xff
      else if (this.#place === 0) bytes[length++] = this.#bits & 0xff
    }
    return bytes.subarray(0, length)
  }

  /** The text is over: true if it was whole. Afterwards the next one begins. */
  end(): boolean {
    const whole = this.#place === 0 && !this.#invalid
    this.#bits = 0
    this.#place = 0
    this.#padded = false
    this.#invalid = false
    return whole
  }

  /** In place of a group's third character with its fourth, or of its fourth, where the bits left over are zero. */
  #mayPad(): boolean {
    if (this.#padded) return this.#place === 3
    if (this.#place === 2) return (this.#bits & 0x0f) === 0
    return this.#place === 3 && (this.#bits & 0x03) === 0
  }
}
