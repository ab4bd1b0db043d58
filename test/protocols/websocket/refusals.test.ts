// What breaks RFC 6455 ends the connection, under any cut, with its own rule and close code and behind all that was sound.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../protocols/limits.ts'
import { WebSocketConnection } from '../../../protocols/websocket/connection.ts'
import { assertAnyCut } from '../../support/cut.ts'
import { client, frameBytes, joinPieces, KEY, masked, plain, server } from './frames.ts'
import { BAD_STREAMS, LONG_FORMS, prelude } from './refusals.ts'

for (const { what, bytes, rule, code } of [...BAD_STREAMS, ...LONG_FORMS]) {
  test(`refuses ${what}`, () => {
    for (const [make, key] of [
      [server, KEY],
      [client, undefined],
    ] as const) {
      const stream = Buffer.concat([prelude(key), bytes(key), prelude(key)])
      const { events } = assertAnyCut(make, stream, { join: joinPieces })
      assert.deepEqual(events.at(-1), { type: 'failed', error: { rule, code } })
      assert.equal(events.filter((event) => event.type === 'failed').length, 1)
      assert.deepEqual(
        events.slice(0, 2).map((event) => (event.type === 'frame' ? [event.opcode, [...event.payload]] : [])),
        [
          [2, [1, 2, 3]],
          [9, [4]],
        ],
      )
    }
  })
}

test('refuses a client that does not mask, and a server that does', () => {
  const unmasked = assertAnyCut(server, Buffer.concat([masked(0x82, 'a'), plain(0x82, 'b')]), { join: joinPieces })
  assert.deepEqual(unmasked.events.at(-1), { type: 'failed', error: { rule: 'websocket.frame.unmasked', code: 1002 } })
  const doubly = assertAnyCut(client, Buffer.concat([plain(0x82, 'a'), masked(0x82, 'b')]), { join: joinPieces })
  assert.deepEqual(doubly.events.at(-1), { type: 'failed', error: { rule: 'websocket.frame.masked', code: 1002 } })
})

test('what two octets show is refused without waiting for more', () => {
  const ping = masked(0x09, 'x').subarray(0, 2)
  assert.equal(server().receive(ping)[0]?.type, 'failed')
})

test('a frame at the limit is read, one over it is refused on its header', () => {
  const small = { ...limits.websocket, frame: 1_000 }
  const make = (): WebSocketConnection => new WebSocketConnection('server', small)
  assert.equal(
    make()
      .receive(masked(0x82, new Uint8Array(1_000)))
      .at(-1)?.type,
    'frame',
  )
  const header = frameBytes({ first: 0x82, length: 1_001, key: KEY })
  const [failed] = make().receive(header)
  assert.ok(failed?.type === 'failed')
  assert.deepEqual([failed.error.rule, failed.error.code], ['websocket.frame.too_long', 1009])
})

test('a message has so many fragments and no more, and a control frame does not count', () => {
  const small = { ...limits.websocket, fragments: 4 }
  const make = (): WebSocketConnection => new WebSocketConnection('server', small)
  const four = [masked(0x02), masked(0x00), masked(0x89), masked(0x00), masked(0x80)]
  const sound = assertAnyCut(make, Buffer.concat([...four, ...four]), { join: joinPieces })
  assert.ok(sound.events.every((event) => event.type === 'frame'))
  const five = assertAnyCut(make, Buffer.concat([masked(0x02), masked(0x00), masked(0x00), masked(0x00), masked(0x00)]))
  assert.deepEqual(five.events.at(-1), { type: 'failed', error: { rule: 'websocket.message.fragments', code: 1008 } })
})

test('control frames without end are refused, and data between them sets the count back', () => {
  const small = { ...limits.websocket, controlFrames: 3 }
  const make = (): WebSocketConnection => new WebSocketConnection('server', small)
  const ping = masked(0x89)
  const sound = assertAnyCut(make, Buffer.concat([ping, ping, ping, masked(0x82, 'x'), ping, masked(0x8a), ping]), {
    join: joinPieces,
  })
  assert.ok(sound.events.every((event) => event.type === 'frame'))
  const flood = assertAnyCut(make, Buffer.concat([ping, masked(0x8a), ping, ping]))
  assert.deepEqual(flood.events.at(-1), { type: 'failed', error: { rule: 'websocket.control.flood', code: 1008 } })
})

test('a client that only listens may ping every 5 seconds for three days', () => {
  const machine = server()
  const hour = Buffer.concat(Array.from({ length: 720 }, () => masked(0x89)))
  for (let hours = 0; hours < 72; hours++) assert.equal(machine.receive(hour).at(-1)?.type, 'frame')
})

test('after a fault the machine is silent', () => {
  const machine = server()
  assert.equal(machine.receive(plain(0x82, 'x'))[0]?.type, 'failed')
  assert.deepEqual(machine.receive(masked(0x82, 'x')), [])
  assert.deepEqual(machine.receiveEnd(), [])
})
