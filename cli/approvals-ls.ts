// `sallyport approvals ls`: what waits for an answer, or what became of it, newest first.

import type { Argv } from 'yargs'
import { printableJson } from '../replay/printable.ts'
import type { AdminApi, Json } from './admin-api.ts'
import { runWithAdmin, withAdmin } from './admin-source.ts'
import { type ApprovalJson, approvalOf, commandOf, spanText } from './approval-text.ts'
import { EXIT } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { Program } from './program.ts'
import { table } from './table.ts'

const STATES = ['open', 'all', 'requested', 'cancelled', 'approved', 'denied', 'expired', 'used', 'revoked'] as const

export function approvalsLs<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    ['ls', 'list'],
    'List what waits for an answer, newest first',
    (command) =>
      withAdmin(command)
        .option('state', { choices: STATES, default: 'open' as const, describe: 'What has become of it' })
        .option('user', { type: 'string', requiresArg: true, describe: 'Who asks (oidc:alice)' })
        .option('limit', { type: 'number', default: 100, requiresArg: true, describe: 'At most so many' })
        .example('$0 approvals ls', 'What waits now')
        .example('$0 approvals ls --state all --user oidc:alice --json', 'All that alice has asked for, for a script'),
    (argv) =>
      runWithAdmin(program, argv, 'anybody', async (api, io) => {
        const query = new URLSearchParams({ limit: String(argv.limit) })
        if (argv.state !== 'all') query.set('state', argv.state)
        if (argv.user !== undefined) query.set('user', argv.user)
        return printApprovals(api, 'approvals', query, argv.json, io)
      }),
  )
}

const COLUMNS = [
  { title: 'ID' },
  { title: 'ASKED', right: true },
  { title: 'STATE' },
  { title: 'WHO' },
  { title: 'CLUSTER' },
  { title: 'FROM' },
  { title: 'COMMAND', elastic: true },
] as const

/** `what`: the list of the API, which is also the word for it. */
export async function printApprovals(
  api: AdminApi,
  what: 'approvals' | 'grants',
  query: URLSearchParams,
  json: boolean,
  io: Io,
): Promise<number> {
  const answer = await api.get(`/v1/${what}?${query}`)
  const list = (answer[what] as readonly Json[] | undefined) ?? []
  if (json) for (const each of list) await io.out(`${printableJson(each)}\n`)
  else if (list.length === 0) io.err(`No ${what}.\n`)
  else {
    const rows = list.map((each) => row(approvalOf(each), io.today()))
    await io.out(table(COLUMNS, rows, io.terminal?.columns))
  }
  if (answer.cursor !== undefined) io.err('There may be more: raise --limit\n')
  return EXIT.OK
}

function row(approval: ApprovalJson, now: number): string[] {
  const { id, state, requester, cluster, approvers, requestedAt, waiting } = approval
  const age = Math.max(0, Math.round((now - Date.parse(requestedAt)) / 1000))
  const who = requester.actor === '' ? requester.user : `${requester.user} (${requester.actor})`
  return [
    id,
    `${spanText(age)} ago`,
    waiting > 0 ? `${state}, call waits` : state,
    who,
    cluster,
    approvers,
    commandOf(approval),
  ]
}
