// What an HTTP/2 machine says and is told, in both roles (RFC 9113). Every event and command but the connection's own
// names its stream.

import type { PeerError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import type { Http2Error } from './errors.ts'

/**
 * A request as its pseudo-header fields and fields give it (section 8.3.1). `fields` holds no pseudo-header field; names
 * are lower-case; cookie crumbs are joined to one line (section 8.2.3).
 */
export interface Http2RequestHead {
  readonly method: string
  /** `:path`: starts with "/". */
  readonly path: string
  /** `:authority`, or the Host field where only that is given; both must agree. */
  readonly authority: string
  readonly fields: Fields
}

export interface Http2ResponseHead {
  readonly status: number
  readonly fields: Fields
}

/** What both roles hear. */
export type Http2Event =
  /** DATA without its padding; borrowed. Its credit is the peer's again only after `consumed`. */
  | { readonly type: 'data'; readonly stream: number; readonly bytes: Uint8Array }
  /** The peer has ended its side of the stream. */
  | { readonly type: 'end'; readonly stream: number; readonly trailers: Fields }
  /** What `send` held back for want of window has all been written: the stream takes data again. */
  | { readonly type: 'drained'; readonly stream: number }
  /**
   * The stream is gone: by the peer's RST_STREAM, or by ours (`error`) for what it did on this stream. Nothing follows on
   * it. `code`: RFC 9113 section 7.
   */
  | { readonly type: 'reset'; readonly stream: number; readonly code: number; readonly error: Http2Error | undefined }
  /** The peer takes no new stream. Streams above `lastStream` were not processed: each has its own `reset` (REFUSED_STREAM). */
  | { readonly type: 'goaway'; readonly lastStream: number; readonly code: number }
  /** The answer to our `ping`. */
  | { readonly type: 'pong' }
  /** The last event. GOAWAY with the error's code is in the output. */
  | { readonly type: 'failed'; readonly error: PeerError }

export type Http2ServerEvent =
  /** A whole request head. `end`: there is no body, and no `end` event follows. `length`: Content-Length, where stated. */
  | {
      readonly type: 'request'
      readonly stream: number
      readonly head: Http2RequestHead
      readonly end: boolean
      readonly length: number | undefined
    }
  | Http2Event

export type Http2ClientEvent =
  /** A 1xx answer. */
  | { readonly type: 'informational'; readonly stream: number; readonly head: Http2ResponseHead }
  /** `end`: there is no body, and no `end` event follows. */
  | {
      readonly type: 'response'
      readonly stream: number
      readonly head: Http2ResponseHead
      readonly end: boolean
      readonly length: number | undefined
    }
  | Http2Event

/** What both roles are told. Commands for a stream that is gone are no misuse: they do nothing. */
export type Http2Command =
  /**
   * Body bytes, borrowed for this turn; `end` closes our side. What the windows have no room for is copied and sent as
   * they open; `blocked(stream)` then says true until `drained`.
   */
  | { readonly type: 'data'; readonly stream: number; readonly bytes: Uint8Array; readonly end?: boolean }
  /** Trailers, and the end of our side; without fields an empty DATA frame ends it. */
  | { readonly type: 'end'; readonly stream: number; readonly trailers?: Fields }
  /** These bytes of `data` have left us: their credit goes back to the peer, in as few WINDOW_UPDATE frames as will do. */
  | { readonly type: 'consumed'; readonly stream: number; readonly bytes: number }
  | { readonly type: 'reset'; readonly stream: number; readonly code: number }
  | { readonly type: 'ping' }
  /** No new stream of the peer is processed from here on; those that are open go on. */
  | { readonly type: 'goaway'; readonly code: number }
  /** `limits.http2.intervalMillis` have passed: budgets of resets, pings, settings and empty frames are whole again. */
  | { readonly type: 'interval' }

export type Http2ServerCommand =
  /** All work on the stream's request is done: only now is its place free for another one (CVE-2023-44487). */
  | { readonly type: 'release'; readonly stream: number }
  /** The client is known: the connection's window grows from RFC 9113's 65,535 to limits.http2.connectionWindow. Once. */
  | { readonly type: 'widen' }
  | { readonly type: 'continue'; readonly stream: number }
  | {
      readonly type: 'response'
      readonly stream: number
      readonly status: number
      readonly fields: Fields
      readonly end: boolean
    }
  | Http2Command

export type Http2ClientCommand =
  /** Opens the next stream, whose number is `nextStream` before the call. MisuseError if the peer's limit leaves no room. */
  | {
      readonly type: 'request'
      readonly method: string
      readonly path: string
      readonly authority: string
      readonly fields: Fields
      readonly end: boolean
    }
  | Http2Command
