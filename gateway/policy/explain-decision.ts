// A decision with its reasons: every rule of the policy, whether it speaks of the request, what keeps it apart if not, and
// what would be needed. For `policy explain`; it asks the same functions that decide, one rule at a time.

import { type Decision, needsApproval } from '../decision.ts'
import { Asked, type Question } from './asked.ts'
import { classOf, decide } from './decide.ts'
import { approvers, whatWasAsked } from './explain.ts'
import { holds, isFor, type Mismatch, meets } from './match.ts'
import type { Effect, Policy, Rule } from './policy.ts'

/** What one rule says of a request. */
export interface Considered {
  readonly rule: string
  readonly effect: Effect
  /** Whether it counts in the decision. */
  readonly applies: boolean
  /** The first thing that keeps it apart; undefined where it counts. */
  readonly obstacle: Obstacle | undefined
  /** In words; ends without a full stop. */
  readonly why: string
}

export interface Explanation {
  readonly decision: Decision
  /** In the order of the policy. */
  readonly considered: readonly Considered[]
  /** What would let it pass, each by itself; empty where it does. */
  readonly needed: readonly string[]
}

export function explainDecision(policy: Policy, question: Question): Explanation {
  const decision = decide(policy, question)
  const verdicts = policy.rules.map((rule) => verdictOn(rule, question))
  const considered = policy.rules.map((rule, at) => {
    const { mismatch, why } = verdicts[at] as Verdict
    return { rule: rule.name, effect: rule.effect, applies: mismatch === undefined, obstacle: mismatch, why }
  })
  return { decision, considered, needed: [...needs(policy, question, decision, verdicts)] }
}

export type Obstacle = Mismatch | 'subjects' | 'when'

interface Verdict {
  readonly mismatch: Obstacle | undefined
  readonly why: string
}

const OBSTACLES: Readonly<Record<Obstacle, string>> = {
  subjects: 'it is not for this caller',
  clusters: 'it is for other clusters',
  hours: 'it is for other hours',
  verbs: 'it names other verbs',
  resources: 'it names other resources',
  namespaces: 'it names other namespaces',
  names: 'it names other objects',
  labels: 'its labels are not what the request shows to touch',
  commands: 'it names other commands',
  dryRun: 'a dry run is not what it is for, or is all it is for',
  body: 'it looks at the body, which cannot be read',
  when: 'its condition does not hold',
}

function verdictOn(rule: Rule, question: Question): Verdict {
  const asked = new Asked(question)
  const mismatch = obstacle(rule, asked)
  if (mismatch !== undefined && mismatch !== 'when') return { mismatch, why: OBSTACLES[mismatch] }
  const { when } = rule
  if (when === undefined) return { mismatch, why: 'all of it fits' }
  if (asked.isNodeProxy && rule.effect !== 'allow') {
    return { mismatch: undefined, why: 'nodes/proxy reaches all that runs on the node, whatever the condition' }
  }
  if (when.readsObject && !('value' in question.object.decoded)) return { mismatch: 'body', why: OBSTACLES.body }
  const holding = when.holds(asked.variables, asked.steps)
  if (holding === undefined) {
    const meets = rule.effect !== 'allow'
    const why = `its condition cannot be worked out on this request, so it ${meets ? 'meets' : 'does not allow'} it`
    return { mismatch: meets ? undefined : 'when', why }
  }
  return holding
    ? { mismatch: undefined, why: 'all of it fits, its condition too' }
    : { mismatch: 'when', why: OBSTACLES.when }
}

/** All but the condition. */
function obstacle(rule: Rule, asked: Asked): Obstacle | undefined {
  if (!isFor(rule, asked.question)) return 'subjects'
  if (rule.clusters !== undefined && !rule.clusters.has(asked.cluster)) return 'clusters'
  return rule.effect === 'allow' ? holds(rule, asked) : meets(rule, asked)
}

function* needs(
  policy: Policy,
  question: Question,
  decision: Decision,
  verdicts: readonly Verdict[],
): Generator<string> {
  if (decision.allowed) return
  if (needsApproval(decision)) {
    yield `an approval by ${approvers(decision.approval)}`
    return
  }
  const denials = policy.rules.filter(
    ({ effect }, at) => effect === 'deny' && (verdicts[at] as Verdict).mismatch === undefined,
  )
  if (denials.length > 0) {
    yield `no denial by ${denials.map(({ name }) => `rule "${name}"`).join(', ')}: no other rule can lift one`
    return
  }
  if (decision.rule.startsWith('policy.')) return
  if (decision.status !== 403) {
    yield 'a body that the gateway can read: send JSON'
    return
  }
  for (const [at, rule] of policy.rules.entries()) {
    const { mismatch } = verdicts[at] as Verdict
    if (rule.effect !== 'allow' || mismatch === undefined || !isNear(rule, mismatch, question)) continue
    yield `what rule "${rule.name}" allows (${rule.summary}): ${OBSTACLES[mismatch]}`
  }
  yield `a rule that allows ${whatWasAsked(question.attributes)}, or default.${classOf(question.attributes)}: allow`
}

/** The same verb, for the same caller, on the same cluster: one thing more would do. */
function isNear(rule: Rule, mismatch: Obstacle, question: Question): boolean {
  return mismatch !== 'subjects' && mismatch !== 'clusters' && mismatch !== 'verbs' && isFor(rule, question)
}
