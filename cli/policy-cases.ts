// The file of `policy test`: cases of who asks for what, and what a policy is expected to say. Its shape, and a command line
// in it -> words, as a shell would split it.

import { z } from 'zod'
import type { FileFormat } from '../gateway/config-file.ts'

const text = z.string().min(1, 'it must not be empty')

const testCase = z
  .strictObject({
    name: text,
    as: z
      .strictObject({
        user: text.optional(),
        groups: z.array(text).default([]),
        actor: z.string().default(''),
        run: z.string().default(''),
      })
      .prefault({}),
    cluster: z.string().default(''),
    /** As in 2026-11-23T12:00:00Z. */
    at: z.iso.datetime({ offset: true, error: 'write a time as in "2026-11-23T12:00:00Z"' }).optional(),
    /** "delete pod x -n prod", or a list of words. */
    kubectl: z.union([text, z.array(z.string()).min(1)], 'write a command line, or a list of words').optional(),
    /** "DELETE /api/v1/namespaces/prod/pods/x". */
    request: z
      .string()
      .regex(/^[A-Z]+ \/\S*$/, 'write a method and a path, such as "GET /api/v1/pods"')
      .optional(),
    /** With `request`: its body. Sent as JSON unless contentType says otherwise; text is sent as it is. */
    body: z.union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())]).optional(),
    contentType: text.optional(),
    expect: z.enum(['allow', 'deny', 'requireApproval']),
    /** The rule that must decide; "default" where no rule does. */
    rule: text.optional(),
  })
  .refine(
    ({ kubectl, request }) => (kubectl === undefined) !== (request === undefined),
    'write one of kubectl and request',
  )
  .refine(
    ({ kubectl, body }) => kubectl === undefined || body === undefined,
    'a kubectl command has no body: give it -f FILE',
  )

const policyTest = z.strictObject({
  apiVersion: z.literal('sallyport/v1'),
  kind: z.literal('PolicyTest'),
  /** Beside this file; without it the command line says. */
  policy: text.optional(),
  cases: z.array(testCase).min(1, 'write at least one case'),
})

export type PolicyTest = z.infer<typeof policyTest>
export type PolicyCase = PolicyTest['cases'][number]

export const policyTestFormat: FileFormat<PolicyTest> = {
  schema: policyTest,
  notYet: {},
  check(content, report) {
    const cases = (content as { cases?: unknown } | null | undefined)?.cases
    if (!Array.isArray(cases)) return
    for (const [at, one] of cases.entries()) {
      const line: unknown = (one as { kubectl?: unknown } | null)?.kubectl
      if (typeof line === 'string' && shellWords(line) === undefined) {
        report(['cases', at, 'kubectl'], 'a quote is not closed; or write a list of words')
      }
    }
  },
}

/** Words in single or double quotes, or with backslashes, as in a POSIX shell; nothing is expanded. Undefined where a quote is open. */
export function shellWords(line: string): string[] | undefined {
  const words: string[] = []
  const piece = /\s*(?:'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+))/gsy
  let end = 0
  while (end < line.trimEnd().length) {
    const found = piece.exec(line)
    if (found === null) return undefined
    const [whole, single, double, escaped, plain] = found
    const value = single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? (plain as string)
    if (words.length > 0 && !/^\s/.test(whole)) words.push(`${words.pop()}${value}`)
    else words.push(value)
    end = piece.lastIndex
  }
  return words
}
