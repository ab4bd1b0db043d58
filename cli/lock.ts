// `sallyport lock | unlock | locks`: the kill switch. A lock cuts what its target has open and refuses what it begins, until
// somebody unlocks it.

import type { Argv } from 'yargs'
import { printable, printableJson } from '../replay/printable.ts'
import type { Json } from './admin-api.ts'
import { runWithAdmin, withAdmin } from './admin-source.ts'
import { timeText } from './approval-text.ts'
import { CommandFailed, EXIT } from './exit-codes.ts'
import type { Program } from './program.ts'
import { table } from './table.ts'

const KINDS = ['user', 'actor', 'run', 'cluster'] as const

interface LockJson {
  readonly id: string
  readonly target: { readonly kind: string; readonly name: string }
  readonly reason: string
  readonly by: string
  readonly at: string
  readonly recorded?: boolean
}

export function lock<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'lock',
    'Cut off a user, an agent, a run, a cluster or everything, at once',
    (command) =>
      withAdmin(command)
        .option('user', { type: 'string', requiresArg: true, describe: 'A user and their agents (oidc:alice)' })
        .option('actor', { type: 'string', requiresArg: true, describe: 'An agent, for whomever it acts' })
        .option('run', {
          type: 'string',
          requiresArg: true,
          describe: 'A run of an agent, as the agent names it: a dishonest one names another',
        })
        .option('cluster', { type: 'string', requiresArg: true, describe: 'A cluster, for everybody' })
        .option('all', { type: 'boolean', default: false, describe: 'Everything, for everybody' })
        .option('reason', {
          type: 'string',
          demandOption: true,
          requiresArg: true,
          describe: 'Why; told to whoever is locked out',
        })
        .group([...KINDS, 'all'], 'What:')
        .example('$0 lock --actor claude --reason "deletes what it should not"', '')
        .example('$0 lock --all --reason "incident 42"', 'Nothing passes any more'),
    (argv) => {
      const targets: { kind: string; name: string }[] = KINDS.flatMap((kind) => {
        const name = argv[kind]
        return name === undefined ? [] : [{ kind, name }]
      })
      if (argv.all) targets.push({ kind: 'all', name: '' })
      return runWithAdmin(program, argv, 'anybody', async (api, io) => {
        const [target] = targets
        if (target === undefined || targets.length > 1) {
          throw new CommandFailed('name one of --user, --actor, --run, --cluster and --all', EXIT.USAGE)
        }
        const made = await api.post('/v1/locks', { target, reason: argv.reason })
        const { id, recorded } = made as unknown as LockJson
        if (argv.json) await io.out(`${printableJson(made)}\n`)
        else await io.out(printable(`${targetText(target)} is locked; to end it: sallyport unlock ${id}`).concat('\n'))
        if (recorded === false) {
          io.err(
            'It is in force, but could not be written: a restart of the gateway would lose it. Look at its disk.\n',
          )
        }
        return EXIT.OK
      })
    },
  )
}

export function unlock<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'unlock <id>',
    'End a lock',
    (command) =>
      withAdmin(command)
        .positional('id', { type: 'string', demandOption: true, describe: 'The lock, as `locks` names it' })
        .option('reason', { type: 'string', default: '', requiresArg: true, describe: 'Why' })
        .example('$0 unlock 4be0643f1d98573b97dc --reason "fixed"', ''),
    (argv) =>
      runWithAdmin(program, argv, 'anybody', async (api, io) => {
        const ended = await api.delete(`/v1/locks/${encodeURIComponent(argv.id)}`, { reason: argv.reason })
        if (argv.json) await io.out(`${printableJson(ended)}\n`)
        else {
          const { target } = ended as unknown as LockJson
          await io.out(printable(`${targetText(target)} is no longer locked by this`).concat('\n'))
        }
        return EXIT.OK
      }),
  )
}

const COLUMNS = [
  { title: 'ID' },
  { title: 'SINCE' },
  { title: 'WHAT' },
  { title: 'BY' },
  { title: 'REASON', elastic: true },
] as const

export function locks<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'locks',
    'List what is locked',
    (command) => withAdmin(command).example('$0 locks', 'What is locked, since when, by whom and why'),
    (argv) =>
      runWithAdmin(program, argv, 'anybody', async (api, io) => {
        const list = ((await api.get('/v1/locks')).locks as readonly Json[] | undefined) ?? []
        if (argv.json) for (const each of list) await io.out(`${printableJson(each)}\n`)
        else if (list.length === 0) io.err('Nothing is locked.\n')
        else {
          const rows = list.map((each) => {
            const { id, at, target, by, reason } = each as unknown as LockJson
            return [id, timeText(at, io.today()), targetText(target), by, reason]
          })
          await io.out(table(COLUMNS, rows, io.terminal?.columns))
        }
        return EXIT.OK
      }),
  )
}

function targetText({ kind, name }: LockJson['target']): string {
  return kind === 'all' ? 'everything' : `${kind} ${name}`
}
