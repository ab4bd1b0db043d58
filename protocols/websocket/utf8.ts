// Checks that bytes which come in pieces are UTF-8 (RFC 3629): no overlong form, no surrogate, nothing past U+10FFFF.

export class Utf8 {
  /** Continuation octets still to come of the character that a piece cut. */
  #left = 0
  /** The range that the next continuation octet must be in. */
  #low = 0x80
  #high = 0xbf

  /** True where a text may end: no character is cut. */
  get isWhole(): boolean {
    return this.#left === 0
  }

  /**
   * How many octets of the next piece can be UTF-8: all, or those before the first that cannot. Behind such an octet
   * nothing means anything. Where a text is whole, the next one may begin.
   */
  valid(bytes: Uint8Array): number {
    const length = bytes.length
    for (let at = 0; at < length; at++) {
      const octet = bytes[at]!
      if (this.#left > 0) {
        if (octet < this.#low || octet > this.#high) return at
        this.#left -= 1
        this.#low = 0x80
        this.#high = 0xbf
      } else if (octet >= 0x80 && !this.#begin(octet)) {
        return at
      }
    }
    return length
  }

  /** The table of RFC 3629 section 4: which first octets there are, and what may follow them. */
  #begin(octet: number): boolean {
    if (octet < 0xc2 || octet > 0xf4) return false
    this.#left = octet < 0xe0 ? 1 : octet < 0xf0 ? 2 : 3
    if (octet === 0xe0) this.#low = 0xa0
    else if (octet === 0xed) this.#high = 0x9f
    else if (octet === 0xf0) this.#low = 0x90
    else if (octet === 0xf4) this.#high = 0x8f
    return true
  }
}
