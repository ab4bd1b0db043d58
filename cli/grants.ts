// `sallyport grants ls | revoke`: standing access, who has it and until when, and its end before its time.

import type { Argv } from 'yargs'
import { runWithAdmin, withAdmin } from './admin-source.ts'
import { printOutcome } from './approvals-answer.ts'
import { printApprovals } from './approvals-ls.ts'
import type { Program } from './program.ts'

export function grantsLs<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    ['ls', 'list'],
    'List standing access that is in force or asked for',
    (command) =>
      withAdmin(command)
        .option('all', { type: 'boolean', default: false, describe: 'What is over as well' })
        .option('user', { type: 'string', requiresArg: true, describe: 'Who asked (oidc:alice)' })
        .example('$0 grants ls', 'What is in force, and what waits for a yes')
        .example('$0 grants ls --all --user oidc:alice', 'All that alice has ever asked for'),
    (argv) =>
      runWithAdmin(program, argv, 'anybody', async (api, io) => {
        const query = new URLSearchParams({ limit: '1000' })
        if (!argv.all) query.set('state', 'open,approved')
        if (argv.user !== undefined) query.set('user', argv.user)
        return printApprovals(api, 'grants', query, argv.json, io)
      }),
  )
}

export function grantsRevoke<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'revoke <id>',
    'Take standing access back: your own, or what you could have allowed',
    (command) =>
      withAdmin(command)
        .positional('id', { type: 'string', demandOption: true, describe: 'The grant, as `grants ls` names it' })
        .option('reason', { type: 'string', default: '', requiresArg: true, describe: 'Why' })
        .example('$0 grants revoke 4be0643f1d98573b97dc --reason done', ''),
    (argv) =>
      runWithAdmin(program, argv, 'person', async (api, io) => {
        const path = `/v1/grants/${encodeURIComponent(argv.id)}/revoke`
        return printOutcome(await api.post(path, { reason: argv.reason }), argv.json, io)
      }),
  )
}
