// What a WebSocket peer did wrong, with the close code that tells it so.

import { PeerError } from '../errors.ts'

/** Close codes of RFC 6455 section 7.4.1 that an endpoint may send for a fault. */
export const CLOSE_CODE = {
  NORMAL: 1000,
  GOING_AWAY: 1001,
  PROTOCOL_ERROR: 1002,
  INVALID_PAYLOAD: 1007,
  POLICY: 1008,
  TOO_BIG: 1009,
} as const

export class WebSocketError extends PeerError {
  readonly protocol = 'websocket'
  readonly code: number

  constructor(code: number, rule: string, explanation: string) {
    super(rule, explanation)
    this.code = code
  }
}
