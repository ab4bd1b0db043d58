// `sallyport tapes ls`: the tapes that match, newest first, as a table that fits the terminal or as JSON lines.

import type { Argv } from 'yargs'
import { isoTime } from '../replay/json-lines.ts'
import { printableJson } from '../replay/printable.ts'
import { BadFilter, LIST_LIMIT, parseFilter, TAPE_KINDS, type TapeFilter } from '../replay/tape-filter.ts'
import type { TapeSummary, Tapes } from '../replay/tapes.ts'
import { CommandFailed, EXIT } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { Program } from './program.ts'
import { withSource } from './source-options.ts'
import { durationText, table } from './table.ts'
import { timeText } from './time-text.ts'

const FILTERS = {
  user: 'The caller, as the gateway names it (oidc:alice)',
  actor: 'The agent acting for the caller',
  cluster: 'The cluster',
  verb: 'A request verb: get, list, delete, exec, …',
  resource: 'A resource, in the plural: pods, deployments, …',
  namespace: 'A namespace',
  text: 'Part of a command line',
} as const

export function tapesLs<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    ['ls', 'list'],
    'List tapes, newest first',
    (command) => {
      let options = withSource(command)
        .option('kind', { choices: TAPE_KINDS, describe: 'What the tape holds' })
        .option('since', { type: 'string', requiresArg: true, describe: 'Opened since: a time, or 30m, 12h, 7d ago' })
        .option('until', { type: 'string', requiresArg: true, describe: 'Opened before: a time, or 30m, 12h, 7d ago' })
        .option('limit', { type: 'string', default: String(LIST_LIMIT.default), describe: 'At most so many tapes' })
        .option('cursor', { type: 'string', requiresArg: true, describe: 'Only tapes older than this id' })
        .group(['kind', 'since', 'until', 'limit', 'cursor', ...Object.keys(FILTERS)], 'Which tapes:')
      for (const [name, describe] of Object.entries(FILTERS)) {
        options = options.option(name, { type: 'string', requiresArg: true, describe })
      }
      return options
        .alias('n', 'namespace')
        .example('$0 tapes ls --user oidc:alice --since 12h', "Alice's tapes of the last twelve hours")
        .example('$0 tapes ls --verb delete --namespace prod', 'Who deleted something in prod')
        .example('$0 tapes ls --kind control', 'What people answered, locked and changed')
        .example('$0 tapes ls --kind exec --text "rm -rf" --json', 'Shell commands, for a script')
    },
    (argv) => program.runWithTapes(argv, (tapes, io) => list(tapes, filterOf(argv, io.today()), argv.json, io)),
  )
}

/** Throws CommandFailed for what means nothing. */
function filterOf(argv: Readonly<Record<string, unknown>>, now: number): TapeFilter {
  const query = new URLSearchParams()
  for (const name of [...Object.keys(FILTERS), 'kind', 'limit', 'cursor']) {
    const value = argv[name]
    if (value !== undefined) query.set(name, String(value))
  }
  for (const name of ['since', 'until']) {
    const value = argv[name]
    if (typeof value === 'string') query.set(name, timeText(value, now))
  }
  try {
    return parseFilter(query)
  } catch (error) {
    if (error instanceof BadFilter) throw new CommandFailed(`--${error.message}`, EXIT.USAGE)
    throw error
  }
}

const COLUMNS = [
  { title: 'TAPE' },
  { title: 'OPENED' },
  { title: 'LENGTH', right: true },
  { title: 'KIND' },
  { title: 'CLUSTER' },
  { title: 'USER' },
  { title: 'STATE' },
  { title: 'COMMAND', elastic: true },
] as const

async function list(tapes: Tapes, filter: TapeFilter, json: boolean, io: Io): Promise<number> {
  const rows: string[][] = []
  for await (const summary of tapes.list(filter)) {
    if (json) await io.out(`${printableJson({ ...summary, openedAt: isoTime(summary.openedAt) })}\n`)
    else rows.push(row(summary))
  }
  if (json) return EXIT.OK
  if (rows.length === 0) io.err('No tapes match.\n')
  else await io.out(table(COLUMNS, rows, io.terminal?.columns))
  const last = rows.at(-1)?.[0]
  if (rows.length === filter.limit && last !== undefined) io.err(`There may be more: add --cursor ${last}\n`)
  return EXIT.OK
}

function row(summary: TapeSummary): string[] {
  const who = summary.actor === '' ? summary.user : `${summary.user} (${summary.actor})`
  return [
    summary.id,
    isoTime(summary.openedAt).slice(0, 19).replace('T', ' '),
    durationText(summary.duration),
    summary.kind,
    summary.cluster,
    who === '' ? '-' : who,
    summary.kind === 'damaged' ? 'verify it' : summary.sealed === '' ? 'open' : summary.sealed,
    summary.line,
  ]
}
