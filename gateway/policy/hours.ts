// The times of the week in which a rule speaks, in their own time zones. The clock is an argument; what it says there is
// worked out once a minute.

import type { HoursDocument } from './document.ts'

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
/** As Intl writes them. */
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MINUTE = 60_000
const DAY_MINUTES = 1_440

/** Whether the name is one of a time zone that this process knows. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

interface Window {
  /** Bit N is day N, Sunday first. */
  readonly days: number
  /** Minutes from the beginning of the day. */
  readonly from: number
  /** Minutes from the beginning of the day that it began on: more than a day's for one that ends on the day after. */
  readonly to: number
  readonly zone: Intl.DateTimeFormat
}

export class Hours {
  readonly #windows: readonly Window[]
  /** The last answer, and the minute it is for: a decision asks for the same minute over and over. */
  #minute = Number.NaN
  #inside = false

  /** Time zones are known (isTimeZone). */
  constructor(windows: readonly HoursDocument[]) {
    this.#windows = windows.map(({ days, from, to, timeZone }) => {
      const begin = minutes(from)
      const end = minutes(to)
      return {
        days: days.reduce((set, day) => set | (1 << DAYS.indexOf(day)), 0),
        from: begin,
        to: end > begin ? end : end + DAY_MINUTES,
        zone: new Intl.DateTimeFormat('en-US', {
          timeZone,
          hourCycle: 'h23',
          weekday: 'short',
          hour: '2-digit',
          minute: '2-digit',
        }),
      }
    })
  }

  /** `now`: milliseconds since 1970. */
  holds(now: number): boolean {
    const minute = Math.floor(now / MINUTE)
    if (minute !== this.#minute) {
      this.#inside = this.#windows.some((window) => isInside(window, now))
      this.#minute = minute
    }
    return this.#inside
  }
}

function isInside({ days, from, to, zone }: Window, now: number): boolean {
  const parts = zone.formatToParts(now)
  const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? ''
  const day = WEEKDAYS.indexOf(part('weekday'))
  const minute = Number(part('hour')) * 60 + Number(part('minute'))
  if ((days & (1 << day)) !== 0 && minute >= from && minute < to) return true
  // It may have begun yesterday.
  return (days & (1 << ((day + 6) % 7))) !== 0 && minute + DAY_MINUTES < to
}

function minutes(clock: string): number {
  const [hour, minute] = clock.split(':')
  return Number(hour) * 60 + Number(minute)
}
