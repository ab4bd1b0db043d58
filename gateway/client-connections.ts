// The client connections that are up: each gets a session and its tapes, requests go to the pipeline, and all of them
// are drained at the end.

import { setTimeout as delay } from 'node:timers/promises'
import type { PeerError } from '../protocols/errors.ts'
import { Client } from './client.ts'
import type { Exchange } from './exchange.ts'
import type { Gate } from './gate.ts'
import { Http1Session } from './http1-session.ts'
import { Http2Session } from './http2-session.ts'
import type { Arrival } from './listen.ts'
import { handle } from './pipeline.ts'
import { malformedAnswer, type RefusalAnswer } from './refusal.ts'
import { BodyBudget } from './request-body.ts'
import type { Session, SessionOwner } from './session.ts'
import { TapeFailed } from './tape/tape.ts'

const DRAIN_LOOK_MILLIS = 50

export class ClientConnections {
  /** The gate of this moment: a reload replaces it. */
  readonly #gate: () => Gate
  readonly #open = new Set<Connected>()
  readonly #bodies = new BodyBudget()

  constructor(gate: () => Gate) {
    this.#gate = gate
  }

  accept(arrival: Arrival): void {
    const connected = new Connected(arrival, this.#gate, this.#bodies, () => this.#open.delete(connected))
    this.#open.add(connected)
    connected.start()
  }

  /** Ends idle connections at once, lets answers and streams go on for `millis`, then cuts them. */
  async drain(millis: number): Promise<void> {
    const { streams, parked, deadlines } = this.#gate()
    for (const connected of [...this.#open]) connected.session.drain()
    const until = deadlines.now() + millis
    const cut = { reason: 'drained', message: 'sallyport: the gateway is being restarted; repeat the command' }
    while (this.#open.size + streams.size > 0 && deadlines.now() < until) {
      // Nobody's answer is waited for, not that of a call that is parked only now either.
      for (const call of [...parked.keys()]) call.cut(cut)
      await delay(DRAIN_LOOK_MILLIS)
    }
    for (const stream of [...streams.keys()]) stream.cut(cut)
    for (const connected of [...this.#open]) connected.session.destroy()
  }
}

/** One connection: its session's owner. */
class Connected implements SessionOwner {
  readonly #arrival: Arrival
  readonly #gate: () => Gate
  readonly #ended: () => void
  readonly #client: Client
  readonly bodies: BodyBudget
  session!: Session

  constructor(arrival: Arrival, gate: () => Gate, bodies: BodyBudget, ended: () => void) {
    this.#arrival = arrival
    this.#gate = gate
    this.bodies = bodies
    this.#ended = ended
    const { store, deadlines } = gate()
    this.#client = new Client(
      arrival.client,
      store,
      () => deadlines.now(),
      () => {
        arrival.identified()
        this.session.identified()
      },
    )
  }

  start(): void {
    const gate = this.#gate()
    gate.metrics.connections.inc()
    const { socket } = this.#arrival
    const Session = socket.alpnProtocol === 'h2' ? Http2Session : Http1Session
    this.session = new Session(socket, gate.deadlines, this)
  }

  request(exchange: Exchange): Promise<void> {
    return handle(this.#gate(), this.#client, exchange)
  }

  finished(exchange: Exchange): void {
    if (exchange.user !== '') this.#gate().users.end(exchange.user)
  }

  malformed(error: PeerError): RefusalAnswer {
    const gate = this.#gate()
    gate.metrics.refused(error.rule)
    gate.log.warn({ client: this.#client.address, rule: error.rule }, 'malformed request')
    try {
      const { tape } = this.#client.apiTape(gate.defaultCluster)
      tape.append('note', { code: error.rule, text: 'the client broke HTTP; the connection was closed' })
    } catch (fault) {
      if (!(fault instanceof TapeFailed)) throw fault
    }
    return malformedAnswer(error)
  }

  ended(reason: string): void {
    this.#client.seal(reason)
    this.#gate().metrics.connections.dec()
    this.#ended()
  }
}
