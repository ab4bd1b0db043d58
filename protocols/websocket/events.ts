// What a WebSocket machine says and is told (RFC 6455, no extensions), in both roles.

import type { WebSocketError } from './errors.ts'

/** Opcodes of RFC 6455 section 5.2. */
export const OPCODE = { CONTINUATION: 0x0, TEXT: 0x1, BINARY: 0x2, CLOSE: 0x8, PING: 0x9, PONG: 0xa } as const

/**
 * A frame, or a piece of one: the payload of a data frame is handed on as it arrives, control frames come whole.
 * `header` and `raw` are the bytes as they came; passing both on, in order, passes the frame unchanged.
 */
export interface WebSocketFrame {
  readonly type: 'frame'
  /** TEXT, BINARY, CONTINUATION, CLOSE, PING or PONG. */
  readonly opcode: number
  /** TEXT or BINARY: what a CONTINUATION continues; for other opcodes the same as `opcode`. */
  readonly message: number
  readonly fin: boolean
  /** The first piece of its frame: `header` is then not empty. */
  readonly start: boolean
  /** The last piece of its frame. */
  readonly end: boolean
  /** The frame header as it came, with the masking key; a copy where a chunk boundary cut it. Empty unless `start`. */
  readonly header: Uint8Array
  /** This piece of the payload as it came (masked, if the peer masks). */
  readonly raw: Uint8Array
  /** The same bytes, unmasked. */
  readonly payload: Uint8Array
}

export type WebSocketEvent = WebSocketFrame | { readonly type: 'failed'; readonly error: WebSocketError }

export type WebSocketCommand =
  /** Bytes that are frames already: passed as they are. */
  | { readonly type: 'pass'; readonly bytes: Uint8Array }
  /**
   * A frame of our own making; the client role masks it with a fresh key. `fin` defaults to true. `lead` is an octet of
   * payload in front of `payload`: a channel's number, so that its bytes need not be copied.
   */
  | {
      readonly type: 'frame'
      readonly opcode: number
      readonly payload: Uint8Array
      readonly fin?: boolean
      readonly lead?: number
    }
  /** A Close frame (section 7.4); the reason is at most 123 bytes of UTF-8. */
  | { readonly type: 'close'; readonly code: number; readonly reason: string }
