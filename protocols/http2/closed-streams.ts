// Which streams have closed not long ago, and by whom: what a peer sent before it heard of our RST_STREAM is let pass, what
// it sends behind an end of its own is a fault (RFC 9113 section 5.1). Holds no more than a few numbers.

/** Of each kind. Frames for older streams are judged by their number alone: as streams that the peer had closed. */
const REMEMBERED = 128

export class ClosedStreams {
  // Apart, so that streams that end as they should push none of ours out.
  readonly #ours = new Set<number>()
  readonly #others = new Set<number>()

  /** `byUs`: by our RST_STREAM. */
  add(stream: number, byUs: boolean): void {
    const streams = byUs ? this.#ours : this.#others
    streams.add(stream)
    if (streams.size <= REMEMBERED) return
    for (const oldest of streams) {
      streams.delete(oldest)
      return
    }
  }

  has(stream: number): boolean {
    return this.#ours.has(stream) || this.#others.has(stream)
  }

  /** Whether our RST_STREAM closed it. */
  isOurs(stream: number): boolean {
    return this.#ours.has(stream)
  }
}
