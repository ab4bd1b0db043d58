// Composes a running gateway from its configuration: tapes, identity, policy, clusters, listener and admin API; takes
// over a changed configuration whole or not at all, and drains at the end.

import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { limits, setLimits } from '../protocols/limits.ts'
import { startAdmin } from './admin/admin.ts'
import { createMetrics } from './admin/metrics.ts'
import type { Approval } from './approvals/approvals.ts'
import { type Lock, lockRefusal, stops } from './approvals/locks.ts'
import { notGood } from './approvals/refusals.ts'
import { type Reach, readReach } from './approvals-config.ts'
import { Authenticator } from './authn/authenticator.ts'
import { ClientConnections } from './client-connections.ts'
import type { Config } from './config.ts'
import { CONSENT_ENDED } from './consent.ts'
import { Deadlines } from './deadlines.ts'
import type { Cluster, Cuttable, Gate, Who } from './gate.ts'
import { DecisionHooks } from './hooks/decision-hook.ts'
import { TicketCheck } from './hooks/ticket-check.ts'
import { httpsCall } from './https-call.ts'
import { type LearnedCluster, Learning } from './learning.ts'
import { Listener, parseAddress } from './listen.ts'
import { learnerOf, maskingOf, nothingLearned } from './mask/compose.ts'
import { sentinelKey } from './mask/sentinel.ts'
import { People } from './people.ts'
import { ownIdentity, readIdentity, type ServerIdentity } from './pki.ts'
import { together } from './policy/approval.ts'
import { readPolicy } from './policy/policy-file.ts'
import { loadedNote, refusedNote, reloadNotes } from './policy-notes.ts'
import { Pressure } from './pressure.ts'
import { systemTimers } from './tape/clock.ts'
import { openTapeStore } from './tape/store.ts'
import { readKubeconfig } from './upstream/kubeconfig.ts'
import { ClusterUpstream } from './upstream/pool.ts'
import { UserRequests } from './user-requests.ts'

/** How often the listener's certificate is looked at. */
const RENEWAL_LOOK_MILLIS = 86_400_000

export interface RunningGateway {
  /** "https://127.0.0.1:8443". */
  readonly address: string
  readonly admin: string
  /** The file that clients need to trust the gateway: its own CA, or the configured certificate. */
  readonly ca: string
  /** For who runs it in a process of their own, as the demo does. */
  readonly people: People
  /** Takes over a configuration for all new requests. Throws, changing nothing, where it cannot be. */
  reload(config: Config): void
  /** A configuration could not be read or taken over: this is said wherever somebody looks. */
  refused(error: unknown): void
  /** Drains: no new requests, streams get their grace, tapes are sealed. */
  close(): Promise<void>
}

/** Starts everything or, throwing, nothing: what was begun is undone in reverse. */
export async function startGateway(config: Config, log: Logger): Promise<RunningGateway> {
  const undo: (() => unknown)[] = []
  try {
    setLimits(config.limits)
    const now = Date.now
    const identity = await serverIdentity(config, now())
    const ca = identity.caPath ?? (config.listen.tls as { certFile: string }).certFile
    const metrics = createMetrics()
    const deadlines = new Deadlines(now)
    undo.push(() => deadlines.close())
    const store = await openTapeStore({
      directory: join(config.data, 'tapes'),
      onFault: (error) => log.error({ err: error }, 'the tape store failed: nothing passes until it is back'),
      onWitnessFault: (error) => log.warn({ err: error }, 'the checkpoint file could not be written'),
    })
    undo.push(() => store.close())
    const people = await People.open({
      directory: join(config.data, 'approvals'),
      store,
      deadlines,
      timers: systemTimers,
      onFault: (error) => log.error({ err: error }, 'the journal of approvals failed: nothing that needs it passes'),
      onWebhookFault: (webhook, why, isLost) => {
        metrics.webhookFailed(webhook, isLost)
        log.warn({ webhook, why, isLost }, 'a webhook has not taken a message')
      },
    })
    undo.push(() => people.close())
    metrics.people({
      isFailed: () => people.failed !== undefined,
      pending: () => people.approvals.pending,
      parked: () => people.approvals.parked,
      locks: () => people.locks.list().length,
    })

    const maskKey = sentinelKey(join(config.data, 'mask-key'))
    const learned = nothingLearned()
    metrics.learned(() => learned.size)
    const learning = new Learning({
      learn: learnerOf(learned),
      ...{ control: people.control, metrics, log },
      ...{ timers: systemTimers, random: Math.random },
    })
    undo.push(() => learning.close())
    const streams = new Map<Cuttable, Who>()
    const parked = new Map<Cuttable, Who>()
    const users = new UserRequests()
    const pressure = new Pressure(deadlines, () => listener?.dropStrangers())
    undo.push(() => pressure.close())
    let listener: Listener | undefined
    let reach = reachOf(config)
    const gateOf = (current: Config, { hooks, tracker }: Reach): Gate => ({
      hooks: new DecisionHooks({
        ...{ hooks, together, call: httpsCall },
        failed: (hook, why) => log.warn({ hook, why }, 'a decision hook has failed: the call is denied'),
      }),
      tickets: new TicketCheck(tracker, httpsCall, (why) => log.warn({ why }, 'a ticket could not be looked up')),
      clusters: clustersOf(current, deadlines),
      defaultCluster: (current.clusters[0] as Config['clusters'][number]).name,
      authenticator: new Authenticator(current.authentication, { now }),
      policy: readPolicy(current.policyFile, current.tapes.durability),
      masking: maskingOf(current.masking, maskKey, learned),
      people,
      store,
      deadlines,
      metrics,
      log,
      bodyBytes: current.tapes.bodyBytes,
      streams,
      parked,
      current: () => gate,
      users,
      pressure,
      newId: randomUUID,
    })
    let gate = gateOf(config, reach)
    people.outbox.configure(reach.webhooks)
    people.note(loadedNote(config.policyFile, gate.policy))
    let { operators } = config.admin
    people.locks.onEvent((event) => {
      if (event.kind === 'lock') cutLocked(event.lock, [streams, parked])
    })
    people.approvals.onEvent(({ kind }, approval) => {
      const isOver = kind === 'revoke' || (kind === 'expire' && approval.target.kind === 'grant')
      if (isOver) cutConsented(approval, streams)
    })
    undo.push(() => closeClusters(gate))

    const clients = new ClientConnections(() => gate)
    const listening = await Listener.open({
      address: config.listen.address,
      identity,
      protocols: new Map(['h2', 'http/1.1'].map((name) => [name, (arrival) => clients.accept(arrival)])),
      deadlines,
      refused: (why) => log.debug({ why }, 'connection refused'),
    })
    listener = listening
    undo.push(() => listening.close())
    const renewal = setInterval(() => void renew(config, listening, log), RENEWAL_LOOK_MILLIS)
    renewal.unref()
    undo.push(() => clearInterval(renewal))
    learning.watch(learnedClusters(config, gate))
    const address = `https://${listening.address}`
    let draining = false
    const admin = await startAdmin({
      address: config.admin.address,
      tls: identity,
      caPath: ca,
      data: config.data,
      reader: store.reader(),
      state: {
        fault: () => {
          if (draining) return 'the gateway is draining'
          if (store.failed !== undefined) return 'nothing can be recorded, so nothing passes'
          return people.failed === undefined
            ? undefined
            : 'approvals cannot be written, so nothing that needs them passes'
        },
      },
      people: {
        approvals: people.approvals,
        grants: people.grants,
        locks: people.locks,
        budgets: people.budgets,
        nonces: people.nonces,
        answering: () => reach.answering,
        tickets: () => gate.tickets,
        policy: () => gate.policy,
        authenticator: () => gate.authenticator,
        clusters: () => [...gate.clusters.keys()],
        operators: () => operators,
        ledger: people.control,
        now,
        timers: systemTimers,
      },
      metrics: metrics.registry,
      gatewayUrl: address,
    })
    return {
      address,
      admin: admin.url,
      ca,
      people,
      reload(changed) {
        refuseRestartOnly(config, changed)
        const nextReach = reachOf(changed)
        const next = gateOf(changed, nextReach)
        const before = gate
        // Noted before it decides anything.
        for (const note of reloadNotes(changed.policyFile, before.policy, next.policy)) people.control.append(note)
        gate = next
        reach = nextReach
        people.outbox.configure(reach.webhooks)
        operators = changed.admin.operators
        learning.watch(learnedClusters(changed, gate))
        // Requests under way keep the clusters that they began with; only idle connections end.
        for (const { upstream } of before.clusters.values()) upstream.retire()
        metrics.reloadFailed.set(0)
      },
      refused(error) {
        metrics.reloadFailed.set(1)
        people.note(refusedNote(error))
      },
      async close() {
        draining = true
        clearInterval(renewal)
        listening.close()
        learning.close()
        await clients.drain(limits.gateway.drainMillis)
        closeClusters(gate)
        await admin.close()
        await people.close()
        await store.close()
        deadlines.close()
      },
    }
  } catch (error) {
    for (const step of undo.reverse()) await step()
    throw error
  }
}

/** Ends what is open and locked now. Whatever opens meanwhile looks at the locks itself. */
function cutLocked(lock: Lock, open: readonly ReadonlyMap<Cuttable, Who>[]): void {
  const refusal = lockRefusal(lock)
  const cut = { reason: 'locked', message: `sallyport: ${refusal.message}`, refusal }
  for (const each of open) {
    for (const [cuttable, who] of [...each]) if (stops(lock.target, who)) cuttable.cut(cut)
  }
}

/** Ends what goes on by a yes that was taken back, or by a grant that is over. */
function cutConsented(approval: Approval, streams: ReadonlyMap<Cuttable, Who>): void {
  const refusal = notGood(approval)
  const cut = { reason: CONSENT_ENDED, message: `sallyport: ${refusal.message}`, refusal }
  for (const [cuttable, { consent }] of [...streams]) if (consent === approval.id) cuttable.cut(cut)
}

/** Where people answer is where the admin API listens, unless the configuration says otherwise. */
function reachOf({ approvals, admin }: Config): Reach {
  return readReach(approvals, `https://${admin.address}`)
}

/** What sockets and files hang on cannot change while they are open; whole or not at all, so nothing else changes either. */
function refuseRestartOnly(running: Config, changed: Config): void {
  for (const [key, was, is] of [
    ['listen', running.listen, changed.listen],
    ['admin.address', running.admin.address, changed.admin.address],
    ['data', running.data, changed.data],
    ['limits', running.limits, changed.limits],
  ] as const) {
    if (JSON.stringify(was) !== JSON.stringify(is)) throw new Error(`"${key}" has changed, which needs a restart`)
  }
}

async function serverIdentity(config: Config, now: number): Promise<ServerIdentity> {
  const files = config.listen.tls
  if (files !== undefined) return readIdentity(files.certFile, files.keyFile, now)
  const { host } = parseAddress(config.listen.address)
  return ownIdentity(join(config.data, 'pki'), host === undefined ? [] : [host], now)
}

/** A certificate that is about to end is made or read again, without a restart. */
async function renew(config: Config, listener: Listener, log: Logger): Promise<void> {
  try {
    listener.renew(await serverIdentity(config, Date.now()))
  } catch (error) {
    log.error({ err: error }, 'the certificate could not be renewed: the present one stays')
  }
}

function clustersOf(config: Config, deadlines: Deadlines): Map<string, Cluster> {
  const clusters = new Map<string, Cluster>()
  for (const { name, kubeconfig, context, identity } of config.clusters) {
    const upstream = new ClusterUpstream(name, readKubeconfig(kubeconfig, context), deadlines)
    clusters.set(name, { upstream, identity })
  }
  return clusters
}

/** Those whose Secrets are learned ahead. */
function learnedClusters(config: Config, gate: Gate): LearnedCluster[] {
  return config.clusters.flatMap(({ name, learnSecrets = false }) => {
    const cluster = gate.clusters.get(name)
    if (cluster === undefined || learnSecrets === false) return []
    return [{ name, upstream: cluster.upstream, as: learnSecrets === true ? undefined : learnSecrets.as }]
  })
}

function closeClusters(gate: Gate): void {
  for (const { upstream } of gate.clusters.values()) upstream.close()
}
