// One entry of a policy's `grants`, compiled: access for a time that its subjects may ask for, and who must say yes to it.

import type { ApprovalTerms } from '../decision.ts'
import { termsOf } from './approval.ts'
import type { GrantDocument } from './document.ts'
import { ResourceSet } from './resources.ts'
import { EVERY_VERB, type VerbSet, verbSet } from './verbs.ts'

/** What it leaves open is undefined and means all. */
export interface GrantRule {
  readonly name: string
  readonly subjects: GrantDocument['subjects']
  readonly clusters: ReadonlySet<string> | undefined
  readonly verbs: VerbSet
  /** The verbs without those that only "*" brings in. */
  readonly spelledOut: VerbSet
  readonly resources: ResourceSet | undefined
  readonly namespaces: ReadonlySet<string> | undefined
  /** `validForMillis` is the longest time that may be asked for; nothing is parked, and there is no number of uses. */
  readonly terms: ApprovalTerms
  /** "create, patch on apps/deployments in namespace web, for 1h at most": for messages. */
  readonly summary: string
  /** As it is written. */
  readonly source: GrantDocument
}

/** Throws ResourceNameError, which the policy file's reader would have refused. */
export function compileGrant(source: GrantDocument): GrantRule {
  const { name, subjects, clusters, verbs, resources, namespaces, longest, approval } = source
  const spelledOut = verbSet(...verbs)
  return {
    name,
    subjects,
    clusters: clusters === undefined ? undefined : new Set(clusters),
    verbs: verbs.includes('*') ? EVERY_VERB : spelledOut,
    spelledOut,
    resources: resources === undefined ? undefined : new ResourceSet(resources),
    namespaces: namespaces === undefined ? undefined : new Set(namespaces),
    terms: termsOf(name, { ...approval, wait: '0s', validFor: longest, uses: 1 }),
    summary: summaryOf(source),
    source,
  }
}

function summaryOf({ verbs, resources, clusters, namespaces, longest }: GrantDocument): string {
  const parts = [verbs.includes('*') ? 'everything' : verbs.join(', ')]
  if (resources !== undefined && !resources.includes('*')) parts.push(`on ${resources.join(', ')}`)
  if (namespaces !== undefined) parts.push(`in namespace ${namespaces.join(', ')}`)
  if (clusters !== undefined) parts.push(`on cluster ${clusters.join(', ')}`)
  return `${parts.join(' ')}, for ${longest} at most`
}
