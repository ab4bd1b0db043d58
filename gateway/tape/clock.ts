// Time as the store sees it: a clock on the wall, one that never goes back, and timers. Tests bring their own.

export interface Clock {
  /** Milliseconds since 1970, as the machine has it. */
  now(): number
  /** Microseconds from some moment on, whole; never goes back. */
  micros(): number
}

export interface Timers {
  /** Calls back once, unless the returned function is called first. Does not keep the process alive. */
  after(millis: number, callback: () => void): () => void
  /** Calls back once the events that are already there have been handled. */
  soon(callback: () => void): void
}

export const systemClock: Clock = {
  now: Date.now,
  micros: () => Math.floor(performance.now() * 1000),
}

export const systemTimers: Timers = {
  after(millis, callback) {
    const timer = setTimeout(callback, millis)
    timer.unref()
    return () => clearTimeout(timer)
  },
  soon(callback) {
    setImmediate(callback)
  },
}
