// Says to the caller why a request is denied and what would be allowed instead. What comes from the caller is quoted
// without control or invisible characters and shortened; a message is at most limits.policy.message bytes.

import { limits } from '../../protocols/limits.ts'
import type { ApprovalTerms } from '../decision.ts'
import type { Principal } from '../principal.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import type { Question } from './asked.ts'
import type { Policy, RequestClass, Rule, RulesBySubject } from './policy.ts'
import { resourceKey } from './resources.ts'
import { bit, type VerbSet } from './verbs.ts'

/** Allow rules that a message names. */
const RULES_NAMED = 3

export function denial(rule: Rule, asked: RequestAttributes): string {
  const detour =
    asked.resource === 'nodes' && asked.verb === 'proxy' ? ' (nodes/proxy reaches all that runs on the node)' : ''
  return cut(
    `rule "${rule.name}" denies this${because(rule)}: ${whatWasAsked(asked)}${detour}. It denies ${rule.summary}, and no other rule can allow that; ask whoever keeps the gateway's policy`,
  )
}

/** For a call that is not parked, or before it is. */
export function needsYes(rule: Rule, terms: ApprovalTerms, asked: RequestAttributes): string {
  return cut(
    `rule "${rule.name}" asks for an approval of this${because(rule)}: ${whatWasAsked(asked)}. It must come from ${approvers(terms)}`,
  )
}

/** "2 of group "oidc:sre" or user "oidc:ann"; and 1 of …". */
export function approvers(terms: ApprovalTerms): string {
  const each = terms.quorums.map(({ approvers, quorum }) => {
    const names = approvers.map((one) => ('group' in one ? `group "${one.group}"` : `user "${one.user}"`))
    return `${quorum} of ${names.join(' or ')}`
  })
  return each.join('; and ')
}

/** A rule would have to read the body. */
export function unreadableBody(rule: Rule, problem: string): string {
  return cut(`rule "${rule.name}" looks at the request body, which cannot be read: ${problem}`)
}

function because({ reason }: Rule): string {
  return reason === '' ? '' : ` (${reason.replace(UNSHOWN, ' ')})`
}

export function noRule(
  policy: Policy,
  { principal, cluster, attributes: asked }: Question,
  kind: RequestClass,
): string {
  const open = Object.entries(policy.default).flatMap(([name, effect]) => (effect === 'allow' ? [name] : []))
  const byDefault = `By default ${kind} are denied${open.length === 0 ? '' : ` and ${open.join(' and ')} allowed`}`
  const key = resourceKey(asked)
  const yours: string[] = []
  for (const rule of rulesFor(policy, principal)) {
    if (!isAkin(rule, cluster, bit(asked.verb), key)) continue
    yours.push(`rule "${rule.name}" allows you ${rule.summary}`)
    if (yours.length === RULES_NAMED) break
  }
  return cut(
    `no rule allows this: ${whatWasAsked(asked)}. ${[byDefault, ...yours].join('; ')}. Ask whoever keeps the gateway's policy for more`,
  )
}

export function unknownUpgrade(asked: RequestAttributes): string {
  return cut(
    `the gateway cannot record this upgrade, so it denies it: ${whatWasAsked(asked)}. Upgrades pass only for exec, attach and portforward of pods, and to WebSocket for watches and logs`,
  )
}

/** "delete pods "web-0" in namespace "prod"", or "get /metrics". */
export function whatWasAsked(asked: RequestAttributes): string {
  if (!asked.isResource) return `${asked.verb} ${clean(asked.path)}`
  const { apiGroup, resource, subresource, name, namespace, command } = asked
  const group = apiGroup === '' ? '' : `${clean(apiGroup)}/`
  let text = `${asked.verb} ${group}${clean(resource)}${subresource === '' ? '' : `/${clean(subresource)}`}`
  if (name !== '') text += ` "${clean(name)}"`
  if (namespace !== '' && resource !== 'namespaces') text += ` in namespace "${clean(namespace)}"`
  else if (namespace === '' && name === '') text += ' cluster-wide'
  if (command.length > 0) text += `, command "${clean(command.join(' '))}"`
  return text
}

/** Whether a rule allows something on this cluster that is like what was asked: its verb, or its resource. */
function isAkin(rule: Rule, cluster: string, verb: VerbSet, key: string): boolean {
  if (rule.effect !== 'allow' || (rule.clusters !== undefined && !rule.clusters.has(cluster))) return false
  return (rule.verbs & verb) !== 0 || rule.resources?.names(key) === true
}

/** The caller's rules, subject by subject. */
function* rulesFor(policy: Policy, principal: Principal): Generator<Rule> {
  const { user, groups, actor } = principal
  const seen = new Set<Rule>()
  const sources: (readonly [RulesBySubject, readonly string[]])[] = [
    [policy.actors, actor === '' ? [] : [actor, '*']],
    [policy.users, [user]],
    [policy.groups, groups.length === 0 ? [] : [...groups, '*']],
    [policy.users, ['*']],
  ]
  for (const [rules, subjects] of sources) {
    for (const subject of subjects) {
      for (const rule of rules.get(subject)?.all ?? []) {
        if (seen.has(rule)) continue
        seen.add(rule)
        yield rule
      }
    }
  }
}

/** Characters that a terminal or a log could act upon, or that hide. */
const UNSHOWN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const SHOWN = 120

function clean(text: string): string {
  const short = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
  return short.replace(UNSHOWN, '?')
}

/** At most limits.policy.message bytes, whole characters. */
export function cut(message: string): string {
  if (Buffer.byteLength(message) <= limits.policy.message) return message
  let bytes = 3
  let text = ''
  for (const character of message) {
    bytes += Buffer.byteLength(character)
    if (bytes > limits.policy.message) break
    text += character
  }
  return `${text}…`
}
