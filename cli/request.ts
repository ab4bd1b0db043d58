// `sallyport request`: asks for standing access, for a time: what the policy offers and people allow.

import type { Argv } from 'yargs'
import { printable, printableJson } from '../replay/printable.ts'
import type { AdminApi } from './admin-api.ts'
import { runWithAdmin, withAdmin } from './admin-source.ts'
import { type ApprovalJson, approvalOf } from './approval-text.ts'
import { printOutcome } from './approvals-answer.ts'
import { CommandFailed, EXIT } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { Program } from './program.ts'
import { REQUEST_WORDS, requestWords } from './request-words.ts'

const words = { type: 'string', array: true, default: [] as string[], requiresArg: true } as const

export function request<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'request [what]',
    'Ask for standing access, for a time',
    (command) =>
      withAdmin(command)
        .positional('what', { choices: REQUEST_WORDS, describe: 'What for, in a word' })
        .option('verb', { ...words, describe: 'Verbs, if not those of the word: get, patch, exec, …' })
        .option('resource', { ...words, describe: 'Resources, if not those of the word: pods, deployments, …' })
        .option('namespace', { ...words, alias: 'n', describe: 'Namespaces' })
        .option('all-namespaces', {
          type: 'boolean',
          alias: 'A',
          default: false,
          describe: 'All of them, and what is in none',
        })
        .option('cluster', { type: 'string', requiresArg: true, describe: "The cluster (the gateway's default)" })
        .option('for', { type: 'string', default: '30m', requiresArg: true, describe: 'How long: 30m, 2h' })
        .option('actor', { type: 'string', requiresArg: true, describe: 'An agent of yours that is to have it' })
        .option('reason', { type: 'string', default: '', requiresArg: true, describe: 'Why' })
        .option('ticket', { type: 'string', default: '', requiresArg: true, describe: 'The ticket that it is for' })
        .option('wait', { type: 'boolean', default: false, describe: 'Wait for the answer' })
        .group(['verb', 'resource', 'namespace', 'all-namespaces', 'cluster', 'for', 'actor'], 'What for:')
        .example('$0 request edit -n prod --for 30m --ticket OPS-1 --reason "roll back web"', '')
        .example('$0 request shell -n prod --actor claude --wait', 'A shell in the pods of prod, for your agent')
        .example('$0 request --verb patch --resource deployments/scale -n web', '')
        .epilogue('What may be asked for is in `sallyport access`.'),
    (argv) =>
      runWithAdmin(program, argv, 'person', async (api, io) => {
        const { cluster, actor, reason, ticket } = argv
        const namespaces = argv.namespace.flatMap((name) => name.split(',')).filter((name) => name !== '')
        if (argv.allNamespaces === namespaces.length > 0) {
          throw new CommandFailed('name namespaces with -n, or take all of them with -A', EXIT.USAGE)
        }
        if (!/^\d{1,5}[smhd]$/.test(argv.for))
          throw new CommandFailed('--for must be a time such as 30m or 2h', EXIT.USAGE)
        const body = {
          ...requestWords(argv.what, argv.verb, argv.resource),
          namespaces: argv.allNamespaces ? 'all' : namespaces,
          duration: argv.for,
          reason,
          ticket,
          ...(cluster !== undefined && { cluster }),
          ...(actor !== undefined && { actor }),
        }
        const asked = await api.post('/v1/grants', body)
        if (argv.wait && isOpen(approvalOf(asked))) return waited(api, approvalOf(asked), argv.json, io)
        if (argv.json) await io.out(`${printableJson(asked)}\n`)
        else await io.out(askedText(approvalOf(asked)))
        return EXIT.OK
      }),
  )
}

function isOpen({ state }: ApprovalJson): boolean {
  return state === 'requested' || state === 'cancelled'
}

function askedText(approval: ApprovalJson): string {
  const { id, state, command, approvers } = approval
  if (!isOpen(approval)) return printable(`${id} is ${state} already: ${command}`).concat('\n')
  const next = `${approvers} can answer: sallyport approvals approve ${id}`
  return `${printable(`Asked for: ${command}`)}\n${printable(next)}\n`
}

/** Until there is an answer. A no ends it with a code of its own. */
async function waited(api: AdminApi, { id, approvers }: ApprovalJson, json: boolean, io: Io): Promise<number> {
  const signal = io.interruption()
  io.err(printable(`${id} waits for ${approvers}`).concat('\n'))
  try {
    for await (const { approval } of api.lines(`/v1/approvals/watch?id=${encodeURIComponent(id)}`, signal)) {
      if (typeof approval !== 'object' || approval === null) continue
      const now = approvalOf(approval as Readonly<Record<string, unknown>>)
      if (isOpen(now)) continue
      if (now.state === 'approved') return await printOutcome(approval as Readonly<Record<string, unknown>>, json, io)
      const why = now.no === undefined ? '' : ` by ${now.no.by}${now.no.reason === '' ? '' : `: ${now.no.reason}`}`
      throw new CommandFailed(printable(`${id} is ${now.state}${why}`), EXIT.REFUSED)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  if (signal.aborted) return EXIT.INTERRUPTED
  throw new CommandFailed(`the gateway has ended the stream; see \`approvals show ${id}\``)
}
