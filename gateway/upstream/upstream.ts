// The cluster as the pipeline sees it: send a request, get callbacks; or ask for an upgrade, get a socket.

import type { Duplex } from 'node:stream'
import type { Fields } from '../../protocols/fields.ts'
import type { ResponseHead } from '../../protocols/http1/events.ts'

/** Ready to go: identity and credentials are in `fields`, hop-by-hop fields are not. */
export interface UpstreamRequest {
  readonly method: string
  readonly target: string
  readonly fields: Fields
  /** Whole, or undefined for none. */
  readonly body: Uint8Array | undefined
  /** Watch, log and the like: no deadline for the answer's first byte beyond the connection's own. */
  readonly longRunning: boolean
  /** Who asks. Requests of two users never share an HTTP/2 connection: what one resets, stalls or floods harms no other. */
  readonly user: string
}

/** Callbacks of one call: synchronous, in order; `onEnd` or `onFailed` is the last, exactly one of them. Bytes are borrowed. */
export interface UpstreamHandler {
  onResponse(head: ResponseHead): void
  onData(bytes: Uint8Array): void
  onEnd(trailers: Fields): void
  onFailed(error: UpstreamFailed): void
}

export interface UpstreamCall {
  /** Back-pressure: stop reading the answer, and go on. */
  pause(): void
  resume(): void
  /** The client has gone: destroys the connection; no callback follows. */
  abort(): void
}

/** Why the cluster gave no usable answer; `status` is what the caller gets (502, 503 or 504). Never holds a credential. */
export class UpstreamFailed extends Error {
  readonly status: 502 | 503 | 504
  /** The check that failed: "upstream.refused", "upstream.certificate", "upstream.timeout", "upstream.closed", "upstream.protocol", "upstream.redirect", "upstream.credentials", "upstream.aborted". */
  readonly rule: string

  constructor(status: 502 | 503 | 504, rule: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
    this.rule = rule
  }
}

/** The cluster's answer to an upgrade request. */
export type UpgradeAnswer =
  /**
   * 101, with Connection, Upgrade, Sec-WebSocket-Accept and the subprotocol checked; the socket is the caller's now, and
   * `trailing` came behind the head. It is paused and has no listener but a silent one for errors: whoever drives it
   * resumes it, and looks at `destroyed` if it waited for anything before.
   */
  | { readonly switched: true; readonly head: ResponseHead; readonly socket: Duplex; readonly trailing: Uint8Array }
  /** Anything else: an ordinary answer, whose body (at most limits.gateway.requestBody) has been read whole; the connection is closed. */
  | { readonly switched: false; readonly head: ResponseHead; readonly body: Uint8Array }

export interface Upstream {
  /** The cluster's name in the configuration. */
  readonly name: string
  /** Authorization and the like for the next request; read or refreshed as needed. Rejects with UpstreamFailed (503, upstream.credentials). */
  credentials(): Promise<Fields>
  /** `Host` is added here. */
  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall
  /**
   * On a connection of its own, never pooled; `request.fields` holds one Upgrade field, Connection is added here. Rejects
   * with UpstreamFailed. `signal` gives it up until it has resolved.
   */
  upgrade(request: UpstreamRequest, signal: AbortSignal): Promise<UpgradeAnswer>
  /** Another configuration has taken over: idle connections end, and the others behind their last call. */
  retire(): void
  /** Ends every connection; calls under way fail. */
  close(): void
}
