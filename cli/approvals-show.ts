// `sallyport approvals show`: all that whoever answers must see.

import type { Argv } from 'yargs'
import { printableJson } from '../replay/printable.ts'
import { runWithAdmin, withAdmin } from './admin-source.ts'
import { approvalOf, approvalText } from './approval-text.ts'
import { EXIT } from './exit-codes.ts'
import type { Program } from './program.ts'

export function approvalsShow<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'show <id>',
    'Show who asks, why, for what exactly, and what a yes allows',
    (command) =>
      withAdmin(command)
        .positional('id', { type: 'string', demandOption: true, describe: 'The approval, as `approvals ls` names it' })
        .example('$0 approvals show 4be0643f1d98573b97dc', ''),
    (argv) =>
      runWithAdmin(program, argv, 'anybody', async (api, io) => {
        const json = await api.get(`/v1/approvals/${encodeURIComponent(argv.id)}`)
        await io.out(argv.json ? `${printableJson(json)}\n` : approvalText(approvalOf(json), io.today(), io))
        return EXIT.OK
      }),
  )
}
