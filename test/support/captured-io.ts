// The world outside a command, captured: what it wrote to each stream, a clock that stands still, no terminal unless asked.

import type { Io } from '../../cli/io.ts'
import { ManualClock } from './manual-clock.ts'
import { OPENED_AT } from './recording.ts'

export class CapturedIo implements Io {
  stdout = ''
  stderr = ''
  readonly clock = new ManualClock()
  readonly terminal: Io['terminal']
  readonly progress = false
  readonly colours: boolean
  /** What is typed, question by question; undefined: nobody is there. */
  answers: string[] | undefined
  readonly interrupt = new AbortController()

  constructor(terminal?: { readonly columns: number; readonly rows: number }, colours = false) {
    this.terminal = terminal
    this.colours = colours
  }

  async out(text: string): Promise<void> {
    this.stdout += text
  }

  err(text: string): void {
    this.stderr += text
  }

  get ask(): Io['ask'] {
    const { answers } = this
    if (answers === undefined) return undefined
    return async (question) => {
      this.stderr += question
      return answers.shift() ?? ''
    }
  }

  /** One hour after the recordings were opened. */
  today(): number {
    return OPENED_AT / 1000 + 3_600_000
  }

  interruption(): AbortSignal {
    return this.interrupt.signal
  }
}
