// `sallyport policy explain`: what becomes of a kubectl command under a policy, request by request: which rule decides, why
// the others do not, and what would be needed.

import { readFileSync } from 'node:fs'
import type { Argv } from 'yargs'
import type { Decision } from '../gateway/decision.ts'
import type { Considered, Explanation } from '../gateway/policy/explain-decision.ts'
import type { Effect, Policy } from '../gateway/policy/policy.ts'
import { printable, printableJson } from '../replay/printable.ts'
import { CommandFailed, EXIT, EXIT_CODES_HELP } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { Plan } from './policy-kubectl.ts'
import { loadPolicy } from './policy-problems.ts'
import type { Caller } from './policy-question.ts'
import type { PlannedRequest } from './policy-requests.ts'
import type { Program } from './program.ts'
import { coloured } from './table.ts'

/** A caller whom no rule names. */
const SOMEBODY = '(somebody)'

export function policyExplain<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'explain',
    'Explain what a policy says of a kubectl command, request by request',
    (command) =>
      command
        .usage(
          '$0 policy explain [options] -- kubectl COMMAND\n\nExplain what a policy says of a kubectl command, request by request',
        )
        // Words behind "--" stay words: a pod may be called 007.
        .parserConfiguration({ 'populate--': true, 'parse-positional-numbers': false })
        .option('policy', {
          type: 'string',
          requiresArg: true,
          describe: 'The policy; without it that of a gateway that has none',
        })
        .option('as-user', { type: 'string', requiresArg: true, describe: 'Who calls, with the prefix: oidc:alice' })
        .option('as-group', {
          type: 'string',
          array: true,
          nargs: 1,
          default: [],
          describe: 'A group of theirs; may be given again',
        })
        .option('as-actor', { type: 'string', default: '', requiresArg: true, describe: 'The agent acting for them' })
        .option('as-run', {
          type: 'string',
          default: '',
          requiresArg: true,
          describe: 'The run that the agent says it is in',
        })
        .option('cluster', { type: 'string', requiresArg: true, describe: 'The cluster' })
        .option('at', {
          type: 'string',
          requiresArg: true,
          describe: 'When, as in 2026-11-23T12:00:00Z; now if absent',
        })
        .option('json', { type: 'boolean', default: false, describe: 'Print JSON, one object a request' })
        .group(['as-user', 'as-group', 'as-actor', 'as-run', 'cluster', 'at'], 'Who calls, where and when:')
        .example('$0 policy explain --policy policy.yaml --as-user oidc:ann -- kubectl delete pod x -n prod', '')
        .example('$0 policy explain --policy policy.yaml --as-actor claude -- kubectl exec web -- sh', '')
        .example('$0 policy explain -- GET /api/v1/secrets', 'A request as it is')
        .epilogue('It ends with 0 whatever the policy says: for checks in a pipeline there is `policy test`.')
        .epilogue(EXIT_CODES_HELP),
    (argv) =>
      program.run(async (io) => {
        const words = argv['--']
        if (!Array.isArray(words) || words.length === 0)
          throw new CommandFailed('name a command behind "--"', EXIT.USAGE)
        const { planOf } = await import('./policy-kubectl.ts')
        const plan = planOf(words.map(String), (path) => manifest(path))
        const policy = await loadPolicy(argv.policy)
        if (argv.policy === undefined) io.err('Without --policy: reads are allowed, all else is denied.\n')
        const caller: Caller = {
          user: argv.asUser ?? SOMEBODY,
          groups: argv.asGroup,
          actor: argv.asActor,
          run: argv.asRun,
          cluster: clusterOf(argv.cluster, policy),
          now: argv.at === undefined ? io.today() : timeOf(argv.at),
        }
        return explain(policy, plan, caller, argv.json, io)
      }),
  )
}

/** Throws CommandFailed. */
export function manifest(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CommandFailed(printable(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`))
  }
}

function clusterOf(named: string | undefined, policy: Policy): string {
  if (named !== undefined) return named
  if (policy.rules.some(({ clusters }) => clusters !== undefined)) {
    throw new CommandFailed('the policy has rules for some clusters: name one with --cluster', EXIT.USAGE)
  }
  return ''
}

function timeOf(text: string): number {
  const millis = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(millis)) throw new CommandFailed('--at must be a time as in 2026-11-23T12:00:00Z', EXIT.USAGE)
  return millis
}

async function explain(policy: Policy, plan: Plan, caller: Caller, json: boolean, io: Io): Promise<number> {
  const { explainDecision } = await import('../gateway/policy/explain-decision.ts')
  const { effectOf, questionOf, strictest } = await import('./policy-question.ts')
  const explained = plan.requests.map((request) => {
    const question = questionOf(request, caller)
    const explanation: Explanation =
      'attributes' in question ? explainDecision(policy, question) : { decision: question, considered: [], needed: [] }
    return { request, explanation, effect: effectOf(explanation.decision) }
  })
  for (const { request, explanation, effect } of explained) {
    if (json) {
      const { decision, considered, needed } = explanation
      const { method, target } = request
      const facts = { method, target, effect, rule: decision.rule, reason: reasonOf(decision), considered, needed }
      await io.out(`${printableJson(facts)}\n`)
    } else await io.out(requestText(request, explanation, effect, io))
  }
  for (const note of plan.notes) io.err(`Note: ${printable(note)}.\n`)
  if (json) return EXIT.OK
  const { effect, explanation } = strictest(explained, (one) => one.effect)
  const who = caller.actor === '' ? caller.user : `${caller.user} (${caller.actor})`
  await io.out(`${printable(who)}: ${verdict(effect, explanation.decision, io)}\n`)
  return EXIT.OK
}

function reasonOf(decision: Decision): string {
  return decision.allowed ? decision.reason : decision.message
}

const VERDICTS = {
  allow: ['allowed', 'green'],
  deny: ['denied', 'red'],
  requireApproval: ['needs an approval', 'yellow'],
} as const

function verdict(effect: Effect, { rule }: Decision, io: Io): string {
  const [word, colour] = VERDICTS[effect]
  return `${coloured(word, colour, io.colours)} by ${rule === 'default' ? 'default' : `rule ${printable(rule)}`}`
}

/** The request, the verdict, the rules that speak of it and those for this caller that do not, and what is needed. */
function requestText(
  request: PlannedRequest,
  { decision, considered, needed }: Explanation,
  effect: Effect,
  io: Io,
): string {
  const line = coloured(printable(`${request.method} ${request.target}`), 'bold', io.colours)
  const lines = [`${line}${request.what === '' ? '' : `  (${request.what})`}`]
  lines.push(`  ${verdict(effect, decision, io)}: ${printable(reasonOf(decision))}`)
  const others = considered.filter(({ obstacle }) => obstacle === 'subjects').length
  for (const one of considered) if (one.applies) lines.push(`  + ${ruleText(one)}`)
  for (const one of considered) if (!one.applies && one.obstacle !== 'subjects') lines.push(`  - ${ruleText(one)}`)
  if (others > 0) lines.push(`  - ${others} ${others === 1 ? 'rule is' : 'rules are'} for other callers`)
  for (const one of needed) lines.push(`  needed: ${printable(one)}`)
  return `${lines.join('\n')}\n\n`
}

function ruleText({ effect, rule, why }: Considered): string {
  return printable(`${effect} ${rule}: ${why}`)
}
