// The one error of the SPDY machines: which check a peer failed, and the status that tells it so.

import { PeerError } from '../errors.ts'

/** Status codes of RST_STREAM (SPDY draft 3.1, section 2.6.3). */
export const STATUS = {
  PROTOCOL_ERROR: 1,
  INVALID_STREAM: 2,
  REFUSED_STREAM: 3,
  UNSUPPORTED_VERSION: 4,
  CANCEL: 5,
  INTERNAL_ERROR: 6,
  FLOW_CONTROL_ERROR: 7,
  STREAM_IN_USE: 8,
  STREAM_ALREADY_CLOSED: 9,
  FRAME_TOO_LARGE: 11,
} as const
export type SpdyCode = (typeof STATUS)[keyof typeof STATUS]

/** Status codes of GOAWAY (section 2.6.6). */
export const GOAWAY = { OK: 0, PROTOCOL_ERROR: 1, INTERNAL_ERROR: 2 } as const

/**
 * The peer broke SPDY. Every fault ends the connection: after a frame that cannot be trusted neither can the
 * compression context nor the next frame's start. `code` names the fault as RST_STREAM would.
 */
export class SpdyError extends PeerError {
  readonly protocol = 'spdy'
  readonly code: SpdyCode
  /** The stream that the frame was about, or 0. */
  readonly streamId: number

  constructor(code: SpdyCode, rule: string, explanation: string, streamId = 0) {
    super(rule, explanation)
    this.code = code
    this.streamId = streamId
  }
}
