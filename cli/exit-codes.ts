// How a command ends: one number for each way that a script may want to tell apart, listed in every help text.

export const EXIT = {
  OK: 0,
  /** Something could not be done; a line on stderr says what, and what to do. */
  FAILURE: 1,
  /** The command line was wrong. */
  USAGE: 2,
  /** `tapes verify` found a fault, or a tape that should be there is not. */
  VERIFICATION: 3,
  /** The gateway, its policy or a person said no. */
  REFUSED: 4,
  /** Stopped by SIGINT. */
  INTERRUPTED: 130,
} as const

export const EXIT_CODES_HELP =
  'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 verification found a fault, 4 refused, 130 interrupted'

/** A command cannot go on. The message says what is wrong and what to do; it is printable and ends the command with `code`. */
export class CommandFailed extends Error {
  readonly code: number

  constructor(message: string, code: number = EXIT.FAILURE) {
    super(message)
    this.code = code
  }
}
