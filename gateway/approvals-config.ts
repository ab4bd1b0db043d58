// The part of the configuration that says where a yes can come from, and who else is asked: its schema, what no schema can
// say, and the webhooks, hooks and tracker that it means, with the secrets of their files.

import { z } from 'zod'
import type { DeepReadonly, Report } from './config-file.ts'
import type { ApprovalTerms, Approver } from './decision.ts'
import type { DecisionHook } from './hooks/decision-hook.ts'
import type { TicketTracker } from './hooks/ticket-check.ts'
import { authorities, fieldValue, secretUrl, signingSecret } from './secret-files.ts'
import type { AnsweringWebhook } from './webhooks/answers.ts'
import { NOTIFICATION_TYPES, type NotificationType } from './webhooks/notification.ts'
import { FORMATS } from './webhooks/templates.ts'
import type { Webhook } from './webhooks/webhook.ts'

const text = z.string().min(1, 'it must not be empty')

const name = z
  .string()
  .regex(/^[A-Za-z0-9](?:[-_A-Za-z0-9]{0,61}[A-Za-z0-9])?$/, 'letters, digits, "-" and "_", at most 63')

const url = text.refine(isHttpsUrl, 'write an https:// URL without user and fragment')

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/

/** Fields that are ours to set. */
const OURS = new Set(['host', 'content-length', 'content-type', 'transfer-encoding', 'connection', 'upgrade'])

const approvers = z
  .array(
    z
      .strictObject({ group: text.optional(), user: text.optional() })
      .refine((names) => Object.keys(names).length === 1, 'write one of group and user in each approver'),
  )
  .min(1, 'name somebody who can say yes')

/** `path`: a file's path, made absolute. */
export function approvalsSchema(path: z.ZodType<string, string>) {
  const header = z.strictObject({
    name: z
      .string()
      .regex(TOKEN, 'write the name of a header field')
      .refine(
        (field) => !OURS.has(field.toLowerCase()) && !/^webhook-/i.test(field),
        'the gateway sets this field itself',
      ),
    /** Its value, such as "Bearer …", is the file's one line. */
    valueFile: path,
  })
  const target = {
    headers: z.array(header).default([]),
    /** PEM; the only authorities trusted. Absent: the system's. */
    certificateAuthorityFile: path.optional(),
  }
  const webhook = z.strictObject({
    name,
    format: z.enum(FORMATS).default('json'),
    url: url.optional(),
    /** For a URL that is a secret itself, as those of Slack and Teams are. */
    urlFile: path.optional(),
    /** Signs what is sent (Standard Webhooks). */
    secretFile: path.optional(),
    ...target,
    /** Absent: all; of trackers approval.requested alone. */
    events: z.array(z.enum(NOTIFICATION_TYPES)).min(1, 'leave it out to mean all').optional(),
    jira: z.strictObject({ project: text, issueType: text.default('Task') }).optional(),
    /** Answers that come back, at POST /v1/webhooks/NAME/answers of the admin API. */
    answers: z
      .strictObject({
        secretFile: path,
        /** For whom it may speak, by what the other end calls them. */
        approvers: z
          .array(z.strictObject({ name: text, user: text, groups: z.array(text).default([]) }))
          .min(1, 'name somebody for whom it may answer'),
      })
      .optional(),
  })
  const hook = z.strictObject({
    name,
    url,
    secretFile: path.optional(),
    ...target,
    /** Until when it must have answered; then the call is denied. */
    timeoutMillis: z.int().min(50, 'from 50 to 10000').max(10_000, 'from 50 to 10000').default(2_000),
    /** Which calls it is asked about. */
    for: z
      .array(z.enum(['reads', 'writes', 'streams']))
      .min(1)
      .default(['writes', 'streams']),
    /** Who must say yes where it says requireApproval; absent: then that is a denial. */
    approval: z.strictObject({ approvers, quorum: z.int().min(1).max(16).default(1) }).optional(),
  })
  const tickets = z.strictObject({
    /** With "{ticket}" where the ticket's name goes. */
    url: url.refine((value) => value.includes('{ticket}'), 'write "{ticket}" where the name of the ticket goes'),
    ...target,
    timeoutMillis: z.int().min(50, 'from 50 to 10000').max(10_000, 'from 50 to 10000').default(3_000),
    /** Where in the answer it says how the ticket is: "fields.status.name". */
    field: text,
    /** What stands there for a ticket that is open. */
    open: z.array(text).min(1, 'name at least one value'),
  })
  return z
    .strictObject({
      /** Where people reach the admin API: in messages to them. Absent: where it listens. */
      address: url.transform((value) => value.replace(/\/+$/, '')).optional(),
      webhooks: z.array(webhook).default([]),
      hooks: z.array(hook).default([]),
      /** How a rule's ticketRequired is checked. Absent: a name is enough. */
      tickets: tickets.optional(),
    })
    .prefault({})
}

export type ApprovalsConfig = DeepReadonly<z.infer<ReturnType<typeof approvalsSchema>>>

/** What the schema cannot say. */
export function checkApprovals(content: unknown, report: Report): void {
  const root = loose(loose(content).approvals)
  for (const section of ['webhooks', 'hooks']) {
    const names = new Set<unknown>()
    for (const [at, entry] of list(root[section]).entries()) {
      const told: Report = (path, message) => report(['approvals', section, at, ...path], message)
      if (typeof entry.name === 'string' && names.has(entry.name))
        told(['name'], `there is another one called "${entry.name}"; names must differ`)
      names.add(entry.name)
      if (section === 'webhooks') checkWebhook(entry, told)
    }
  }
}

function checkWebhook(entry: Loose, report: Report): void {
  const { format = 'json', jira, answers } = entry
  if ((entry.url === undefined) === (entry.urlFile === undefined)) report(['name'], 'write one of url and urlFile')
  if (format === 'json' && entry.secretFile === undefined)
    report(['name'], 'a webhook of format json is signed: write a secretFile (openssl rand -base64 32)')
  if ((format === 'jira') !== (jira !== undefined))
    report([jira === undefined ? 'format' : 'jira'], 'format jira and "jira: {project: KEY}" go together')
  const names = new Set<unknown>()
  for (const [at, { name, user, groups }] of list(loose(answers).approvers).entries()) {
    const told = (field: string, message: string): void => report(['answers', 'approvers', at, field], message)
    if (names.has(name)) told('name', 'another one has this name; names must differ')
    names.add(name)
    const all = [user, ...(Array.isArray(groups) ? groups : [])]
    if (all.some((one) => typeof one === 'string' && /^system:/i.test(one)))
      told('user', '"system:" users and groups are never let in')
  }
}

/** All that the section means. */
export interface Reach {
  readonly webhooks: readonly Webhook[]
  readonly answering: ReadonlyMap<string, AnsweringWebhook>
  readonly hooks: readonly DecisionHook[]
  readonly tracker: TicketTracker | undefined
}

/** Reads the files. `address`: where the admin API listens. Throws SecretFileError, or a file's error. */
export function readReach(config: ApprovalsConfig, address: string): Reach {
  const answering = config.webhooks.flatMap(({ name: webhook, answers }) => {
    if (answers === undefined) return []
    const people = answers.approvers.map(({ name: called, user, groups }) => [called, { user, groups }] as const)
    const secret = signingSecret(answers.secretFile)
    return [[webhook, { name: webhook, secret, approvers: new Map(people) }] as const]
  })
  return {
    webhooks: config.webhooks.map((webhook) => webhookOf(webhook, config.address ?? address)),
    answering: new Map(answering),
    hooks: config.hooks.map(hookOf),
    tracker: config.tickets === undefined ? undefined : trackerOf(config.tickets),
  }
}

const TRACKERS: ReadonlySet<string> = new Set(['jira', 'servicenow'])

function webhookOf(source: ApprovalsConfig['webhooks'][number], address: string): Webhook {
  const { name: webhook, format, jira, secretFile, events } = source
  const usual: readonly NotificationType[] = TRACKERS.has(format) ? ['approval.requested'] : NOTIFICATION_TYPES
  return {
    name: webhook,
    format,
    address,
    jira,
    url: source.url ?? secretUrl(source.urlFile as string),
    secret: secretFile === undefined ? undefined : signingSecret(secretFile),
    types: new Set(events ?? usual),
    ...targetOf(source),
  }
}

function hookOf(source: ApprovalsConfig['hooks'][number]): DecisionHook {
  const { name: hook, secretFile, timeoutMillis, approval } = source
  return {
    name: hook,
    url: source.url,
    secret: secretFile === undefined ? undefined : signingSecret(secretFile),
    millis: timeoutMillis,
    classes: new Set(source.for),
    terms: approval === undefined ? undefined : termsOf(`hooks.${hook}`, approval),
    ...targetOf(source),
  }
}

/** As a rule's that says no more than who. */
function termsOf(
  rule: string,
  { approvers: list, quorum }: NonNullable<ApprovalsConfig['hooks'][number]['approval']>,
): ApprovalTerms {
  const people = list.map(({ group, user }): Approver => (group === undefined ? { user: user as string } : { group }))
  return {
    quorums: [{ rule, approvers: people, quorum }],
    waitMillis: 120_000,
    validForMillis: 600_000,
    uses: 1,
    reasonRequired: false,
    ticketRequired: false,
  }
}

function trackerOf(source: NonNullable<ApprovalsConfig['tickets']>): TicketTracker {
  const { url: at, timeoutMillis, field, open } = source
  return { url: at, millis: timeoutMillis, field: field.split('.'), values: new Set(open), ...targetOf(source) }
}

function targetOf({
  headers,
  certificateAuthorityFile,
}: {
  readonly headers: readonly { readonly name: string; readonly valueFile: string }[]
  readonly certificateAuthorityFile?: string | undefined
}): Pick<Webhook, 'headers' | 'ca'> {
  return {
    headers: Object.fromEntries(
      headers.map(({ name: field, valueFile }) => [field.toLowerCase(), fieldValue(valueFile)]),
    ),
    ca: certificateAuthorityFile === undefined ? undefined : authorities(certificateAuthorityFile),
  }
}

/** Every file that the section names, and where. */
export function* filesOf(approvals: unknown): Generator<readonly [file: unknown, at: readonly PropertyKey[]]> {
  yield* filesIn(approvals, ['approvals'])
}

function* filesIn(value: unknown, at: readonly PropertyKey[]): Generator<readonly [unknown, readonly PropertyKey[]]> {
  if (Array.isArray(value)) {
    for (const [index, inner] of value.entries()) yield* filesIn(inner, [...at, index])
    return
  }
  for (const [key, inner] of Object.entries(loose(value))) {
    if (key.endsWith('File')) yield [inner, [...at, key]]
    else if (typeof inner === 'object') yield* filesIn(inner, [...at, key])
  }
}

type Loose = Readonly<Record<string, unknown>>

function loose(value: unknown): Loose {
  return typeof value === 'object' && value !== null ? (value as Loose) : {}
}

function list(value: unknown): Loose[] {
  return Array.isArray(value) ? value.map(loose) : []
}

function isHttpsUrl(value: string): boolean {
  // "{" is no character of a URL, and stands for itself in one that is parsed.
  if (!URL.canParse(value)) return false
  const { protocol, username, password, hash } = new URL(value)
  return protocol === 'https:' && username === '' && password === '' && hash === ''
}
