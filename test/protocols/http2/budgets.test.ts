// What a peer may make us do for nothing is counted by the interval, in both roles: one more than that ends the connection
// with ENHANCE_YOUR_CALM.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../protocols/limits.ts'
import {
  asking,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  get,
  headers,
  PADDED,
  ping,
  post,
  rst,
  said,
  server,
  settings,
  TYPE,
  tells,
  windowUpdate,
} from './frames.ts'

const { resets, pings, emptyFrames } = limits.http2
const times = (count: number, bytes: Uint8Array): Buffer => Buffer.concat(Array.from({ length: count }, () => bytes))
const priority = frame(TYPE.PRIORITY, 0, 3, Buffer.from('0000000110', 'hex'))

const FLOODS: readonly { what: string; frame: Uint8Array; count: number; rule: string }[] = [
  { what: 'PING', frame: ping(), count: pings, rule: 'http2.flood.ping' },
  // One was the opening.
  { what: 'SETTINGS', frame: settings(), count: limits.http2.settings - 1, rule: 'http2.flood.settings' },
  { what: 'ACK', frame: frame(TYPE.SETTINGS, 1, 0), count: limits.http2.settings - 1, rule: 'http2.flood.settings' },
  { what: 'PRIORITY', frame: priority, count: emptyFrames, rule: 'http2.flood.empty' },
  { what: 'unknown', frame: frame(TYPE.UNKNOWN, 0, 0, 'x'), count: emptyFrames, rule: 'http2.flood.empty' },
  { what: 'answers to no PING', frame: ping(1), count: emptyFrames, rule: 'http2.flood.empty' },
]

for (const { what, frame: bytes, count, rule } of FLOODS) {
  test(`${what} frames are taken up to their budget, which an interval renews`, () => {
    for (const machine of [server(), asking('GET')]) {
      const fault = [`failed: 11 ${rule}`]
      assert.deepEqual(tells(machine, times(count, bytes)), [])
      machine.send({ type: 'interval' })
      assert.deepEqual(tells(machine, times(count, bytes)), [])
      const opening = rule === 'http2.flood.settings' ? 1 : 0
      assert.deepEqual(tells(machine, times(1 + opening, bytes)), fault)
      assert.match(said(machine).at(-1)!, /^GOAWAY \d+: 11$/)
    }
  })
}

test('empty DATA counts, and DATA of nothing but padding, unless it is the end', () => {
  const padding = frame(TYPE.DATA, PADDED, 1, Buffer.from('020000', 'hex'))
  for (const bytes of [data(1, ''), padding]) {
    const machine = server()
    machine.receive(post(1))
    assert.deepEqual(tells(machine, times(emptyFrames, bytes)), [])
    assert.deepEqual(tells(machine, data(1, 'x'), data(1, '', END_STREAM)), ['data 1: x', 'end 1'])
    machine.receive(post(3))
    assert.deepEqual(tells(machine, frame(TYPE.DATA, bytes[4]!, 3, bytes.subarray(9))), [
      'failed: 11 http2.flood.empty',
    ])
  }
})

test('CONTINUATION frames count by the block', () => {
  const machine = server()
  const { continuations } = limits.http2
  for (const stream of [1, 3]) {
    const block = get(stream).subarray(9)
    const parts = times(continuations - 1, frame(TYPE.CONTINUATION, 0, stream))
    const bytes = Buffer.concat([frame(TYPE.HEADERS, END_STREAM, stream, block), parts])
    assert.deepEqual(tells(machine, bytes, frame(TYPE.CONTINUATION, END_HEADERS, stream)), [`request ${stream} end`])
  }
})

test('field blocks for a stream that we have reset count too', () => {
  const machine = asking('GET')
  machine.send({ type: 'reset', stream: 1, code: 8 })
  const block = headers(1, END_STREAM | 4, [':status', '200'])
  assert.deepEqual(tells(machine, times(emptyFrames, block)), [])
  assert.deepEqual(tells(machine, block), ['failed: 11 http2.flood.empty'])
})

test('streams that are opened and reset count, by the client (Rapid Reset) and by its faults (MadeYouReset)', () => {
  const ends: readonly ((stream: number) => Uint8Array)[] = [
    (stream) => rst(stream, 8),
    (stream) => windowUpdate(stream, 0),
    (stream) => headers(stream, 4, ['a', 'b']),
  ]
  for (const end of ends) {
    const machine = server()
    const lines: string[] = []
    for (let at = 0; at <= resets; at++) lines.push(...tells(machine, post(2 * at + 1), end(2 * at + 1)))
    assert.equal(lines.at(-1), 'failed: 11 http2.flood.resets')
    assert.equal(lines.filter((line) => line.startsWith('reset')).length, resets + 1)
  }
})

test('streams past the limit count as faults of the client', () => {
  const machine = server({ streams: 1 })
  machine.receive(get(1))
  const lines = Array.from({ length: resets + 1 }, (_, at) => tells(machine, get(3 + 2 * at))).flat()
  assert.equal(lines.filter((line) => line.endsWith('7 http2.streams.too_many')).length, resets + 1)
  assert.equal(lines.at(-1), 'failed: 11 http2.flood.resets')
})

test('ending hundreds of watches that have run for long is no flood, and our own resets are none', () => {
  const machine = server()
  const all = Array.from({ length: limits.http2.streams }, (_, at) => 2 * at + 1)
  machine.receive(Buffer.concat(all.map((stream) => get(stream))))
  machine.send({ type: 'interval' })
  machine.send({ type: 'interval' })
  const lines = tells(machine, ...all.map((stream) => rst(stream, 8)))
  assert.deepEqual(
    lines,
    all.map((stream) => `reset ${stream}: 8`),
  )
  for (const stream of all) machine.send({ type: 'release', stream })
  const more = all.map((stream) => 512 + stream)
  machine.receive(Buffer.concat(more.map((stream) => get(stream))))
  for (const stream of more) machine.send({ type: 'reset', stream, code: 8 })
  assert.deepEqual(tells(machine, ping()), [])
  assert.equal(machine.isClosing, false)
})
