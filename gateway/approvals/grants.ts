// Standing grants, just-in-time access for a time: asked for by scope, answered as any approval is, ended by the clock or
// taken back. What a grant opens, a denial of the policy still closes.

import { limits } from '../../protocols/limits.ts'
import { type ApprovalTerms, type Refusal, refuse } from '../decision.ts'
import type { Principal } from '../principal.ts'
import type { ApprovalBook } from './approval-book.ts'
import type { Approval } from './approvals.ts'
import { type GrantQuestion, type GrantResource, type GrantScope, scopeHolds } from './grant-scope.ts'

export interface GrantRequest {
  readonly requester: Principal
  /** The requester's agent that is to have the access; absent: whoever asks, as they ask. */
  readonly actor?: string
  readonly cluster: string
  readonly verbs: readonly string[]
  readonly resources: readonly GrantResource[]
  readonly namespaces: readonly string[] | 'all'
  /** From the yes. */
  readonly durationMillis: number
  /** Or "". */
  readonly reason: string
  /** Or "". */
  readonly ticket: string
  /** Who must say yes. How long a yes is good for is the duration, and there is no number of uses. */
  readonly terms: ApprovalTerms
}

export class Grants {
  readonly #book: ApprovalBook
  readonly #now: () => number

  constructor(book: ApprovalBook, now: () => number) {
    this.#book = book
    this.#now = now
  }

  /**
   * Asks for a grant; the same request again is the same approval. Refusals: grants.actor, .scope, .duration, .many, and
   * those of `Approvals.ask`.
   */
  async request(request: GrantRequest): Promise<Approval | Refusal> {
    const scope = scopeOf(request)
    if ('status' in scope) return scope
    const { requester, durationMillis, reason, ticket, terms } = request
    const longest = limits.approvals.grantMillis
    if (!Number.isInteger(durationMillis) || durationMillis <= 0 || durationMillis > longest) {
      const message = `a grant lasts for at most ${longest / 3_600_000} hours`
      return refuse(422, 'Invalid', 'grants.duration', message)
    }
    if (this.list().filter(({ overAt }) => overAt === null).length >= limits.approvals.grants) {
      return refuse(
        429,
        'TooManyRequests',
        'grants.many',
        'too many grants are in force or asked for; have some taken back',
      )
    }
    return this.#book.askGrant({
      terms: { ...terms, validForMillis: durationMillis, uses: 1 },
      scope,
      requester,
      summary: summaryOf(scope, durationMillis),
      reason,
      ticket,
    })
  }

  /** The grant that a request lies wholly inside. None while the journal has failed: a revocation could be lost. */
  covers(question: GrantQuestion): Approval | undefined {
    const now = this.#now()
    for (const approval of this.#book.live()) {
      const { target, state, validUntil } = approval
      if (target.kind !== 'grant' || state !== 'approved' || now >= (validUntil as number)) continue
      if (scopeHolds(target.scope, question) && this.#book.isSettled(approval.id)) return approval
    }
    return undefined
  }

  /** By when they were asked for. */
  list(): readonly Approval[] {
    return this.#book.list().filter(({ target }) => target.kind === 'grant')
  }
}

function scopeOf(request: GrantRequest): GrantScope | Refusal {
  const { requester, cluster, namespaces } = request
  const actor = request.actor ?? requester.actor
  if (requester.actor !== '' && actor !== requester.actor) {
    return refuse(403, 'Forbidden', 'grants.actor', 'an agent can ask for access for itself alone')
  }
  const verbs = ordered(request.verbs)
  const resources = uniqueResources(request.resources)
  const places = namespaces === 'all' ? namespaces : ordered(namespaces)
  const isBounded = [verbs, resources, places].every(
    ({ length }) => length > 0 && length <= limits.approvals.grantWords,
  )
  const words = [actor, cluster, ...verbs, ...resources.flatMap(wordsOf), ...places]
  const isShort = words.every(({ length }) => length <= limits.approvals.lockName)
  const isExact = verbs.every(isName) && resources.every(({ resource }) => resource !== '')
  if (!isBounded || !isShort || !isExact || (places !== 'all' && !places.every(isName))) {
    const message = 'name the verbs, resources and namespaces that the access is for, each exactly'
    return refuse(422, 'Invalid', 'grants.scope', message)
  }
  return { user: requester.user, actor, cluster, verbs, resources, namespaces: places }
}

function isName(word: string): boolean {
  return word !== '' && !word.includes('*')
}

/** Whatever the order in which they were named, the same request is the same. */
function ordered(words: readonly string[]): readonly string[] {
  return [...new Set(words)].sort()
}

function uniqueResources(resources: readonly GrantResource[]): readonly GrantResource[] {
  const byName = new Map(
    resources.map(({ group, resource, subresource }) => [
      JSON.stringify([group, resource, subresource]),
      { group, resource, subresource },
    ]),
  )
  return [...byName].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, resource]) => resource)
}

function wordsOf({ group, resource, subresource }: GrantResource): string[] {
  return [group, resource, subresource]
}

function summaryOf(scope: GrantScope, durationMillis: number): Approval['summary'] {
  const verb = scope.verbs.join(',')
  const resource = scope.resources.map((each) => wordsOf(each).filter(Boolean).join('/')).join(',')
  const namespace = scope.namespaces === 'all' ? '' : scope.namespaces.join(',')
  const where = scope.namespaces === 'all' ? 'everywhere' : `in ${namespace}`
  const whom = scope.actor === '' ? '' : `, by agent ${scope.actor}`
  const command = `${verb} ${resource} ${where} for ${Math.ceil(durationMillis / 60_000)} minutes${whom}`
  return {
    cluster: scope.cluster,
    run: '',
    command,
    verb,
    resource,
    namespace,
    name: '',
    diff: '',
    note: '',
    objects: null,
  }
}
