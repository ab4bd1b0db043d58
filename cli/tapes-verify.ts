// `sallyport tapes verify`: whether tapes are what was recorded, and whether all of it is there, each said apart. The
// first bad entry is named, and anything wrong ends the command with its own exit code.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Argv } from 'yargs'
import { parseVerifierKey, type VerifierKey } from '../protocols/tape/checkpoint.ts'
import { TapeError } from '../protocols/tape/errors.ts'
import type { TapeReport } from '../protocols/tape/verify.ts'
import type { KeptCheckpoint } from '../protocols/tape/verify-log.ts'
import { printable, printableJson } from '../replay/printable.ts'
import type { Tapes } from '../replay/tapes.ts'
import {
  isWhole,
  type LogFindings,
  type VerificationOptions,
  verifyEach,
  verifyWholeLog,
} from '../replay/verification.ts'
import { CommandFailed, EXIT } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { Program } from './program.ts'
import { DATA, withSource } from './source-options.ts'
import { coloured } from './table.ts'
import { tapeId } from './tape-id.ts'

export function tapesVerify<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'verify [ids..]',
    'Verify tapes and the log: all, or the named tapes',
    (command) =>
      withSource(command)
        .positional('ids', { type: 'string', array: true, default: [], describe: 'Tapes, or "last"; all if absent' })
        .option('key', {
          type: 'string',
          requiresArg: true,
          describe: "File with the log's public key (default log-key.pub in the data directory)",
        })
        .option('checkpoint', {
          type: 'string',
          array: true,
          // One file each time it is given: what follows are tapes.
          nargs: 1,
          default: [],
          describe: 'File with a checkpoint that was kept elsewhere; may be given again',
        })
        .example('$0 tapes verify', 'All tapes of the store, and those that only the log knows')
        .example('$0 tapes verify last --json', 'The newest tape, for a script')
        .example('$0 tapes verify --checkpoint witness.txt --key log.pub', 'Against what a witness has kept')
        .epilogue(
          'Integrity: what is there is what was recorded. Completeness: nothing that the log has signed is missing.',
        ),
    (argv) =>
      program.runWithTapes(argv, async (tapes, io) => {
        const ids = await Promise.all(argv.ids.map((id) => tapeId(tapes, id)))
        const beside = await keptBeside(argv.admin === undefined ? (argv.data ?? DATA) : undefined)
        const options = {
          key: argv.key === undefined ? beside.key : keyOf(argv.key, await text(argv.key)),
          checkpoints: [...beside.checkpoints, ...(await Promise.all(argv.checkpoint.map(kept)))],
          ...(ids.length > 0 && { ids }),
        }
        return verify(tapes, options, argv.json, io)
      }),
  )
}

async function verify(tapes: Tapes, options: VerificationOptions, json: boolean, io: Io): Promise<number> {
  const log = await verifyWholeLog(tapes, options)
  let count = 0
  let bad = 0
  for await (const report of verifyEach(tapes, log, options)) {
    count++
    if (!isWhole(report)) bad++
    if (io.progress) io.err('\r\x1b[K')
    await io.out(json ? `${printableJson({ ...report, ok: isWhole(report) })}\n` : reportText(report, io))
    if (io.progress) io.err(`${count} verified, ${bad} with faults …`)
  }
  if (io.progress) io.err('\r\x1b[K')
  const problems = logProblems(log)
  if (json) await io.out(`${printableJson(logJson(log, problems))}\n`)
  else await io.out(summaryText(log, problems, count, bad, options, io))
  return bad === 0 && problems.length === 0 ? EXIT.OK : EXIT.VERIFICATION
}

function reportText(report: TapeReport, io: Io): string {
  const verdict = isWhole(report) ? coloured('ok    ', 'green', io.colours) : coloured('FAULT ', 'red', io.colours)
  const integrity = report.integrity.padEnd(6)
  const completeness = report.completeness.padEnd(10)
  const lines = [`${verdict} ${printable(report.tape)}  ${integrity}  ${completeness}  ${report.entries} entries\n`]
  for (const { fault, message, seq } of report.problems) {
    lines.push(`       ${coloured(printable(`entry ${seq} ${fault}: ${message}`), 'red', io.colours)}\n`)
  }
  return lines.join('')
}

/** What is wrong with the log, in sentences. */
function logProblems(log: LogFindings): string[] {
  const problems = log.problems.map(({ fault, message, where }) => `${where}: ${fault}: ${message}`)
  if (log.checkpoints === 0) problems.push('there is no checkpoint, so nothing shows that no tape is missing')
  return problems
}

function logJson(log: LogFindings, problems: readonly string[]): object {
  const root = Buffer.from(log.root).toString('hex')
  const { checkpoints, signed, size } = log
  return { log: { leaves: size, signed, root, checkpoints, ok: problems.length === 0, problems } }
}

function summaryText(
  log: LogFindings,
  problems: readonly string[],
  count: number,
  bad: number,
  options: VerificationOptions,
  io: Io,
): string {
  const tapes = `${count} ${count === 1 ? 'tape' : 'tapes'}, ${bad === 0 ? 'none' : bad} with faults`
  const signatures = options.key === undefined ? '; signatures not checked (no --key)' : ''
  const lines = [`${tapes}; log of ${log.size} leaves, ${log.signed} under a checkpoint${signatures}\n`]
  for (const problem of problems) lines.push(`${coloured(printable(`log: ${problem}`), 'red', io.colours)}\n`)
  return lines.join('')
}

/**
 * What the gateway keeps beside the store. Whoever can change the store can change these as well: copies that were taken
 * elsewhere, given with --key and --checkpoint, show what these cannot.
 */
async function keptBeside(data: string | undefined): Promise<Omit<VerificationOptions, 'ids'>> {
  if (data === undefined) return { key: undefined, checkpoints: [] }
  const key = join(data, 'log-key.pub')
  const checkpoint = join(data, 'checkpoint')
  const [formatted, note] = await Promise.all([readable(key), readable(checkpoint)])
  return {
    key: formatted === undefined ? undefined : keyOf(key, formatted),
    checkpoints: note === undefined ? [] : [{ source: checkpoint, note }],
  }
}

function keyOf(path: string, formatted: string): VerifierKey {
  try {
    return parseVerifierKey(formatted)
  } catch (error) {
    if (error instanceof TapeError) throw new CommandFailed(`${path} holds no key of a log: ${error.message}`)
    throw error
  }
}

async function kept(path: string): Promise<KeptCheckpoint> {
  return { source: path, note: await text(path) }
}

async function readable(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new CommandFailed(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

async function text(path: string): Promise<string> {
  const found = await readable(path)
  if (found === undefined) throw new CommandFailed(`${path} is not there`)
  return found
}
