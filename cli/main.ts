// A command line -> the command that it names, and an exit code. What goes wrong is one line on stderr that says what to
// do; a stack trace is printed for our own bugs alone.

import { readFileSync } from 'node:fs'
import yargs, { type Argv } from 'yargs'
import { printable } from '../replay/printable.ts'
import { DamagedTape } from '../replay/stream-runs.ts'
import { NoSuchTape, type Tapes, TapesUnavailable } from '../replay/tapes.ts'
import { access, whoami } from './access.ts'
import { approvalsApprove, approvalsDeny, approvalsRevoke } from './approvals-answer.ts'
import { approvalsLs } from './approvals-ls.ts'
import { approvalsShow } from './approvals-show.ts'
import { approvalsWatch } from './approvals-watch.ts'
import { demo } from './demo.ts'
import { CommandFailed, EXIT, EXIT_CODES_HELP } from './exit-codes.ts'
import { grantsLs, grantsRevoke } from './grants.ts'
import { type Io, ReaderGone } from './io.ts'
import { lock, locks, unlock } from './lock.ts'
import { maskTest } from './mask-test.ts'
import { policyCheck } from './policy-check.ts'
import { policyExplain } from './policy-explain.ts'
import { policyReplay } from './policy-replay.ts'
import { policySchema } from './policy-schema.ts'
import { policyTest } from './policy-test.ts'
import type { Program, SourceOptions } from './program.ts'
import { request } from './request.ts'
import { serve } from './serve.ts'
import { tapesExport } from './tapes-export.ts'
import { tapesLs } from './tapes-ls.ts'
import { tapesOriginals } from './tapes-originals.ts'
import { tapesPlay } from './tapes-play.ts'
import { tapesShow } from './tapes-show.ts'
import { tapesVerify } from './tapes-verify.ts'

/** Lines of help are no longer than this, and no longer than the terminal. */
const HELP_WIDTH = 110

/** How the options' tapes are opened; tests have their own. */
export type OpenTapes = (options: SourceOptions) => Promise<Tapes>

/** Loaded when it is needed: help and version do without LevelDB. */
const openNamed: OpenTapes = async (options) => (await import('./source.ts')).openTapes(options)

/** Runs one command line (without node and the script). Resolves with the exit code and never rejects. */
export async function main(argv: readonly string[], io: Io, open: OpenTapes = openNamed): Promise<number> {
  let code: number = EXIT.OK
  const program: Program = {
    async run(work) {
      code = await work(io)
    },
    async runWithTapes(options, work) {
      const tapes = await open(options)
      try {
        code = await work(tapes, io)
      } finally {
        await tapes.close()
      }
    },
  }
  try {
    let output = ''
    await commands(yargs(), program, io).parseAsync(argv, {}, (_error, _argv, text) => {
      output = text
    })
    if (output !== '') await io.out(`${output}\n`)
    return code
  } catch (error) {
    return failed(error, io)
  }
}

function commands(parser: Argv, program: Program, io: Io): Argv {
  const width = Math.min(HELP_WIDTH, io.terminal?.columns ?? HELP_WIDTH)
  const top = parser
    .scriptName('sallyport')
    .usage(
      '$0 <command>\n\nA gateway in front of Kubernetes API servers: it records all that passes and decides what may.',
    )
    .locale('en')
    .wrap(width)
    .version(version())
    .alias('help', 'h')
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      // Of some wrong usage yargs makes an error of its own.
      if (error !== undefined && error.name !== 'YError') throw error
      // yargs lists wrong values over several lines, and repeats what was typed.
      const text = message ?? error?.message ?? 'wrong usage'
      throw new CommandFailed(printable(text.replace(/\s+/g, ' ')), EXIT.USAGE)
    })
    .strict()
    .demandCommand(1, 'name a command')
    .epilogue(EXIT_CODES_HELP)
  for (const add of [serve, demo, whoami, access, request]) add(top, program)
  top.command('approvals', 'List, show and answer what waits for a yes', (approvals) => {
    for (const add of [approvalsLs, approvalsShow, approvalsApprove, approvalsDeny, approvalsRevoke, approvalsWatch]) {
      add(approvals, program)
    }
    return approvals.demandCommand(1, 'name a command for approvals')
  })
  top.command('grants', 'List standing access, and take it back', (grants) => {
    for (const add of [grantsLs, grantsRevoke]) add(grants, program)
    return grants.demandCommand(1, 'name a command for grants')
  })
  for (const add of [lock, unlock, locks]) add(top, program)
  top.command('policy', 'Check, explain, test and replay policies', (policy) => {
    for (const add of [policyCheck, policyExplain, policyTest, policyReplay, policySchema]) add(policy, program)
    return policy.demandCommand(1, 'name a command for policies')
  })
  top.command('mask', 'Show what is masked, and for whom', (mask) => {
    maskTest(mask, program)
    return mask.demandCommand(1, 'name a command for masks')
  })
  return top.command('tapes', 'List, show, play, verify and export what was recorded', (tapes) => {
    for (const add of [tapesLs, tapesShow, tapesPlay, tapesVerify, tapesExport, tapesOriginals]) add(tapes, program)
    return tapes.demandCommand(1, 'name a command for tapes')
  })
}

/** Says what went wrong; the exit code for it. */
function failed(error: unknown, io: Io): number {
  if (error instanceof ReaderGone) return EXIT.OK
  if (error instanceof CommandFailed) {
    const hint = error.code === EXIT.USAGE ? ' (see --help)' : ''
    io.err(`sallyport: ${error.message}${hint}\n`)
    return error.code
  }
  if (error instanceof NoSuchTape || error instanceof DamagedTape || error instanceof TapesUnavailable) {
    io.err(`sallyport: ${error.message}\n`)
    return EXIT.FAILURE
  }
  io.err(`sallyport: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return EXIT.FAILURE
}

/** The package's version. Its package.json is one directory up from cli/ in the sources, two from dist/cli/. */
function version(): string {
  const up = import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json'
  const { version } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string }
  return version
}
