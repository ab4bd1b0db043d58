// What a SPDY/3.1 machine says and is told, in both roles (SPDY draft 3.1; Kubernetes' dialect of it).

import type { Fields } from '../fields.ts'
import type { SpdyError } from './errors.ts'

/**
 * A frame. `raw` (and `header`, for data) are the bytes as they came: passing them on passes the frame unchanged.
 * Control frames come whole; the payload of a data frame is handed on in pieces as it arrives.
 */
export type SpdyEvent =
  | {
      readonly type: 'data'
      readonly streamId: number
      /** FIN: the last data of this direction; true on the last piece only. */
      readonly fin: boolean
      readonly start: boolean
      readonly end: boolean
      /** The 8-byte frame header (a copy where it was cut), empty unless `start`. */
      readonly header: Uint8Array
      readonly payload: Uint8Array
    }
  | {
      readonly type: 'synStream'
      readonly streamId: number
      readonly associatedId: number
      readonly priority: number
      readonly fin: boolean
      readonly unidirectional: boolean
      readonly headers: Fields
      /** Which header block of its direction this was, from 0: a gap shows the other machine that one was left out. */
      readonly block: number
      readonly raw: Uint8Array
    }
  | {
      readonly type: 'synReply'
      readonly streamId: number
      readonly fin: boolean
      readonly headers: Fields
      readonly block: number
      readonly raw: Uint8Array
    }
  | {
      readonly type: 'headers'
      readonly streamId: number
      readonly fin: boolean
      readonly headers: Fields
      readonly block: number
      readonly raw: Uint8Array
    }
  | { readonly type: 'reset'; readonly streamId: number; readonly status: number; readonly raw: Uint8Array }
  | {
      readonly type: 'settings'
      readonly settings: readonly { readonly flags: number; readonly id: number; readonly value: number }[]
      readonly raw: Uint8Array
    }
  | { readonly type: 'ping'; readonly id: number; readonly raw: Uint8Array }
  | { readonly type: 'goAway'; readonly lastStreamId: number; readonly status: number; readonly raw: Uint8Array }
  | { readonly type: 'windowUpdate'; readonly streamId: number; readonly delta: number; readonly raw: Uint8Array }
  | { readonly type: 'failed'; readonly error: SpdyError }

/** A frame with a header block. */
export type SpdyHeadersEvent = Extract<SpdyEvent, { readonly headers: Fields }>

export type SpdyCommand =
  /**
   * Bytes that are frames already, none of them with a header block: passed as they are. Frames may be cut only within
   * a data frame's payload, and nothing but the rest of that payload may come next.
   */
  | { readonly type: 'pass'; readonly bytes: Uint8Array }
  /**
   * A frame with a header block (SYN_STREAM, SYN_REPLY, HEADERS) passed on. It goes as it came while this machine's
   * deflate context has not diverged; after the first header frame of our own, or the first one that was not passed,
   * it is deflated anew (`headers`).
   */
  | { readonly type: 'passHeaders'; readonly event: SpdyHeadersEvent }
  | { readonly type: 'data'; readonly streamId: number; readonly payload: Uint8Array; readonly fin?: boolean }
  | {
      readonly type: 'synStream'
      readonly streamId: number
      readonly headers: Fields
      readonly priority?: number
      readonly fin?: boolean
    }
  | { readonly type: 'synReply'; readonly streamId: number; readonly headers: Fields; readonly fin?: boolean }
  | { readonly type: 'reset'; readonly streamId: number; readonly status: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goAway'; readonly lastStreamId: number; readonly status: number }
