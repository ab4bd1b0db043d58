// The straight path, and the only file that knows its order: request head, cluster, request info, identity, lock, body,
// decision, mask, people's yes, tape, cluster, answer. A stage that refuses ends it; what is refused is on tape too.

import { type Fields, field } from '../protocols/fields.ts'
import type { StreamOffer } from '../protocols/kube/handshake.ts'
import { limits } from '../protocols/limits.ts'
import { Answer } from './answer.ts'
import { summaryOf } from './approval-summary.ts'
import { lockRefusal } from './approvals/locks.ts'
import type { Spending } from './budgets/spending.ts'
import { claimsOf } from './claims.ts'
import type { Client } from './client.ts'
import { consent, granted } from './consent.ts'
import { type ApprovalNeeded, needsApproval, type Permission, type Refusal, refuse } from './decision.ts'
import { ClientGone, type Exchange } from './exchange.ts'
import type { Cluster, Gate } from './gate.ts'
import { forwardable } from './hop-by-hop.ts'
import { acceptMaskable } from './mask/accept.ts'
import { messages, unlikeEvents } from './message-call.ts'
import { asCaller } from './own-call.ts'
import { type Permitted, reasonOf, stopped, upstreamRequest, whoIs } from './permitted.ts'
import type { Question } from './policy/asked.ts'
import { billOf } from './policy/budgets.ts'
import { classOf, decide } from './policy/decide.ts'
import type { Principal } from './principal.ts'
import { digestOf, questionOf } from './question.ts'
import { type Known, recordPermitted } from './request-entries.ts'
import { requestInfo } from './request-info.ts'
import { routeOf } from './route.ts'
import { isAnswerOffer, upgradeOffer } from './stream/offer.ts'
import { type Tape, TapeFailed } from './tape/tape.ts'
import { answerFailed, refuseOn, turnAway, unrecorded } from './turned-away.ts'
import { declined, join } from './upgrade-answer.ts'
import { type UpgradeAnswer, UpstreamFailed } from './upstream/upstream.ts'

/** Takes one request from its head to the beginning of its answer. Never rejects. */
export async function handle(gate: Gate, client: Client, exchange: Exchange): Promise<void> {
  const known: Known = { auditId: gate.newId(), cluster: gate.defaultCluster }
  try {
    const permitted = await judge(gate, client, exchange, known)
    // Nothing has gone anywhere, and the connection's tapes are sealed: there is nothing left to do.
    if (exchange.isGone) return
    if ('status' in permitted) turnAway(gate, client, exchange, known, permitted)
    else if (permitted.offer === undefined) await call(gate, permitted)
    else if (isAnswerOffer(permitted.offer)) await messages(gate, permitted, permitted.offer, call)
    else await stream(gate, permitted, permitted.offer)
  } catch (error) {
    if (error instanceof ClientGone) return
    if (error instanceof TapeFailed) {
      unrecorded(gate, exchange)
      return
    }
    // A bug of ours. Nothing more passes on this connection; the stack has no bytes of the peer.
    gate.log.error({ err: error, auditId: known.auditId }, 'bug')
    exchange.abort()
  }
}

/** Every stage before the tape, in order. The first refusal ends it. */
async function judge(gate: Gate, client: Client, exchange: Exchange, known: Known): Promise<Permitted | Refusal> {
  const route = routeOf(exchange.target, gate.clusters, gate.defaultCluster)
  const attributes = 'status' in route ? route : requestInfo(exchange.method, route.target, exchange.upgrade)
  const offer = upgradeOffer(exchange.fields, exchange.upgrade, attributes)
  if (!('status' in route)) known.cluster = route.cluster
  if (!('status' in attributes)) known.attributes = attributes

  // Who calls comes before what is wrong with the call: strangers learn nothing of paths and clusters.
  const bearer = offer === undefined || 'status' in offer ? undefined : offer.bearer
  const principal = await gate.authenticator.authenticate(exchange.fields, bearer)
  if ('status' in principal) return principal
  known.principal = principal
  client.identified()
  const shed = admit(gate, exchange, principal)
  if (shed !== undefined) return shed
  const claims = claimsOf(exchange.fields)
  const lock = gate.people.locks.lockOn(principal, claims.run, known.cluster)
  if (lock !== undefined) return lockRefusal(lock)
  if ('status' in route) return route
  if ('status' in attributes) return attributes
  if (offer !== undefined && 'status' in offer) return offer
  const passable = forwardable(exchange.fields)
  if ('status' in passable) return passable

  const body = await exchange.readBody(limits.gateway.requestBody)
  if (body !== undefined && 'status' in body) return body
  if (body !== undefined) known.body = body

  const question = questionOf(gate, exchange, principal, claims, known.cluster, attributes, body)
  const decided = decide(gate.policy, question)
  const decision = decided.allowed ? decided : (granted(gate, question, decided) ?? decided)
  if (!decision.allowed && !needsApproval(decision)) return decision
  const mask = gate.masking.of(known.cluster, principal, attributes)
  const maskable = mask.fields(passable)
  if ('status' in maskable) return maskable
  const overwrite = body === undefined ? undefined : mask.refusal(exchange.fields, body)
  if (overwrite !== undefined) return overwrite
  const spending = spend(gate, question)
  if (spending !== undefined && 'status' in spending) return spending
  const isOfEvents = offer?.kind === 'watch'
  const fields = spending?.readsAnswer === true || isOfEvents ? inJson(maskable, spending, isOfEvents) : maskable
  if ('status' in fields) return fields
  const cluster = gate.clusters.get(known.cluster) as Cluster
  const { cluster: clusterName, auditId } = known
  const narrowed = await narrow(gate, question, decision, auditId)
  const permission = needsApproval(narrowed)
    ? await consent(gate, {
        ...{ exchange, question, claims, body, decision: narrowed, before: decision },
        digest: digestOf(exchange, question, fields, body),
        summary: () =>
          summaryOf(gate, {
            ...{ exchange, question, body },
            contentType: field(passable, 'content-type') ?? '',
            asCaller: (request) =>
              asCaller(gate, { client, exchange, cluster, clusterName, principal, claims }, request, call),
          }),
        identify: async () => gate.current().authenticator.authenticate(exchange.fields, bearer),
      })
    : narrowed
  if (!permission.allowed) {
    spending?.giveBack()
    return permission
  }
  return {
    exchange,
    client,
    cluster,
    clusterName,
    principal,
    claims,
    attributes,
    permission,
    offer,
    fields,
    body,
    spending,
    mask,
    auditId,
  }
}

/** What the call costs, spent; undefined where no budget is for it. */
function spend(gate: Gate, question: Question): Spending | Refusal | undefined {
  const bill = billOf(gate.policy, question)
  if (bill === undefined) return undefined
  const { user, actor } = question.principal
  return gate.people.budgets.spend(bill.budgets, { user, actor, run: question.claims.run }, bill.cost)
}

/** Objects are counted in JSON alone, and events told apart. */
function inJson(fields: Fields, spending: Spending | undefined, isOfEvents: boolean): Fields | Refusal {
  const narrowed = acceptMaskable(fields)
  if (!('status' in narrowed)) return narrowed
  spending?.giveBack()
  if (isOfEvents) {
    const message = 'a watch over a WebSocket has its events in JSON: accept application/json'
    return refuse(406, 'NotAcceptable', 'stream.not_acceptable', message)
  }
  const message = 'a budget counts the objects of this answer, which only JSON can be: accept application/json'
  return refuse(406, 'NotAcceptable', 'budgets.not_acceptable', message)
}

/** What hooks leave of a decision. */
function narrow(
  gate: Gate,
  { principal, claims, cluster, attributes, now }: Question,
  decision: Permission | ApprovalNeeded,
  id: string,
): Promise<Permission | ApprovalNeeded | Refusal> | Permission | ApprovalNeeded {
  const kind = classOf(attributes)
  if (!gate.hooks.concerns(kind)) return decision
  return gate.hooks.narrow({ id, principal, claims, cluster, class: kind, attributes, now }, decision)
}

/** Whether there is room for one more request, of this user and in the process. No Retry-After: client-go would repeat a write on it. */
function admit(gate: Gate, exchange: Exchange, principal: Principal): Refusal | undefined {
  if (gate.pressure.isHigh) {
    const message = 'the gateway is short of memory and takes no new requests for now; try again in a moment'
    return refuse(429, 'TooManyRequests', 'gateway.pressure', message)
  }
  if (!gate.users.begin(principal.user)) {
    const message = `you have ${limits.gateway.userRequests} requests under way, which is as many as one user may have`
    return refuse(429, 'TooManyRequests', 'gateway.user_requests', message)
  }
  exchange.user = principal.user
  return undefined
}

/** An API call: taped, durable, sent; its answer streams back by callbacks. */
async function call(gate: Gate, permitted: Permitted): Promise<void> {
  const { exchange, cluster, permission, attributes } = permitted
  const api = permitted.client.apiTape(permitted.clusterName)
  const { tape } = api
  const number = recordPermitted(gate, api, permitted)
  const credentials = await ready(cluster, tape)
  if (exchange.isGone) return
  if (credentials instanceof UpstreamFailed) {
    answerFailed(gate, permitted, tape, number, credentials)
    return
  }
  const refused = stopped(gate, permitted)
  if (refused !== undefined) {
    refuseOn(gate, exchange, tape, number, refused, permitted.auditId)
    return
  }
  const answer: Answer = new Answer({
    exchange,
    tape,
    number,
    store: gate.store,
    durability: permission.durability,
    deadlines: gate.deadlines,
    expiresAt: permitted.principal.expiresAt,
    bodyBytes: attributes.longRunning ? Number.POSITIVE_INFINITY : gate.bodyBytes,
    mask: (status, fields) => unlikeEvents(permitted.offer, status, fields) ?? permitted.mask.answer(status, fields),
    meter: permitted.spending,
    refused: (refusal) => refuseOn(gate, exchange, tape, number, refusal, permitted.auditId),
    failed: (error) => answerFailed(gate, permitted, tape, number, error),
    unrecorded: () => unrecorded(gate, exchange),
    ended: (status) => {
      gate.streams.delete(answer)
      gate.metrics.answered(attributes.verb, status)
    },
  })
  if (attributes.longRunning) {
    exchange.streaming = true
    gate.streams.set(answer, whoIs(permitted))
  }
  answer.begin(cluster.upstream.send(upstreamRequest(permitted, credentials, tape), answer))
}

/** An exec, attach or port-forward: a tape of its own, and frames only after the cluster's 101 has been checked. */
async function stream(gate: Gate, permitted: Permitted, offer: StreamOffer): Promise<void> {
  const { exchange, cluster, attributes } = permitted
  const kind = attributes.verb as 'exec' | 'attach' | 'portforward'
  const tape = gate.store.open({ kind, cluster: permitted.clusterName, client: permitted.client.address })
  const number = recordPermitted(gate, { tape, exchanges: 0 }, permitted)
  const gone = new AbortController()
  exchange.owner = { drained: () => undefined, gone: () => gone.abort() }
  const credentials = await ready(cluster, tape)
  if (exchange.isGone) {
    tape.seal('client gone')
    return
  }
  if (credentials instanceof UpstreamFailed) {
    answerFailed(gate, permitted, tape, number, credentials)
    tape.seal('cluster gone')
    return
  }
  const refused = stopped(gate, permitted)
  if (refused !== undefined) {
    refuseOn(gate, exchange, tape, number, refused, permitted.auditId)
    tape.seal(reasonOf(refused))
    return
  }
  let answer: UpgradeAnswer
  try {
    answer = await cluster.upstream.upgrade(upstreamRequest(permitted, credentials, tape), gone.signal)
  } catch (error) {
    if (!(error instanceof UpstreamFailed)) throw error
    // Asked before the answer: once it is out the exchange is over too.
    const { isGone } = exchange
    if (!isGone) answerFailed(gate, permitted, tape, number, error)
    tape.seal(isGone ? 'client gone' : 'cluster gone')
    return
  }
  if (exchange.isGone) {
    if (answer.switched) answer.socket.destroy()
    tape.seal('client gone')
    return
  }
  if (!answer.switched) {
    const { consent: given } = permitted.permission
    if (given !== undefined && given.isRepeated !== true) gate.people.approvals.unspent(given.id)
    const { status } = answer.head
    const { fields, body } = declined(gate, permitted, tape, number, answer)
    tape.seal('closed')
    if (permitted.permission.durability === 'strict') await tape.durable()
    exchange.answer(status, fields, body, true)
    gate.metrics.answered(kind, status)
    return
  }
  try {
    await join(gate, permitted, offer, { tape, number, answer })
  } catch (error) {
    answer.socket.destroy()
    throw error
  }
}

/** Both at once: the credentials for the cluster, and the request on disk. Rejects with TapeFailed. */
async function ready(cluster: Cluster, tape: Tape): Promise<Fields | UpstreamFailed> {
  const credentials = cluster.upstream.credentials().catch((error: unknown) => {
    if (error instanceof UpstreamFailed) return error
    throw error
  })
  const [fields] = await Promise.all([credentials, tape.durable()])
  return fields
}
