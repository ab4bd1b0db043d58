// One run: callers, the gateway from its sessions to its pool, a cluster and a tape store, all in this process and all
// from one seed, with every byte delivered when and how the seed says. What Sallyport promises is judged at every step.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import pino from 'pino'
import { createMetrics } from '../../gateway/admin/metrics.ts'
import type { Authenticator } from '../../gateway/authn/authenticator.ts'
import { ClientConnections } from '../../gateway/client-connections.ts'
import { Deadlines } from '../../gateway/deadlines.ts'
import { refuse } from '../../gateway/decision.ts'
import type { Gate } from '../../gateway/gate.ts'
import { DecisionHooks } from '../../gateway/hooks/decision-hook.ts'
import { TicketCheck } from '../../gateway/hooks/ticket-check.ts'
import { type Caller, CallFailed } from '../../gateway/https-call.ts'
import { maskingOf, nothingLearned } from '../../gateway/mask/compose.ts'
import { maskingDocument } from '../../gateway/mask/document.ts'
import { People } from '../../gateway/people.ts'
import { together } from '../../gateway/policy/approval.ts'
import type { Pressure } from '../../gateway/pressure.ts'
import type { Principal } from '../../gateway/principal.ts'
import { openTapeStore } from '../../gateway/tape/store.ts'
import type { Dials } from '../../gateway/upstream/dial.ts'
import { ClusterUpstream } from '../../gateway/upstream/pool.ts'
import { UpstreamFailed } from '../../gateway/upstream/upstream.ts'
import { UserRequests } from '../../gateway/user-requests.ts'
import { type Fields, field, fieldValues } from '../../protocols/fields.ts'
import { limits } from '../../protocols/limits.ts'
import { splitStored } from '../../protocols/tape/chain.ts'
import { decodeEntry } from '../../protocols/tape/codec.ts'
import { policyOf } from '../gateway/policy/support.ts'
import { judge } from '../gateway/tape/support/store.ts'
import { ManualTime, settle } from '../support/manual-time.ts'
import { MemoryJournal } from '../support/memory-journal.ts'
import { type Fault, SimulatedDisk } from '../support/simulated-disk.ts'
import { type Ask, Http1Caller, Http2Caller, type SimulatedClient } from './clients.ts'
import { answerTo, SimulatedCluster } from './cluster.ts'
import { Random } from './random.ts'
import { type End, Wires } from './wire.ts'
import { markerOf, Witness } from './witness.ts'

/** What happened in a run, so that one sees that it did something. */
export interface Tally {
  asked: number
  whole: number
  broken: number
  refused: number
  execs: number
  typed: number
  resets: number
  storeFailures: number
  steps: number
}

const USERS = ['ann', 'bob', 'strict'] as const
const STEPS = 500
/** Milliseconds of the machine's that an attempt to reopen the store may take. */
const MEND_WAITS = 15
const METRICS = createMetrics()
/** Nothing in a simulation asks another server. */
const noNetwork: Caller = () => Promise.reject(new CallFailed('there is no network'))

const POLICY = policyOf([
  { name: 'strict', effect: 'allow', verbs: ['*'], subjects: [{ user: 'oidc:strict' }], durability: 'strict' },
  { name: 'all', effect: 'allow', verbs: ['*'] },
])

/** Plays the seed. Rejects with what was broken first. */
export async function run(seed: number, steps = STEPS): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-simulation-'))
  try {
    return await new Run(seed, steps, folder).play()
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

class Run {
  readonly #random: Random
  readonly #steps: number
  readonly #folder: string
  readonly #time = new ManualTime()
  readonly #wires = new Wires()
  readonly #clients: SimulatedClient[] = []
  readonly #asks = new Map<string, Ask>()
  readonly #typed = new Map<string, Buffer>()
  readonly #bugs: unknown[] = []
  readonly #clusterSpeaksHttp2: boolean
  readonly #tally: Tally = {
    ...{ asked: 0, whole: 0, broken: 0, refused: 0, execs: 0, typed: 0, resets: 0, storeFailures: 0, steps: 0 },
  }
  #disk!: SimulatedDisk
  #witness!: Witness
  #gate!: Gate
  #deadlines!: Deadlines
  #connections!: ClientConnections
  #cluster!: SimulatedCluster
  readonly #stdout = new Map<string, number>()
  /** Whose requests each connection to the cluster has carried. */
  readonly #users = new WeakMap<End, string>()
  #fault: Error | undefined

  constructor(seed: number, steps: number, folder: string) {
    this.#random = new Random(seed)
    this.#steps = steps
    this.#folder = folder
    this.#clusterSpeaksHttp2 = !this.#random.once(3)
  }

  async play(): Promise<Tally> {
    await this.#open()
    for (let step = 0; step < this.#steps; step++) {
      this.#tally.steps += 1
      this.#act()
      await this.#pass(this.#random.once(6) ? this.#random.below(12) : 0)
    }
    await this.#close()
    return this.#tally
  }

  async #open(): Promise<void> {
    const random = this.#random
    this.#disk = new SimulatedDisk(random.once(3) ? storeFault(random) : undefined)
    const store = await openTapeStore({
      directory: join(this.#folder, 'tapes'),
      onFault: () => {
        this.#tally.storeFailures += 1
      },
      clock: this.#time,
      timers: this.#time,
      random: (bytes) => bytes.fill(random.below(256)),
      database: this.#disk.open,
      ballastBytes: 4_096,
    })
    this.#witness = new Witness(store)
    this.#deadlines = new Deadlines(() => this.#time.now())
    // Its timer is the machine's; here a look is a step.
    this.#deadlines.close()
    this.#cluster = new SimulatedCluster(
      {
        requested: (marker, fields, body, shared) => this.#guard(() => this.#atCluster(marker, fields, body, shared)),
        stdin: (marker, bytes) => this.#guard(() => this.#stdinAtCluster(marker, bytes)),
      },
      random,
    )
    const upstream = new ClusterUpstream('test', KUBECONFIG, this.#deadlines, this.#dials())
    const log = pino(
      { level: 'error' },
      {
        write: (line: string) => {
          this.#bugs.push(JSON.parse(line))
        },
      },
    )
    let ids = 0
    this.#gate = {
      clusters: new Map([['test', { upstream, identity: 'impersonate' }]]),
      defaultCluster: 'test',
      authenticator: { authenticate: (fields: Fields) => this.#authenticate(fields) } as unknown as Authenticator,
      policy: POLICY,
      masking: maskingOf(maskingDocument.parse({}), new Uint8Array(32), nothingLearned()),
      hooks: new DecisionHooks({ hooks: [], call: noNetwork, together, failed: () => undefined }),
      tickets: new TicketCheck(undefined, noNetwork, () => undefined),
      people: await People.open({
        directory: 'approvals',
        store: this.#witness,
        deadlines: this.#deadlines,
        timers: this.#time,
        database: new MemoryJournal().open,
        onFault: () => undefined,
      }),
      store: this.#witness,
      deadlines: this.#deadlines,
      metrics: METRICS,
      log,
      bodyBytes: 1_048_576,
      streams: new Map(),
      parked: new Map(),
      current: () => this.#gate,
      users: new UserRequests(),
      pressure: { isHigh: false } as Pressure,
      newId: () => `audit-${++ids}`,
    }
    this.#connections = new ClientConnections(() => this.#gate)
  }

  // -- what can happen

  #act(): void {
    const random = this.#random
    const deliverable = this.#wires.deliverable
    const chance = random.below(100)
    if (chance < 66 && deliverable.length > 0) {
      // Several at once, as an event loop takes them.
      const count = 1 + random.below(4)
      for (let at = 0; at < count; at++) {
        const end = random.pick(deliverable)
        if (end.isDeliverable) end.deliver(random)
      }
    } else if (chance < 69) this.#connect()
    else if (chance < 77) this.#ask()
    else if (chance < 91) this.#cluster.goOn()
    else if (chance < 95) this.#type()
    else if (random.once(2)) this.#trouble()
  }

  /** What goes wrong, seldom enough that most things come to their end. */
  #trouble(): void {
    switch (this.#random.below(5)) {
      case 0:
        this.#cluster.endExec()
        return
      case 1:
        this.#giveUp()
        return
      case 2:
        this.#cluster.misbehave()
        return
      case 3:
        this.#stall()
        return
      default:
        this.#reset()
    }
  }

  #connect(): void {
    if (this.#clients.filter(({ end }) => !end.destroyed).length >= 8) return
    const user = this.#random.pick(USERS)
    const isHttp2 = this.#random.once(2)
    const [far, near] = this.#wires.connect(isHttp2 ? 'h2' : 'http/1.1')
    const judge = {
      heard: (ask: Ask) => this.#guard(() => this.#heard(ask)),
      stdout: (ask: Ask, bytes: Uint8Array) => this.#guard(() => this.#stdoutHeard(ask, bytes)),
    }
    this.#clients.push(isHttp2 ? new Http2Caller(user, far, judge) : new Http1Caller(user, far, judge))
    const socket = near as unknown as TLSSocket
    this.#connections.accept({ socket, client: `client-${this.#clients.length}`, identified: () => undefined })
  }

  #ask(): void {
    const free = this.#clients.filter(({ isFree }) => isFree)
    if (free.length === 0) return
    const client = this.#random.pick(free)
    const marker = `m${this.#asks.size + 1}`
    const kind = this.#random.below(10)
    const isExec = kind >= 8 && client instanceof Http1Caller
    const isWatch = kind >= 6 && !isExec
    const isPost = kind >= 3 && kind < 6
    const namespace = '/api/v1/namespaces/ns'
    const path = isExec
      ? `${namespace}/pods/p/exec?stdin=true&stdout=true&command=${marker}`
      : isPost
        ? `${namespace}/configmaps?fieldManager=${marker}`
        : `${namespace}/configmaps/${marker}${isWatch ? '?watch=1' : ''}`
    const ask: Ask = {
      marker,
      user: client.user,
      method: isPost ? 'POST' : 'GET',
      target: isWatch ? `${namespace}/configmaps?watch=1&fieldManager=${marker}` : path,
      body: isPost ? Buffer.from(`${marker}:`.repeat(1 + this.#random.below(4_000))) : Buffer.alloc(0),
      isWatch,
      status: 0,
      heard: Buffer.alloc(0),
      end: '',
    }
    this.#asks.set(marker, ask)
    this.#tally.asked += 1
    const life = this.#random.once(6) ? this.#random.below(400) : 3_600_000
    const token = `${client.user}.${this.#random.once(25) ? 'bad' : this.#time.now() + life}`
    if (isExec) {
      this.#tally.execs += 1
      client.exec(ask, token)
    } else client.ask(ask, token)
  }

  #type(): void {
    const execs = this.#clients.filter(
      (client): client is Http1Caller => client instanceof Http1Caller && client.isExec,
    )
    if (execs.length === 0) return
    this.#tally.typed += 1
    this.#random.pick(execs).type(Buffer.from(`typed ${this.#tally.typed};`.repeat(1 + this.#random.below(900))))
  }

  #giveUp(): void {
    const open = this.#clients.filter(({ end }) => !end.destroyed)
    if (open.length > 0) this.#random.pick(open).giveUp(this.#random)
  }

  #stall(): void {
    for (const client of this.#clients) if (client instanceof Http2Caller) client.isStalled = this.#random.once(3)
  }

  #reset(): void {
    const open = this.#wires.open
    if (open.length === 0) return
    this.#tally.resets += 1
    this.#random.pick(open).destroy()
  }

  /** Lets time pass, with the gateway's looks at its deadlines in it. */
  async #pass(millis: number): Promise<void> {
    await this.#time.advance(millis)
    this.#deadlines.look()
    await settle()
    await this.#mend()
    if (this.#fault !== undefined) throw this.#fault
    this.#judgeGate()
  }

  /**
   * Recovery of the store reads files, whose time is the machine's: it is waited for, so that it takes one step of the run
   * and the run stays the seed's.
   */
  async #mend(): Promise<void> {
    for (let attempt = 0; this.#witness.failed !== undefined; attempt++) {
      for (let wait = 0; this.#witness.failed !== undefined && wait < MEND_WAITS; wait++) await delay(1)
      if (this.#witness.failed === undefined) break
      assert.ok(attempt < 100, 'the store does not come back')
      await this.#time.advance(limits.tape.reopenMillis)
    }
    await settle()
  }

  // -- what must hold

  #guard(check: () => void): void {
    try {
      check()
    } catch (error) {
      this.#fault ??= error as Error
    }
  }

  /** Nothing upstream without its durable entry, under the caller's own name, and as the caller sent it. */
  #atCluster(marker: string, fields: Fields, body: Uint8Array, shared: End | undefined): void {
    const ask = this.#asks.get(marker)
    assert.ok(ask !== undefined, `a request that nobody sent: ${marker}`)
    assert.deepEqual(fieldValues(fields, 'impersonate-user'), [`oidc:${ask.user}`], `${marker}: who it is from`)
    assert.equal(field(fields, 'x-marker'), marker, 'fields of another request')
    assert.equal(field(fields, 'authorization'), 'Bearer gateway', 'the gateway’s own credential and no other')
    assert.ok(ask.body.equals(body), `${marker}: the body is not what the caller sent`)
    if (shared !== undefined) {
      assert.equal(this.#users.get(shared) ?? ask.user, ask.user, `${marker}: a connection that carries two users`)
      this.#users.set(shared, ask.user)
    }
    assert.ok(this.#isOnDisk(marker), `${marker} is at the cluster and not on the disk`)
  }

  #isOnDisk(marker: string): boolean {
    const tape = this.#witness.places.get(marker)?.tape.id
    if (tape === undefined) return false
    for (const [key, value] of this.#disk.stored) {
      if (!key.startsWith(`e/${tape}/`)) continue
      const entry = decodeEntry(splitStored(value).bytes)
      if (entry.kind === 'request' && markerOf(entry.body.target) === marker) return true
    }
    return false
  }

  /** Nothing to the caller that is not on tape; every answer its own; a whole one whole. */
  #heard(ask: Ask): void {
    if (ask.status === 0) return
    const place = this.#witness.places.get(ask.marker)
    // The one answer that is on no tape: that nothing can be recorded. Which one it is shows when it is whole.
    if (ask.status === 503 && (ask.end !== 'whole' || ask.heard.includes('tape.failed'))) return
    // An answer to bytes that are no HTTP is for no request; none is sent in a run.
    assert.ok(place !== undefined, `${ask.marker} was answered ${ask.status} and is on no tape`)
    const taken = place.tape.bodies.get(place.exchange)
    const strict = ask.user === 'strict' && ask.status === 200
    const known = strict ? taken?.durable : taken?.bytes.length
    assert.ok(ask.heard.length <= (known ?? 0), `${ask.marker}: heard ${ask.heard.length}, on tape ${known}`)
    assert.ok(
      taken?.bytes.subarray(0, ask.heard.length).equals(ask.heard) ?? true,
      `${ask.marker}: not what is on tape`,
    )
    if (ask.status !== 200) return
    const expected = Buffer.concat(answerTo(ask.marker, ask.isWatch))
    assert.ok(expected.subarray(0, ask.heard.length).equals(ask.heard), `${ask.marker}: the answer of another`)
    if (ask.end === 'whole') assert.equal(ask.heard.length, expected.length, `${ask.marker}: cut, and said to be whole`)
  }

  #stdinAtCluster(marker: string, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const place = this.#witness.places.get(marker)
    const taken = place?.tape.channels.get(0)
    const before = this.#typed.get(marker) ?? Buffer.alloc(0)
    const all = Buffer.concat([before, bytes])
    this.#typed.set(marker, all)
    const isStrict = this.#asks.get(marker)?.user === 'strict'
    const known = isStrict ? taken?.durable : taken?.bytes.length
    assert.ok(all.length <= (known ?? 0), `${marker}: stdin ${all.length} at the cluster, on tape ${known}`)
    assert.ok(taken?.bytes.subarray(0, all.length).equals(all), `${marker}: stdin is not what is on tape`)
  }

  #stdoutHeard(ask: Ask, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const taken = this.#witness.places.get(ask.marker)?.tape.channels.get(1)
    const before = this.#stdout.get(ask.marker) ?? 0
    const after = before + bytes.length
    this.#stdout.set(ask.marker, after)
    const known = ask.user === 'strict' ? taken?.durable : taken?.bytes.length
    assert.ok(after <= (known ?? 0), `${ask.marker}: stdout ${after} heard, on tape ${known}`)
    assert.ok(taken?.bytes.subarray(before, after).equals(bytes), `${ask.marker}: stdout is not what is on tape`)
  }

  #judgeGate(): void {
    assert.deepEqual(this.#bugs, [], 'the gateway says that it has a bug')
    let waiting = 0
    for (const end of this.#wires.open) waiting += end.writableLength
    assert.ok(waiting <= 16 * limits.gateway.writeBuffer, `${waiting} bytes wait in sockets`)
  }

  // -- the end

  async #close(): Promise<void> {
    for (const client of this.#clients) client.end.destroy()
    for (let round = 0; round < 40; round++) {
      for (const end of this.#wires.deliverable) end.deliver(this.#random)
      await this.#pass(50)
    }
    for (const { upstream } of this.#gate.clusters.values()) upstream.close()
    await this.#pass(2 * limits.gateway.drainMillis)
    for (const ask of this.#asks.values()) {
      if (ask.end === 'whole') this.#tally.whole += 1
      else this.#tally.broken += 1
      if (ask.status >= 400) this.#tally.refused += 1
    }
    assert.equal(this.#gate.streams.size, 0, 'streams are left')
    for (const user of USERS) {
      let free = 0
      while (this.#gate.users.begin(`oidc:${user}`)) free += 1
      assert.equal(free, limits.gateway.userRequests, `${user} has requests under way for ever`)
    }
    // After a failure the store seals what was open, whoever held it.
    if (this.#tally.storeFailures === 0) {
      for (const tape of this.#witness.tapes) assert.ok(tape.seals > 0, `tape ${tape.id} was never sealed`)
    }
    const closed = this.#witness.close()
    await this.#time.advance(1_000)
    await closed
    await this.#judgeTapes()
  }

  async #judgeTapes(): Promise<void> {
    const { log, tapes } = await judge({ disk: this.#disk, data: this.#folder })
    assert.deepEqual(log.problems, [], 'the log does not verify')
    for (const [id, report] of tapes) assert.deepEqual(report.problems, [], `tape ${id} does not verify`)
  }

  // -- the gateway's surroundings

  async #authenticate(fields: Fields): Promise<Principal | ReturnType<typeof refuse>> {
    const [user = '', end = ''] = (field(fields, 'authorization') ?? '').replace('Bearer ', '').split('.')
    const expiresAt = Number(end)
    if (!(expiresAt > this.#time.now())) return refuse(401, 'Unauthorized', 'authn.expired', 'the token has ended')
    return { user: `oidc:${user}`, groups: [], actor: '', issuer: 'https://issuer', expiresAt }
  }

  #dials(): Dials {
    return {
      dial: (_certificate, protocols, owner) => {
        let isOver = false
        const fails = this.#random.once(20)
        const dialled = (): void => {
          if (isOver) return
          isOver = true
          if (fails) {
            owner.dialFailed(new UpstreamFailed(502, 'upstream.refused', 'the cluster cannot be reached'))
            return
          }
          const speaks = protocols.includes('h2') && this.#clusterSpeaksHttp2
          const agreed = protocols.length === 0 ? false : speaks ? 'h2' : 'http/1.1'
          const [near, far] = this.#wires.connect(agreed) as [End, End]
          this.#cluster.accept(far)
          owner.dialled(near as unknown as TLSSocket)
        }
        this.#time.after(this.#random.below(5), dialled)
        return {
          cancel: () => {
            isOver = true
          },
        }
      },
    }
  }
}

const KUBECONFIG = {
  address: {
    ...{
      host: '127.0.0.1',
      port: 6443,
      authority: '127.0.0.1:6443',
      basePath: '',
      serverName: 'cluster',
      ca: undefined,
    },
  },
  user: { token: 'gateway', tokenFile: undefined, certificate: undefined, exec: undefined },
} as const

function storeFault(random: Random): Fault {
  const code = random.once(2) ? 'ENOSPC' : 'EIO'
  return { write: 1 + random.below(40), code, landed: random.once(2), opens: random.below(3) }
}
