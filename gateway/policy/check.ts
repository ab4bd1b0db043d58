// What makes a rule one that could never do what it says, beyond the schema: names that nothing has, fields that no request
// of its verbs shows, conditions that do not check, allows that rest on a caller's own word.

import { limits } from '../../protocols/limits.ts'
import { COUNTED } from '../budget.ts'
import type { Report } from '../config-file.ts'
import { SelectorError, selectorOf } from '../labels.ts'
import { parseResource, ResourceNameError } from '../resource-names.ts'
import { milliseconds } from './approval.ts'
import { linearPattern, PatternError } from './commands.ts'
import { Condition, ConditionError } from './condition.ts'
import { type BudgetDocument, budget, type GrantDocument, grant, type RuleDocument, rule } from './document.ts'
import { isTimeZone } from './hours.ts'

/** Subresources whose verb is their own name. */
const STREAM_VERBS = ['exec', 'attach', 'portforward', 'proxy'] as const

/** Verbs whose requests show labels. */
const LABELLED_VERBS = new Set<string>(['list', 'watch', 'deletecollection', 'create'])

const WRITE_VERBS = new Set<string>(['create', 'update', 'patch', 'delete', 'deletecollection', '*'])

/** Looks at each rule by itself, so that a mistake in one does not hide those of others. `names`: those of other files. */
export function checkPolicy(content: unknown, report: Report, names: Set<unknown> = new Set()): void {
  checkEach('rules', content, report, names, (source, inside) => {
    const parsed = rule.safeParse(source)
    if (parsed.success) checkRule(parsed.data, inside)
  })
  checkEach('grants', content, report, names, (source, inside) => {
    const parsed = grant.safeParse(source)
    if (parsed.success) checkGrant(parsed.data, inside)
  })
  checkEach('budgets', content, report, names, (source, inside) => {
    const parsed = budget.safeParse(source)
    if (parsed.success) checkBudget(parsed.data, inside)
  })
}

/** Rules, grants and budgets are told apart by their names alone, in approvals and on tapes. */
function checkEach(
  section: 'rules' | 'grants' | 'budgets',
  content: unknown,
  report: Report,
  names: Set<unknown>,
  check: (source: unknown, inside: Report) => void,
): void {
  const list = (content as Readonly<Record<string, unknown>> | null | undefined)?.[section]
  if (!Array.isArray(list)) return
  for (const [at, source] of list.entries()) {
    const name: unknown = (source as { name?: unknown } | null)?.name
    if (typeof name === 'string' && names.has(name)) {
      report([section, at, 'name'], `another rule is called "${name}"; names must differ`)
    }
    names.add(name)
    check(source, (path, message, inside) => report([section, at, ...path], message, inside))
  }
}

/** Longer would be kept for longer than anybody remembers why. */
const LONGEST_WINDOW_MILLIS = 31 * 86_400_000

function checkBudget(source: BudgetDocument, report: Report): void {
  checkSubjects({ subjects: source.subjects, effect: 'deny' }, report)
  if (COUNTED.every((counted) => source[counted] === undefined))
    report(['name'], `it limits nothing: write at least one of ${COUNTED.join(', ')}`)
  const window = milliseconds(source.window)
  if (window < 1_000 || window > LONGEST_WINDOW_MILLIS) report(['window'], 'from "1s" to "31d"')
}

function checkRule(source: RuleDocument, report: Report): void {
  checkSubjects(source, report)
  checkResources(source, report)
  checkCommands(source, report)
  checkLabels(source, report)
  checkCircumstances(source, report)
  checkApproval(source, report)
  checkCondition(source, report)
  if (source.durability !== undefined && source.effect === 'deny')
    report(['durability'], 'what is denied is not recorded in two ways; remove it')
}

function checkGrant(source: GrantDocument, report: Report): void {
  checkSubjects({ ...source, effect: 'allow' }, report)
  checkResources(source, report)
  checkApprovers(source.approval, report)
  const longest = milliseconds(source.longest)
  if (longest === 0) report(['longest'], 'access must be for some time')
  if (longest > limits.approvals.grantMillis) {
    report(['longest'], `at most ${limits.approvals.grantMillis / 3_600_000}h: for longer write a rule`)
  }
}

function checkSubjects({ subjects, effect }: Pick<RuleDocument, 'subjects' | 'effect'>, report: Report): void {
  for (const [at, { user, group, run }] of subjects.entries()) {
    if (/^system:/i.test(user ?? group ?? '')) {
      report(['subjects', at], '"system:" users and groups are never let in, so this can match nobody; remove it')
    }
    if (run !== undefined && effect === 'allow') {
      report(
        ['subjects', at],
        'a run is what the caller says of itself, so it opens nothing: allow a user, group or actor, and deny or ask about the run',
      )
    }
  }
}

function checkResources({ resources = [], verbs }: Pick<RuleDocument, 'resources' | 'verbs'>, report: Report): void {
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
}

function checkCommands({ commands, effect, verbs }: RuleDocument, report: Report): void {
  if (commands === undefined) return
  for (const [at, { argv, pattern }] of commands.entries()) {
    if (argv?.slice(0, -1).includes('...') === true) report(['commands', at, 'argv'], '"..." stands only at the end')
    try {
      if (pattern !== undefined) linearPattern(pattern)
    } catch (error) {
      if (!(error instanceof PatternError)) throw error
      report(['commands', at, 'pattern'], error.message)
    }
  }
  if (effect === 'allow' && verbs.some((verb) => verb !== 'exec')) {
    report(['commands'], 'only exec has a command: let this rule allow exec alone, and the other verbs by another rule')
  } else if (!verbs.includes('*') && !verbs.includes('exec'))
    report(['commands'], 'only exec has a command; add it to verbs')
}

function checkLabels({ labels, effect, verbs }: RuleDocument, report: Report): void {
  if (labels === undefined) return
  try {
    selectorOf(labels)
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error
    report(['labels'], error.message)
  }
  if (effect === 'allow' && verbs.some((verb) => !LABELLED_VERBS.has(verb))) {
    report(
      ['labels'],
      'only list, watch and deletecollection (by their selector) and create (by its body) show the labels that they touch: let this rule allow these alone, and the other verbs by another rule',
    )
  }
}

function checkCircumstances({ hours = [], dryRun, verbs }: RuleDocument, report: Report): void {
  for (const [at, { timeZone }] of hours.entries()) {
    if (!isTimeZone(timeZone)) {
      report(['hours', at, 'timeZone'], `there is no time zone "${timeZone}"; write one such as Europe/Berlin or UTC`)
    }
  }
  if (dryRun !== undefined && !verbs.some((verb) => WRITE_VERBS.has(verb))) {
    report(['dryRun'], 'only writes can be dry runs; remove it, or add create, update, patch or delete to verbs')
  }
}

function checkApproval({ approval, effect }: RuleDocument, report: Report): void {
  if (effect !== 'requireApproval') {
    if (approval !== undefined) report(['approval'], 'only requireApproval takes it; remove it, or change the effect')
    return
  }
  if (approval === undefined) {
    report(['effect'], 'say under "approval" who can say yes, such as approval: {approvers: [{group: "oidc:sre"}]}')
    return
  }
  checkApprovers(approval, report)
  if (/^0+[smhd]$/.test(approval.validFor)) report(['approval', 'validFor'], 'a yes must be good for some time')
}

function checkApprovers({ approvers, quorum }: GrantDocument['approval'], report: Report): void {
  for (const [at, { user, group }] of approvers.entries()) {
    const name = user ?? group ?? ''
    if (/^system:/i.test(name)) report(['approval', 'approvers', at], '"system:" users and groups are never let in')
    else if (name.includes('*')) report(['approval', 'approvers', at], 'approvers are named; "*" is nobody')
  }
  const people = new Set(approvers.map(({ user }) => user))
  if (!people.has(undefined) && quorum > people.size) {
    report(['approval', 'quorum'], `only ${people.size} can say yes, so ${quorum} never will`)
  }
}

function checkCondition({ when, effect }: RuleDocument, report: Report): void {
  if (when === undefined) return
  try {
    const condition = new Condition(when)
    if (effect === 'allow' && condition.readsClaims) {
      report(
        ['when'],
        'principal.run, principal.intent and request.userAgent are what the caller says of itself, so no allow rests on them: turn it round, into a deny of the others',
      )
    }
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error
    report(['when'], error.message, error.at)
  }
}
