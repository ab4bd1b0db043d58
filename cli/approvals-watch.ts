// `sallyport approvals watch`: what is asked and answered, as it happens, until it is interrupted.

import type { Argv } from 'yargs'
import { printable, printableJson } from '../replay/printable.ts'
import type { AdminApi, Json } from './admin-api.ts'
import { runWithAdmin, withAdmin } from './admin-source.ts'
import { approvalOf, commandOf } from './approval-text.ts'
import { CommandFailed, EXIT } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { Program } from './program.ts'

export function approvalsWatch<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'watch',
    'Show what is asked and answered as it happens',
    (command) =>
      withAdmin(command)
        .example('$0 approvals watch', 'Begins with what waits now; Ctrl-C ends it')
        .example('$0 approvals watch --json', 'One event a line, for a script that tells people'),
    (argv) => runWithAdmin(program, argv, 'anybody', (api, io) => watch(api, argv.json, io)),
  )
}

async function watch(api: AdminApi, json: boolean, io: Io): Promise<number> {
  const signal = io.interruption()
  try {
    for await (const line of api.lines('/v1/approvals/watch', signal)) {
      if (json) await io.out(`${printableJson(line)}\n`)
      else await io.out(eventText(line))
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  if (signal.aborted) return EXIT.INTERRUPTED
  throw new CommandFailed('the gateway has ended the stream: it stops, or your token has ended')
}

const WORDS: Readonly<Record<string, string>> = {
  standing: 'waits',
  request: 'asked',
  cancel: 'caller gone',
  return: 'caller back',
  approve: 'yes',
  deny: 'no',
  revoke: 'taken back',
  expire: 'expired',
  use: 'used',
}

/** Nothing for signs of life. */
function eventText({ event, at, approval: json }: Json): string {
  if (typeof event !== 'string' || typeof json !== 'object' || json === null) return ''
  const approval = approvalOf(json as Json)
  const { id, requester, yeses, no, mayAnswer } = approval
  const who = requester.actor === '' ? requester.user : `${requester.user} (${requester.actor})`
  const said = event === 'approve' ? yeses.at(-1) : event === 'deny' || event === 'revoke' ? no : undefined
  const by = said === undefined ? '' : ` by ${said.by}${said.reason === '' ? '' : `: ${said.reason}`}`
  const yours = mayAnswer ? '  [yours to answer]' : ''
  const time = String(at).slice(11, 19)
  return `${printable(`${time}  ${(WORDS[event] ?? event).padEnd(11)}  ${id}  ${who}: ${commandOf(approval)}${by}${yours}`)}\n`
}
