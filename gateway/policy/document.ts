// The AccessPolicy as it is written: its schema, and what makes a rule one that could never do what it says. Refuses
// what later versions bring (approvals, `when`, command patterns) and wildcards where leaving a field out says the same.

import { z } from 'zod'
import type { Report } from '../config-file.ts'
import { parseResource, ResourceNameError } from './resources.ts'
import { VERBS } from './verbs.ts'

const text = z.string().min(1, 'it must not be empty')

const effect = z.enum(['allow', 'deny'])

/** Exact names. */
const exact = z
  .array(text.refine((name) => !name.includes('*'), 'names are exact; leave the field out to mean all'))
  .min(1, 'leave it out to mean all')

/** One name of one kind; "*" is everybody who has such a name. */
const subject = z
  .strictObject({ user: text.optional(), group: text.optional(), actor: text.optional() })
  .refine((names) => Object.keys(names).length === 1, 'write one of user, group and actor in each subject')

const rule = z.strictObject({
  /** Shown to whoever is denied, and kept on the tape. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9](?:[-_A-Za-z0-9]{0,61}[A-Za-z0-9])?$/, 'letters, digits, "-" and "_", at most 63')
    .refine((name) => name !== 'default', '"default" is what decides where no rule does'),
  subjects: z.array(subject).min(1, 'name somebody; {user: "*"} is everybody'),
  clusters: exact.optional(),
  verbs: z.array(z.enum([...VERBS, '*'])).min(1, 'name at least one; "*" is every verb'),
  /** RESOURCE, RESOURCE/SUBRESOURCE, GROUP/RESOURCE, GROUP/*, "*". */
  resources: z.array(text).min(1, 'leave it out to mean all').optional(),
  namespaces: exact.optional(),
  names: exact.optional(),
  /** Exact words; a trailing "..." stands for any rest. */
  commands: z
    .array(z.strictObject({ argv: z.array(z.string()).min(1, 'name the command') }))
    .min(1)
    .optional(),
  effect,
  /** How what the rule allows is recorded; absent: as the configuration says. */
  durability: z.enum(['strict', 'group']).optional(),
})

const defaults = z.strictObject({
  /** get, list and watch; and GET of non-resource paths, except for those that tell of the servers' insides. */
  reads: effect.default('allow'),
  writes: effect.default('deny'),
  /** exec, attach, portforward, proxy. */
  streams: effect.default('deny'),
})

export const policyDocument = z.strictObject({
  apiVersion: z.literal('sallyport/v1'),
  kind: z.literal('AccessPolicy'),
  default: defaults.prefault({}),
  rules: z.array(rule).default([]),
})

export type PolicyDocument = z.infer<typeof policyDocument>
export type RuleDocument = PolicyDocument['rules'][number]

/** What the format has and this version has not. */
export const NOT_YET = {
  requireApproval: 'approvals are not in this version: use allow or deny',
  approval: 'approvals are not in this version: remove "approval"',
  when: 'conditions are not in this version: remove "when", and narrow the rule by its other fields',
  pattern: 'command patterns are not in this version: write argv',
}

/** Subresources whose verb is their own name. */
const STREAM_VERBS = ['exec', 'attach', 'portforward', 'proxy'] as const

/** Looks at each rule by itself, so that a mistake in one does not hide those of others. */
export function checkPolicy(content: unknown, report: Report): void {
  const rules = (content as { rules?: unknown } | null | undefined)?.rules
  if (!Array.isArray(rules)) return
  const names = new Set<unknown>()
  for (const [at, source] of rules.entries()) {
    const name: unknown = (source as { name?: unknown } | null)?.name
    if (typeof name === 'string' && names.has(name))
      report(['rules', at, 'name'], `another rule is called "${name}"; names must differ`)
    names.add(name)
    const parsed = rule.safeParse(source)
    if (parsed.success) checkRule(parsed.data, (path, message) => report(['rules', at, ...path], message))
  }
}

function checkRule(
  { subjects, verbs, resources = [], commands, effect, durability }: RuleDocument,
  report: Report,
): void {
  for (const [at, { user, group }] of subjects.entries()) {
    if (/^system:/i.test(user ?? group ?? '')) {
      report(['subjects', at], '"system:" users and groups are never let in, so this can match nobody; remove it')
    }
  }
  const every = verbs.includes('*')
  for (const [at, entry] of resources.entries()) {
    if (entry === '*') continue
    try {
      const [, , subresource] = parseResource(entry)
      const stream = STREAM_VERBS.find((verb) => verb === subresource)
      if (stream !== undefined && !every && !verbs.includes(stream)) {
        report(
          ['resources', at],
          `requests for ${entry} have the verb "${stream}", whatever their method; add it to verbs`,
        )
      }
    } catch (error) {
      if (!(error instanceof ResourceNameError)) throw error
      report(['resources', at], `"${entry}": ${error.message}`)
    }
  }
  if (commands !== undefined) {
    for (const [at, { argv }] of commands.entries()) {
      if (argv.slice(0, -1).includes('...')) report(['commands', at, 'argv'], '"..." stands only at the end')
    }
    if (effect === 'allow' && verbs.some((verb) => verb !== 'exec')) {
      report(
        ['commands'],
        'only exec has a command: let this rule allow exec alone, and the other verbs by another rule',
      )
    } else if (!every && !verbs.includes('exec')) report(['commands'], 'only exec has a command; add it to verbs')
  }
  if (durability !== undefined && effect === 'deny')
    report(['durability'], 'what is denied is not recorded in two ways; remove it')
}
