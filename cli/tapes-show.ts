// `sallyport tapes show`: one tape as a timeline of kubectl-shaped lines, with decisions, answers and times.

import type { Argv } from 'yargs'
import type { OpenBody } from '../protocols/tape/entry.ts'
import { isoTime } from '../replay/json-lines.ts'
import { printable, printableJson } from '../replay/printable.ts'
import { decoded, type Tapes } from '../replay/tapes.ts'
import { type CallRow, type ConnectionRow, type NoteRow, type TimelineRow, timeline } from '../replay/timeline.ts'
import { EXIT } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { Program } from './program.ts'
import { withSource } from './source-options.ts'
import { coloured, durationText, sizeText } from './table.ts'
import { tapeId } from './tape-id.ts'

export function tapesShow<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'show <id>',
    'Show what happened on a tape',
    (command) =>
      withSource(command)
        .positional('id', { type: 'string', demandOption: true, describe: 'The tape, or "last" for the newest' })
        .example('$0 tapes show last', 'The newest tape')
        .example('$0 tapes show 01KAQ9V2Y8J4M6T3S5R7W9X0ZC --json', 'Its rows, for a script'),
    (argv) => program.runWithTapes(argv, async (tapes, io) => show(tapes, await tapeId(tapes, argv.id), argv.json, io)),
  )
}

async function show(tapes: Tapes, id: string, json: boolean, io: Io): Promise<number> {
  let open: OpenBody | undefined
  async function* opening() {
    for await (const entry of decoded(tapes.entries(id))) {
      if (entry.kind === 'open') {
        open = entry.body
        if (!json) await io.out(heading(entry.body, io))
      }
      yield entry
    }
  }
  let sealed = false
  for await (const row of timeline(opening())) {
    const time = isoTime((open?.openedAt ?? 0) + row.micros)
    sealed ||= row.row === 'seal'
    await io.out(json ? `${printableJson({ time, ...row })}\n` : rowText(row, time.slice(11, 23), io))
  }
  if (!sealed && !json) io.err('The tape is still open.\n')
  return EXIT.OK
}

function heading(open: OpenBody, io: Io): string {
  const previous = open.previous === undefined ? '' : `, continues ${open.previous}`
  const where = open.kind === 'control' ? '' : ` on ${open.cluster} from ${open.client}`
  const about = `${open.kind}${where}, opened ${isoTime(open.openedAt)}${previous}`
  return `${coloured(printable(open.tape), 'bold', io.colours)}  ${printable(about)}\n`
}

function rowText(row: TimelineRow, time: string, io: Io): string {
  switch (row.row) {
    case 'call':
      return callText(row, time, io)
    case 'connection':
      return `${time}       ${connectionText(row)}\n`
    case 'seal':
      return `${time}       ${coloured(printable(`sealed: ${row.reason}, ${row.entries} entries`), 'dim', io.colours)}\n`
    default:
      return `${time}       ${coloured(noteText(row), 'yellow', io.colours)}\n`
  }
}

const EFFECTS = { allow: 'allowed', deny: 'denied', ask: 'put to people' } as const

/** Time, status, how long it took, the line, who; what was refused has its reason on a line of its own. */
function callText(row: CallRow, time: string, io: Io): string {
  const refused = row.effect === 'deny' || row.effect === 'ask'
  const failed = refused || (row.status ?? 0) >= 400
  const status = coloured(String(row.status ?? '-').padStart(3), failed ? 'red' : 'green', io.colours)
  const took = durationText(row.duration).padStart(9)
  const who = row.actor === '' ? row.user : `${row.user} (${row.actor})`
  const facts = [
    row.sent > 0 ? `${sizeText(row.sent)} sent` : '',
    row.received > 0 ? `${sizeText(row.received)} received` : '',
    row.exitCode === undefined ? '' : `exit code ${row.exitCode}`,
    row.cut ? 'not all bytes are on the tape' : '',
    row.broken ? 'ended early' : '',
    row.effect === undefined ? '' : `${EFFECTS[row.effect]} by ${row.rule}`,
    row.approval === '' ? '' : `approval ${row.approval}`,
    row.run === '' ? '' : `run ${row.run}`,
    row.ticket === '' ? '' : `ticket ${row.ticket}`,
    row.intent === '' ? '' : `"${row.intent}"`,
  ].filter((fact) => fact !== '')
  const rest = facts.length === 0 ? '' : `; ${facts.join(', ')}`
  const about = coloured(printable(`${who === '' ? 'nobody' : who}${rest}`), 'dim', io.colours)
  const reason = refused ? `${' '.repeat(19)}${coloured(printable(row.reason), 'red', io.colours)}\n` : ''
  return `${time}  ${status} ${took}  ${coloured(row.line, 'bold', io.colours)}  ${about}\n${reason}`
}

function connectionText(row: ConnectionRow): string {
  const port = row.port === undefined ? '' : ` to port ${row.port}`
  const error = row.errorBytes > 0 ? ', failed in the pod' : ''
  const sums = `${sizeText(row.sent)} sent, ${sizeText(row.received)} received, ${durationText(row.duration)}`
  return `connection ${row.connection}${port}: ${sums}${error}`
}

/** What people do has some twenty facts, most of them in the text already: `--json` has all. */
const CONSENT = /^(?:approvals|grants|locks)\./
const CONSENT_FACTS: ReadonlySet<string> = new Set(['approval', 'lock', 'reason', 'ticket'])

function noteText(row: NoteRow): string {
  const told = Object.entries(row.facts).filter(
    ([name, value]) => !CONSENT.test(row.code) || (CONSENT_FACTS.has(name) && value !== ''),
  )
  const facts = told.map(([name, value]) => `${name}=${String(value)}`)
  const rest = facts.length === 0 ? '' : ` (${facts.join(', ')})`
  return printable(`${row.row} ${row.code}: ${row.text}${rest}`)
}
