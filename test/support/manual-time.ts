// A clock and timers that move only when they are told to. Callbacks of "soon" run at the next `advance`, before timers.

interface Timer {
  readonly at: number
  readonly callback: () => void
}

export class ManualTime {
  /** Milliseconds since 1970. */
  millis = Date.UTC(2026, 10, 23, 12)
  #timers: Timer[] = []
  #soon: (() => void)[] = []

  now(): number {
    return this.millis
  }

  micros(): number {
    return this.millis * 1000
  }

  after(millis: number, callback: () => void): () => void {
    const timer = { at: this.millis + millis, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  soon(callback: () => void): void {
    this.#soon.push(callback)
  }

  /** How long until the next timer, undefined if there is none. */
  get next(): number | undefined {
    if (this.#soon.length > 0) return 0
    return this.#timers.length === 0
      ? undefined
      : Math.max(0, Math.min(...this.#timers.map(({ at }) => at)) - this.millis)
  }

  /** Lets so many milliseconds pass, with every timer at its time and promises settled in between. */
  async advance(millis: number): Promise<void> {
    const end = this.millis + millis
    for (;;) {
      await settle()
      const soon = this.#soon
      this.#soon = []
      for (const callback of soon) callback()
      if (soon.length > 0) continue
      const due = this.#timers.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0]
      if (due === undefined) break
      this.#timers = this.#timers.filter((other) => other !== due)
      this.millis = Math.max(this.millis, due.at)
      due.callback()
    }
    this.millis = end
    await settle()
  }
}

/** Everything that waits for a promise and no I/O has run after this. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) await new Promise((done) => setImmediate(done))
}

/** Lets I/O that is under way go on until the condition holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let round = 0; round < 20_000; round++) {
    if (condition()) return
    await new Promise((done) => setImmediate(done))
  }
  throw new Error(`it did not come about that ${what}`)
}
