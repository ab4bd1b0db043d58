// What every command is given by the program that runs it: the world outside, tapes, and a way to say how it ended.

import type { Tapes } from '../replay/tapes.ts'
import type { Io } from './io.ts'

/** Where tapes are, as options said it. */
export interface SourceOptions {
  readonly data: string | undefined
  readonly admin: string | undefined
  readonly tokenFile: string | undefined
  readonly ca: string | undefined
}

export interface Program {
  /** Runs a command's work; the number that it resolves with becomes the exit code. */
  run(work: (io: Io) => Promise<number>): Promise<void>
  /** As `run`, with the tapes that the options name; they are closed afterwards. */
  runWithTapes(options: SourceOptions, work: (tapes: Tapes, io: Io) => Promise<number>): Promise<void>
}
