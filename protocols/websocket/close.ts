// The payload of a Close frame (RFC 6455 sections 5.5.1 and 7.4): a code of two octets and a reason in UTF-8, or nothing.
// Refuses codes that never go on the wire.

import { MisuseError } from '../errors.ts'
import { CLOSE_CODE, WebSocketError } from './errors.ts'
import { Utf8 } from './utf8.ts'

/** What a control frame has room for behind the code. */
const REASON_BYTES = 123

/** Throws MisuseError for a code that must not be sent, or a reason of more than 123 bytes. */
export function closePayload(code: number, reason: string): Uint8Array {
  if (!isSendable(code)) throw new MisuseError('a close code that is never sent')
  const text = new TextEncoder().encode(reason)
  if (text.length > REASON_BYTES) throw new MisuseError('a close reason is at most 123 bytes')
  const payload = new Uint8Array(2 + text.length)
  payload[0] = code >> 8
  payload[1] = code & 0xff
  payload.set(text, 2)
  return payload
}

/** Throws WebSocketError for a payload that no endpoint may send. Its length is not one: the frame's header is refused for that. */
export function checkClosePayload(payload: Uint8Array): void {
  if (payload.length === 0) return
  if (!isSendable((payload[0]! << 8) | payload[1]!)) {
    throw new WebSocketError(CLOSE_CODE.PROTOCOL_ERROR, 'websocket.close.code', 'a close code that is never sent')
  }
  const reason = payload.subarray(2)
  const utf8 = new Utf8()
  if (utf8.valid(reason) < reason.length || !utf8.isWhole) {
    throw new WebSocketError(CLOSE_CODE.INVALID_PAYLOAD, 'websocket.close.reason', 'a close reason is not UTF-8')
  }
}

/** Sections 7.4.1 and 7.4.2: 1004 to 1006 and 1015 are for an endpoint's own use; 1012 to 1014 are registered since. */
function isSendable(code: number): boolean {
  if (code >= 3000) return code <= 4999
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006
}
