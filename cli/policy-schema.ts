// `sallyport policy schema`: the JSON Schema of the policy file, for editors that complete and check as one types.

import type { Argv } from 'yargs'
import { EXIT, EXIT_CODES_HELP } from './exit-codes.ts'
import type { Program } from './program.ts'

export function policySchema<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'schema',
    'Print the JSON Schema of a policy, for editors',
    (command) =>
      command
        .example('$0 policy schema > policy.schema.json', 'Then, at the top of a policy:')
        .example('# yaml-language-server: $schema=policy.schema.json', '')
        .epilogue(EXIT_CODES_HELP),
    () =>
      program.run(async (io) => {
        const document = await import('../gateway/policy/document.ts')
        await io.out(`${JSON.stringify(document.policySchema(), undefined, 2)}\n`)
        return EXIT.OK
      }),
  )
}
