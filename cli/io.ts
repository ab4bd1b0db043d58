// What a command has of the world outside: two streams, a terminal or none, time and interruption. The process' own in
// bin/, captured ones in tests. A reader that goes away (`| head`) ends the command quietly.

import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../replay/player.ts'

export interface Io {
  /** Writes to stdout; resolves when more may follow. Rejects with ReaderGone. */
  out(text: string): Promise<void>
  /** Writes to stderr. */
  err(text: string): void
  /** Stdout is a terminal of this size; undefined if it is a file or a pipe. */
  readonly terminal: { readonly columns: number; readonly rows: number } | undefined
  /** Stderr is a terminal, so progress may be shown there. */
  readonly progress: boolean
  /** Colours are wanted on stdout. */
  readonly colours: boolean
  /** Asks on the terminal and resolves with the line that is typed; undefined if nobody is there to type one. */
  readonly ask: ((question: string) => Promise<string>) | undefined
  readonly clock: Clock
  /** Milliseconds since 1970. */
  today(): number
  /** From now on SIGINT aborts this signal once, and ends the process only the second time. */
  interruption(): AbortSignal
}

/** Whoever read stdout has closed it. */
export class ReaderGone extends Error {}

/** The process' own streams. */
export function processIo(): Io {
  const { env, stderr, stdin, stdout } = process
  const interrupt = new AbortController()
  return {
    out: writerOf(stdout),
    err(text) {
      stderr.write(text)
    },
    terminal: stdout.isTTY ? { columns: stdout.columns, rows: stdout.rows } : undefined,
    progress: stderr.isTTY === true,
    // https://no-color.org: any value but the empty one.
    colours: stdout.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb',
    ask: stdin.isTTY && stderr.isTTY ? (question) => askOn(stdin, stderr, question) : undefined,
    clock: {
      now: () => performance.now(),
      sleep: (millis, signal) => sleep(millis, undefined, signal === undefined ? {} : { signal }),
    },
    today: () => Date.now(),
    interruption() {
      process.once('SIGINT', () => interrupt.abort())
      return interrupt.signal
    },
  }
}

/** The end of what is typed, without a line, is an empty line. */
async function askOn(input: Readable, output: Writable, question: string): Promise<string> {
  const lines = createInterface({ input, output })
  try {
    return await new Promise<string>((answered) => {
      lines.once('close', () => answered(''))
      lines.question(question, answered)
    })
  } finally {
    lines.close()
  }
}

/** `Io.out` of a stream: waits while it is full, and rejects with ReaderGone once nobody reads it any more. */
export function writerOf(stream: Writable): (text: string) => Promise<void> {
  let gone: Error | undefined
  let resume: (() => void) | undefined
  const wake = (): void => {
    resume?.()
    resume = undefined
  }
  stream.on('error', (error: NodeJS.ErrnoException) => {
    gone = error.code === 'EPIPE' ? new ReaderGone() : error
    wake()
  })
  stream.on('drain', wake)
  stream.on('close', () => {
    gone ??= new ReaderGone()
    wake()
  })
  return async (text) => {
    if (gone !== undefined) throw gone
    if (stream.write(text)) return
    await new Promise<void>((resolve) => {
      resume = resolve
    })
    if (gone !== undefined) throw gone
  }
}
