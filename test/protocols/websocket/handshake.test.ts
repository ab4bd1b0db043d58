// The opening handshake's fields: RFC 6455's own example, what each end must send, and what an answer may not say.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acceptKey, clientHandshakeFault, serverHandshakeFault } from '../../../protocols/websocket/handshake.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
const REQUEST = [
  'Upgrade',
  'websocket',
  'Connection',
  'Upgrade',
  'Sec-WebSocket-Version',
  '13',
  'Sec-WebSocket-Key',
  KEY,
]
const ANSWER = ['Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Accept', ACCEPT]

/** The fields with one value replaced, left out (undefined), or a line added. */
function replaced(fields: readonly string[], name: string, value: string | undefined): string[] {
  const others = fields.flatMap((text, at) => {
    const isName = at % 2 === 0 ? text : (fields[at - 1] as string)
    return isName === name ? [] : [text]
  })
  return value === undefined ? others : [...others, name, value]
}

test('the accept key is the one of RFC 6455 section 1.3', () => {
  assert.equal(acceptKey(KEY), ACCEPT)
})

test('takes handshakes as browsers, kubectl and ws send them', () => {
  assert.equal(clientHandshakeFault(REQUEST), undefined)
  assert.equal(clientHandshakeFault(replaced(REQUEST, 'Connection', 'keep-alive, Upgrade')), undefined)
  assert.equal(clientHandshakeFault(replaced(REQUEST, 'Upgrade', 'WebSocket')), undefined)
  assert.equal(clientHandshakeFault([...REQUEST, 'Sec-WebSocket-Extensions', 'permessage-deflate']), undefined)
})

for (const [name, value, rule] of [
  ['Upgrade', undefined, 'websocket.handshake.upgrade'],
  ['Upgrade', 'h2c', 'websocket.handshake.upgrade'],
  ['Upgrade', 'websocket, SPDY/3.1', 'websocket.handshake.upgrade'],
  ['Connection', undefined, 'websocket.handshake.connection'],
  ['Connection', 'keep-alive', 'websocket.handshake.connection'],
  ['Connection', 'not-upgrade', 'websocket.handshake.connection'],
  ['Sec-WebSocket-Version', undefined, 'websocket.handshake.version'],
  ['Sec-WebSocket-Version', '8', 'websocket.handshake.version'],
  ['Sec-WebSocket-Version', '13, 8', 'websocket.handshake.version'],
  ['Sec-WebSocket-Key', undefined, 'websocket.handshake.key'],
  ['Sec-WebSocket-Key', '', 'websocket.handshake.key'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ', 'websocket.handshake.key'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZR==', 'websocket.handshake.key'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZS4=', 'websocket.handshake.key'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==\n', 'websocket.handshake.key'],
] as const) {
  test(`refuses a request whose ${name} is ${JSON.stringify(value)}`, () => {
    assert.equal(clientHandshakeFault(replaced(REQUEST, name, value)), rule)
  })
}

test('refuses a request with two keys or two versions', () => {
  assert.equal(clientHandshakeFault([...REQUEST, 'sec-websocket-key', KEY]), 'websocket.handshake.key')
  assert.equal(clientHandshakeFault([...REQUEST, 'sec-websocket-version', '13']), 'websocket.handshake.version')
})

test('takes a 101 that answers the offer', () => {
  assert.equal(serverHandshakeFault(ANSWER, KEY, []), undefined)
  assert.equal(serverHandshakeFault([...ANSWER, 'Sec-WebSocket-Protocol', ''], KEY, []), undefined)
  assert.equal(serverHandshakeFault([...ANSWER, 'Sec-WebSocket-Protocol', 'b'], KEY, ['a', 'b']), undefined)
})

for (const [name, value, rule] of [
  ['Upgrade', undefined, 'websocket.handshake.answered_upgrade'],
  ['Upgrade', 'SPDY/3.1', 'websocket.handshake.answered_upgrade'],
  ['Connection', undefined, 'websocket.handshake.answered_connection'],
  ['Connection', 'close', 'websocket.handshake.answered_connection'],
  ['Sec-WebSocket-Accept', undefined, 'websocket.handshake.accept'],
  ['Sec-WebSocket-Accept', ACCEPT.toLowerCase(), 'websocket.handshake.accept'],
  ['Sec-WebSocket-Accept', acceptKey('AAAAAAAAAAAAAAAAAAAAAA=='), 'websocket.handshake.accept'],
  ['Sec-WebSocket-Extensions', 'permessage-deflate', 'websocket.handshake.extension'],
  ['Sec-WebSocket-Protocol', undefined, 'websocket.handshake.protocol'],
  ['Sec-WebSocket-Protocol', '', 'websocket.handshake.protocol'],
  ['Sec-WebSocket-Protocol', 'c', 'websocket.handshake.protocol'],
  ['Sec-WebSocket-Protocol', 'A', 'websocket.handshake.protocol'],
  ['Sec-WebSocket-Protocol', 'a, b', 'websocket.handshake.protocol'],
] as const) {
  test(`refuses a 101 whose ${name} is ${JSON.stringify(value)}`, () => {
    const answer = replaced([...ANSWER, 'Sec-WebSocket-Protocol', 'a'], name, value)
    assert.equal(serverHandshakeFault(answer, KEY, ['a', 'b']), rule)
  })
}

test('refuses a 101 that chooses a subprotocol where none was offered', () => {
  const answer = [...ANSWER, 'Sec-WebSocket-Protocol', 'a']
  assert.equal(serverHandshakeFault(answer, KEY, []), 'websocket.handshake.protocol')
})
