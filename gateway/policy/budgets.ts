// The budgets of a policy, which of them a call spends from, and what it costs by itself. A budget of namespaces or clusters
// is for every call that could reach one of them, as a denial is.

import { type Budget, COUNTED, type Cost, type Counted } from '../budget.ts'
import { milliseconds } from './approval.ts'
import { Asked, type Question } from './asked.ts'
import { classOf } from './decide.ts'
import type { BudgetDocument } from './document.ts'
import { isFor } from './match.ts'
import type { Policy } from './policy.ts'

/** A budget with whom and what it is for; what it leaves open is undefined and means all. */
export interface BudgetRule extends Budget {
  readonly subjects: BudgetDocument['subjects']
  readonly clusters: ReadonlySet<string> | undefined
  readonly namespaces: ReadonlySet<string> | undefined
  /** As it is written. */
  readonly source: BudgetDocument
}

export function compileBudget(source: BudgetDocument): BudgetRule {
  const { name, per, subjects, clusters, namespaces } = source
  const windowMillis = milliseconds(source.window)
  return {
    name,
    per,
    subjects,
    clusters: clusters === undefined ? undefined : new Set(clusters),
    namespaces: namespaces === undefined ? undefined : new Set(namespaces),
    limits: COUNTED.flatMap((counted) => {
      const limit = limitOf(source, counted)
      if (limit === undefined) return []
      return [{ counted, limit, windowMillis: counted === 'callsPerSecond' ? 1_000 : windowMillis }]
    }),
    source,
  }
}

const UNITS: Readonly<Record<string, number>> = { Ki: 1_024, Mi: 1_048_576, Gi: 1_073_741_824 }

function limitOf(source: BudgetDocument, counted: Counted): number | undefined {
  const written = source[counted]
  if (typeof written !== 'string') return written
  return Number.parseInt(written, 10) * (UNITS[written.slice(-2)] ?? 1)
}

/** What a call spends, and from which budgets; undefined where there are none for it. */
export interface Bill {
  readonly budgets: readonly Budget[]
  readonly cost: Cost
}

export function billOf(policy: Policy, question: Question): Bill | undefined {
  if (policy.budgets.length === 0) return undefined
  const ours = policy.budgets.filter((budget) => isFor(budget, question) && isOf(budget.clusters, question.cluster))
  if (ours.length === 0) return undefined
  const asked = new Asked(question)
  const budgets = ours.filter(({ namespaces }) => reaches(namespaces, asked))
  return budgets.length === 0 ? undefined : { budgets, cost: costOf(asked) }
}

/** All budgets that are for a caller, on a cluster or on any. */
export function budgetsFor(
  policy: Policy,
  caller: Pick<Question, 'principal' | 'claims'>,
  cluster: string | undefined,
): readonly Budget[] {
  return policy.budgets.filter(
    (budget) => isFor(budget, caller) && (cluster === undefined || isOf(budget.clusters, cluster)),
  )
}

function isOf(names: ReadonlySet<string> | undefined, name: string): boolean {
  return names === undefined || names.has(name)
}

function reaches(namespaces: ReadonlySet<string> | undefined, asked: Asked): boolean {
  if (namespaces === undefined || asked.isOfEveryNamespace) return true
  return namespaces.has(asked.attributes.namespace)
}

const DELETES = new Set(['delete', 'deletecollection'])
/** Verbs of non-resource paths that change nothing. */
const QUIET = new Set(['get', 'head', 'options'])
/** Answered with one object, or with a Status in its place. */
const SINGLE = new Set(['get', 'create', 'update', 'patch', 'delete'])

function costOf(asked: Asked): Cost {
  const { attributes, key } = asked
  const { isResource, verb, subresource, namespace } = attributes
  const isWrite = classOf(attributes) === 'writes' && !QUIET.has(verb) && asked.dryRun !== 'dry'
  const isEviction = verb === 'create' && subresource === 'eviction'
  const isDelete = isWrite && isResource && (DELETES.has(verb) || isEviction)
  const isUncounted = verb === 'deletecollection' || asked.isNamespaceDelete || asked.isDefinitionDelete
  const isToken = key === '/serviceaccounts' && subresource === 'token'
  const isMany = isResource && (verb === 'list' || verb === 'deletecollection')
  const isEverywhere = asked.isOfEveryNamespace && !(key === '/namespaces' && !asked.isNodeProxy)
  return {
    mutations: isWrite ? 1 : 0,
    deletions: isDelete ? (isUncounted ? Number.POSITIVE_INFINITY : 1) : 0,
    execs: verb === 'exec' || verb === 'attach' ? 1 : 0,
    namespace: isEverywhere ? { all: true } : namespace,
    objects: isResource && SINGLE.has(verb) && subresource !== 'log' ? 1 : 0,
    isSecret: isResource && (key === '/secrets' || isToken),
    answer: isResource && verb === 'watch' ? 'watch' : isMany ? 'list' : 'none',
  }
}
