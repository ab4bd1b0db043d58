// A time as people write it on a command line: "30m" ago, or a time of RFC 3339.

import { CommandFailed, EXIT } from './exit-codes.ts'

const MILLIS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** "30m" as a time that long before now; anything else as it is. */
export function timeText(text: string, now: number): string {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (amount === undefined) return text
  return new Date(now - Number(amount) * MILLIS[unit as keyof typeof MILLIS]).toISOString()
}

/** Milliseconds since 1970; `option` is for messages. Throws CommandFailed. */
export function sinceOf(option: string, text: string, now: number): number {
  const time = timeText(text, now)
  const millis = /^\d{4}-\d\d-\d\d/.test(time) && time.length <= 40 ? Date.parse(time) : Number.NaN
  if (Number.isNaN(millis)) {
    throw new CommandFailed(`--${option} must be a time as in 2026-11-23T12:00:00Z, or 30m, 12h, 7d`, EXIT.USAGE)
  }
  return millis
}
