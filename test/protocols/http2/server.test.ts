// The gateway's side of a client's connection: heads and bodies under any cut, answers as frames, and how streams and the
// connection end.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MisuseError } from '../../../protocols/errors.ts'
import { limits } from '../../../protocols/limits.ts'
import { assertAnyCut } from '../../support/cut.ts'
import {
  ALL,
  block,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  freshServer,
  get,
  goaway,
  HEAD,
  headers,
  joinData,
  nameOf,
  OPENING,
  PADDED,
  PRIORITISED,
  ping,
  post,
  readFrames,
  rst,
  said,
  server,
  settings,
  TYPE,
  tells,
  windowUpdate,
  words,
} from './frames.ts'

test('says its settings before it has heard anything, and nothing else', () => {
  const [first, ...rest] = readFrames(freshServer().takeOutput())
  assert.deepEqual(rest, [])
  const { hpack, http2 } = limits
  const entries = Array.from({ length: first!.payload.length / 6 }, (_, at) => [
    first!.payload.readUInt16BE(6 * at),
    first!.payload.readUInt32BE(6 * at + 2),
  ])
  assert.deepEqual(entries, [
    [1, hpack.tableSize],
    [3, http2.streams],
    [4, http2.streamWindow],
    [5, http2.frame],
    [6, hpack.fieldBytes],
  ])
})

test('hears requests, bodies and trailers the same under any cut', () => {
  const padded = Buffer.concat([Buffer.of(3), Buffer.from('world'), Buffer.alloc(3)])
  const prioritised = Buffer.concat([
    Buffer.of(2),
    words(0x8000_0001),
    Buffer.of(15),
    block(...requestLines('/c')),
    Buffer.alloc(2),
  ])
  const { events, output } = assertAnyCut(
    freshServer,
    Buffer.concat([
      OPENING,
      ...[get(1), post(3, ['content-length', '10']), data(3, 'hello'), frame(TYPE.UNKNOWN, 0xff, 3, 'what is this')],
      ...[frame(TYPE.DATA, PADDED | END_STREAM, 3, padded), frame(TYPE.PRIORITY, 0, 7, 'abcde')],
      ...[frame(TYPE.HEADERS, PADDED | PRIORITISED | HEAD, 5, prioritised), data(5, 'x'), data(5, '')],
      headers(5, ALL, ['checksum', 'abc']),
      ...[headers(9, 0, [':method', 'GET'], [':scheme', 'http']), frame(TYPE.CONTINUATION, 0, 9)],
      frame(TYPE.CONTINUATION, END_HEADERS, 9, block([':path', '/d?e={}'], ['host', 'Cluster:6443'])),
      ...[data(9, 'y', END_STREAM), settings([0x99, 7], [4, 100_000]), ping(), settings()],
    ]),
    { join: joinData, end: true, observe: (machine) => [machine.openStreams, machine.isReady, machine.isClosing] },
  )
  const head = (path: string, authority = 'cluster') => ({ method: 'GET', path, authority, fields: [] as string[] })
  const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
  assert.deepEqual(events, [
    { type: 'request', stream: 1, head: head('/api'), end: true, length: undefined },
    { type: 'request', stream: 3, head: { ...head('/api'), fields: ['content-length', '10'] }, end: false, length: 10 },
    { type: 'data', stream: 3, bytes: bytes('helloworld') },
    { type: 'end', stream: 3, trailers: [] },
    { type: 'request', stream: 5, head: head('/c'), end: false, length: undefined },
    { type: 'data', stream: 5, bytes: bytes('x') },
    { type: 'end', stream: 5, trailers: ['checksum', 'abc'] },
    { type: 'request', stream: 9, head: head('/d?e={}', 'Cluster:6443'), end: false, length: undefined },
    { type: 'data', stream: 9, bytes: bytes('y') },
    { type: 'end', stream: 9, trailers: [] },
  ])
  const own = Buffer.concat(freshServer().takeOutput()).toString('hex')
  const acks = Buffer.concat([
    frame(TYPE.SETTINGS, 1, 0),
    frame(TYPE.SETTINGS, 1, 0),
    ping(1),
    frame(TYPE.SETTINGS, 1, 0),
  ])
  assert.equal(output, own + acks.toString('hex'))
})

function requestLines(path: string): [string, string][] {
  return [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'cluster'],
    [':path', path],
  ]
}

test('joins the crumbs of a cookie, and lets Host and :authority agree in any case', () => {
  const [request] = server().receive(get(1, ['cookie', 'a=1'], ['x', 'y'], ['host', 'CLUSTER'], ['cookie', 'b=2']))
  assert.ok(request?.type === 'request')
  assert.deepEqual(request.head.fields, ['x', 'y', 'cookie', 'a=1; b=2'])
  assert.equal(request.head.authority, 'cluster')
})

test('DATA passes in pieces as it comes, as views of the chunk', () => {
  const machine = server()
  machine.receive(post(1))
  const chunk = data(1, 'abcdef').subarray(0, 12)
  const [event] = machine.receive(chunk)
  assert.ok(event?.type === 'data')
  assert.equal(event.bytes.buffer, chunk.buffer)
  assert.equal(Buffer.from(event.bytes).toString(), 'abc')
})

test('answers with a head, a body and its end, and refers to long bodies instead of copying them', () => {
  const machine = server()
  machine.receive(Buffer.concat([get(1), get(3), get(5), post(7)]))
  const body = new Uint8Array(40_000)
  machine.send({ type: 'continue', stream: 7 })
  machine.send({ type: 'response', stream: 1, status: 200, fields: ['a', 'b'], end: false })
  machine.send({ type: 'data', stream: 1, bytes: body, end: true })
  const output = machine.takeOutput()
  assert.equal(output.filter((piece) => piece.buffer === body.buffer).length, 3)
  machine.send({ type: 'response', stream: 3, status: 204, fields: [], end: true })
  machine.send({ type: 'response', stream: 5, status: 200, fields: [], end: false })
  machine.send({ type: 'end', stream: 5, trailers: ['t', 'u'] })
  machine.send({ type: 'response', stream: 7, status: 200, fields: [], end: false })
  machine.send({ type: 'data', stream: 7, bytes: new Uint8Array(0) })
  machine.send({ type: 'end', stream: 7 })
  const lines = said({ takeOutput: () => [...output, ...machine.takeOutput()] })
  assert.deepEqual(lines, [
    ...['HEADERS 7', 'HEADERS 1', 'DATA 1: 16384 octets', 'DATA 1: 16384 octets', 'DATA 1 end: 7232 octets'],
    ...['HEADERS 3 end', 'HEADERS 5', 'HEADERS 5 end', 'HEADERS 7', 'DATA 7 end: 0 octets'],
  ])
  assert.equal(machine.openStreams, 1, 'only the body of 7 has not ended')
})

test('a head that fills more than a frame goes out in CONTINUATION frames', () => {
  const machine = server()
  machine.receive(get(1))
  const fields = Array.from({ length: 40 }, (_, at) => [`field-${at}`, '~'.repeat(1_000)]).flat()
  machine.send({ type: 'response', stream: 1, status: 200, fields, end: true })
  const frames = readFrames(machine.takeOutput())
  assert.deepEqual(
    frames.map(({ type, flags }) => [type, flags]),
    [
      [TYPE.HEADERS, END_STREAM],
      [TYPE.CONTINUATION, 0],
      [TYPE.CONTINUATION, END_HEADERS],
    ],
  )
  assert.ok(frames.every(({ payload }) => payload.length <= 16_384))
})

test('commands for a stream that is gone do nothing, and a body before its head is our bug', () => {
  const machine = server()
  machine.receive(Buffer.concat([get(1), get(3), rst(1, 8)]))
  machine.takeOutput()
  for (const stream of [1, 99]) {
    machine.send({ type: 'response', stream, status: 200, fields: [], end: false })
    machine.send({ type: 'continue', stream })
    machine.send({ type: 'data', stream, bytes: Buffer.from('x') })
    machine.send({ type: 'end', stream, trailers: ['a', 'b'] })
    machine.send({ type: 'consumed', stream, bytes: 1_000_000 })
    machine.send({ type: 'reset', stream, code: 8 })
    machine.send({ type: 'release', stream })
  }
  assert.deepEqual(said(machine), [])
  assert.throws(() => machine.send({ type: 'data', stream: 3, bytes: Buffer.from('x') }), MisuseError)
  assert.throws(() => machine.send({ type: 'end', stream: 3 }), MisuseError)
})

test('a stream that we have reset lets pass what the client had sent before it knew', () => {
  const machine = server()
  machine.receive(post(1))
  machine.send({ type: 'reset', stream: 1, code: 8 })
  // Streams that end as they should in between do not make it forget.
  for (let stream = 3; stream < 603; stream += 2) {
    machine.receive(get(stream))
    machine.send({ type: 'response', stream, status: 204, fields: [], end: true })
    machine.send({ type: 'release', stream })
  }
  machine.takeOutput()
  const late = Buffer.concat([data(1, 'late'), windowUpdate(1, 5), rst(1, 8), headers(1, ALL, ['a', 'b']), ping()])
  assert.deepEqual(tells(machine, late), [])
  assert.deepEqual(said(machine), ['PING ACK'])
})

test('field blocks of streams that are refused keep the tables in step', () => {
  const machine = server({ streams: 1 })
  machine.receive(get(1))
  const indexed = Buffer.concat([
    block(...requestLines('/b')),
    Buffer.from('400161', 'hex'),
    Buffer.from('0162', 'hex'),
  ])
  assert.deepEqual(tells(machine, frame(TYPE.HEADERS, ALL, 3, indexed)), ['reset 3: 7 http2.streams.too_many'])
  machine.send({ type: 'response', stream: 1, status: 204, fields: [], end: true })
  machine.send({ type: 'release', stream: 1 })
  const [request] = machine.receive(
    frame(TYPE.HEADERS, ALL, 5, Buffer.concat([block(...requestLines('/c')), Buffer.of(0xbe)])),
  )
  assert.deepEqual(request?.type === 'request' && request.head.fields, ['a', 'b'])
})

test('too many fields are answered 431, and a body that is still coming is stopped without a fault', () => {
  const many = Array.from({ length: limits.hpack.fieldCount }, (): [string, string] => ['a', 'b'])
  const machine = server()
  assert.deepEqual(tells(machine, post(1, ...many), data(1, 'late', END_STREAM), get(3)), [
    'reset 1: 0 http2.fields.too_large',
    'request 3 end',
  ])
  const [answer, reset] = readFrames(machine.takeOutput())
  assert.deepEqual([answer?.type, answer?.flags], [TYPE.HEADERS, ALL])
  assert.ok(answer?.payload.includes('431'))
  assert.deepEqual([reset?.type, reset?.payload], [TYPE.RST_STREAM, words(0)])
})

test('after our GOAWAY no stream is begun, those that are open go on, and the last one closes the connection', () => {
  const machine = server()
  machine.receive(Buffer.concat([get(1), get(3)]))
  machine.takeOutput()
  machine.send({ type: 'goaway', code: 0 })
  assert.deepEqual(tells(machine, get(5)), ['reset 5: 7 http2.streams.too_many'])
  assert.deepEqual(said(machine), ['GOAWAY 3: 0', 'RST_STREAM 5: 7'])
  machine.send({ type: 'response', stream: 1, status: 200, fields: [], end: true })
  assert.equal(machine.isClosing, false)
  machine.send({ type: 'reset', stream: 3, code: 8 })
  assert.equal(machine.isClosing, true)
})

test("tells of the client's GOAWAY and of pings that were asked for", () => {
  const machine = server()
  machine.send({ type: 'ping' })
  assert.deepEqual(said(machine), ['PING'])
  assert.deepEqual(tells(machine, get(1), goaway(0, 11), ping(1), ping(1)), ['request 1 end', 'goaway 0: 11', 'pong'])
})

test('a place is free again only when the work on its request is done, whoever ended the stream', () => {
  const machine = server({ streams: 2 })
  machine.receive(Buffer.concat([get(1), rst(1, 8), get(3)]))
  machine.send({ type: 'response', stream: 3, status: 204, fields: [], end: true })
  assert.deepEqual(tells(machine, get(5)), ['reset 5: 7 http2.streams.too_many'])
  machine.send({ type: 'release', stream: 1 })
  machine.send({ type: 'release', stream: 1 })
  assert.deepEqual(tells(machine, get(7), get(9)), ['request 7 end', 'reset 9: 7 http2.streams.too_many'])
  // Work that is done while the answer is still being sent: the place is the stream's own until that ends.
  machine.send({ type: 'release', stream: 7 })
  machine.send({ type: 'release', stream: 3 })
  assert.deepEqual(tells(machine, get(11), get(13)), ['request 11 end', 'reset 13: 7 http2.streams.too_many'])
})

test('sends field blocks with the table that the client asked for, and says so in the next one', () => {
  const machine = server()
  machine.receive(Buffer.concat([settings([1, 0], [1, 4_096]), get(1)]))
  machine.takeOutput()
  machine.send({ type: 'response', stream: 1, status: 200, fields: [], end: true })
  const [answer] = readFrames(machine.takeOutput())
  assert.equal(answer?.payload.subarray(0, 4).toString('hex'), '203fe11f', 'down to 0 and up to 4096')
})

test('two events of one chunk keep their order', () => {
  const lines = server()
    .receive(Buffer.concat([post(1), data(1, 'a'), get(3), data(1, 'b', END_STREAM)]))
    .map(nameOf)
  assert.deepEqual(lines, ['request 1', 'data 1: a', 'request 3 end', 'data 1: b', 'end 1'])
})
