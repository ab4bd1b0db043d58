// `sallyport demo`: everything in one process, walked through once and then left running to try.

import type { Argv } from 'yargs'
import { endOfLife } from '../gateway/node-version.ts'
import { CommandFailed, EXIT, EXIT_CODES_HELP } from './exit-codes.ts'
import type { Program } from './program.ts'

export function demo<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'demo',
    'Try it: a gateway, an identity provider and a small Kubernetes API in one process',
    (command) =>
      command
        .option('once', { type: 'boolean', default: false, describe: 'End after the tour' })
        .option('kubeconfig', {
          type: 'string',
          requiresArg: true,
          describe: 'Put the gateway in front of this cluster instead: the tour only reads there',
        })
        .option('data', {
          type: 'string',
          requiresArg: true,
          describe: 'Keep the tapes in this directory; they are removed at the end if absent',
        })
        .option('port', {
          type: 'string',
          requiresArg: true,
          describe: 'The port of the gateway; a free one if absent',
        })
        .example('$0 demo', 'The tour; then it stays up and prints the kubeconfig to use')
        .example('$0 demo --once', 'The tour alone; nobody is asked for anything')
        .example('$0 demo --kubeconfig ~/.kube/config', 'Your own cluster: reads, and a delete that is denied')
        .epilogue(EXIT_CODES_HELP),
    ({ once, kubeconfig, data, port }) =>
      program.run(async (io) => {
        const chosen = port === undefined ? undefined : portOf(port)
        const warning = endOfLife(process.versions.node, new Date(io.today()).toISOString().slice(0, 10))
        if (warning !== undefined) io.err(`${warning}\n`)
        const tour = await import('../demo/main.ts')
        return tour.demo({
          once,
          ...(kubeconfig !== undefined && { kubeconfig }),
          ...(data !== undefined && { data }),
          ...(chosen !== undefined && { port: chosen }),
        })
      }),
  )
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port >= 0 && port <= 65_535) return port
  throw new CommandFailed('--port must be from 0 to 65535', EXIT.USAGE)
}
