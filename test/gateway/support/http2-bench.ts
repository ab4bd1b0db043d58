// An HTTP/2 session between a client and an owner, all in memory, on a clock that stands still.

import type { Duplex } from 'node:stream'
import { Deadlines } from '../../../gateway/deadlines.ts'
import type { Exchange } from '../../../gateway/exchange.ts'
import { Http2Session } from '../../../gateway/http2-session.ts'
import { duplexPair } from '../../support/duplex-pair.ts'
import { Http2Peer } from '../../support/http2-peer.ts'
import { RecordingOwner } from '../../support/session-owner.ts'

/** The pair passes one piece in each turn of the event loop, and an answer may be dozens of them. */
const TURNS = 250

export interface Http2BenchOptions {
  /** What the client lets come of each answer without credit. */
  readonly streamWindow?: number
  /** Of the sockets' buffers, bytes. */
  readonly highWaterMark?: number
}

export class Http2Bench {
  now = 0
  readonly deadlines = new Deadlines(() => this.now)
  readonly owner = new RecordingOwner()
  readonly session: Http2Session
  /** The client's end of the connection. */
  readonly client: Duplex
  readonly peer: Http2Peer

  constructor({ streamWindow, highWaterMark }: Http2BenchOptions = {}) {
    const [far, near] = duplexPair(highWaterMark)
    far.on('error', () => undefined)
    this.client = far
    this.session = new Http2Session(near, this.deadlines, this.owner)
    this.peer = new Http2Peer(far, streamWindow)
  }

  /** Until both ends have heard each other out. */
  async turn(): Promise<void> {
    for (let at = 0; at < TURNS; at++) await new Promise(setImmediate)
  }

  /** The exchange that came as number `at`, from 0. */
  exchange(at: number): Exchange {
    return this.owner.exchanges[at] as Exchange
  }

  /** Sends a request and resolves with its exchange. */
  async asked(...given: Parameters<Http2Peer['ask']>): Promise<{ stream: number; exchange: Exchange }> {
    const stream = this.peer.ask(...given)
    await this.turn()
    return { stream, exchange: this.owner.exchanges.at(-1) as Exchange }
  }

  /** Moves the clock, and everything looks at it once. */
  pass(milliseconds: number): void {
    this.now += milliseconds
    this.deadlines.look()
  }

  close(): void {
    this.client.destroy()
    this.deadlines.close()
  }
}
