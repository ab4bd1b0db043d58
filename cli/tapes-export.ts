// `sallyport tapes export`: a tape as an asciicast or as JSON lines, to stdout or to a file that only its owner reads.

import { open } from 'node:fs/promises'
import type { Argv } from 'yargs'
import { asciicast } from '../replay/asciicast.ts'
import { jsonLines } from '../replay/json-lines.ts'
import { NotPlayable } from '../replay/player.ts'
import { printableJson } from '../replay/printable.ts'
import { decoded, type Tapes } from '../replay/tapes.ts'
import { CommandFailed, EXIT } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { Program } from './program.ts'
import { withSource } from './source-options.ts'
import { tapeId } from './tape-id.ts'

const FORMATS = ['asciicast-v2', 'asciicast-v3', 'jsonl'] as const
type Format = (typeof FORMATS)[number]

interface ExportOptions {
  readonly id: string
  readonly format: Format
  readonly output: string | undefined
  readonly force: boolean
  readonly stdin: boolean
  readonly json: boolean
}

export function tapesExport<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'export <id>',
    'Export a tape',
    (command) =>
      withSource(command)
        .positional('id', {
          type: 'string',
          demandOption: true,
          describe: 'The tape, or "last" for the newest that fits',
        })
        .option('format', {
          alias: 'f',
          choices: FORMATS,
          default: 'jsonl' as const,
          describe: 'asciicast for terminal sessions (asciinema play FILE), jsonl for every entry of any tape',
        })
        .option('output', { alias: 'o', type: 'string', requiresArg: true, describe: 'The file; stdout if absent' })
        .option('force', { type: 'boolean', default: false, describe: 'Write over the file if it is there' })
        .option('stdin', { type: 'boolean', default: false, describe: 'asciicast: include what was typed' })
        .describe('json', 'With --output: print what was written as JSON')
        .example('$0 tapes export last -f asciicast-v3 -o session.cast', 'For asciinema')
        .example('$0 tapes export last | jq .kind', 'Every entry, for a script')
        .epilogue('An asciicast leaves out what could act on the terminal that plays it; jsonl has every byte.'),
    (argv) => program.runWithTapes(argv, (tapes, io) => exportTape(tapes, argv, io)),
  )
}

async function exportTape(tapes: Tapes, options: ExportOptions, io: Io): Promise<number> {
  const { format, output } = options
  const id = await tapeId(tapes, options.id, format === 'jsonl' ? undefined : ['exec', 'attach'])
  const lines =
    format === 'jsonl'
      ? jsonLines(tapes.entries(id))
      : asciicast(decoded(tapes.entries(id)), { version: format === 'asciicast-v2' ? 2 : 3, stdin: options.stdin })
  try {
    if (output === undefined) {
      for await (const line of lines) await io.out(line)
      return EXIT.OK
    }
    const written = await writeFile(output, lines, options.force)
    if (options.json) await io.out(`${printableJson({ tape: id, format, file: output, lines: written })}\n`)
    else io.err(`${id}: ${written} lines written to ${output}\n`)
    return EXIT.OK
  } catch (error) {
    if (!(error instanceof NotPlayable)) throw error
    throw new CommandFailed(`${error.message}; export it with --format jsonl`)
  }
}

/** Writes the lines; the first is there before the file is made, so that a tape that cannot be exported leaves none. */
async function writeFile(path: string, lines: AsyncGenerator<string>, force: boolean): Promise<number> {
  let next = await lines.next()
  const file = await open(path, force ? 'w' : 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    const fix =
      error.code === 'EEXIST'
        ? 'is there already; choose another file, or add --force'
        : `cannot be written (${error.code})`
    throw new CommandFailed(`${path} ${fix}`)
  })
  try {
    let count = 0
    for (; !next.done; next = await lines.next()) {
      await file.writeFile(next.value)
      count++
    }
    return count
  } finally {
    await file.close()
  }
}
