// Calls on tapes, each decided again by a policy as it was asked: who, where, when and with which body. Gives those that
// come out otherwise than they did. What a stage other than the policy refused stays refused, and is not looked at.

import { claimsOf } from '../gateway/claims.ts'
import { decide } from '../gateway/policy/decide.ts'
import type { Effect, Policy } from '../gateway/policy/policy.ts'
import { NO_BODY, RequestObject } from '../gateway/policy/request-object.ts'
import { requestInfo } from '../gateway/request-info.ts'
import { routeOf } from '../gateway/route.ts'
import { field, fieldList } from '../protocols/fields.ts'
import { commandLine } from '../protocols/kube/command-line.ts'
import { limits } from '../protocols/limits.ts'
import type { DecisionBody, Entry, OpenBody, RequestBody } from '../protocols/tape/entry.ts'
import { DamagedTape } from '../replay/stream-runs.ts'
import { LIST_LIMIT } from '../replay/tape-filter.ts'
import { decoded, type Tapes } from '../replay/tapes.ts'
import { effectOf } from './policy-question.ts'

export interface Outcome {
  readonly effect: Effect
  readonly rule: string
}

/** A call that would be decided differently. */
export interface Change {
  readonly tape: string
  readonly exchange: number
  /** Microseconds since 1970. */
  readonly time: number
  readonly cluster: string
  readonly user: string
  readonly actor: string
  readonly verb: string
  readonly resource: string
  readonly namespace: string
  /** kubectl-shaped. */
  readonly line: string
  readonly was: Outcome
  readonly becomes: Outcome
  /** The body is not on tape as it was sent (masked, or past the cap), and the decision read it. */
  readonly uncertain: boolean
}

/** What a tape has of a call until it is decided. */
interface Pending {
  readonly request: RequestBody
  readonly micros: number
  body: Uint8Array | undefined
  isWhole: boolean
}

export class Past {
  readonly sums: { calls: number; changed: number; uncertain: number; readonly damaged: string[] } = {
    calls: 0,
    changed: 0,
    uncertain: 0,
    damaged: [],
  }
  readonly #policy: Policy
  readonly #since: number
  readonly #cluster: string | undefined

  /** `since` in milliseconds since 1970; calls of every cluster where none is named. */
  constructor(policy: Policy, since: number, cluster: string | undefined) {
    this.#policy = policy
    this.#since = since
    this.#cluster = cluster
  }

  /** Newest tapes first. A tape that cannot be read to its end is named in the sums. */
  async *changes(tapes: Tapes): AsyncGenerator<Change> {
    for await (const { id, kind } of this.#tapes(tapes)) {
      if (kind === 'damaged') {
        this.sums.damaged.push(id)
        continue
      }
      try {
        yield* this.#ofTape(decoded(tapes.entries(id)))
      } catch (error) {
        if (!(error instanceof DamagedTape)) throw error
        this.sums.damaged.push(id)
      }
    }
  }

  /** Page by page. A tape goes on for an hour at most, so earlier ones have no calls of this time. */
  async *#tapes(tapes: Tapes): ReturnType<Tapes['list']> {
    const since = this.#since - limits.tape.rotateMillis
    const cluster = this.#cluster === undefined ? {} : { cluster: this.#cluster }
    const filter = { since, limit: LIST_LIMIT.largest, ...cluster }
    let cursor: string | undefined
    for (;;) {
      let count = 0
      for await (const summary of tapes.list(cursor === undefined ? filter : { ...filter, cursor })) {
        count += 1
        cursor = summary.id
        yield summary
      }
      if (count < LIST_LIMIT.largest) return
    }
  }

  async *#ofTape(entries: AsyncIterable<Entry>): AsyncGenerator<Change> {
    let open: OpenBody | undefined
    const pending = new Map<number, Pending>()
    for await (const { kind, micros, body } of entries) {
      if (kind === 'open') open = body
      else if (kind === 'request') pending.set(body.exchange, { request: body, micros, body: undefined, isWhole: true })
      else if (kind === 'masked' && typeof body.facts?.exchange === 'number') lessen(pending.get(body.facts.exchange))
      else if (kind === 'requestBody') {
        const call = pending.get(body.exchange)
        if (call !== undefined) call.body = body.bytes
        if (body.end?.cut === true) lessen(call)
      } else if (kind === 'decision') {
        const call = pending.get(body.exchange)
        pending.delete(body.exchange)
        const change = open === undefined || call === undefined ? undefined : this.#decideAgain(open, call, body)
        if (change !== undefined) yield change
      }
    }
  }

  #decideAgain(open: OpenBody, call: Pending, past: DecisionBody): Change | undefined {
    const { request } = call
    const { principal, fields, exchange } = request
    const time = open.openedAt + call.micros
    if (principal === null || time < this.#since * 1000 || !isOfPolicy(past.rule)) return undefined
    const upgrade = upgradeOf(request)
    const route = routeOf(request.target, new Map([[open.cluster, true]]), open.cluster)
    const attributes = 'status' in route ? route : requestInfo(request.method, route.target, upgrade)
    if ('status' in attributes) return undefined
    this.sums.calls += 1
    const { body } = call
    const object = body === undefined ? NO_BODY : new SeenObject(body, field(fields, 'content-type') ?? '')
    const decision = decide(this.#policy, {
      principal: { ...principal, issuer: '', expiresAt: Number.POSITIVE_INFINITY },
      claims: claimsOf(fields),
      cluster: open.cluster,
      attributes,
      upgrade,
      userAgent: field(fields, 'user-agent') ?? '',
      object,
      now: Math.floor(time / 1000),
    })
    const becomes = { effect: effectOf(decision), rule: decision.rule }
    const was = outcomeOf(past)
    if (isSame(was, becomes)) return undefined
    const uncertain = !call.isWhole && object instanceof SeenObject && object.wasRead
    this.sums.changed += 1
    if (uncertain) this.sums.uncertain += 1
    return {
      tape: open.tape,
      exchange,
      time,
      cluster: open.cluster,
      user: principal.user,
      actor: principal.actor,
      verb: attributes.verb,
      resource: attributes.resource,
      namespace: attributes.namespace,
      line: commandLine(request),
      was,
      becomes,
      uncertain,
    }
  }
}

/** A body that knows whether the decision looked at it. */
class SeenObject extends RequestObject {
  wasRead = false

  override get decoded(): RequestObject['decoded'] {
    this.wasRead = true
    return super.decoded
  }
}

function lessen(call: Pending | undefined): void {
  if (call !== undefined) call.isWhole = false
}

/** Rules have no dot in their names; checks of other stages have. */
function isOfPolicy(rule: string): boolean {
  return !rule.includes('.') || rule.startsWith('policy.')
}

/** As the policy decided, whatever people have said then. */
function outcomeOf({ effect, rule, approval }: DecisionBody): Outcome {
  return { effect: effect === 'ask' || approval !== undefined ? 'requireApproval' : effect, rule }
}

/** A call that the same rule asked about then ended as people said, or as nobody did. */
function isSame(past: Outcome, becomes: Outcome): boolean {
  if (past.effect === becomes.effect) return true
  return becomes.effect === 'requireApproval' && past.rule === becomes.rule
}

/** As the parser of heads gives it: the Upgrade field, where Connection asks for it. */
function upgradeOf({ fields }: RequestBody): string | undefined {
  const isAsked = fieldList(fields, 'connection').some((option) => option.toLowerCase() === 'upgrade')
  return isAsked ? field(fields, 'upgrade')?.toLowerCase() : undefined
}
