// `sallyport serve`: runs the gateway in the foreground. Its ready line is all that stdout gets; logs go to stderr.

import type { Argv } from 'yargs'
import { EXIT_CODES_HELP } from './exit-codes.ts'
import type { Program } from './program.ts'

export function serve<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'serve',
    'Run the gateway',
    (command) =>
      command
        .option('config', {
          alias: 'c',
          type: 'string',
          demandOption: true,
          requiresArg: true,
          describe: 'The configuration, a YAML file',
        })
        .example('$0 serve --config gateway.yaml', 'Prints one JSON line on stdout when it is ready')
        .epilogue(EXIT_CODES_HELP)
        .epilogue(
          'SIGTERM drains: no new requests, streams end, tapes are sealed. SIGHUP reads the configuration again.',
        ),
    (argv) =>
      program.run(async () => {
        // Loaded here, so that help and the commands for tapes start without the gateway.
        const gateway = await import('../gateway/main.ts')
        return gateway.serve({ config: argv.config })
      }),
  )
}
