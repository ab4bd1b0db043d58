// `sallyport policy test`: the cases of a file, each against the policy; what is not as expected is printed as a diff, and
// ends the command with 1.

import { dirname, resolve } from 'node:path'
import type { Argv } from 'yargs'
import type { Decision } from '../gateway/decision.ts'
import type { Effect, Policy } from '../gateway/policy/policy.ts'
import { printable, printableJson } from '../replay/printable.ts'
import { CommandFailed, EXIT, EXIT_CODES_HELP } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { PolicyCase, PolicyTest } from './policy-cases.ts'
import { manifest } from './policy-explain.ts'
import { loaded, loadPolicy } from './policy-problems.ts'
import type { PlannedRequest } from './policy-requests.ts'
import type { Program } from './program.ts'
import { coloured } from './table.ts'

export function policyTest<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'test <file>',
    'Test a policy: cases with the effects that are expected',
    (command) =>
      command
        .positional('file', { type: 'string', demandOption: true, describe: 'A PolicyTest, a YAML file' })
        .option('policy', {
          type: 'string',
          requiresArg: true,
          describe: 'The policy; that which the file names if absent',
        })
        .option('json', { type: 'boolean', default: false, describe: 'Print JSON, one object a case' })
        .example('$0 policy test policy-test.yaml', 'Ends with 1 if a case is not as expected')
        .epilogue(EXIT_CODES_HELP),
    (argv) => program.run((io) => run(argv.file, argv.policy, argv.json, io)),
  )
}

async function run(file: string, policyFile: string | undefined, json: boolean, io: Io): Promise<number> {
  const { readFile, placesIn } = await import('../gateway/config-file.ts')
  const { policyTestFormat } = await import('./policy-cases.ts')
  const document = await loaded(() => readFile(file, policyTestFormat), 'the test cannot be read')
  const policy = await loadPolicy(policyFile ?? besideOf(file, document))
  const place = placesIn(file)
  let failures = 0
  for (const [at, one] of document.cases.entries()) {
    const outcome = await outcomeOf(policy, one, dirname(file), io.today())
    const passed = outcome.effect === one.expect && (one.rule ?? outcome.decision.rule) === outcome.decision.rule
    if (!passed) failures += 1
    const { line } = place(['cases', at])
    if (json) await io.out(`${printableJson(caseJson(one, line, passed, outcome))}\n`)
    else if (!passed) await io.out(failureText(one, `${file}:${line}`, outcome, io))
  }
  const { length } = document.cases
  if (!json)
    await io.out(
      `${length} ${length === 1 ? 'case' : 'cases'}, ${failures === 0 ? 'all as expected' : `${failures} not as expected`}\n`,
    )
  return failures === 0 ? EXIT.OK : EXIT.FAILURE
}

function besideOf(file: string, { policy }: PolicyTest): string {
  if (policy !== undefined) return resolve(dirname(file), policy)
  throw new CommandFailed('name the policy with --policy, or in the file', EXIT.USAGE)
}

interface Outcome {
  readonly request: PlannedRequest
  readonly decision: Decision
  readonly effect: Effect
}

/** Of several requests the one that passes least easily: the command comes as far as that. */
async function outcomeOf(policy: Policy, one: PolicyCase, directory: string, today: number): Promise<Outcome> {
  const { decide } = await import('../gateway/policy/decide.ts')
  const { effectOf, questionOf, strictest } = await import('./policy-question.ts')
  const { user = '(somebody)', groups, actor, run } = one.as
  const now = one.at === undefined ? today : Date.parse(one.at)
  const caller = { user, groups, actor, run, cluster: one.cluster, now }
  const outcomes = (await requestsOf(one, directory)).map((request) => {
    const question = questionOf(request, caller)
    const decision = 'attributes' in question ? decide(policy, question) : question
    return { request, decision, effect: effectOf(decision) }
  })
  return strictest(outcomes, ({ effect }) => effect)
}

async function requestsOf(one: PolicyCase, directory: string): Promise<readonly PlannedRequest[]> {
  const { kubectl, request, body, contentType } = one
  if (kubectl !== undefined) {
    const { planOf } = await import('./policy-kubectl.ts')
    const { shellWords } = await import('./policy-cases.ts')
    const words = typeof kubectl === 'string' ? (shellWords(kubectl) as string[]) : kubectl
    try {
      return planOf(words, (path) => manifest(resolve(directory, path))).requests
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error
      throw new CommandFailed(printable(`case "${one.name}": ${error.message}`))
    }
  }
  const [method = '', target = ''] = (request as string).split(' ')
  const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const isStream = /\/(?:exec|attach|portforward)(?:\?|$)/.test(target)
  return [
    {
      method,
      target,
      what: '',
      ...(isStream && { upgrade: 'websocket' as const }),
      ...(sent !== undefined && { body: sent, contentType: contentType ?? 'application/json' }),
    },
  ]
}

function caseJson(one: PolicyCase, line: number, passed: boolean, { request, decision, effect }: Outcome): object {
  const expected = { effect: one.expect, ...(one.rule !== undefined && { rule: one.rule }) }
  const { method, target } = request
  return { name: one.name, line, passed, expected, actual: { effect, rule: decision.rule, method, target } }
}

/** What was expected with "-", what came with "+". */
function failureText(one: PolicyCase, where: string, { request, decision, effect }: Outcome, io: Io): string {
  const lines = [`${printable(where)}: ${printable(one.name)}`, `  ${printable(`${request.method} ${request.target}`)}`]
  const differ = (name: string, expected: string, actual: string): void => {
    if (expected === actual) return
    lines.push(coloured(`  - ${name}: ${printable(expected)}`, 'red', io.colours))
    lines.push(coloured(`  + ${name}: ${printable(actual)}`, 'green', io.colours))
  }
  differ('effect', one.expect, effect)
  differ('rule', one.rule ?? decision.rule, decision.rule)
  if (one.expect !== effect && one.rule === undefined) lines.push(`    rule: ${printable(decision.rule)}`)
  lines.push(`    ${printable(decision.allowed ? decision.reason : decision.message)}`)
  return `${lines.join('\n')}\n\n`
}
