// The AccessPolicy as it is written: its schema, and that schema for editors. What no schema can say is in check.ts.

import { z } from 'zod'
import { limits } from '../../protocols/limits.ts'
import { VERBS } from './verbs.ts'

const text = z.string().min(1, 'it must not be empty')

const effect = z.enum(['allow', 'deny'])

/** Exact names. */
const exact = z
  .array(text.refine((name) => !name.includes('*'), 'names are exact; leave the field out to mean all'))
  .min(1, 'leave it out to mean all')

/** One name of one kind; "*" is everybody who has such a name. A run is what a caller says of itself: it can only be denied or asked about. */
const subject = z
  .strictObject({ user: text.optional(), group: text.optional(), actor: text.optional(), run: text.optional() })
  .refine((names) => Object.keys(names).length === 1, 'write one of user, group, actor and run in each subject')

/** The argv of an exec. `argv`: exact words, a trailing "..." for any rest. `pattern`: RE2 over argv as one shell-quoted line. */
const command = z
  .strictObject({
    argv: z.array(z.string()).min(1, 'name the command').optional(),
    pattern: text.max(1_024, 'at most 1024 characters').optional(),
  })
  .refine((forms) => Object.keys(forms).length === 1, 'write one of argv and pattern in each command')

/** "app=web,tier in (a, b),!legacy", or a map of labels that must all be there. */
const labels = z.union(
  [text, z.record(text, z.string())],
  'write a selector such as "app=web,tier in (a, b)", or a map of labels',
)

const clock = z.string().regex(/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/, 'write HH:MM, from "00:00" to "24:00"')

/** A time of the week. One whose end is not after its beginning ends on the day after. */
const hours = z.strictObject({
  days: z.array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])).min(1, 'name at least one day'),
  from: clock,
  to: clock,
  /** A name of the IANA database, such as Europe/Berlin. */
  timeZone: text,
})

const duration = z.string().regex(/^\d{1,5}[smhd]$/, 'write a number and s, m, h or d, such as "10m"')

/** Exact names; never whoever asks. */
const approver = z
  .strictObject({ group: text.optional(), user: text.optional() })
  .refine((names) => Object.keys(names).length === 1, 'write one of group and user in each approver')

const approvers = z.array(approver).min(1, 'name somebody who can say yes')

/** How many people must say yes. */
const quorum = z.int().min(1, 'at least 1').max(16, 'at most 16').default(1)

const approval = z.strictObject({
  approvers,
  /** How long the call waits for the answer; "0s": not at all. */
  wait: duration.default('120s'),
  /** How long a yes is good for. */
  validFor: duration.default('10m'),
  /** How many calls a yes is good for. */
  uses: z.int().min(1, 'at least 1').max(1_000, 'at most 1000').default(1),
  quorum,
  /** Whether whoever asks must say why. */
  reasonRequired: z.boolean().default(false),
  /** Whether a ticket must be named. */
  ticketRequired: z.boolean().default(false),
})

/** Shown to whoever is denied, and kept on the tape. */
const ruleName = z
  .string()
  .regex(/^[A-Za-z0-9](?:[-_A-Za-z0-9]{0,61}[A-Za-z0-9])?$/, 'letters, digits, "-" and "_", at most 63')
  .refine((name) => name !== 'default', '"default" is what decides where no rule does')

const subjects = z.array(subject).min(1, 'name somebody; {user: "*"} is everybody')

export const rule = z.strictObject({
  name: ruleName,
  subjects,
  clusters: exact.optional(),
  verbs: z.array(z.enum([...VERBS, '*'])).min(1, 'name at least one; "*" is every verb'),
  /** RESOURCE, RESOURCE/SUBRESOURCE, GROUP/RESOURCE, GROUP/*, "*". */
  resources: z.array(text).min(1, 'leave it out to mean all').optional(),
  namespaces: exact.optional(),
  names: exact.optional(),
  labels: labels.optional(),
  commands: z.array(command).min(1, 'leave it out to mean all').optional(),
  /** Writes that change nothing (dryRun=All) alone, all but them, or both, which is the default. */
  dryRun: z.enum(['only', 'never', 'any']).optional(),
  /** Only within one of these times. */
  hours: z.array(hours).min(1, 'leave it out to mean always').optional(),
  /** CEL over `request`, `object` and `principal`. */
  when: text.max(4_096, 'at most 4096 characters').optional(),
  effect: z.enum(['allow', 'deny', 'requireApproval']),
  /** For requireApproval: who must say yes, and what the yes is good for. */
  approval: approval.optional(),
  /** Shown to whoever is denied or must ask. */
  reason: text.max(300, 'at most 300 characters').optional(),
  /** How what the rule allows is recorded; absent: as the configuration says. */
  durability: z.enum(['strict', 'group']).optional(),
})

/** Verbs of requests for resources: a standing grant opens no other paths. */
export const GRANT_VERBS = VERBS.slice(0, VERBS.indexOf('head'))

/** Access for a time that may be asked for, and who must say yes to it. It opens what no rule denies. */
export const grant = z.strictObject({
  name: ruleName,
  /** Who may ask. */
  subjects,
  clusters: exact.optional(),
  verbs: z.array(z.enum([...GRANT_VERBS, '*'])).min(1, 'name at least one; "*" is every verb'),
  /** As in a rule. */
  resources: z.array(text).min(1, 'leave it out to mean all').optional(),
  namespaces: exact.optional(),
  /** The longest time that may be asked for. */
  longest: duration.default('1h'),
  approval: z.strictObject({
    approvers,
    quorum,
    /** Whether whoever asks must say why. */
    reasonRequired: z.boolean().default(false),
    /** Whether a ticket must be named. */
    ticketRequired: z.boolean().default(false),
  }),
})

/** Whole, and so small that no sum of them is inexact. */
const count = z.int().min(0, 'at least 0').max(1_000_000_000, 'at most 1000000000')

const BYTES = 'write a number of bytes, or one such as "10Mi"'
const bytes = z.union([z.int().min(0, BYTES), z.string().regex(/^\d{1,9}(?:Ki|Mi|Gi)?$/, BYTES)], BYTES)

export const budget = z.strictObject({
  /** Shown to whoever is over it, and kept on the tape as "budgets.NAME". */
  name: ruleName,
  subjects,
  /** Whose calls count together: a user's (apart for each agent), an agent's whoever it acts for, or those of one run of a principal. */
  per: z.enum(['principal', 'actor', 'run']).default('principal'),
  /** How long what is spent stays spent. */
  window: duration.default('1h'),
  clusters: exact.optional(),
  /** Calls that could reach one of these; absent: all calls. */
  namespaces: exact.optional(),
  /** Creates, updates, patches and deletes that are no dry runs. */
  mutations: count.optional(),
  /** Deletes and evictions that are no dry runs. What deletes nobody knows how much (deletecollection, a namespace) never fits. */
  deletions: count.optional(),
  /** Objects in answers: those of lists and Tables, events of watches, one for all else. */
  objectsReturned: count.optional(),
  /** The same of Secrets, and tokens of service accounts. */
  secretsRead: count.optional(),
  /** Different namespaces. A call over all of them never fits. */
  namespacesTouched: z
    .int()
    .min(0)
    .max(limits.approvals.budgetNames, `at most ${limits.approvals.budgetNames}`)
    .optional(),
  /** Execs and attaches. */
  execs: count.optional(),
  /** Bytes of answers and streams towards the caller; a number, or one such as "10Mi". */
  bytesOut: bytes.optional(),
  /** Calls in any second, whatever the window. */
  callsPerSecond: count.optional(),
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
  grants: z.array(grant).default([]),
  budgets: z.array(budget).default([]),
})

export type PolicyDocument = z.infer<typeof policyDocument>
export type PolicySource = z.input<typeof policyDocument>
export type RuleDocument = PolicyDocument['rules'][number]
export type GrantDocument = PolicyDocument['grants'][number]
export type BudgetDocument = z.infer<typeof budget>
export type ApprovalDocument = z.infer<typeof approval>
export type HoursDocument = z.infer<typeof hours>

/** A JSON Schema (draft 2020-12) of the policy file, for editors. It says less than the reader: shapes and words, not what a rule means. */
export function policySchema(): object {
  return { ...z.toJSONSchema(policyDocument, { io: 'input' }), title: 'Sallyport AccessPolicy' }
}
