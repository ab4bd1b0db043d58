// The gateway's side of a cluster's connection: requests as streams, answers under any cut, and what becomes of requests
// that the cluster did not process.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MisuseError } from '../../../protocols/errors.ts'
import { Http2Client } from '../../../protocols/http2/client.ts'
import { Http2Server } from '../../../protocols/http2/server.ts'
import { limits } from '../../../protocols/limits.ts'
import { assertAnyCut } from '../../support/cut.ts'
import {
  ALL,
  asking,
  client,
  data,
  END_STREAM,
  goaway,
  HEAD,
  headers,
  joinData,
  PREFACE,
  ping,
  readFrames,
  rst,
  said,
  settings,
  TYPE,
  tells,
  windowUpdate,
} from './frames.ts'

const GET = { type: 'request', method: 'GET', path: '/api', authority: 'cluster', fields: [], end: true } as const

test('begins with the preface, its settings and a wider window for the connection', () => {
  const bytes = Buffer.concat(new Http2Client(limits).takeOutput())
  assert.deepEqual(bytes.subarray(0, PREFACE.length), PREFACE)
  const [first, second, ...rest] = readFrames([bytes.subarray(PREFACE.length)])
  assert.equal(first?.type, TYPE.SETTINGS)
  assert.ok(first?.payload.includes(Buffer.from('000200000000', 'hex')), 'no pushes')
  assert.deepEqual(second?.payload.readUInt32BE(0), limits.http2.clusterConnectionWindow - 65_535)
  assert.deepEqual(rest, [])
})

test('hears answers, 1xx answers, bodies and trailers the same under any cut', () => {
  const make = (): Http2Client => asking('GET', 'HEAD', 'POST', 'GET')
  const { events } = assertAnyCut(
    make,
    Buffer.concat([
      headers(5, HEAD, [':status', '100']),
      headers(5, HEAD, [':status', '103'], ['link', 'a']),
      headers(1, HEAD, [':status', '200'], ['content-length', '6'], ['x_y', 'z']),
      ...[data(1, 'abc'), headers(3, ALL, [':status', '200'], ['content-length', '1000'])],
      ...[data(1, 'def', END_STREAM), headers(7, HEAD, [':status', '304'], ['content-length', '7'])],
      ...[data(7, '', END_STREAM), headers(5, HEAD, [':status', '201']), data(5, 'g')],
      ...[headers(5, ALL, ['checksum', 'x']), goaway(7, 0)],
    ]),
    { join: joinData, observe: (machine) => [machine.openStreams, machine.room] },
  )
  const head = (status: number, ...fields: string[]) => ({ status, fields })
  const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
  assert.deepEqual(events, [
    { type: 'informational', stream: 5, head: head(100) },
    { type: 'informational', stream: 5, head: head(103, 'link', 'a') },
    { type: 'response', stream: 1, head: head(200, 'content-length', '6', 'x_y', 'z'), end: false, length: 6 },
    { type: 'data', stream: 1, bytes: bytes('abc') },
    { type: 'response', stream: 3, head: head(200, 'content-length', '1000'), end: true, length: 1_000 },
    { type: 'data', stream: 1, bytes: bytes('def') },
    { type: 'end', stream: 1, trailers: [] },
    { type: 'response', stream: 7, head: head(304, 'content-length', '7'), end: false, length: 7 },
    { type: 'end', stream: 7, trailers: [] },
    { type: 'response', stream: 5, head: head(201), end: false, length: undefined },
    { type: 'data', stream: 5, bytes: bytes('g') },
    { type: 'end', stream: 5, trailers: ['checksum', 'x'] },
    { type: 'goaway', lastStream: 7, code: 0 },
  ])
})

test('opens odd streams in order, as many as the cluster has room for', () => {
  const fresh = new Http2Client(limits)
  assert.equal(fresh.room, 100, 'before its settings')
  fresh.receive(settings())
  assert.ok(fresh.room > 1_000_000, 'it names no limit')
  const machine = client({}, settings([3, 2]))
  assert.deepEqual([machine.nextStream, machine.room], [1, 2])
  machine.send(GET)
  machine.send({ ...GET, method: 'POST', end: false })
  assert.deepEqual([machine.nextStream, machine.room], [5, 0])
  assert.throws(() => machine.send(GET), MisuseError)
  assert.deepEqual(said(machine), ['HEADERS 1 end', 'HEADERS 3'])
  machine.receive(headers(1, ALL, [':status', '200']))
  assert.equal(machine.room, 1)
  machine.receive(settings([3, 0]))
  assert.equal(machine.room, 0, 'fewer than are open')
})

test('an answer that ends before its request stops the rest of it', () => {
  const machine = asking('POST')
  assert.deepEqual(tells(machine, headers(1, ALL, [':status', '413'])), ['response 1 end'])
  assert.deepEqual(said(machine), ['RST_STREAM 1: 8'])
  machine.send({ type: 'data', stream: 1, bytes: Buffer.from('late'), end: true })
  assert.deepEqual(said(machine), [])
  assert.deepEqual(tells(machine, rst(1, 0), data(1, 'x'), windowUpdate(1, 1)), [], 'what crossed it is let pass')
})

test('GOAWAY refuses what was not processed, and the rest goes on; a second one may refuse more', () => {
  const machine = asking('GET', 'GET', 'GET', 'GET')
  assert.deepEqual(tells(machine, goaway(5, 0)), ['goaway 5: 0', 'reset 7: 7'])
  assert.equal(machine.room, 0)
  assert.throws(() => machine.send(GET), MisuseError)
  assert.deepEqual(tells(machine, headers(1, ALL, [':status', '200']), goaway(3, 0)), [
    ...['response 1 end', 'goaway 3: 0', 'reset 5: 7'],
  ])
  assert.deepEqual(tells(machine, headers(3, ALL, [':status', '200'])), ['response 3 end'])
  assert.equal(machine.openStreams, 0)
  assert.equal(machine.isClosing, false, 'its owner says when')
  machine.send({ type: 'goaway', code: 0 })
  assert.equal(machine.isClosing, true)
})

test('GOAWAY of the largest stream refuses nothing yet', () => {
  const machine = asking('GET')
  assert.deepEqual(tells(machine, goaway(0x7fff_ffff, 0)), ['goaway 2147483647: 0'])
  assert.equal(machine.openStreams, 1)
})

test('a stream that the cluster resets is over, and one that we reset is told of by nobody', () => {
  const machine = asking('GET', 'GET', 'GET')
  assert.deepEqual(tells(machine, rst(1, 7), rst(1, 7)), ['reset 1: 7'])
  machine.send({ type: 'reset', stream: 3, code: 8 })
  assert.deepEqual(said(machine), ['RST_STREAM 3: 8'])
  const late = [headers(3, HEAD, [':status', '200']), data(3, 'x'), headers(3, ALL, ['a', 'b'])]
  assert.deepEqual(tells(machine, ...late, headers(5, ALL, [':status', '200'])), ['response 5 end'])
})

test('a PING of ours is answered once, and answers that nobody asked for are no sign of life', () => {
  const machine = client()
  machine.send({ type: 'ping' })
  assert.deepEqual(tells(machine, ping(1), ping(1)), ['pong'])
})

test('a request that cannot be written leaves no trace, in the tables neither', () => {
  const machine = client()
  const answers = new Http2Server(limits)
  answers.receive(Buffer.concat([PREFACE, settings()]))
  const fields = ['impersonate-user', 'alice', 'x', '\u0100']
  assert.throws(() => machine.send({ ...GET, fields }), MisuseError)
  assert.deepEqual([machine.openStreams, machine.nextStream], [0, 1])
  machine.send({ ...GET, fields: ['impersonate-user', 'bob'] })
  machine.send({ ...GET, fields: ['impersonate-user', 'alice'] })
  machine.send({ ...GET, fields: ['impersonate-user', 'bob'] })
  const heard = answers.receive(Buffer.concat(machine.takeOutput()))
  assert.deepEqual(
    heard.map((event) => event.type === 'request' && event.head.fields[1]),
    ['bob', 'alice', 'bob'],
  )
})
