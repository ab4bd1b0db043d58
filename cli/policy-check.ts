// `sallyport policy check`: every mistake of a policy with its line and column, and, where it has none, advice on rules that
// never apply or say nothing new.

import type { Argv } from 'yargs'
import { printableJson } from '../replay/printable.ts'
import { EXIT, EXIT_CODES_HELP } from './exit-codes.ts'
import type { Io } from './io.ts'
import { printProblems } from './policy-problems.ts'
import type { Program } from './program.ts'

export function policyCheck<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'check <file>',
    'Check a policy: mistakes, and rules that never apply',
    (command) =>
      command
        .positional('file', { type: 'string', demandOption: true, describe: 'The policy, or a directory of *.yaml' })
        .option('json', { type: 'boolean', default: false, describe: 'Print JSON, one object a line' })
        .example('$0 policy check policy.yaml', 'Mistakes end it with 1; warnings do not')
        .epilogue(EXIT_CODES_HELP),
    (argv) => program.run((io) => check(argv.file, argv.json, io)),
  )
}

async function check(path: string, json: boolean, io: Io): Promise<number> {
  const { ConfigError } = await import('../gateway/config-file.ts')
  const { lintPolicy } = await import('../gateway/policy/lint.ts')
  try {
    const { rules, problems } = lintPolicy(path)
    await printProblems(problems, 'warning', json, io)
    if (json) await io.out(`${printableJson({ ok: true, rules, errors: 0, warnings: problems.length })}\n`)
    else await io.out(`${counted(rules, 'rule')}, no mistakes, ${counted(problems.length, 'warning')}\n`)
    return EXIT.OK
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const { problems } = error
    await printProblems(problems, 'error', json, io)
    if (json) await io.out(`${printableJson({ ok: false, errors: problems.length })}\n`)
    else io.err(`${counted(problems.length, 'mistake')}: a gateway would not take this policy\n`)
    return EXIT.FAILURE
  }
}

function counted(count: number, what: string): string {
  return `${count === 0 ? 'no' : count} ${what}${count === 1 ? '' : 's'}`
}
