// Words for exec over WebSocket and over SPDY, which several playbooks need: the request, what the cluster gets of it, and
// its 101.

import { forwarded, message, request } from './scenes.ts'

export const EXEC = 'GET /api/v1/namespaces/prod/pods/p/exec?command=id&stdin=true&stdout=true HTTP/1.1'
export const HANDSHAKE = [
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: v5.channel.k8s.io',
] as const
export const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', ...HANDSHAKE] as const

export const SWITCHING = message([
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Accept: {{accept}}',
  'Sec-WebSocket-Protocol: v5.channel.k8s.io',
])

export function upgradeRequest(as = 'alice', lines: readonly string[] = []): string {
  return request(EXEC, [...UPGRADE, ...lines], '', as)
}

/** The handshake goes upstream anew, in the gateway's order; Connection comes last. */
export function forwardedUpgrade(as = 'alice'): string {
  const text = forwarded(EXEC, ['Upgrade: websocket', ...HANDSHAKE], '', as)
  return text.replace(/\r\n\r\n$/, '\r\nConnection: Upgrade\r\n\r\n')
}

export const SPDY_EXEC = EXEC.replace('GET', 'POST')
const SPDY_VERSION = 'X-Stream-Protocol-Version: v4.channel.k8s.io'

export const SPDY_SWITCHING = message([
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: SPDY/3.1',
  'Connection: Upgrade',
  SPDY_VERSION,
])

export function spdyRequest(start = SPDY_EXEC, version = SPDY_VERSION): string {
  return request(start, ['Connection: Upgrade', 'Upgrade: SPDY/3.1', version])
}

export function forwardedSpdy(start = SPDY_EXEC, version = SPDY_VERSION): string {
  const text = forwarded(start, ['Upgrade: SPDY/3.1', version])
  return text.replace(/\r\n\r\n$/, '\r\nContent-Length: 0\r\nConnection: Upgrade\r\n\r\n')
}
