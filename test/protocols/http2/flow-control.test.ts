// Windows both ways: what may not go out waits in turn and in order, credit goes back for what has left us, and a peer that
// sends more than it may is refused.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../protocols/limits.ts'
import {
  asking,
  client,
  data,
  frame,
  get,
  HEAD,
  headers,
  PADDED,
  post,
  readFrames,
  rst,
  said,
  server,
  settings,
  TYPE,
  tells,
  windowUpdate,
} from './frames.ts'

const { streamWindow, connectionWindow, clusterStreamWindow, clusterConnectionWindow } = limits.http2
const WINDOW = 65_535

/** A server that has begun to answer streams 1, 3, …; its output is taken. */
function answering(count: number, ...before: Uint8Array[]) {
  const machine = server()
  machine.receive(Buffer.concat(before))
  for (let stream = 1; stream < 2 * count; stream += 2) {
    machine.receive(get(stream))
    machine.send({ type: 'response', stream, status: 200, fields: [], end: false })
  }
  machine.takeOutput()
  return machine
}

test('what the window has no room for is copied and goes out as it opens, the end behind it', () => {
  const machine = answering(1, settings([4, 10]))
  const bytes = Buffer.from('0123456789abcdef')
  machine.send({ type: 'data', stream: 1, bytes })
  assert.deepEqual(said(machine), ['DATA 1: 10 octets'])
  bytes.fill(0)
  assert.equal(machine.blocked(1), true)
  assert.deepEqual([machine.blockedStreams(), machine.heldBytes], [[1], 6])
  machine.send({ type: 'data', stream: 1, bytes: Buffer.from('ghi'), end: true })
  machine.send({ type: 'data', stream: 1, bytes: Buffer.from('behind the end') })
  assert.deepEqual(tells(machine, windowUpdate(1, 2)), [])
  assert.deepEqual(tells(machine, windowUpdate(1, 100)), ['drained 1'])
  const frames = readFrames(machine.takeOutput())
  assert.equal(Buffer.concat(frames.map(({ payload }) => payload)).toString(), 'abcdefghi')
  assert.deepEqual(
    frames.map(({ flags }) => flags),
    [0, 0, 1],
  )
  assert.deepEqual([machine.blocked(1), machine.heldBytes, machine.openStreams], [false, 0, 0])
})

test('trailers wait behind held data', () => {
  const machine = answering(1, settings([4, 4]))
  machine.send({ type: 'data', stream: 1, bytes: Buffer.from('abcdef') })
  machine.send({ type: 'end', stream: 1, trailers: ['t', 'u'] })
  assert.deepEqual(said(machine), ['DATA 1: 4 octets'])
  assert.deepEqual(tells(machine, windowUpdate(1, 4)), ['drained 1'])
  assert.deepEqual(said(machine), ['DATA 1: 2 octets', 'HEADERS 1 end'])
})

test('an empty end needs no window', () => {
  const machine = answering(2, settings([4, 0]))
  machine.send({ type: 'data', stream: 1, bytes: new Uint8Array(0), end: true })
  machine.send({ type: 'end', stream: 3 })
  assert.deepEqual(said(machine), ['DATA 1 end: 0 octets', 'DATA 3 end: 0 octets'])
  assert.equal(machine.openStreams, 0)
})

test('a smaller initial window makes open ones negative, and credit has to make up for it', () => {
  const machine = answering(1, settings([4, 100]))
  machine.send({ type: 'data', stream: 1, bytes: new Uint8Array(90) })
  machine.takeOutput()
  machine.receive(settings([4, 0]))
  machine.send({ type: 'data', stream: 1, bytes: new Uint8Array(5) })
  machine.receive(windowUpdate(1, 90))
  assert.deepEqual(said(machine), ['SETTINGS ACK'], 'the window is 0 now')
  machine.receive(windowUpdate(1, 3))
  assert.deepEqual(said(machine), ['DATA 1: 3 octets'])
  assert.deepEqual(tells(machine, settings([4, 2])), ['drained 1'])
  assert.deepEqual(said(machine), ['SETTINGS ACK', 'DATA 1: 2 octets'])
})

test('streams that wait for the connection take turns, a frame each, and one without a window holds nobody up', () => {
  const machine = answering(4, settings([4, 1_000_000]))
  machine.send({ type: 'data', stream: 1, bytes: new Uint8Array(WINDOW) })
  machine.receive(settings([4, 100_000]))
  for (const stream of [1, 3, 5, 7]) machine.send({ type: 'data', stream, bytes: new Uint8Array(60_000) })
  machine.takeOutput()
  machine.receive(windowUpdate(0, 2 * 4 * 16_384))
  const order = said(machine)
  assert.deepEqual(order.slice(0, 8), [
    ...['DATA 1: 16384 octets', 'DATA 3: 16384 octets', 'DATA 5: 16384 octets', 'DATA 7: 16384 octets'],
    ...['DATA 1: 16384 octets', 'DATA 3: 16384 octets', 'DATA 5: 16384 octets', 'DATA 7: 16384 octets'],
  ])
  assert.equal(order.length, 8)
  // Stream 1 has used up its own window by now but for 1,697 octets.
  assert.deepEqual(tells(machine, windowUpdate(0, 1_000_000)), ['drained 3', 'drained 5', 'drained 7'])
  assert.deepEqual(machine.blockedStreams(), [1])
})

test("a stream's own update moves that stream alone, as far as it can go", () => {
  const machine = answering(3, settings([4, 0]))
  for (const stream of [1, 3, 5]) machine.send({ type: 'data', stream, bytes: new Uint8Array(40_000) })
  assert.deepEqual(tells(machine, windowUpdate(3, 40_000)), ['drained 3'])
  assert.deepEqual(said(machine), ['DATA 3: 16384 octets', 'DATA 3: 16384 octets', 'DATA 3: 7232 octets'])
  assert.deepEqual(machine.blockedStreams(), [1, 5])
})

test('a stream that is reset gives up what it held', () => {
  const machine = answering(2, settings([4, 0]))
  for (const stream of [1, 3]) machine.send({ type: 'data', stream, bytes: new Uint8Array(1_000) })
  machine.receive(rst(1, 8))
  machine.send({ type: 'reset', stream: 3, code: 8 })
  assert.deepEqual([machine.heldBytes, machine.blockedStreams()], [0, []])
})

test('more than may be held resets the stream, and its owner hears of it with the next bytes', () => {
  const machine = answering(1, settings([4, 0]))
  machine.send({ type: 'data', stream: 1, bytes: new Uint8Array(limits.http2.heldBytes) })
  assert.equal(machine.heldBytes, limits.http2.heldBytes)
  machine.takeOutput()
  machine.send({ type: 'data', stream: 1, bytes: new Uint8Array(1) })
  assert.deepEqual(said(machine), ['RST_STREAM 1: 2'])
  assert.equal(machine.heldBytes, 0)
  assert.deepEqual(tells(machine), ['reset 1: 2'])
})

test('credit goes back once half a window has left us, padding included, in one frame for many', () => {
  const machine = server()
  machine.receive(post(1))
  const chunk = new Uint8Array(10_000)
  machine.receive(Buffer.concat([data(1, chunk), data(1, chunk), data(1, chunk)]))
  assert.deepEqual(said(machine), [], 'nothing has left us')
  machine.send({ type: 'consumed', stream: 1, bytes: 10_000 })
  machine.send({ type: 'consumed', stream: 1, bytes: 20_000 })
  assert.deepEqual(said(machine), [], 'less than half')
  machine.receive(frame(TYPE.DATA, PADDED, 1, Buffer.concat([Buffer.of(255), Buffer.alloc(3_000)])))
  machine.send({ type: 'consumed', stream: 1, bytes: 2_745 })
  assert.deepEqual(said(machine), ['WINDOW_UPDATE 0: 33001', 'WINDOW_UPDATE 1: 33001'])
  machine.send({ type: 'consumed', stream: 1, bytes: 1_000_000 })
  assert.deepEqual(said(machine), [], 'no more than has come')
})

test('the window of a stranger is small, and grows once', () => {
  const machine = server()
  machine.send({ type: 'widen' })
  machine.send({ type: 'widen' })
  assert.deepEqual(said(machine), [`WINDOW_UPDATE 0: ${connectionWindow - WINDOW}`])
})

test("the connection's credit for streams that are gone comes back by itself", () => {
  const machine = server()
  const chunk = new Uint8Array(16_384)
  for (let stream = 1; stream < 200; stream += 2) {
    assert.deepEqual(tells(machine, post(stream)), [`request ${stream}`])
    machine.receive(Buffer.concat([data(stream, chunk), data(stream, chunk)]))
    machine.send({ type: 'reset', stream, code: 8 })
    // What was under way when we reset it.
    assert.deepEqual(tells(machine, data(stream, chunk)), [])
    machine.send({ type: 'release', stream })
    machine.takeOutput()
  }
  assert.deepEqual(tells(machine, post(201), data(201, 'still here')).at(-1), 'data 201: still here')
})

test('no more credit is given for a stream whose peer has ended it', () => {
  const machine = server()
  machine.receive(Buffer.concat([post(1), data(1, new Uint8Array(16_000)), data(1, new Uint8Array(16_000))]))
  machine.receive(data(1, new Uint8Array(16_000), 1))
  machine.send({ type: 'consumed', stream: 1, bytes: 48_000 })
  assert.deepEqual(said(machine), ['WINDOW_UPDATE 0: 48000'])
})

test('more than a stream may carry resets it, more than the connection may carry ends that', () => {
  const chunk = new Uint8Array(16_384)
  const machine = server()
  machine.send({ type: 'widen' })
  machine.receive(Buffer.concat([post(1), data(1, chunk), data(1, chunk), data(1, chunk)]))
  machine.receive(data(1, new Uint8Array(streamWindow - 3 * 16_384)))
  assert.deepEqual(tells(machine, data(1, 'x')), ['reset 1: 3 http2.window.stream'])
  const narrow = server()
  narrow.receive(Buffer.concat([post(1), data(1, chunk), post(3), data(3, chunk), data(1, chunk)]))
  narrow.receive(data(3, new Uint8Array(WINDOW - 3 * 16_384)))
  assert.deepEqual(tells(narrow, data(3, 'x')), ['failed: 3 http2.window.connection'])
})

test("a client's stalled answer holds up no other: the connection's credit goes back as answers come", () => {
  const machine = asking('GET', 'GET')
  const chunk = new Uint8Array(65_536)
  machine.receive(headers(1, HEAD, [':status', '200']))
  const updates: string[] = []
  for (let sent = 0; sent < clusterStreamWindow; sent += chunk.length) {
    machine.receive(data(1, chunk))
    updates.push(...said(machine))
  }
  assert.deepEqual(tells(machine, data(1, 'x')), ['reset 1: 3 http2.window.stream'])
  assert.ok(clusterStreamWindow < clusterConnectionWindow / 2)
  assert.deepEqual(updates, [], 'less than half of the connection')
  const many = client()
  for (let stream = 1; stream < 31; stream += 2) {
    many.send({ type: 'request', method: 'GET', path: '/', authority: 'a', fields: [], end: true })
    many.receive(headers(stream, HEAD, [':status', '200']))
    for (let at = 0; at < 4; at++) many.receive(data(stream, chunk))
  }
  assert.ok(
    said(many).some((line) => line.startsWith('WINDOW_UPDATE 0:')),
    'and then it does',
  )
})
