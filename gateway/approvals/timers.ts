// Timers as approvals need them: tests bring their own.

export interface Timers {
  /** Calls back once, unless the returned function is called first. Does not keep the process alive. */
  after(millis: number, callback: () => void): () => void
}
