// Deadlines of many connections, looked at together: one timer for the process instead of one for each wait.

/** Something with a moment after which it must not go on waiting. */
export interface Waiting {
  /** Milliseconds on the clock given to Deadlines; Infinity while nothing is awaited. */
  readonly deadline: number
  /** Called once the deadline has passed, again at each look until it is moved. */
  expired(): void
}

/** Looks twice a second: a deadline is kept to within LOOK_MILLIS. */
const LOOK_MILLIS = 250

export class Deadlines {
  readonly #waiting = new Set<Waiting>()
  readonly #now: () => number
  readonly #timer: NodeJS.Timeout

  constructor(now: () => number) {
    this.#now = now
    this.#timer = setInterval(() => this.look(), LOOK_MILLIS)
    this.#timer.unref()
  }

  now(): number {
    return this.#now()
  }

  watch(waiting: Waiting): void {
    this.#waiting.add(waiting)
  }

  forget(waiting: Waiting): void {
    this.#waiting.delete(waiting)
  }

  /** Calls `expired` on all whose deadline has passed. Public for tests with a clock of their own. */
  look(): void {
    const now = this.#now()
    for (const waiting of this.#waiting) if (waiting.deadline <= now) waiting.expired()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#waiting.clear()
  }
}
