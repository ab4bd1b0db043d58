// What a client connection's session, of whatever HTTP version, asks of its owner and does for it.

import type { PeerError } from '../protocols/errors.ts'
import type { Exchange } from './exchange.ts'
import type { RefusalAnswer } from './refusal.ts'
import type { BodyBudget } from './request-body.ts'

/** The pipeline's entrance. */
export interface SessionOwner {
  /** What all sessions' request bodies share. */
  readonly bodies: BodyBudget
  /** A whole request head. Must not throw or reject; resolves when no work on the request is left but its answer's. */
  request(exchange: Exchange): Promise<void>
  /** The exchange is over, and the work on its request as well. Called once for each request. */
  finished(exchange: Exchange): void
  /** The client broke HTTP: it is noted. Returns what to answer where an answer can be sent. */
  malformed(error: PeerError): RefusalAnswer
  /** The connection is over, or has become a stream that someone else owns. Called once. */
  ended(reason: string): void
}

export interface Session {
  /** After this no further request is taken: at once if none is under way, else behind the answers. */
  drain(): void
  destroy(): void
  /** Somebody was identified on this connection. Idempotent. */
  identified(): void
}
