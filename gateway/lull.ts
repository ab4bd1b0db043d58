// Notices that a connection has gone quiet, so that what a masker holds back is let go of. One timer for each connection that
// ever held something, and none of it for each chunk: while it is on it looks twice in the time that counts as quiet.

/** Whose bytes are held back. */
export interface Lulled {
  /**
   * Lets go of what no byte has come behind since it was called last. True while something is still held: then it is called
   * again. Must not throw for what a peer did.
   */
  lull(): boolean
}

/** A timer that can be started again, as Node's Timeout. */
export interface Alarm {
  refresh(): unknown
}

/** Starts a timer, and ends one. */
export interface Alarms {
  set(ring: () => void, millis: number): Alarm
  clear(alarm: Alarm): void
}

/** Looks in the time that counts as quiet: a byte is held for half of it at least, and for the whole at most. */
const LOOKS = 2

export class Lull {
  readonly #owner: Lulled
  readonly #millis: number
  readonly #alarms: Alarms
  #alarm: Alarm | undefined
  #isOn = false
  #isOver = false

  /** `millis`: how much quiet is enough (limits.mask). `alarms`: for tests. */
  constructor(owner: Lulled, millis: number, alarms: Alarms = timers) {
    this.#owner = owner
    this.#millis = millis / LOOKS
    this.#alarms = alarms
  }

  /** Something is held. To be said as often as one likes. */
  holding(): void {
    if (this.#isOn || this.#isOver) return
    this.#isOn = true
    if (this.#alarm === undefined) this.#alarm = this.#alarms.set(() => this.#ring(), this.#millis)
    else this.#alarm.refresh()
  }

  /** The connection is over: nothing is called any more. */
  stop(): void {
    this.#isOver = true
    if (this.#alarm !== undefined) this.#alarms.clear(this.#alarm)
    this.#alarm = undefined
  }

  #ring(): void {
    this.#isOn = false
    if (this.#owner.lull()) this.holding()
  }
}

const timers: Alarms = {
  set: (ring, millis) => setTimeout(ring, millis).unref(),
  clear: (alarm) => clearTimeout(alarm as NodeJS.Timeout),
}
