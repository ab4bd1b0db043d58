// Port-forward on WebSocket channels: which ports a query names, and under any cut which tape channel each byte is on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChannelError } from '../../../protocols/kube/channel-error.ts'
import { FORWARD, forwardChannel } from '../../../protocols/kube/channels.ts'
import { announcedPort, LegacyPortForward, parsePorts } from '../../../protocols/kube/legacy-port-forward.ts'
import { channelMessage } from '../../../protocols/kube/websocket-channels.ts'
import { assertAnyCut, type Machine } from '../../support/cut.ts'
import { masked, plain } from '../websocket/frames.ts'
import { bytesOf, type ChannelEvent, ChannelMachine, joinBytes } from './channel-machine.ts'

const PORTS = [80, 443, 65_535]

/** The session's one direction, each byte under its channel on the tape. */
function direction(fromClient: boolean, base64 = false): Machine<ChannelEvent> {
  const forward = new LegacyPortForward(PORTS)
  const allows = (channel: number): boolean => forward.allows(channel, fromClient)
  const machine = new ChannelMachine({ fromClient, base64, closes: false, allows })
  let isOver = false
  return {
    receive(bytes) {
      const events: ChannelEvent[] = []
      for (const event of isOver ? [] : machine.receive(bytes)) {
        if (event.type !== 'bytes') {
          events.push(event)
          continue
        }
        const announced = fromClient ? 0 : forward.announcement(event.channel, event.bytes)
        if (announced instanceof ChannelError) {
          isOver = true
          events.push({ type: 'failed', error: announced })
          break
        }
        const channel = forward.tapeChannel(event.channel, fromClient)
        if (announced < event.bytes.length)
          events.push({ type: 'bytes', channel, bytes: event.bytes.subarray(announced) })
      }
      return events
    },
  }
}

function message(channel: number, bytes: Uint8Array | string, base64 = false): Uint8Array {
  return channelMessage(channel, Buffer.from(bytes), base64)
}

test('ports are read repeated and comma-separated', () => {
  assert.deepEqual(parsePorts(['80,443']), [80, 443])
  assert.deepEqual(parsePorts(['80', '443,80', '65535']), [80, 443, 80, 65_535])
  assert.equal(parsePorts([Array(64).fill('1').join()])?.length, 64)
})

test('what is no list of ports is none', () => {
  const wrong = ['', '0', '65536', '080', '+80', '-1', ' 80', '80 ', '80,', ',80', '8e1', '0x50', 'http', '99999', '１']
  for (const text of wrong) assert.equal(parsePorts([text]), undefined, text)
  assert.equal(parsePorts([]), undefined)
  assert.equal(parsePorts(['80', '']), undefined)
  assert.equal(parsePorts([Array(65).fill('1').join()]), undefined)
})

for (const base64 of [false, true]) {
  test(`each port is announced, then its bytes and errors are told apart (${base64 ? 'base64' : 'binary'})`, () => {
    const first = base64 ? 0x81 : 0x82
    const fromServer = [
      ...PORTS.flatMap((port, at) => [
        plain(first, message(2 * at, announcedPort(port), base64)),
        plain(first, message(2 * at + 1, announcedPort(port), base64)),
      ]),
      plain(first, message(2, 'HTTP/1.1 200 OK', base64)),
      plain(first, message(3, 'refused', base64)),
      plain(first, message(0, '', base64)),
    ]
    const { events } = assertAnyCut(() => direction(false, base64), Buffer.concat(fromServer), { join: joinBytes })
    assert.equal(events.length, 2)
    assert.equal(bytesOf(events, forwardChannel(1, FORWARD.FROM_POD)).toString(), 'HTTP/1.1 200 OK')
    assert.equal(bytesOf(events, forwardChannel(1, FORWARD.ERROR_FROM_POD)).toString(), 'refused')

    const fromClient = Buffer.concat([
      masked(first, message(2, 'GET /', base64)),
      masked(first, message(4, 'x', base64)),
    ])
    const sent = assertAnyCut(() => direction(true, base64), fromClient, { join: joinBytes }).events
    assert.equal(bytesOf(sent, forwardChannel(1, FORWARD.TO_POD)).toString(), 'GET /')
    assert.equal(bytesOf(sent, forwardChannel(2, FORWARD.TO_POD)).toString(), 'x')
  })
}

test('an announced port is little-endian', () => {
  assert.deepEqual([...announcedPort(80)], [0x50, 0x00])
  assert.deepEqual([...announcedPort(65_534)], [0xfe, 0xff])
})

for (const [what, fromClient, base64, bytes, rule] of [
  ['another port', false, false, plain(0x82, message(0, announcedPort(443))), 'kube.forward.announcement'],
  ['a port in network order', false, false, plain(0x82, message(2, '\x01\xbb')), 'kube.forward.announcement'],
  ['data in place of the port', false, false, plain(0x82, message(1, 'dial tcp')), 'kube.forward.announcement'],
  ['a channel past the last port', false, false, plain(0x82, message(6, 'x')), 'kube.channel.unknown'],
  ['a client’s bytes on an error channel', true, false, masked(0x82, message(1, 'x')), 'kube.channel.unknown'],
  ['a client’s channel past the last port', true, false, masked(0x82, message(6, 'x')), 'kube.channel.unknown'],
  ['a close', true, false, masked(0x82, Uint8Array.of(255, 0)), 'kube.channel.unknown'],
  ['a server’s channel below the digits', false, true, plain(0x81, '/UAA='), 'kube.channel.unknown'],
] as const) {
  test(`refuses ${what}`, () => {
    const { events } = assertAnyCut(() => direction(fromClient, base64), bytes, { join: joinBytes })
    assert.deepEqual(events, [{ type: 'failed', error: { rule, code: 1002 } }])
  })
}
