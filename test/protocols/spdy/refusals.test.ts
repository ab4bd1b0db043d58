// Frames that no peer may send, one rule each. Where Go's spdystream would read on, and read something else, it is said.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../protocols/limits.ts'
import { SpdyConnection } from '../../../protocols/spdy/connection.ts'
import { STATUS } from '../../../protocols/spdy/errors.ts'
import { cut, hear } from '../../support/cut.ts'
import { block, control, data, joinData, PeerDeflater, synStream, word } from './frames.ts'
import { facingClient, facingCluster, ruleOf } from './sessions.ts'

/** The next header block of a client that has opened three streams. */
const next = (): Buffer => facingClient().peer.deflate(block(['a', 'b']))
const flood = Buffer.concat(
  (() => {
    const { peer } = facingClient()
    return Array.from({ length: limits.spdy.streams }, (_, n) => synStream(7 + 2 * n, peer.deflate(block())))
  })(),
)

/** Whole and byte by byte: the same is told, and the last of it is the rule. */
function assertRefused(make: () => SpdyConnection, rule: string, bytes: Uint8Array): void {
  const whole = hear(make(), [bytes], { join: joinData })
  const last = whole.events.at(-1)
  assert.equal(last?.type === 'failed' && last.error.rule, rule)
  assert.deepEqual(hear(make(), cut(bytes, [1]), { join: joinData }), whole)
}

const FROM_CLIENT: readonly [what: string, rule: string, bytes: Uint8Array][] = [
  ['a version other than 3 (Go does not look)', 'spdy.frame.version', Buffer.from('800200060000000400000001', 'hex')],
  ['version 0x7fff', 'spdy.frame.version', Buffer.from('ffff00060000000400000001', 'hex')],
  ['type 0', 'spdy.frame.type', control(0, 0)],
  ['NOOP', 'spdy.frame.type', control(5, 0)],
  ['CREDENTIAL', 'spdy.frame.type', control(10, 0, word(0))],
  ['type 0x0101', 'spdy.frame.type', control(0x0101, 0, 1, 0)],
  [
    'a control frame above the cap, by its header alone',
    'spdy.frame.too_large',
    Buffer.from('8003000100ffffff', 'hex'),
  ],
  ['a SYN_STREAM too short for its fields', 'spdy.frame.length', control(1, 0, 7, 0)],
  [
    'a RST_STREAM with room for another frame (Go reads that)',
    'spdy.frame.length',
    control(3, 0, 3, 5, control(6, 0, 1)),
  ],
  ['a short RST_STREAM', 'spdy.frame.length', control(3, 0, 3)],
  ['a PING with room for another frame (Go reads that)', 'spdy.frame.length', control(6, 0, 1, data(3, 'x'))],
  ['a GOAWAY that is too long', 'spdy.frame.length', control(7, 0, 0, 0, 0)],
  ['a SYN_REPLY without a stream', 'spdy.frame.length', control(2, 0)],
  ['flags on PING', 'spdy.frame.flags', control(6, 1, 1)],
  ['flags on GOAWAY', 'spdy.frame.flags', control(7, 1, 0, 0)],
  ['flags on RST_STREAM', 'spdy.frame.flags', control(3, 1, 3, 5)],
  ['unknown flags on SYN_STREAM', 'spdy.frame.flags', control(1, 4, 7, 0, Uint8Array.of(0, 0), next())],
  ['a compressed data frame, as in SPDY/2', 'spdy.data.flags', data(3, 'x', 2)],
  ['data on stream 0', 'spdy.data.unknown_stream', data(0, 'x')],
  ['data on a stream never opened', 'spdy.data.unknown_stream', data(7, 'x')],
  ['data on a stream of the other side', 'spdy.data.unknown_stream', data(2, 'x')],
  [
    'data behind FIN (Go delivers or drops it, at random)',
    'spdy.data.after_fin',
    Buffer.concat([data(3, '', 1), data(3, 'x')]),
  ],
  [
    'data before SYN_REPLY (Go drops it)',
    'spdy.data.before_reply',
    Buffer.concat([synStream(7, next()), data(7, 'x')]),
  ],
  ['an even stream of a client', 'spdy.stream.parity', synStream(2, next())],
  ['stream 0', 'spdy.stream.parity', synStream(0, next())],
  ['a stream id again', 'spdy.stream.id_not_increasing', synStream(5, next())],
  ['a stream id below the last', 'spdy.stream.id_not_increasing', synStream(1, next())],
  ['the reserved bit of a stream id', 'spdy.stream.reserved_bit', synStream(0x80000007, next())],
  ['the reserved bit of RST_STREAM', 'spdy.stream.reserved_bit', control(3, 0, 0x80000003, 5)],
  ['more streams than allowed', 'spdy.stream.too_many', flood],
  ['a SYN_REPLY to its own stream', 'spdy.reply.own_stream', control(2, 0, 3, next())],
  ['a SYN_REPLY to a stream never opened', 'spdy.reply.unknown_stream', control(2, 0, 2, next())],
  ['HEADERS on a stream never opened', 'spdy.headers.unknown_stream', control(8, 0, 7, next())],
  ['HEADERS behind FIN', 'spdy.headers.after_fin', Buffer.concat([data(3, '', 1), control(8, 0, 3, next())])],
  ['a header block that is not one', 'spdy.compression.no_flush', synStream(7, Buffer.from('junk'))],
  ['RST_STREAM with status 0', 'spdy.reset.status', control(3, 0, 3, 0)],
  ['RST_STREAM for a stream never opened', 'spdy.reset.unknown_stream', control(3, 0, 9, 5)],
  ['RST_STREAM for stream 0', 'spdy.reset.unknown_stream', control(3, 0, 0, 5)],
  ['2^28 settings (CVE-2026-35469)', 'spdy.settings.too_many', control(4, 0, 0x10000000)],
  ['fewer settings than counted', 'spdy.settings.length', control(4, 0, 2, 1, 1)],
  ['more settings than counted (Go reads them as frames)', 'spdy.settings.length', control(4, 0, 0, 1, 1)],
  ['PING with id 0', 'spdy.ping.id', control(6, 0, 0)],
  ['WINDOW_UPDATE by nothing', 'spdy.window.delta', control(9, 0, 3, 0)],
  ['WINDOW_UPDATE by 2^31', 'spdy.window.delta', control(9, 0, 3, 0x80000000)],
]

for (const [what, rule, bytes] of FROM_CLIENT) {
  test(`refused from a client: ${what}`, () => {
    assertRefused(() => facingClient().machine, rule, bytes)
  })
}

const reply = (streamId: number): Buffer => control(2, 0, streamId, facingCluster().peer.deflate(block()))
const FROM_CLUSTER: readonly [what: string, rule: string, bytes: Uint8Array][] = [
  ['an odd stream of a server', 'spdy.stream.parity', synStream(7, facingCluster().peer.deflate(block()))],
  ['a SYN_REPLY to a stream never opened', 'spdy.reply.unknown_stream', reply(7)],
  ['a SYN_REPLY to a stream of its own', 'spdy.reply.own_stream', reply(2)],
  ['a SYN_REPLY to stream 0', 'spdy.reply.own_stream', reply(0)],
  ['a second SYN_REPLY', 'spdy.reply.twice', reply(3)],
  ['data before its SYN_REPLY', 'spdy.data.before_reply', data(5, 'x')],
  ['HEADERS before SYN_REPLY', 'spdy.headers.before_reply', control(8, 0, 5, facingCluster().peer.deflate(block()))],
]

for (const [what, rule, bytes] of FROM_CLUSTER) {
  test(`refused from a cluster: ${what}`, () => {
    assertRefused(() => facingCluster().machine, rule, bytes)
  })
}

test('a fault names its stream and the status to reset it with', () => {
  const [failed] = facingClient().machine.receive(synStream(1, next()))
  assert.ok(failed?.type === 'failed')
  assert.equal(failed.error.streamId, 1)
  assert.equal(failed.error.code, STATUS.STREAM_IN_USE)
  assert.equal(failed.error.protocol, 'spdy')
})

test('a data frame above the cap is refused by its header alone', () => {
  const spdy = { ...limits.spdy, dataFrame: 1_000 } as unknown as typeof limits.spdy
  const { machine } = facingClient(spdy)
  assert.equal(ruleOf(machine.receive(data(3, Buffer.alloc(1_001)).subarray(0, 8))), 'spdy.data.too_large')
})

test('a zlib bomb in a SYN_STREAM is refused with little held', () => {
  const { machine, peer } = facingClient()
  const bomb = synStream(7, peer.deflate(Buffer.alloc(60_000_000)))
  assert.ok(bomb.length < 65_544)
  const before = process.memoryUsage().arrayBuffers
  assert.equal(ruleOf(machine.receive(bomb)), 'spdy.compression.too_large')
  assert.ok(process.memoryUsage().arrayBuffers - before < 2_000_000)
})

test('streams that were reset no longer count: two thousand, one after the other', () => {
  const machine = new SpdyConnection('server', limits.spdy)
  const peer = new PeerDeflater()
  for (let streamId = 1; streamId < 4_000; streamId += 2) {
    const open = synStream(streamId, peer.deflate(block(['requestid', String(streamId)])))
    assert.equal(ruleOf(machine.receive(Buffer.concat([open, control(3, 0, streamId, 5)]))), undefined)
  }
})
