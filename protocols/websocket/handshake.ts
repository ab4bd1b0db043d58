// The fields that open a WebSocket (RFC 6455 section 4), judged from either end; the message around them is HTTP's. Each
// check names the rule that was broken, or undefined. Extensions are never agreed to: their bits would change the frames.

import { createHash } from 'node:crypto'
import { type Fields, fieldList, fieldValues } from '../fields.ts'

/** Section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** 16 bytes in base64, and in one way only: the last character before the padding holds two bits. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/

/** Sec-WebSocket-Accept for a Sec-WebSocket-Key (section 4.2.2, 5.4). */
export function acceptKey(key: string): string {
  // SHA-1 as the RFC says: it proves that the server understood, and protects nothing.
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64')
}

/** The rule that a client's handshake breaks (section 4.2.1). */
export function clientHandshakeFault(fields: Fields): string | undefined {
  if (!isOnly(fieldList(fields, 'upgrade'), 'websocket')) return 'websocket.handshake.upgrade'
  if (!hasOption(fields)) return 'websocket.handshake.connection'
  if (!isOnly(fieldValues(fields, 'sec-websocket-version'), '13')) return 'websocket.handshake.version'
  const keys = fieldValues(fields, 'sec-websocket-key')
  if (keys.length !== 1 || !KEY.test(keys[0] as string)) return 'websocket.handshake.key'
  return undefined
}

/**
 * The rule that a server's 101 breaks (section 4.1). `key` is the Sec-WebSocket-Key that was sent, `offered` the
 * subprotocols, of which it must choose one; with none offered it must choose none, for which an empty field will do.
 */
export function serverHandshakeFault(fields: Fields, key: string, offered: readonly string[]): string | undefined {
  if (!isOnly(fieldList(fields, 'upgrade'), 'websocket')) return 'websocket.handshake.answered_upgrade'
  if (!hasOption(fields)) return 'websocket.handshake.answered_connection'
  const accepts = fieldValues(fields, 'sec-websocket-accept')
  if (accepts.length !== 1 || accepts[0] !== acceptKey(key)) return 'websocket.handshake.accept'
  if (fieldList(fields, 'sec-websocket-extensions').length > 0) return 'websocket.handshake.extension'
  const chosen = fieldList(fields, 'sec-websocket-protocol')
  // RFC 6455 would let a server ignore an offer; then the ends need not agree on what the bytes mean.
  const isAnswered = offered.length === 0 ? chosen.length === 0 : chosen.length === 1
  if (!isAnswered || chosen.some((protocol) => !offered.includes(protocol))) return 'websocket.handshake.protocol'
  return undefined
}

function isOnly(values: readonly string[], expected: string): boolean {
  return values.length === 1 && (values[0] as string).toLowerCase() === expected
}

function hasOption(fields: Fields): boolean {
  return fieldList(fields, 'connection').some((option) => option.toLowerCase() === 'upgrade')
}
