// The straight path, and the only file that knows its order: request head, cluster, request info, identity, lock, body,
// decision, mask, people's yes, tape, cluster, answer. A stage that refuses ends it; what is refused is on tape too.

import { MisuseError } from '../protocols/errors.ts'
import { type Fields, field } from '../protocols/fields.ts'
import type { AnswerOffer, StreamOffer } from '../protocols/kube/handshake.ts'
import { limits } from '../protocols/limits.ts'
import { Answer } from './answer.ts'
import { summaryOf } from './approval-summary.ts'
import { lockRefusal } from './approvals/locks.ts'
import { requestDigest } from './approvals/request-digest.ts'
import type { Spending } from './budgets/spending.ts'
import { type Claims, claimsOf } from './claims.ts'
import { type ApiTape, Client } from './client.ts'
import { CONSENT_ENDED, consent, ended, granted, whoOf } from './consent.ts'
import { type ApprovalNeeded, needsApproval, type Permission, type Refusal, refuse } from './decision.ts'
import { ClientGone, type Exchange } from './exchange.ts'
import type { Cluster, Gate, Who } from './gate.ts'
import { answerable, forwardable } from './hop-by-hop.ts'
import { EXTRA, impersonation } from './identity.ts'
import { acceptMaskable } from './mask/accept.ts'
import type { RequestMask, TapedBody } from './mask/masking.ts'
import { type OwnAnswer, OwnExchange, type OwnRequest } from './own-exchange.ts'
import type { Question } from './policy/asked.ts'
import { billOf } from './policy/budgets.ts'
import { classOf, decide } from './policy/decide.ts'
import { NO_BODY, RequestObject } from './policy/request-object.ts'
import type { Principal } from './principal.ts'
import { decisionBody, maskedBody, originalBody, recordWhole, redacted, requestBody } from './recording.ts'
import { refusalAnswer } from './refusal.ts'
import type { RequestAttributes } from './request-attributes.ts'
import { requestInfo } from './request-info.ts'
import { routeOf } from './route.ts'
import { MessageExchange } from './stream/message-exchange.ts'
import { isAnswerOffer, upgradeOffer, withoutHandshake } from './stream/offer.ts'
import { streamProtocol } from './stream/protocols.ts'
import { type Tape, TapeFailed } from './tape/tape.ts'
import { type UpgradeAnswer, UpstreamFailed, type UpstreamRequest } from './upstream/upstream.ts'

/** What is known of a request so far; the tape gets as much of it as there is. */
interface Known {
  readonly auditId: string
  cluster: string
  principal?: Principal
  attributes?: RequestAttributes
  body?: Uint8Array
}

/** A request that may go on, with all that the cluster and the tape need. */
export interface Permitted {
  readonly exchange: Exchange
  readonly client: Client
  readonly cluster: Cluster
  readonly clusterName: string
  readonly principal: Principal
  readonly claims: Claims
  readonly attributes: RequestAttributes
  readonly permission: Permission
  readonly offer: StreamOffer | AnswerOffer | undefined
  readonly fields: Fields
  readonly body: Uint8Array | undefined
  /** Where budgets are for it. */
  readonly spending: Spending | undefined
  readonly mask: RequestMask
  readonly auditId: string
}

/** Takes one request from its head to the beginning of its answer. Never rejects. */
export async function handle(gate: Gate, client: Client, exchange: Exchange): Promise<void> {
  const known: Known = { auditId: gate.newId(), cluster: gate.defaultCluster }
  try {
    const permitted = await judge(gate, client, exchange, known)
    // Nothing has gone anywhere, and the connection's tapes are sealed: there is nothing left to do.
    if (exchange.isGone) return
    if ('status' in permitted) turnAway(gate, client, exchange, known, permitted)
    else if (permitted.offer === undefined) await call(gate, permitted)
    else if (isAnswerOffer(permitted.offer)) await messages(gate, permitted, permitted.offer)
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
              asCaller(gate, { client, exchange, cluster, clusterName, principal, claims }, request),
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

/** What the policy judges: who, what, the body as rules can read it, and what the caller says of itself. */
function questionOf(
  gate: Gate,
  { fields, upgrade }: Exchange,
  principal: Principal,
  claims: Claims,
  cluster: string,
  attributes: RequestAttributes,
  body: Uint8Array | undefined,
): Question {
  return {
    principal,
    cluster,
    attributes,
    upgrade,
    claims,
    userAgent: field(fields, 'user-agent') ?? '',
    object: body === undefined ? NO_BODY : new RequestObject(body, field(fields, 'content-type') ?? ''),
    now: gate.deadlines.now(),
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

/** What an approval binds to: the call as it goes to the cluster. */
function digestOf(
  { method, fields: received }: Exchange,
  { cluster, principal, attributes }: Question,
  fields: Fields,
  body: Uint8Array | undefined,
): string {
  const contentType = field(received, 'content-type') ?? ''
  return requestDigest({ cluster, principal, method, attributes, contentType, fields, body })
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
  const number = record(gate, api, permitted)
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

/** A watch or a log as WebSocket messages: a call on a tape of its own, since the connection's ends with the 101. */
async function messages(gate: Gate, permitted: Permitted, offer: AnswerOffer): Promise<void> {
  const { clusterName, auditId } = permitted
  const { store, deadlines, metrics, users } = gate
  const client = new Client(permitted.client.address, store, () => deadlines.now(), permitted.client.identified)
  const { tape } = client.apiTape(clusterName)
  let isOpen = false
  let isCounted = false
  const exchange = new MessageExchange(permitted.exchange, offer, deadlines, {
    switching: () => {
      isOpen = true
      isCounted = users.begin(exchange.user)
      metrics.openStreams.inc()
    },
    fault: ({ rule, message }) => {
      gate.log.info({ tape: tape.id, auditId, rule }, 'messages broken off')
      try {
        tape.append('note', { code: rule, text: message })
      } catch (error) {
        if (!(error instanceof TapeFailed)) throw error
      }
    },
    over: () => {
      client.seal('closed')
      if (isCounted) users.end(permitted.principal.user)
      if (isOpen) metrics.openStreams.dec()
    },
  })
  try {
    await call(gate, { ...permitted, client, exchange })
  } catch (error) {
    if (!(error instanceof TapeFailed)) {
      exchange.abort()
      throw error
    }
    unrecorded(gate, exchange)
  }
}

/** Events can be told apart in JSON alone, which is what the cluster was asked for. */
function unlikeEvents(offer: Permitted['offer'], status: number, fields: Fields): Refusal | undefined {
  if (offer?.kind !== 'watch' || status !== 200) return undefined
  const type = (field(fields, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (type === 'application/json') return undefined
  const message = 'the cluster answered a watch with something else than JSON, so it was not passed on'
  return refuse(502, 'BadGateway', 'stream.unlike_events', message)
}

/** Who a request of the gateway's own is made as, and for which exchange. */
type Caller = Pick<Permitted, 'client' | 'exchange' | 'cluster' | 'clusterName' | 'principal' | 'claims'>

/** A request of the gateway's own, as the caller: recorded as theirs are, and masked for everybody. Rejects with TapeFailed. */
async function asCaller(gate: Gate, caller: Caller, request: OwnRequest): Promise<OwnAnswer> {
  const attributes = requestInfo(request.method, request.target, undefined)
  if ('status' in attributes) throw new MisuseError('a request of the gateway’s own that it cannot read')
  if (caller.exchange.isGone) return 'broken'
  const { previewMillis: millis, previewBytes: bytes } = limits.approvals
  const exchange = new OwnExchange(request, { millis, bytes }, gate.deadlines)
  caller.exchange.owner = { drained: () => undefined, gone: () => exchange.leave('broken') }
  const { fields, body } = request
  const mask = gate.masking.of(caller.clusterName, undefined, attributes)
  try {
    await call(gate, {
      ...{ ...caller, exchange, attributes, mask, fields, body, permission: PREVIEW },
      ...{ offer: undefined, spending: undefined, auditId: gate.newId() },
    })
    return await exchange.answered
  } finally {
    caller.exchange.owner = undefined
  }
}

const PREVIEW: Permission = {
  allowed: true,
  rule: 'approvals.preview',
  reason: 'to show people what the call would change',
  durability: 'group',
}

/** An exec, attach or port-forward: a tape of its own, and frames only after the cluster's 101 has been checked. */
async function stream(gate: Gate, permitted: Permitted, offer: StreamOffer): Promise<void> {
  const { exchange, cluster, attributes } = permitted
  const kind = attributes.verb as 'exec' | 'attach' | 'portforward'
  const tape = gate.store.open({ kind, cluster: permitted.clusterName, client: permitted.client.address })
  const number = record(gate, { tape, exchanges: 0 }, permitted)
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
    const { status, fields } = answer.head
    const shown = permitted.mask.whole(answerable(fields), answer.body)
    tape.append('response', { exchange: number, status, fields: redacted(shown.taped.fields), by: 'cluster' })
    const { masked, original } = shown.taped
    for (const each of masked) tape.append('masked', maskedBody(number, each))
    if (original !== undefined) tape.append('original', originalBody('responseBody', number, original))
    recordWhole(tape, 'responseBody', number, shown.taped.body, gate.bodyBytes)
    tape.seal('closed')
    if (permitted.permission.durability === 'strict') await tape.durable()
    exchange.answer(status, shown.passed.fields, shown.passed.body, true)
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

/** What an upgrade has come to: its tape, and the cluster's 101. */
interface Upgraded {
  readonly tape: Tape
  readonly number: number
  readonly answer: UpgradeAnswer & { readonly switched: true }
}

/** Joins client and cluster behind the 101, in the protocol that they have agreed on. */
async function join(gate: Gate, permitted: Permitted, offer: StreamOffer, upgraded: Upgraded): Promise<void> {
  const { exchange, attributes, permission } = permitted
  const { tape, number, answer } = upgraded
  const agreed = streamProtocol(offer, attributes, answer.head, tape, permitted.mask.stream())
  if ('status' in agreed) {
    answer.socket.destroy()
    refuseOn(gate, exchange, tape, number, agreed, permitted.auditId)
    tape.seal('fault')
    return
  }
  const refused = stopped(gate, permitted)
  if (refused !== undefined) {
    answer.socket.destroy()
    refuseOn(gate, exchange, tape, number, refused, permitted.auditId)
    tape.seal(reasonOf(refused))
    return
  }
  tape.append('response', { exchange: number, status: 101, fields: agreed.fields, by: 'cluster' })
  if (permission.durability === 'strict') await tape.durable()
  const late = stopped(gate, permitted)
  if (exchange.isGone || answer.socket.destroyed || late !== undefined) {
    tape.seal(late !== undefined ? reasonOf(late) : exchange.isGone ? 'client gone' : 'cluster gone')
    answer.socket.destroy()
    exchange.abort()
    return
  }
  const counted = gate.users.begin(exchange.user)
  const relay = agreed.relay({
    client: exchange.switch(agreed.fields),
    cluster: { socket: answer.socket, trailing: answer.trailing },
    tape,
    store: gate.store,
    durability: permission.durability,
    deadlines: gate.deadlines,
    expiresAt: permitted.principal.expiresAt,
    meter: permitted.spending,
    ended: (reason, fault) => {
      if (counted) gate.users.end(permitted.principal.user)
      gate.streams.delete(relay)
      gate.metrics.openStreams.dec()
      gate.log.info({ tape: tape.id, auditId: permitted.auditId, reason, fault: fault?.rule }, 'stream ended')
    },
  })
  gate.streams.set(relay, whoIs(permitted))
  gate.metrics.openStreams.inc()
  relay.start()
}

/** For what opens: a lock may have come, or a yes been taken back, while the cluster was asked. */
function stopped(gate: Gate, { principal, claims, clusterName, permission }: Permitted): Refusal | undefined {
  const lock = gate.people.locks.lockOn(principal, claims.run, clusterName)
  return lock === undefined ? ended(gate, permission) : lockRefusal(lock)
}

/** The tape's word for it. */
function reasonOf({ rule }: Refusal): string {
  return rule.startsWith('locks.') ? 'locked' : CONSENT_ENDED
}

function whoIs({ principal, claims, clusterName, permission }: Permitted): Who {
  return { ...whoOf({ principal, cluster: clusterName }, claims), consent: permission.consent?.id ?? '' }
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

/** The request, its body and the permission, as entries. Returns the exchange's number. */
function record(gate: Gate, api: ApiTape, permitted: Permitted): number {
  const { exchange, principal, attributes, permission, body } = permitted
  const { words } = gate.masking
  const number = ++api.exchanges
  // What the body has of secret values is known before anything else of the request is written down.
  const taped = body === undefined ? undefined : permitted.mask.body(exchange.fields, body, permission !== PREVIEW)
  api.tape.append('request', requestBody(words, number, permitted.auditId, exchange, principal, attributes))
  if (taped !== undefined) recordBody(gate, api.tape, number, taped)
  api.tape.append('decision', decisionBody(words, number, permission))
  return number
}

/** A request body, masked: the cluster gets it as it is, the tape does not. */
function recordBody(gate: Gate, tape: Tape, number: number, { body, masked, original }: TapedBody): void {
  for (const each of masked) tape.append('masked', maskedBody(number, each))
  if (original !== undefined) tape.append('original', originalBody('requestBody', number, original))
  recordWhole(tape, 'requestBody', number, body, gate.bodyBytes)
}

/** What goes upstream: the path as parsed, the caller's fields that may pass, then ours, which win because theirs are gone. */
function upstreamRequest(permitted: Permitted, credentials: Fields, tape: Tape): UpstreamRequest {
  const { attributes, principal, cluster, offer } = permitted
  const extra = { [EXTRA.TAPE]: tape.id, [EXTRA.ACTOR]: principal.actor, [EXTRA.ISSUER]: principal.issuer }
  return {
    method: permitted.exchange.method,
    target: attributes.target,
    fields: [
      ...(offer === undefined ? permitted.fields : withoutHandshake(permitted.fields)),
      ...(offer === undefined || isAnswerOffer(offer) ? [] : offer.fields),
      ...credentials,
      ...(cluster.identity === 'impersonate' ? impersonation(principal, extra) : []),
      'Audit-ID',
      permitted.auditId,
    ],
    body: permitted.body,
    longRunning: attributes.longRunning,
    user: principal.user,
  }
}

/** A refusal before anything went to the cluster: on the connection's API tape, then to the caller. */
function turnAway(gate: Gate, client: Client, exchange: Exchange, known: Known, refusal: Refusal): void {
  const api = client.apiTape(known.cluster)
  const { words } = gate.masking
  const number = ++api.exchanges
  api.tape.append('request', requestBody(words, number, known.auditId, exchange, known.principal, known.attributes))
  if (known.body !== undefined && known.attributes !== undefined) {
    const mask = gate.masking.of(known.cluster, known.principal, known.attributes)
    recordBody(gate, api.tape, number, mask.body(exchange.fields, known.body, false))
  }
  api.tape.append('decision', decisionBody(words, number, refusal))
  refuseOn(gate, exchange, api.tape, number, refusal, known.auditId)
}

/** The cluster gave no answer: the caller gets a Status that says so. */
function answerFailed(gate: Gate, permitted: Permitted, tape: Tape, number: number, error: UpstreamFailed): void {
  const reason = error.status === 504 ? 'Timeout' : error.status === 503 ? 'ServiceUnavailable' : 'BadGateway'
  const refusal = refuse(error.status, reason, error.rule, error.message)
  refuseOn(gate, permitted.exchange, tape, number, refusal, permitted.auditId)
}

/** Tapes and sends an answer of the gateway's own. */
function refuseOn(gate: Gate, exchange: Exchange, tape: Tape, number: number, refusal: Refusal, auditId: string): void {
  const { fields, body } = refusalAnswer(refusal, auditId)
  tape.append('response', { exchange: number, status: refusal.status, fields, by: 'gateway' })
  recordWhole(tape, 'responseBody', number, gate.masking.taped(body), gate.bodyBytes)
  if (refusal.rule.startsWith('upstream.')) gate.metrics.upstreamFailed(refusal.rule)
  else gate.metrics.refused(refusal.rule)
  gate.log.warn({ auditId, tape: tape.id, status: refusal.status, rule: refusal.rule }, 'refused')
  exchange.answer(refusal.status, fields, body, false)
}

/** Nothing can be recorded, so nothing passes: the one answer that is on no tape. */
function unrecorded(gate: Gate, exchange: Exchange): void {
  const message = 'the gateway cannot record (its disk may be full or failing), so it forwards nothing; try again later'
  const { fields, body } = refusalAnswer(refuse(503, 'ServiceUnavailable', 'tape.failed', message), '')
  gate.metrics.refused('tape.failed')
  exchange.answer(503, fields, body, true)
}
