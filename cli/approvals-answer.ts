// `sallyport approvals approve | deny | revoke`: a person's answer, given to exactly what they were shown: the cluster goes
// with it, and the id is of what never changes.

import type { Argv } from 'yargs'
import { printable, printableJson } from '../replay/printable.ts'
import type { AdminApi, Json } from './admin-api.ts'
import { runWithAdmin, withAdmin } from './admin-source.ts'
import { type ApprovalJson, approvalOf, approvalText, commandOf, timeText } from './approval-text.ts'
import { CommandFailed, EXIT } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { Program } from './program.ts'

/** The options of an answer. */
function withAnswer<T>(yargs: Argv<T>) {
  return withAdmin(yargs)
    .positional('id', { type: 'string', demandOption: true, describe: 'The approval, as `approvals ls` names it' })
    .option('reason', { type: 'string', default: '', requiresArg: true, describe: 'Why; told to whoever asks' })
    .option('ticket', { type: 'string', default: '', requiresArg: true, describe: 'The ticket that it is for' })
}

export function approvalsApprove<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'approve <id>',
    'Say yes, once you have seen what to',
    (command) =>
      withAnswer(command)
        .option('yes', { alias: 'y', type: 'boolean', default: false, describe: 'Do not ask whether you are sure' })
        .example('$0 approvals approve 4be0643f1d98573b97dc', 'Shows it, and asks')
        .example('$0 approvals approve 4be0643f1d98573b97dc --yes --ticket OPS-1', 'Without asking'),
    (argv) =>
      runWithAdmin(program, argv, 'person', async (api, io) => {
        const seen = await look(api, argv.id)
        if (!argv.yes && !(await isSure(seen, io))) {
          io.err('Not approved.\n')
          return EXIT.FAILURE
        }
        return answer(api, seen, 'yes', argv, io)
      }),
  )
}

export function approvalsDeny<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'deny <id>',
    'Say no',
    (command) =>
      withAnswer(command).example('$0 approvals deny 4be0643f1d98573b97dc --reason "not before the release"', ''),
    (argv) =>
      runWithAdmin(program, argv, 'person', async (api, io) => answer(api, await look(api, argv.id), 'no', argv, io)),
  )
}

export function approvalsRevoke<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'revoke <id>',
    'Take a yes back that is still good',
    (command) => withAnswer(command).example('$0 approvals revoke 4be0643f1d98573b97dc --reason "wrong pod"', ''),
    (argv) =>
      runWithAdmin(program, argv, 'person', async (api, io) => {
        const body = { reason: argv.reason, ticket: argv.ticket, via: 'cli' }
        return printOutcome(await api.post(`/v1/approvals/${encodeURIComponent(argv.id)}/revoke`, body), argv.json, io)
      }),
  )
}

async function look(api: AdminApi, id: string): Promise<ApprovalJson> {
  return approvalOf(await api.get(`/v1/approvals/${encodeURIComponent(id)}`))
}

async function isSure(approval: ApprovalJson, io: Io): Promise<boolean> {
  if (io.ask === undefined) {
    throw new CommandFailed('nobody is there to be asked; look with `approvals show`, then add --yes', EXIT.USAGE)
  }
  io.err(`${approvalText(approval, io.today(), io)}\n`)
  return /^y(?:es)?$/i.test((await io.ask('Approve this? [y/N] ')).trim())
}

async function answer(
  api: AdminApi,
  { id, cluster }: ApprovalJson,
  said: 'yes' | 'no',
  { reason, ticket, json }: { readonly reason: string; readonly ticket: string; readonly json: boolean },
  io: Io,
): Promise<number> {
  const body = { answer: said, reason, ticket, cluster, via: 'cli' }
  return printOutcome(await api.post(`/v1/approvals/${encodeURIComponent(id)}/answer`, body), json, io)
}

/** What has become of it, in a line. */
export async function printOutcome(answered: Json, json: boolean, io: Io): Promise<number> {
  if (json) {
    await io.out(`${printableJson(answered)}\n`)
    return EXIT.OK
  }
  const approval = approvalOf(answered)
  const { id, state, approvers, validUntil } = approval
  const until = validUntil === undefined ? '' : ` until ${timeText(validUntil, io.today())}`
  const text =
    state === 'requested' || state === 'cancelled'
      ? `${id} has ${approval.yeses.length} yes and waits for the others: ${approvers}`
      : `${id} is ${state}${state === 'approved' ? until : ''}: ${commandOf(approval)}`
  await io.out(`${printable(text)}\n`)
  return EXIT.OK
}
