// What the commands for policies say of a file: mistakes and advice as FILE:LINE:COLUMN lines or JSON, and a policy that does
// not load as the one line that a command ends with.

import type { ConfigError, Problem } from '../gateway/config-file.ts'
import type { Policy } from '../gateway/policy/policy.ts'
import { printable, printableJson } from '../replay/printable.ts'
import { CommandFailed } from './exit-codes.ts'
import type { Io } from './io.ts'
import { coloured } from './table.ts'

const COLOURS = { error: 'red', warning: 'yellow' } as const

/** One line for each. */
export async function printProblems(
  problems: readonly Problem[],
  severity: keyof typeof COLOURS,
  json: boolean,
  io: Io,
): Promise<void> {
  for (const problem of problems) {
    if (json) {
      await io.out(`${printableJson({ severity, ...problem })}\n`)
      continue
    }
    const { file, line, column, message } = problem
    const word = coloured(severity, COLOURS[severity], io.colours)
    await io.out(`${printable(`${file}:${line}:${column}`)}: ${word}: ${printable(message)}\n`)
  }
}

/** Without a path the policy of a gateway that has none: reads are allowed, all else is denied. Throws CommandFailed. */
export async function loadPolicy(path: string | undefined): Promise<Policy> {
  const { readPolicy } = await import('../gateway/policy/policy-file.ts')
  return loaded(() => readPolicy(path, 'group'), 'the policy cannot be used (see `policy check`)')
}

/** What `read` reads; its ConfigError becomes a CommandFailed that begins with `what`. */
export async function loaded<T>(read: () => T, what: string): Promise<T> {
  const { ConfigError } = await import('../gateway/config-file.ts')
  try {
    return read()
  } catch (error) {
    throw error instanceof ConfigError ? unusable(error, what) : error
  }
}

/** The first mistake, and how many there are. */
function unusable({ problems }: ConfigError, what: string): CommandFailed {
  const [first] = problems
  const where = first === undefined ? '' : `: ${first.file}:${first.line}:${first.column}: ${first.message}`
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  return new CommandFailed(printable(`${what}${where}${more}`))
}
