// Tells the bytes of a terminal's output that are text from those of escape sequences (ECMA-48), byte by byte, so that a cut
// within a sequence changes nothing.

import type { Interleaved } from './interleaved-masker.ts'

/** What every sequence begins with. */
const ESC = 0x1b
const BEL = 0x07
const CAN = 0x18
const SUB = 0x1a

const GROUND = 0
const ESCAPED = 1
/** Before ESC. */
const BEFORE = 6
/** Behind ESC and an intermediate byte: "ESC ( B". */
const INTERMEDIATE = 2
/** Control sequence: parameters up to a final byte. */
const CONTROL = 3
/** Control string (OSC, DCS, SOS, PM, APC): anything up to BEL or ST. */
const STRING = 4
const STRING_ESCAPED = 5

/** Introducers of control strings: P, X, ], ^, _. */
const STRINGS = new Set([0x50, 0x58, 0x5d, 0x5e, 0x5f])

export class EscapeSequences implements Interleaved {
  readonly #longest: number
  #state = GROUND
  #length = 0

  /** `longest`: a control string that is longer is taken for text from there on. */
  constructor(longest: number) {
    this.#longest = longest
  }

  /** Whether no sequence is under way. */
  get isText(): boolean {
    return this.#state === GROUND
  }

  next(bytes: Uint8Array, at: number): number {
    return bytes.indexOf(ESC, at)
  }

  /** The next byte is an ESC. */
  begin(): void {
    this.#state = BEFORE
  }

  take(octet: number): boolean {
    this.#state = octet === CAN || octet === SUB ? GROUND : this.#next(octet)
    return true
  }

  #next(octet: number): number {
    switch (this.#state) {
      case BEFORE:
        return ESCAPED
      case ESCAPED:
        if (octet === ESC) return ESCAPED
        if (octet === 0x5b) return CONTROL
        if (STRINGS.has(octet)) {
          this.#length = 0
          return STRING
        }
        return octet >= 0x20 && octet <= 0x2f ? INTERMEDIATE : GROUND
      case INTERMEDIATE:
        if (octet === ESC) return ESCAPED
        return octet >= 0x20 && octet <= 0x2f ? INTERMEDIATE : GROUND
      case CONTROL:
        if (octet === ESC) return ESCAPED
        return octet >= 0x40 ? GROUND : CONTROL
      default:
        if (octet === BEL) return GROUND
        if (octet === ESC) return STRING_ESCAPED
        if (this.#state === STRING_ESCAPED) return octet === 0x5c ? GROUND : this.#restart(octet)
        this.#length += 1
        return this.#length > this.#longest ? GROUND : STRING
    }
  }

  /** ESC within a control string ends it and begins another sequence. */
  #restart(octet: number): number {
    this.#state = ESCAPED
    return this.#next(octet)
  }
}
