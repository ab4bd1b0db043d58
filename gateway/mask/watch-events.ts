// Tells where the events of a watch end, by their framing alone: a line end behind JSON, or a length before protobuf.

const LINE_FEED = 0x0a
/** apimachinery pkg/util/framer: a length of four bytes, big-endian, before each event. */
const LENGTH_BYTES = 4

export class WatchEvents {
  readonly #isFramed: boolean
  /** Of the frame under way: bytes to come, and how many bytes of its length have. */
  #left = 0
  #lengthHeld = 0
  #length = 0

  /** `isFramed`: protobuf; otherwise JSON. */
  constructor(isFramed: boolean) {
    this.#isFramed = isFramed
  }

  /** Takes the next bytes: whether the last of them ends an event. In JSON no string holds a line end. */
  endsWith(bytes: Uint8Array): boolean {
    if (!this.#isFramed) return bytes[bytes.length - 1] === LINE_FEED
    let at = 0
    while (at < bytes.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, bytes.length - at)
        this.#left -= taken
        at += taken
        continue
      }
      this.#length = this.#length * 256 + (bytes[at] as number)
      this.#lengthHeld += 1
      at += 1
      if (this.#lengthHeld === LENGTH_BYTES) {
        this.#left = this.#length
        this.#lengthHeld = 0
        this.#length = 0
      }
    }
    return this.#left === 0 && this.#lengthHeld === 0
  }
}
