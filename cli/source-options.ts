// The options that say where tapes are, the same for every command that reads tapes. source.ts opens what they name.

import type { Argv } from 'yargs'
import { EXIT_CODES_HELP } from './exit-codes.ts'

/** Where a gateway keeps its data unless its configuration says otherwise. */
export const DATA = './data'

/** Adds the options of every command that reads tapes. */
export function withSource<T>(yargs: Argv<T>) {
  return yargs
    .option('data', {
      type: 'string',
      requiresArg: true,
      describe: `The gateway's data directory (default ${DATA}): read through the gateway if it runs, else at rest`,
    })
    .option('admin', {
      alias: 'server',
      type: 'string',
      requiresArg: true,
      describe: "The gateway's admin address, https://HOST:PORT",
    })
    .option('token-file', { type: 'string', requiresArg: true, describe: 'With --admin: the file with its token' })
    .option('ca', {
      type: 'string',
      requiresArg: true,
      describe: 'With --admin: PEM file to verify its certificate with',
    })
    .option('json', { type: 'boolean', default: false, describe: 'Print JSON, one object a line' })
    .group(['data', 'admin', 'token-file', 'ca'], 'Where the tapes are:')
    .epilogue(EXIT_CODES_HELP)
}
