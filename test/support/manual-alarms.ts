// Alarms that ring when they are told to. An alarm that has rung rings again once it is refreshed, as Node's timers do.

import type { Alarm, Alarms } from '../../gateway/lull.ts'

export class ManualAlarms implements Alarms {
  readonly #set = new Map<Alarm, { readonly ring: () => void; readonly millis: number; at: number }>()
  millis = 0

  /** Alarms that were ever set. */
  made = 0

  /** Alarms that will ring. */
  get on(): number {
    return [...this.#set.values()].filter(({ at }) => at > this.millis).length
  }

  set(ring: () => void, millis: number): Alarm {
    this.made += 1
    const alarm: Alarm = {
      refresh: () => {
        const timer = this.#set.get(alarm)
        if (timer !== undefined) timer.at = this.millis + millis
      },
    }
    this.#set.set(alarm, { ring, millis, at: this.millis + millis })
    return alarm
  }

  clear(alarm: Alarm): void {
    this.#set.delete(alarm)
  }

  advance(millis: number): void {
    for (const end = this.millis + millis; this.millis < end; ) {
      this.millis += 1
      for (const { at, ring } of [...this.#set.values()]) if (at === this.millis) ring()
    }
  }
}
