// The entries of an exec or attach tape -> the terminal session as it looked, in its own time. Escapes are filtered, so
// that a tape cannot act on the terminal that it is played on; tapes of other kinds are refused.

import { CHANNEL } from '../protocols/kube/channels.ts'
import type { Entry } from '../protocols/tape/entry.ts'
import { ExitStatus, isOutput, runsOf, type TerminalSize, TerminalSizes } from './stream-runs.ts'
import { TerminalFilter } from './terminal-filter.ts'

/** Time, as the player needs it. */
export interface Clock {
  /** Milliseconds; only differences count. */
  now(): number
  /** Resolves after that many milliseconds; rejects with the signal's reason when it is aborted. */
  sleep(millis: number, signal?: AbortSignal): Promise<void>
}

/** Where the session is shown. */
export interface Screen {
  /** Takes text to show, and when it was recorded (microseconds since the tape opened); resolves when more may follow. */
  write(text: string, micros: number): Promise<void> | void
  /** The recorded terminal had, or got, this size. */
  resized?(size: TerminalSize): void
}

export interface PlayOptions {
  /** 2 plays twice as fast. Above 0; Infinity leaves out all waiting. */
  readonly speed: number
  /** The longest pause, in milliseconds of the recording. */
  readonly maxIdle: number
  /** Shows what was typed as well. What a terminal echoed then appears twice. */
  readonly stdin: boolean
  readonly clock: Clock
  readonly signal?: AbortSignal
}

/** What came of it. */
export interface Played {
  /** Microseconds from the first to the last output. */
  readonly micros: number
  /** How many escape sequences and control characters the filter left out. */
  readonly dropped: number
  /** The remote command's exit code, if the tape has one. */
  readonly exitCode: number | undefined
  /** Why the tape ended, "" if it is still open. */
  readonly sealed: string
}

/** A tape of another kind was asked to play. `kind` is the tape's. */
export class NotPlayable extends Error {
  readonly kind: string

  constructor(kind: string) {
    super(`a tape of kind ${kind} is not a terminal session`)
    this.kind = kind
  }
}

/** Plays a tape to its end, or until the signal. Throws NotPlayable before anything is shown; DamagedTape. */
export async function play(entries: AsyncIterable<Entry>, screen: Screen, options: PlayOptions): Promise<Played> {
  const filters = new Map<number, TerminalFilter>()
  const sizes = new TerminalSizes()
  const exit = new ExitStatus()
  const pace = new Pace(options)
  let sealed = ''
  try {
    for await (const entry of entries) {
      if (entry.kind === 'open' && entry.body.kind !== 'exec' && entry.body.kind !== 'attach') {
        throw new NotPlayable(entry.body.kind)
      }
      if (entry.kind === 'seal') sealed = entry.body.reason
      if (entry.kind !== 'stream') continue
      for (const run of runsOf(entry.micros, entry.body)) {
        if (run.channel === CHANNEL.ERROR) exit.take(run.bytes)
        if (run.channel === CHANNEL.RESIZE) for (const size of sizes.take(run.bytes)) screen.resized?.(size)
        if (!isOutput(run.channel) && !(options.stdin && run.channel === CHANNEL.STDIN)) continue
        if (run.bytes.length === 0) continue
        await pace.until(run.micros)
        const text = filterOf(filters, run.channel).filter(run.bytes)
        if (text !== '') await screen.write(text, run.micros)
      }
    }
  } finally {
    // Also when it is stopped in the middle: the reader's terminal must be usable afterwards.
    for (const filter of filters.values()) {
      const rest = filter.end()
      if (rest !== '') await screen.write(rest, pace.last)
    }
  }
  let dropped = 0
  for (const filter of filters.values()) dropped += filter.dropped
  return { micros: pace.micros, dropped, exitCode: exit.code, sealed }
}

/** One filter a channel: a character cut by a frame ends in the next frame of the same channel. */
function filterOf(filters: Map<number, TerminalFilter>, channel: number): TerminalFilter {
  let filter = filters.get(channel)
  if (filter === undefined) {
    filter = new TerminalFilter()
    filters.set(channel, filter)
  }
  return filter
}

/** Maps recorded time to the reader's. Waits are measured from the start, so that small delays do not add up. */
class Pace {
  readonly #options: PlayOptions
  #started: number | undefined
  #first = 0
  #last = 0
  /** Milliseconds after the start at which the last output was due. */
  #due = 0

  constructor(options: PlayOptions) {
    this.#options = options
  }

  get micros(): number {
    return this.#last - this.#first
  }

  /** Microseconds since the tape opened. */
  get last(): number {
    return this.#last
  }

  async until(micros: number): Promise<void> {
    const { clock, maxIdle, signal, speed } = this.#options
    signal?.throwIfAborted()
    if (this.#started === undefined) {
      this.#started = clock.now()
      this.#first = this.#last = micros
      return
    }
    const gap = Math.max(0, micros - this.#last) / 1000
    this.#last = Math.max(this.#last, micros)
    this.#due += Math.min(gap, maxIdle) / speed
    const wait = this.#started + this.#due - clock.now()
    if (wait > 0) await clock.sleep(wait, signal)
  }
}
