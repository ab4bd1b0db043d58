// Moves an upgraded connection's bytes between client and cluster: parsed, recorded, then passed; one write a turn and
// direction. It pauses a source whose reader is slow or whose tape is behind, and ends the stream on a fault, when the
// token expires, when the tape fails and when the gateway drains.

import type { Duplex } from 'node:stream'
import type { Connection } from '../../protocols/connection.ts'
import { PeerError } from '../../protocols/errors.ts'
import { limits } from '../../protocols/limits.ts'
import type { Meter } from '../budget.ts'
import type { Deadlines, Waiting } from '../deadlines.ts'
import type { Durability, Refusal } from '../decision.ts'
import { write } from '../drive.ts'
import { type Alarms, Lull, type Lulled } from '../lull.ts'
import { type Tape, TapeFailed, type TapeStore } from '../tape/tape.ts'
import { MeteredConnection } from './metered.ts'
import { Side, type SideOwner } from './relay-side.ts'
import type { Cut, StreamProtocol } from './stream-protocol.ts'

export interface RelayOptions<E, C> {
  readonly client: { readonly socket: Duplex; readonly trailing: Uint8Array }
  readonly cluster: { readonly socket: Duplex; readonly trailing: Uint8Array }
  readonly protocol: StreamProtocol<E, C>
  readonly tape: Tape
  readonly store: TapeStore
  readonly durability: Durability
  readonly deadlines: Deadlines
  /** When the caller's token ends, milliseconds since 1970. */
  readonly expiresAt: number
  /** For tests: what rings when the connection has gone quiet. */
  readonly alarms?: Alarms
  /** Counts what the cluster sends, where a budget does. */
  readonly meter?: Meter | undefined
  /** Called once, when both sockets are done with: the word that the tape was sealed with. */
  ended(reason: string, fault: PeerError | undefined): void
}

/** An event that ends its machine: every protocol's machine says it the same way. */
interface Failed {
  readonly type: 'failed'
  readonly error: PeerError
}

const BOTH = { client: true, cluster: true } as const

export class Relay<E extends { readonly type: string }, C> implements SideOwner<E, C>, Waiting, Lulled {
  readonly #options: RelayOptions<E, C>
  readonly #client: Side<E, C>
  readonly #cluster: Side<E, C>
  readonly #unlisten: () => void
  readonly #strict: boolean
  readonly #lull: Lull
  #over = false
  deadline: number

  constructor(options: RelayOptions<E, C>) {
    this.#options = options
    this.#strict = options.durability === 'strict'
    this.deadline = options.expiresAt
    this.#client = new Side(this, options.client.socket, options.protocol.client)
    this.#cluster = new Side(this, options.cluster.socket, options.protocol.cluster)
    this.#lull = new Lull(this, options.protocol.masked.quietMillis, options.alarms)
    this.#client.other = this.#cluster
    this.#cluster.other = this.#client
    this.#unlisten = options.store.onChange(() => this.#storeChanged())
  }

  /** Begins to move bytes, those that came behind the heads first. May end the stream before it returns. */
  start(): void {
    this.#options.deadlines.watch(this)
    this.#cluster.start(this.#options.cluster.trailing)
    if (!this.#over) this.#client.start(this.#options.client.trailing)
  }

  expired(): void {
    this.cut({
      reason: 'token expired',
      message: 'sallyport: your token has expired; log in again and repeat the command',
    })
  }

  /** Ends the stream from our side. Idempotent. */
  cut(cut: Cut): void {
    if (this.#over) return
    this.#letGo()
    if (this.#over) return
    this.#options.protocol.cut(cut, BOTH)
    this.#finish(cut.reason, undefined)
  }

  /** Nothing has come for a while: what is held back passes. */
  lull(): boolean {
    const { masked } = this.#options.protocol
    if (this.#over) return false
    try {
      masked.look()
    } catch (error) {
      if (!(error instanceof TapeFailed)) throw error
      this.#tapeFailed()
      return false
    }
    this.turn(this.#cluster)
    this.turn(this.#client)
    return masked.isHolding
  }

  /** A side's machine as its socket sees it. */
  metered(side: Side<E, C>): Connection<E, C> {
    const { meter } = this.#options
    if (meter === undefined || side === this.#client) return side.machine
    return new MeteredConnection(side.machine, meter, (refusal) => this.#overBudget(refusal))
  }

  #overBudget({ rule, message }: Refusal): void {
    if (this.#over) return
    try {
      this.#options.tape.append('note', { code: rule, text: message })
    } catch (error) {
      if (!(error instanceof TapeFailed)) throw error
      this.#tapeFailed()
      return
    }
    this.cut({ reason: 'over budget', message: `sallyport: stream cut: ${message}` })
  }

  event(side: Side<E, C>, event: E): void {
    if (this.#over) return
    try {
      if (event.type === 'failed') {
        this.#failed(side, (event as unknown as Failed).error)
        return
      }
      const protocol = this.#options.protocol
      const fault = side === this.#client ? protocol.fromClient(event) : protocol.fromCluster(event)
      if (fault instanceof PeerError) this.#failed(side, fault)
      else if (fault !== undefined) this.cut(fault)
    } catch (error) {
      if (!(error instanceof TapeFailed)) throw error
      this.#tapeFailed()
    }
  }

  /** The end of a turn: what this side sent goes to the other one, now or once it is on disk. */
  turn(side: Side<E, C>): void {
    if (this.#over) return
    const other = side.other
    if (this.#strict) {
      const pieces = other.machine.takeOutput()
      if (pieces.length > 0) other.hold(pieces, this.#options.tape)
      if (other.heldBytes > limits.gateway.writeBuffer) side.socket.pause()
    } else if (!write(other.socket, other.machine.takeOutput())) {
      side.socket.pause()
    }
    if (this.#options.store.congested) {
      this.#client.socket.pause()
      this.#cluster.socket.pause()
    }
    if (this.#options.protocol.masked.isHolding) this.#lull.holding()
  }

  /** A held turn is on disk, or a socket has drained: the source may go on. */
  released(side: Side<E, C>): void {
    if (this.#over || this.#options.store.congested || side.heldBytes > limits.gateway.writeBuffer) return
    if (!side.socket.writableNeedDrain) side.other.socket.resume()
  }

  tapeFailed(): void {
    this.#tapeFailed()
  }

  closed(side: Side<E, C>): void {
    if (this.#over) return
    this.#gone(side)
  }

  #gone(side: Side<E, C>): void {
    this.#letGo()
    this.#finish(this.#options.protocol.orderly ? 'closed' : this.#nameGone(side), undefined)
  }

  /** Nothing more comes: all that is held back is taped and passes, ahead of the end. */
  #letGo(): void {
    try {
      this.#options.protocol.masked.endAll()
    } catch (error) {
      if (!(error instanceof TapeFailed)) throw error
      this.#tapeFailed()
      return
    }
    this.turn(this.#cluster)
    this.turn(this.#client)
  }

  #nameGone(side: Side<E, C>): string {
    return side === this.#client ? 'client gone' : 'cluster gone'
  }

  #failed(side: Side<E, C>, error: PeerError): void {
    // The end of the socket in the middle of something is a peer that went away, not one that broke the protocol.
    if (side.socket.readableEnded) {
      this.#gone(side)
      return
    }
    const who = side === this.#client ? 'client' : 'cluster'
    this.#options.tape.append('note', { code: error.rule, text: `the ${who} broke the protocol; the stream was cut` })
    // What was parsed before the fault is on tape and passes; nothing behind it does.
    this.turn(side)
    this.#letGo()
    if (this.#over) return
    this.#options.protocol.cut(
      { reason: 'fault', message: `sallyport: stream cut: ${error.message}`, fault: error },
      BOTH,
    )
    this.#finish('fault', error)
  }

  #tapeFailed(): void {
    if (this.#over) return
    const message =
      'sallyport: the recording failed (is its disk full?); nothing passes unrecorded, so the stream was cut'
    // Under `strict` what is not on disk is forgotten, and a side that misses some of it cannot be told anything more.
    const heard = { client: !this.#client.drop(this.#strict), cluster: !this.#cluster.drop(this.#strict) }
    this.#options.protocol.cut({ reason: 'tape failed', message }, heard)
    this.#finish('tape failed', undefined)
  }

  #storeChanged(): void {
    if (this.#over) return
    if (this.#options.store.failed !== undefined) {
      this.#tapeFailed()
      return
    }
    this.released(this.#client)
    this.released(this.#cluster)
  }

  #finish(reason: string, fault: PeerError | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#lull.stop()
    this.#unlisten()
    this.#options.deadlines.forget(this)
    const tape = this.#options.tape
    tape.seal(reason)
    this.#client.finish(reason !== 'client gone', tape)
    this.#cluster.finish(reason !== 'cluster gone', tape)
    this.#options.ended(reason, fault)
  }
}
