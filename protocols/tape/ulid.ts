// Time and random bytes -> ULIDs: 26 characters of Crockford's base 32 that sort by time (github.com/ulid/spec). Ids of
// one millisecond count up from the first one, so that they sort by the order in which they were made.

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/** The first character holds three bits only: 48 bits of time and 80 of randomness are 128. */
const FORM = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/
const TIME_DIGITS = 10
/** Random bytes of one id. */
export const ULID_RANDOM = 10

export function isUlid(text: string): boolean {
  return FORM.test(text)
}

/** Milliseconds since 1970 that an id begins with. */
export function ulidTime(id: string): number {
  let time = 0
  for (let at = 0; at < TIME_DIGITS; at++) time = time * 32 + ALPHABET.indexOf(id.charAt(at))
  return time
}

/** The smallest id of a millisecond: where a range of ids begins. */
export function firstUlid(millis: number): string {
  return timeDigits(millis) + '0'.repeat(16)
}

/** Makes ids that never go back, even if the clock does. */
export class UlidSequence {
  #millis = -1
  readonly #random = new Uint8Array(ULID_RANDOM)

  /** `random`: 10 fresh bytes; used only where the millisecond is a new one. */
  next(millis: number, random: Uint8Array): string {
    if (millis > this.#millis) {
      this.#millis = millis
      this.#random.set(random)
      // A clear top bit leaves 2^79 ids to count up to within the millisecond.
      this.#random[0]! &= 0x7f
    } else {
      for (let at = ULID_RANDOM - 1; at >= 0; at--) {
        this.#random[at]! = (this.#random[at]! + 1) & 0xff
        if (this.#random[at] !== 0) break
      }
    }
    return timeDigits(this.#millis) + randomDigits(this.#random)
  }
}

function timeDigits(millis: number): string {
  let left = millis
  let digits = ''
  for (let at = 0; at < TIME_DIGITS; at++) {
    digits = ALPHABET.charAt(left % 32) + digits
    left = Math.floor(left / 32)
  }
  return digits
}

/** Eighty bits, five at a time. */
function randomDigits(bytes: Uint8Array): string {
  let digits = ''
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      digits += ALPHABET.charAt((held >> bits) & 31)
    }
    held &= (1 << bits) - 1
  }
  return digits
}
