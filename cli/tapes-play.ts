// `sallyport tapes play`: a recorded terminal session on this terminal, in its own time or faster.

import type { Argv } from 'yargs'
import { NotPlayable, type Played, type PlayOptions, play, type Screen } from '../replay/player.ts'
import { printable, printableJson } from '../replay/printable.ts'
import type { TerminalSize } from '../replay/stream-runs.ts'
import { decoded, type Tapes } from '../replay/tapes.ts'
import { CommandFailed, EXIT } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { Program } from './program.ts'
import { withSource } from './source-options.ts'
import { durationText } from './table.ts'
import { tapeId } from './tape-id.ts'

export function tapesPlay<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'play <id>',
    'Play a terminal session (exec, attach)',
    (command) =>
      withSource(command)
        .positional('id', {
          type: 'string',
          demandOption: true,
          describe: 'The tape, or "last" for the newest session',
        })
        .option('speed', {
          type: 'string',
          default: '1',
          describe: 'How fast: 2 is twice as fast, "max" does not wait',
        })
        .option('max-idle', {
          type: 'string',
          requiresArg: true,
          describe: 'The longest pause, in seconds of the recording',
        })
        .option('stdin', { type: 'boolean', default: false, describe: 'Show what was typed as well' })
        .describe('json', 'Print one object for each piece shown, instead of playing')
        .example('$0 tapes play last', 'The newest session')
        .example('$0 tapes play last --speed 4 --max-idle 1', 'Four times as fast, pauses of a second at most')
        .epilogue('What could act on this terminal (titles, clipboard, questions, modes) is left out.'),
    (argv) =>
      program.runWithTapes(argv, async (tapes, io) => {
        const speed = argv.speed === 'max' || argv.json ? Number.POSITIVE_INFINITY : positive('--speed', argv.speed)
        const maxIdle =
          argv.maxIdle === undefined ? Number.POSITIVE_INFINITY : positive('--max-idle', argv.maxIdle) * 1000
        const id = await tapeId(tapes, argv.id, ['exec', 'attach'])
        return playTape(tapes, id, { speed, maxIdle, stdin: argv.stdin }, argv.json, io)
      }),
  )
}

async function playTape(
  tapes: Tapes,
  id: string,
  options: Pick<PlayOptions, 'speed' | 'maxIdle' | 'stdin'>,
  json: boolean,
  io: Io,
): Promise<number> {
  const screen: Screen = {
    write: (text, micros) => io.out(json ? `${printableJson({ micros, text })}\n` : text),
    resized: (size) => {
      if (!json) io.err(sizeHint(size, io))
    },
  }
  try {
    const played = await play(decoded(tapes.entries(id)), screen, {
      ...options,
      clock: io.clock,
      signal: io.interruption(),
    })
    if (!json) io.err(`\n${ending(played)}\n`)
    return EXIT.OK
  } catch (error) {
    if (error instanceof NotPlayable)
      throw new CommandFailed(`${error.message}; see it with: sallyport tapes show ${id}`)
    if (error instanceof Error && error.name === 'AbortError') return EXIT.INTERRUPTED
    throw error
  }
}

/** A picture drawn for a larger terminal looks broken on a smaller one; nothing is said where it fits. */
function sizeHint({ columns, rows }: TerminalSize, { terminal }: Io): string {
  if (terminal === undefined || (terminal.columns >= columns && terminal.rows >= rows)) return ''
  return `[recorded at ${columns}x${rows}, this terminal is ${terminal.columns}x${terminal.rows}]\n`
}

function ending({ micros, dropped, exitCode, sealed }: Played): string {
  const facts = [durationText(micros)]
  if (exitCode !== undefined) facts.push(`exit code ${exitCode}`)
  facts.push(sealed === '' ? 'still open' : `ended: ${printable(sealed)}`)
  if (dropped > 0) facts.push(`${dropped} control sequences left out`)
  return `[${facts.join(', ')}]`
}

function positive(option: string, text: string): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0
  if (number > 0 && Number.isFinite(number)) return number
  throw new CommandFailed(`${option} must be a number above 0`, EXIT.USAGE)
}
