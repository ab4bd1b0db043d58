// A container's output -> timestamped lines, the newest of which are kept, as the kubelet's log files do it. A line longer
// than the cap is kept in pieces.

/** One line with its line feed, or the piece of one that has none yet. */
export interface LogLine {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly bytes: Uint8Array
}

/** Lines kept for each container. */
const LINES = 5_000
/** Longest line, bytes: the container runtimes' own 16 KiB. */
const LONGEST = 16_384
const LINE_FEED = 10

export class ContainerLog {
  readonly #lines: LogLine[] = []
  readonly #listeners = new Set<(line: LogLine) => void>()
  #rest: Uint8Array = new Uint8Array(0)
  #ended = false

  get lines(): readonly LogLine[] {
    return this.#lines
  }

  /** The container will write no more. */
  get ended(): boolean {
    return this.#ended
  }

  /** `time` in milliseconds since 1970. Copies. */
  append(bytes: Uint8Array, time: number): void {
    let all = Buffer.concat([this.#rest, bytes])
    for (;;) {
      const feed = all.indexOf(LINE_FEED)
      const end = feed === -1 || feed >= LONGEST ? LONGEST : feed + 1
      if (all.length < end) break
      this.#add({ time, bytes: all.subarray(0, end) })
      all = all.subarray(end)
      if (all.length === 0) break
    }
    this.#rest = all
  }

  /** The last line may have no line feed. Whoever follows is told by `ended`. */
  end(time: number): void {
    this.#ended = true
    this.#add({ time, bytes: this.#rest })
    this.#rest = new Uint8Array(0)
  }

  /** Called for each new line, and with an empty one at the end. Returns what stops it. */
  follow(listener: (line: LogLine) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #add(line: LogLine): void {
    if (line.bytes.length > 0) {
      this.#lines.push(line)
      if (this.#lines.length > LINES) this.#lines.shift()
    }
    for (const listener of [...this.#listeners]) listener(line)
  }
}
