// What a SPDY machine tells of every frame type, in both roles and under any cut; what it writes; and what it ignores.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MisuseError } from '../../../protocols/errors.ts'
import { limits } from '../../../protocols/limits.ts'
import { SpdyConnection } from '../../../protocols/spdy/connection.ts'
import type { SpdyEvent } from '../../../protocols/spdy/events.ts'
import { assertAnyCut } from '../../support/cut.ts'
import { block, control, data, joinData, PeerDeflater, PeerInflater, split, synStream, unblock } from './frames.ts'
import { facingClient, facingCluster, ruleOf } from './sessions.ts'

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

test('every frame type is told, with its bytes as they came, under any cut', () => {
  const { peer } = facingClient()
  const deflated = peer.deflate(block(['streamtype', 'stderr'], ['x', 'a\0b']))
  const more = peer.deflate(block(['y', 'c']))
  const frames = {
    empty: data(3, ''),
    stdin: data(3, 'some input'),
    ping: control(6, 0, 7),
    synStream: control(1, 0, 7, 3, Uint8Array.of(5 << 5, 9), deflated),
    headers: control(8, 1, 5, more),
    settings: control(4, 1, 2, 0x01000004, 100, 0x00000007, 0xffffffff),
    windowUpdate: control(9, 0, 0, 0x7fffffff),
    last: data(3, 'the last', 1),
    reset: control(3, 0, 1, 5),
    goAway: control(7, 0, 0, 1),
  }
  const heard = assertAnyCut(() => facingClient().machine, Buffer.concat(Object.values(frames)), { join: joinData })
  const raw = (name: keyof typeof frames): Uint8Array => new Uint8Array(frames[name])
  const piece = { type: 'data', streamId: 3, start: true, end: true } as const
  assert.deepEqual(heard.events, [
    { ...piece, fin: false, header: raw('empty'), payload: bytes('') },
    { ...piece, fin: false, header: raw('stdin').subarray(0, 8), payload: bytes('some input') },
    { type: 'ping', id: 7, raw: raw('ping') },
    {
      type: 'synStream',
      streamId: 7,
      associatedId: 3,
      priority: 5,
      fin: false,
      unidirectional: false,
      headers: ['streamtype', 'stderr', 'x', 'a', 'x', 'b'],
      block: 3,
      raw: raw('synStream'),
    },
    { type: 'headers', streamId: 5, fin: true, headers: ['y', 'c'], block: 4, raw: raw('headers') },
    {
      type: 'settings',
      settings: [
        { flags: 1, id: 4, value: 100 },
        { flags: 0, id: 7, value: 0xffffffff },
      ],
      raw: raw('settings'),
    },
    { type: 'windowUpdate', streamId: 0, delta: 0x7fffffff, raw: raw('windowUpdate') },
    { ...piece, fin: true, header: raw('last').subarray(0, 8), payload: bytes('the last') },
    { type: 'reset', streamId: 1, status: 5, raw: raw('reset') },
    { type: 'goAway', lastStreamId: 0, status: 1, raw: raw('goAway') },
  ])
  assert.equal(heard.output, '', 'nothing is answered by itself')
})

test('facing the cluster, replies and output are told under any cut', () => {
  const { peer } = facingCluster()
  const reply = control(2, 1, 5, peer.deflate(block(['a', 'b'])))
  const frames = Buffer.concat([data(1, '{}'), reply, data(3, 'x'.repeat(300), 1), control(7, 0, 5, 0)])
  const heard = assertAnyCut(() => facingCluster().machine, frames, { join: joinData })
  assert.deepEqual(
    heard.events.map((event) => event.type),
    ['data', 'synReply', 'data', 'goAway'],
  )
  const [, told] = heard.events
  assert.deepEqual(told, {
    type: 'synReply',
    streamId: 5,
    fin: true,
    headers: ['a', 'b'],
    block: 2,
    raw: new Uint8Array(reply),
  })
})

test('a payload passes in pieces as it comes, and only the last one has FIN', () => {
  const { machine } = facingClient()
  const frame = data(3, 'abcdef', 1)
  const told: SpdyEvent[] = []
  for (const [from, to] of [
    [0, 8],
    [8, 10],
    [10, 14],
  ]) {
    told.push(...structuredClone(machine.receive(frame.subarray(from, to))))
  }
  assert.deepEqual(
    told.map(
      (event) => event.type === 'data' && [event.start, event.end, event.fin, Buffer.from(event.payload).toString()],
    ),
    [
      [true, false, false, ''],
      [false, false, false, 'ab'],
      [false, true, true, 'cdef'],
    ],
  )
})

test('a whole frame is a view of the chunk, not a copy', () => {
  const { machine } = facingClient()
  const chunk = data(3, 'payload')
  const [event] = machine.receive(chunk)
  assert.ok(event?.type === 'data')
  assert.equal(event.payload.buffer, chunk.buffer)
  assert.equal(event.header.buffer, chunk.buffer)
})

test('what comes behind GOAWAY is not read, as by every peer', () => {
  const { machine } = facingClient()
  const events = machine.receive(Buffer.concat([control(7, 0, 0, 0), data(99, 'x'), control(6, 0, 0)]))
  assert.deepEqual(
    events.map((event) => event.type),
    ['goAway'],
  )
  assert.deepEqual(machine.receive(data(3, 'x')), [])
  assert.deepEqual(machine.receiveEnd(), [])
  assert.equal(machine.ignoredBytes, 9 + 12 + 9)
})

test('data that crossed a reset is ignored; the rest of the frame that the reset came into passes', () => {
  const { machine } = facingClient()
  const frame = data(3, 'abcd')
  machine.receive(frame.subarray(0, 10))
  machine.send({ type: 'reset', streamId: 3, status: 5 })
  assert.equal(machine.receive(frame.subarray(10)).length, 1, 'its header has passed, so must all of it')
  assert.deepEqual(machine.receive(data(3, 'more')), [])
  assert.equal(machine.ignoredBytes, 12)
})

test('header frames for a stream that is gone are told, because the context counts them', () => {
  const { machine, peer } = facingCluster()
  machine.send({ type: 'reset', streamId: 5, status: 5 })
  const events = machine.receive(control(2, 0, 5, peer.deflate(block(['late', 'reply']))))
  assert.deepEqual(
    events.map((event) => event.type),
    ['synReply'],
  )
  assert.equal(machine.maySendOn(5), false)
  const next = machine.receive(control(8, 0, 3, peer.deflate(block(['late', 'reply']))))
  assert.ok(next[0]?.type === 'headers')
  assert.deepEqual(next[0].headers, ['late', 'reply'])
})

test('a stream is kept until both directions end', () => {
  const { machine } = facingClient()
  machine.receive(data(3, '', 1))
  assert.equal(machine.maySendOn(3), true)
  machine.send({ type: 'data', streamId: 3, payload: bytes('x'), fin: true })
  assert.equal(machine.maySendOn(3), false)
  assert.deepEqual(machine.receive(data(3, 'late')), [], 'gone, and so ignored')
})

test("a unidirectional stream is only its opener's to send on, without a reply", () => {
  const { machine, peer } = facingClient()
  const [opened] = machine.receive(synStream(7, peer.deflate(block()), 2))
  assert.ok(opened?.type === 'synStream' && opened.unidirectional)
  assert.equal(machine.maySendOn(7), false)
  assert.throws(() => machine.send({ type: 'synReply', streamId: 7, headers: [] }), MisuseError)
  assert.equal(ruleOf(machine.receive(data(7, 'x', 1))), undefined)
  assert.deepEqual(machine.receive(data(7, 'late')), [], 'its one direction has ended')
})

test('the limit on streams is on those open at once', () => {
  const spdy = { ...limits.spdy, streams: 4 } as unknown as typeof limits.spdy
  const { machine, peer } = facingClient(spdy)
  const open = (streamId: number): readonly SpdyEvent[] => machine.receive(synStream(streamId, peer.deflate(block())))
  assert.equal(open(7).length, 1)
  machine.receive(control(3, 0, 7, 5))
  assert.equal(ruleOf(open(9)), undefined)
  assert.equal(ruleOf(open(11)), 'spdy.stream.too_many')
})

test('a fault comes behind what was parsed before it, and nothing comes behind a fault', () => {
  const { machine } = facingClient()
  const events = machine.receive(Buffer.concat([data(3, 'ok'), control(6, 0, 0), data(3, 'never')]))
  assert.deepEqual(
    events.map((event) => event.type),
    ['data', 'failed'],
  )
  assert.deepEqual(machine.receive(data(3, 'never')), [])
  machine.send({ type: 'goAway', lastStreamId: machine.lastPeerStream, status: 1 })
  assert.equal(Buffer.concat(machine.takeOutput()).toString('hex'), '80030007000000080000000500000001')
})

test('the end of the connection inside a frame is a fault, between frames it is not', () => {
  assert.deepEqual(facingClient().machine.receiveEnd(), [])
  for (const cut of [1, 8, 9]) {
    const { machine } = facingClient()
    machine.receive(data(3, 'abc').subarray(0, cut))
    assert.equal(ruleOf(machine.receiveEnd()), 'spdy.frame.cut_off')
  }
})

test('commands become frames that an independent reader understands', () => {
  const machine = new SpdyConnection('client', limits.spdy)
  machine.send({ type: 'synStream', streamId: 1, headers: ['streamType', 'error'], priority: 2 })
  machine.send({ type: 'synStream', streamId: 3, headers: ['streamtype', 'data', 'port', '80'], fin: true })
  machine.receive(control(2, 0, 1, new PeerDeflater().deflate(block())))
  machine.send({ type: 'data', streamId: 1, payload: bytes('hello') })
  machine.send({ type: 'data', streamId: 1, payload: bytes(''), fin: true })
  machine.send({ type: 'ping', id: 1 })
  machine.send({ type: 'reset', streamId: 3, status: 5 })
  machine.send({ type: 'goAway', lastStreamId: 0, status: 0 })
  const frames = split(Buffer.concat(machine.takeOutput()))
  const inflater = new PeerInflater()
  const [first, second, ...rest] = frames as [Buffer, Buffer, ...Buffer[]]
  assert.equal(first.subarray(0, 5).toString('hex'), '8003000100')
  assert.equal(first.subarray(8, 18).toString('hex'), '00000001000000004000')
  assert.deepEqual(unblock(inflater.inflate(first.subarray(18))), [['streamtype', 'error']])
  assert.equal(second.subarray(0, 5).toString('hex'), '8003000101')
  assert.deepEqual(unblock(inflater.inflate(second.subarray(18))), [
    ['streamtype', 'data'],
    ['port', '80'],
  ])
  assert.deepEqual(
    rest.map((frame) => frame.toString('hex')),
    [
      '000000010000000568656c6c6f',
      '0000000101000000',
      '800300060000000400000001',
      '80030003000000080000000300000005',
      '80030007000000080000000000000000',
    ],
  )
})

test('a command out of turn is our own mistake, and writes nothing', () => {
  const { machine } = facingClient()
  const stream = { streamId: 3, headers: [] }
  const wrong = [
    { type: 'data', streamId: 7, payload: bytes('x') },
    { type: 'data', streamId: 3, payload: new Uint8Array(16_777_216) },
    { type: 'synReply', ...stream },
    { type: 'synReply', streamId: 9, headers: [] },
    { type: 'synStream', ...stream },
    { type: 'synStream', streamId: 2, headers: ['a', '\n'] },
    { type: 'reset', streamId: 9, status: 5 },
    { type: 'reset', streamId: 3, status: 0 },
    { type: 'ping', id: 0 },
    { type: 'pass', bytes: control(1, 0, 2, 0) },
    { type: 'pass', bytes: data(3, 'x').subarray(0, 7) },
    { type: 'pass', bytes: control(6, 0, 1).subarray(0, 9) },
    { type: 'pass', bytes: data(7, 'x') },
  ] as const
  for (const command of wrong) assert.throws(() => machine.send(command), MisuseError, command.type)
  assert.deepEqual(machine.takeOutput(), [])
})

test('no frame of our own starts inside a passed one, nor behind GOAWAY', () => {
  const { machine } = facingClient()
  const frame = data(3, 'abcd', 1)
  machine.send({ type: 'pass', bytes: frame.subarray(0, 8) })
  machine.send({ type: 'pass', bytes: frame.subarray(8, 10) })
  assert.equal(machine.maySend, false)
  assert.throws(() => machine.send({ type: 'ping', id: 2 }), MisuseError)
  assert.equal(machine.maySendOn(3), true)
  machine.send({ type: 'pass', bytes: Buffer.concat([frame.subarray(10), control(6, 0, 2), data(5, '')]) })
  assert.equal(machine.maySend, true)
  assert.equal(machine.maySendOn(3), false, 'the FIN that was passed is ours')
  machine.send({ type: 'pass', bytes: control(7, 0, 5, 0) })
  assert.equal(machine.maySend, false)
  assert.throws(() => machine.send({ type: 'ping', id: 2 }), MisuseError)
  assert.throws(() => machine.send({ type: 'pass', bytes: data(5, 'x') }), MisuseError)
})
