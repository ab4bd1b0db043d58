// `sallyport policy replay`: the time machine. Past calls on tape, decided again by another policy at their own time: which
// of them would pass now, and which would not.

import type { Argv } from 'yargs'
import { isoTime } from '../replay/json-lines.ts'
import { printable, printableJson } from '../replay/printable.ts'
import type { Tapes } from '../replay/tapes.ts'
import { EXIT } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { Change } from './policy-past.ts'
import { loadPolicy } from './policy-problems.ts'
import type { Program } from './program.ts'
import { withSource } from './source-options.ts'
import { table } from './table.ts'
import { sinceOf } from './time-text.ts'

/** Kinds of change that are listed; what comes after these is counted. */
const GROUPS = 1_000

export function policyReplay<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'replay',
    'Replay past calls under another policy: which would be decided differently',
    (command) =>
      withSource(command)
        .option('policy', { type: 'string', demandOption: true, requiresArg: true, describe: 'The policy to try' })
        .option('since', {
          type: 'string',
          default: '30d',
          requiresArg: true,
          describe: 'Calls since: a time, or 30m, 12h, 7d ago',
        })
        .option('cluster', { type: 'string', requiresArg: true, describe: 'Only calls to this cluster' })
        .example('$0 policy replay --policy new.yaml --since 30d', 'What the new rules would have changed')
        .example('$0 policy replay --policy new.yaml --json', 'Each call that differs, for a script')
        .epilogue('Calls whose bodies are not whole on tape are named as uncertain where a rule reads them.'),
    (argv) =>
      program.runWithTapes(argv, async (tapes, io) => {
        const since = sinceOf('since', argv.since, io.today())
        const policy = await loadPolicy(argv.policy)
        const { Past } = await import('./policy-past.ts')
        return replay(tapes, new Past(policy, since, argv.cluster), argv.json, io)
      }),
  )
}

interface Group {
  count: number
  latest: Change
}

async function replay(tapes: Tapes, past: import('./policy-past.ts').Past, json: boolean, io: Io): Promise<number> {
  const groups = new Map<string, Group>()
  let further = 0
  for await (const change of past.changes(tapes)) {
    if (json) {
      await io.out(`${printableJson({ ...change, time: isoTime(change.time) })}\n`)
      continue
    }
    const { was, becomes, user, actor, verb, resource, namespace, uncertain } = change
    const key = JSON.stringify([was, becomes, user, actor, verb, resource, namespace, uncertain])
    const group = groups.get(key)
    if (group !== undefined) {
      group.count += 1
      if (change.time > group.latest.time) group.latest = change
    } else if (groups.size < GROUPS) groups.set(key, { count: 1, latest: change })
    else further += 1
  }
  const { calls, changed, uncertain, damaged } = past.sums
  if (json) await io.out(`${printableJson({ calls, changed, uncertain, damaged })}\n`)
  else {
    const rows = [...groups.values()].sort((a, b) => b.count - a.count).map(row)
    if (rows.length > 0) await io.out(table(COLUMNS, rows, io.terminal?.columns))
    if (further > 0) await io.out(`… and ${further} more calls\n`)
    await io.out(`${calls} calls, ${changed === 0 ? 'none' : changed} would be decided differently\n`)
    if (uncertain > 0)
      io.err(`${uncertain} are uncertain (?): a rule reads a body that is not on tape as it was sent.\n`)
  }
  for (const id of damaged) io.err(`Tape ${printable(id)} cannot be read: see it with \`tapes verify\`.\n`)
  return damaged.length === 0 ? EXIT.OK : EXIT.FAILURE
}

const COLUMNS = [
  { title: 'CALLS', right: true },
  { title: 'WAS' },
  { title: 'BECOMES' },
  { title: 'USER' },
  { title: 'LATEST' },
  { title: 'COMMAND', elastic: true },
] as const

function row({ count, latest }: Group): string[] {
  const { was, becomes, user, actor, time, line, uncertain } = latest
  return [
    String(count),
    `${was.effect} (${was.rule})`,
    `${becomes.effect} (${becomes.rule})${uncertain ? ' ?' : ''}`,
    actor === '' ? user : `${user} (${actor})`,
    isoTime(time).slice(0, 19).replace('T', ' '),
    line,
  ]
}
