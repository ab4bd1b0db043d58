// A clock that stands still until somebody sleeps on it, and then is where the sleeper wanted it. Remembers every sleep.

export class ManualClock {
  millis = 0
  /** How long each sleep was asked to be, in milliseconds. */
  readonly slept: number[] = []

  now(): number {
    return this.millis
  }

  async sleep(millis: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.slept.push(millis)
    this.millis += millis
  }
}
