// One request and its answer on a client connection, whatever HTTP version carries it. The pipeline knows only this.

import type { Duplex } from 'node:stream'
import type { Fields } from '../protocols/fields.ts'
import type { Refusal } from './decision.ts'

/** What the pipeline is told after it has begun to answer. Synchronous; set once, replaced when an upgrade takes over. */
export interface ExchangeOwner {
  /** The client's socket takes bytes again after `write` said no. */
  drained(): void
  /** The client has gone before the answer was complete. Called once, and nothing after it. */
  gone(): void
}

export interface Exchange {
  readonly method: string
  /** Origin-form, as received. */
  readonly target: string
  readonly fields: Fields
  /** The lower-cased Upgrade field where the request asks for an upgrade. */
  readonly upgrade: string | undefined
  /** True once the client has gone: what is sent then goes nowhere. */
  readonly isGone: boolean
  owner: ExchangeOwner | undefined
  /** Who asks, once that is known and counted; "" before. */
  user: string
  /** The answer goes on for as long as the client likes (watch, log): a reader that has stalled is waited for. */
  streaming: boolean

  /**
   * The body, whole; undefined if there is none. Says `100 Continue` first where the client waits for it. A refusal
   * (413, 408) if it is longer than `limit` bytes or too slow. Rejects with ClientGone.
   */
  readBody(limit: number): Promise<Uint8Array | Refusal | undefined> | Uint8Array | Refusal | undefined
  /** The head of the answer. `length`: of the body in bytes, where it is known. */
  respond(status: number, reason: string, fields: Fields, length: number | undefined): void
  /** Body bytes, borrowed for this turn of the event loop. False: stop until `drained`. */
  write(bytes: Uint8Array): boolean
  end(trailers: Fields): void
  /** Ends a begun answer in a way that the client sees as broken: never as complete. */
  abort(): void
  /** A whole answer of our own. `close`: the connection ends with it. */
  answer(status: number, fields: Fields, body: Uint8Array, close: boolean): void
  /** Answers 101 and hands over the socket, with the bytes the client had already sent behind its request. */
  switch(fields: Fields): { socket: Duplex; trailing: Uint8Array }
}

/** The client closed its connection while the gateway waited for it. */
export class ClientGone extends Error {}
