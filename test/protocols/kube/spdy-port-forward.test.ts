// Connections of a port-forward: their numbers, ports and channels, what is refused, and that they are forgotten.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FORWARD, forwardChannel } from '../../../protocols/kube/channels.ts'
import { type ForwardedStream, SpdyPortForward } from '../../../protocols/kube/spdy-port-forward.ts'
import { data, FIN, ruleOf, synStream } from './spdy-events.ts'

const labels = (type: string, port: string, id?: string): string[] => [
  ...['streamtype', type, 'port', port],
  ...(id === undefined ? [] : ['requestid', id]),
]

/** Opens the pair of a connection on streams n and n + 2. */
function openPair(forward: SpdyPortForward, streamId: number, port: string, id?: string): unknown[] {
  const error = forward.open(synStream(streamId, labels('error', port, id)), true)
  return [error, forward.open(synStream(streamId + 2, labels('data', port, id)), true)].map(ruleOf)
}

const stream = (connection: number, port: number, part: ForwardedStream['part']): ForwardedStream => ({
  connection,
  port,
  part,
})

test('connections are counted from 0 and keep their ports', () => {
  const forward = new SpdyPortForward()
  assert.deepEqual(openPair(forward, 1, '80', '0'), [stream(0, 80, 'error'), stream(0, 80, 'data')])
  assert.deepEqual(openPair(forward, 5, '65535', '1'), [stream(1, 65_535, 'error'), stream(1, 65_535, 'data')])
  assert.equal(forward.size, 2)
})

test('concurrent connections are told apart by request id, whatever the order of their streams', () => {
  const forward = new SpdyPortForward()
  const opened = [
    [1, 'error', '7'],
    [3, 'error', '8'],
    [5, 'data', '8'],
    [7, 'data', '7'],
  ] as const
  const connections = opened.map(([id, type, request]) => {
    const result = forward.open(synStream(id, labels(type, '80', request)), true)
    return result instanceof Error ? result.rule : result.connection
  })
  assert.deepEqual(connections, [0, 1, 1, 0])
})

test('old clients send no request id: the data stream follows its error stream', () => {
  const forward = new SpdyPortForward()
  openPair(forward, 1, '80')
  assert.deepEqual(openPair(forward, 5, '81'), [stream(1, 81, 'error'), stream(1, 81, 'data')])
})

test('each stream has a channel for each direction', () => {
  const forward = new SpdyPortForward()
  openPair(forward, 1, '80', '0')
  openPair(forward, 5, '81', '1')
  assert.equal(forward.data(data(7, 'x'), true), forwardChannel(1, FORWARD.TO_POD))
  assert.equal(forward.data(data(7, 'x'), false), forwardChannel(1, FORWARD.FROM_POD))
  assert.equal(forward.data(data(5, 'x'), false), forwardChannel(1, FORWARD.ERROR_FROM_POD))
  assert.equal(forward.data(data(5, '', FIN), true), forwardChannel(1, FORWARD.ERROR_TO_POD))
  assert.equal(forward.data(data(3, 'x'), true), forwardChannel(0, FORWARD.TO_POD))
})

const REFUSED: readonly [what: string, rule: string, headers: readonly string[]][] = [
  ['no type', 'kube.forward.type', ['port', '80']],
  ['an unknown type', 'kube.forward.type', labels('stdin', '80', '1')],
  ['two types', 'kube.forward.type', ['streamtype', 'data', ...labels('error', '80', '1')]],
  ['no port', 'kube.forward.port', ['streamtype', 'data', 'requestid', '1']],
  ['two ports in one stream (Go takes the first)', 'kube.forward.port', ['port', '80', ...labels('data', '22', '1')]],
  ['port 0', 'kube.forward.port', labels('data', '0', '1')],
  ['port 65536', 'kube.forward.port', labels('data', '65536', '1')],
  ['a port with a sign', 'kube.forward.port', labels('data', '+80', '1')],
  ['a port with zeros in front (Go reads it)', 'kube.forward.port', labels('data', '0080', '1')],
  ['a port that is a number to JavaScript only', 'kube.forward.port', labels('data', '8e1', '1')],
  ['an empty request id', 'kube.forward.request_id', labels('data', '80', '')],
  ['a request id that is no number', 'kube.forward.request_id', labels('data', '80', 'x')],
  ['two request ids', 'kube.forward.request_id', ['requestid', '1', ...labels('data', '80', '2')]],
  ['a second error stream of a connection', 'kube.forward.duplicate', labels('error', '80', '0')],
  ['a data stream for another port than its error stream', 'kube.forward.two_ports', labels('data', '22', '0')],
]

for (const [what, rule, headers] of REFUSED) {
  test(`refused: ${what}`, () => {
    const forward = new SpdyPortForward()
    forward.open(synStream(1, labels('error', '80', '0')), true)
    assert.equal(ruleOf(forward.open(synStream(3, headers), true)), rule)
  })
}

test('refused: streams of the cluster, unidirectional ones, and those of another stream', () => {
  const forward = new SpdyPortForward()
  const headers = labels('data', '80', '0')
  assert.equal(ruleOf(forward.open(synStream(2, headers), false)), 'kube.forward.stream_of_cluster')
  for (const kind of [{ unidirectional: true }, { associatedId: 1 }]) {
    assert.equal(ruleOf(forward.open(synStream(1, headers, kind), true)), 'kube.forward.stream_kind')
  }
})

test('refused: what the client writes to an error stream, at its header', () => {
  const forward = new SpdyPortForward()
  openPair(forward, 1, '80', '0')
  assert.equal(ruleOf(forward.data(data(1, 'x'), true)), 'kube.forward.direction')
  assert.equal(ruleOf(forward.data(data(1, '', { end: false }), true)), 'kube.forward.direction')
})

test('refused: data on a stream that was not labelled', () => {
  assert.equal(ruleOf(new SpdyPortForward().data(data(1, 'x'), true)), 'kube.forward.unknown_stream')
})

test('a connection is forgotten when both its streams are gone, and its request id may come again', () => {
  const forward = new SpdyPortForward()
  openPair(forward, 1, '80', '0')
  forward.data(data(1, '', FIN), true)
  forward.data(data(1, '', FIN), false)
  assert.equal(forward.size, 1)
  forward.reset(3)
  assert.equal(forward.size, 0)
  assert.deepEqual(openPair(forward, 5, '81', '0'), [stream(1, 81, 'error'), stream(1, 81, 'data')])
})

test('FIN on SYN_STREAM and SYN_REPLY ends directions too', () => {
  const forward = new SpdyPortForward()
  forward.open(synStream(1, labels('error', '80', '0'), FIN), true)
  forward.ended(1, false)
  assert.equal(forward.size, 0)
})

test('the rest of a frame keeps its channel when its stream is reset in the middle', () => {
  const forward = new SpdyPortForward()
  openPair(forward, 1, '80', '0')
  const channel = forwardChannel(0, FORWARD.FROM_POD)
  assert.equal(forward.data(data(3, 'a', { end: false }), false), channel)
  forward.reset(3)
  assert.equal(forward.data(data(3, 'b', { start: false, end: false }), false), channel)
  assert.equal(forward.data(data(3, 'c', { start: false, fin: true }), false), channel)
})

test('ten thousand connections, one after the other, leave nothing behind', () => {
  const forward = new SpdyPortForward()
  for (let n = 0; n < 10_000; n++) {
    openPair(forward, 4 * n + 1, '80', String(n))
    forward.reset(4 * n + 3)
    forward.data(data(4 * n + 1, '', FIN), true)
    forward.data(data(4 * n + 1, '', FIN), false)
  }
  assert.equal(forward.size, 0)
})
