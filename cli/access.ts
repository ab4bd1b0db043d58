// `sallyport whoami | access`: who a token is to the gateway, and what that somebody may do, ask for and is kept from.

import type { Argv } from 'yargs'
import { printable, printableJson } from '../replay/printable.ts'
import type { Json } from './admin-api.ts'
import { runWithAdmin, withAdmin } from './admin-source.ts'
import { spanText, timeText } from './approval-text.ts'
import { EXIT } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { Program } from './program.ts'
import { coloured, table } from './table.ts'

export function whoami<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'whoami',
    'Say who you are to the gateway',
    (command) =>
      withAdmin(command)
        .example('$0 whoami', 'Your user, groups and agent, and until when')
        .example('$0 whoami --context prod', 'As the user of that context of your kubeconfig'),
    (argv) =>
      runWithAdmin(program, argv, 'person', async (api, io) => {
        const json = await api.get('/v1/whoami')
        await io.out(argv.json ? `${printableJson(json)}\n` : whoamiText(json, io))
        return EXIT.OK
      }),
  )
}

export function access<T>(yargs: Argv<T>, program: Program) {
  return yargs.command(
    'access',
    'Say what you may do here, and what you may ask for',
    (command) =>
      withAdmin(command)
        .option('cluster', { type: 'string', requiresArg: true, describe: 'Only on this cluster' })
        .example('$0 access', 'Rules, standing access, locks and budgets that concern you')
        .example('$0 access --json', 'For a program: docs/agents.md says what each field means'),
    (argv) =>
      runWithAdmin(program, argv, 'person', async (api, io) => {
        const query = argv.cluster === undefined ? '' : `?cluster=${encodeURIComponent(argv.cluster)}`
        const json = await api.get(`/v1/access${query}`)
        await io.out(argv.json ? `${printableJson(json)}\n` : accessText(json as unknown as AccessJson, io))
        return EXIT.OK
      }),
  )
}

function whoamiText(json: Json, io: Io): string {
  const { kind, user, groups, actor, issuer, expiresAt, operator, gateway, clusters } = json
  if (kind === 'admin-token') {
    return 'nobody: the holder of the admin token, who may read and lock, and say yes to nothing\n'
  }
  const lines = [
    ['User', String(user)],
    ['Groups', (groups as readonly string[]).join(', ') || 'none'],
    ['Agent', actor === '' ? 'none: in person' : String(actor)],
    ['Issuer', String(issuer)],
    ['Token', `ends ${timeText(String(expiresAt), io.today())}`],
    ['Operator', operator === true ? 'yes: may lock and unlock' : 'no'],
    ['Gateway', String(gateway)],
    ['Clusters', (clusters as readonly string[]).join(', ')],
  ]
  return lines
    .map(([title = '', text = '']) => `${coloured(title.padEnd(9), 'bold', io.colours)}${printable(text)}\n`)
    .join('')
}

/** GET /v1/access, as far as it is shown here. */
interface AccessJson {
  readonly principal: { readonly user: string; readonly actor: string }
  readonly default: Readonly<Record<string, string>>
  readonly rules: readonly (ScopeJson & { readonly effect: string; readonly reason?: string; readonly when?: string })[]
  readonly requestable: readonly (ScopeJson & { readonly longestSeconds: number })[]
  readonly grants: readonly GrantJson[]
  readonly budgets: readonly {
    readonly name: string
    readonly limits: readonly {
      readonly counted: string
      readonly limit: number
      readonly left: number
      readonly renewsAt: string | null
    }[]
  }[]
  readonly locks: readonly { readonly target: { kind: string; name: string }; readonly reason: string }[]
}

interface ScopeJson {
  readonly name: string
  readonly verbs: readonly string[]
  readonly resources?: readonly string[]
  readonly clusters?: readonly string[]
  readonly namespaces?: readonly string[]
}

interface GrantJson {
  readonly id: string
  readonly state: string
  readonly cluster: string
  readonly verbs: readonly string[]
  readonly resources: readonly string[]
  readonly namespaces: readonly string[] | 'all'
  readonly validUntil?: string
}

const RULES = [
  { title: 'EFFECT' },
  { title: 'RULE' },
  { title: 'VERBS' },
  { title: 'ON', elastic: true },
  { title: 'NAMESPACES' },
  { title: 'CLUSTERS' },
] as const

const BUDGETS = [{ title: 'BUDGET' }, { title: 'OF' }, { title: 'LEFT', right: true }, { title: 'ALL BACK' }] as const

function accessText(json: AccessJson, io: Io): string {
  const { principal, rules, requestable, grants, locks, budgets } = json
  const who = principal.actor === '' ? principal.user : `${principal.user} (${principal.actor})`
  const defaults = Object.entries(json.default).map(([what, effect]) => `${what} ${effect}`)
  const width = io.terminal?.columns
  const parts = [`${printable(`${who}: where no rule speaks, ${defaults.join(', ')}; a deny wins over all else.`)}\n`]
  for (const { target, reason } of locks) {
    parts.push(`${coloured(printable(`Locked (${target.kind} ${target.name}): ${reason}`), 'red', io.colours)}\n`)
  }
  if (rules.length > 0) {
    parts.push(
      `\n${table(
        RULES,
        rules.map((rule) => [rule.effect, rule.name, ...scope(rule)]),
        width,
      )}`,
    )
  }
  if (grants.length > 0) {
    parts.push('\nStanding access:\n')
    for (const grant of grants) {
      const { id, state, verbs, resources, namespaces, cluster, validUntil } = grant
      const where = namespaces === 'all' ? 'everywhere' : `in ${namespaces.join(', ')}`
      const until = validUntil === undefined ? state : `until ${timeText(validUntil, io.today())}`
      const text = `${id}  ${verbs.join(',')} ${resources.join(',')} ${where} on ${cluster}, ${until}`
      parts.push(`  ${printable(text)}\n`)
    }
  }
  if (requestable.length > 0) {
    const columns = [{ title: 'MAY BE ASKED FOR' }, { title: 'FOR' }, ...RULES.slice(2)]
    const rows = requestable.map((one) => [one.name, spanText(one.longestSeconds), ...scope(one)])
    parts.push(`\n${table(columns, rows, width)}`)
  }
  if (budgets.length > 0) {
    const rows = budgets.flatMap(({ name, limits }) =>
      limits.map(({ counted, limit, left, renewsAt }) => {
        const renews = renewsAt === null ? '-' : timeText(renewsAt, io.today())
        return [name, counted, `${left} of ${limit}`, renews]
      }),
    )
    parts.push(`\n${table(BUDGETS, rows, width)}`)
  }
  return parts.join('')
}

function scope({ verbs, resources, namespaces, clusters }: ScopeJson): string[] {
  return [verbs.join(','), resources?.join(',') ?? '*', namespaces?.join(',') ?? '*', clusters?.join(',') ?? '*']
}
