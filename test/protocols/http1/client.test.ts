// The client role: what it accepts, under any cut; when the connection may carry another request; upgrades.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MisuseError } from '../../../protocols/errors.ts'
import { Http1Client } from '../../../protocols/http1/client.ts'
import type { Http1ClientCommand, Http1ClientEvent } from '../../../protocols/http1/events.ts'
import { limits } from '../../../protocols/limits.ts'
import { assertAnyCut } from '../../support/cut.ts'
import { ask, bytes, client, joinData, message, text, upgrading } from './messages.ts'

const OK = 'HTTP/1.1 200 OK'

/** What a client hears of an answer, under any cut. */
function answer(input: string, make: () => Http1Client = client, end = false): readonly Http1ClientEvent[] {
  return assertAnyCut(make, bytes(input), { join: joinData, end }).events
}

function isReusable(events: readonly Http1ClientEvent[]): boolean {
  const last = events.at(-1)
  assert.equal(last?.type, 'end')
  return last?.type === 'end' && last.reusable
}

test('an answer by length is head, data and end, and the connection is reusable', () => {
  assert.deepEqual(answer(message([OK, 'Audit-Id: x', 'Content-Length: 5'], 'hello')), [
    {
      type: 'response',
      head: { status: 200, reason: 'OK', minor: 1, fields: ['Audit-Id', 'x', 'Content-Length', '5'] },
      framing: 5,
    },
    { type: 'data', bytes: new Uint8Array(bytes('hello')) },
    { type: 'end', trailers: [], reusable: true },
  ])
})

test('an answer in chunks has trailers, and the connection is reusable', () => {
  const events = answer(
    message([OK, 'Transfer-Encoding: chunked'], '3\r\nabc\r\n2\r\nde\r\n0\r\nGrpc-Status: 0\r\n\r\n'),
  )
  assert.deepEqual(events.slice(1), [
    { type: 'data', bytes: new Uint8Array(bytes('abcde')) },
    { type: 'end', trailers: ['Grpc-Status', '0'], reusable: true },
  ])
})

test("the bare 403 of Go's websocket server is read until the connection closes", () => {
  const events = answer('HTTP/1.1 403 Forbidden\r\n\r\n', upgrading, true)
  assert.deepEqual(events, [
    { type: 'response', head: { status: 403, reason: 'Forbidden', minor: 1, fields: [] }, framing: 'close' },
    { type: 'end', trailers: [], reusable: false },
  ])
  const withBody = answer(message(['HTTP/1.0 200 OK'], 'hello'), client, true)
  assert.deepEqual(withBody[1], { type: 'data', bytes: new Uint8Array(bytes('hello')) })
  assert.equal(isReusable(withBody), false)
})

test('answers that have no body end with their head, whatever length they name', () => {
  const head = (): Http1Client => client({ method: 'HEAD' })
  assert.equal(isReusable(answer(message([OK, 'Content-Length: 500']), head)), true)
  assert.equal(isReusable(answer(message([OK, 'Transfer-Encoding: chunked']), head)), true)
  assert.equal(isReusable(answer(message([OK]), head)), true)
  assert.equal(isReusable(answer(message(['HTTP/1.1 304 Not Modified', 'Content-Length: 5']))), true)
  assert.equal(isReusable(answer(message(['HTTP/1.1 204 No Content']))), true)
  assert.equal(isReusable(answer(message(['HTTP/1.1 204 No Content', 'Content-Length: 0']))), true)
  assert.equal(isReusable(answer(message([OK, 'Content-Length: 0']))), true)
})

test('a connection that the cluster will close is not reusable', () => {
  assert.equal(isReusable(answer(message([OK, 'Content-Length: 1', 'Connection: close'], 'a'))), false)
  assert.equal(isReusable(answer(message([OK, 'Content-Length: 1', 'Connection: keep-alive'], 'a'))), true)
  assert.equal(
    isReusable(answer(message(['HTTP/1.0 200 OK', 'Content-Length: 1', 'Connection: keep-alive'], 'a'))),
    false,
  )
})

test('an answer before the request was whole leaves the connection unusable, and the rest of the request is harmless', () => {
  const machine = new Http1Client(limits.http1)
  machine.send({ type: 'request', method: 'POST', target: '/', fields: ['Host', 'a'], framing: 4 })
  machine.send({ type: 'data', bytes: bytes('ab') })
  assert.equal(isReusable(machine.receive(bytes(message([OK, 'Content-Length: 0'])))), false)
  machine.send({ type: 'data', bytes: bytes('cd') })
  machine.send({ type: 'end' })
  assert.throws(() => ask(machine), MisuseError)
  assert.deepEqual(machine.receive(bytes(message([OK]))), [])
})

test('bytes that came with an answer, behind it, keep the connection from being used again in that turn', () => {
  const events = client().receive(bytes(message([OK, 'Content-Length: 0']).repeat(2)))
  assert.deepEqual(
    events.map((event) => event.type),
    ['response', 'end', 'failed'],
  )
  assert.equal(events[1]?.type === 'end' && events[1].reusable, false)
})

test('one connection carries requests one after another', () => {
  const machine = client()
  for (let at = 0; at < 3; at++) {
    assert.throws(() => ask(machine), MisuseError, 'a request is out')
    assert.equal(isReusable(machine.receive(bytes(message([OK, 'Content-Length: 2'], 'ab')))), true)
    ask(machine)
  }
})

test('interim answers come before the answer, up to their limit', () => {
  const hints = message(['HTTP/1.1 103 Early Hints', 'Link: a']).repeat(limits.http1.informational)
  const events = answer(hints + message([OK, 'Content-Length: 0']))
  assert.deepEqual(events[0], {
    type: 'informational',
    head: { status: 103, reason: 'Early Hints', minor: 1, fields: ['Link', 'a'] },
  })
  assert.equal(events.length, limits.http1.informational + 2)
  assert.equal(isReusable(events), true)
})

test('an empty reason is a reason', () => {
  const [head] = answer(message(['HTTP/1.1 200 ', 'Content-Length: 0']))
  assert.equal(head?.type === 'response' && head.head.reason, '')
})

test('a 101 ends HTTP, and what follows is trailing, under any cut', () => {
  const head = message(['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: SPDY/3.1'])
  const heard = assertAnyCut(upgrading, bytes(`${head}\x80\x03\x00\x01HTTP/1.1 200 OK\r\n\r\n`), {
    join: joinData,
    end: true,
    observe: (machine) => machine.takeTrailing(),
  })
  assert.deepEqual(
    heard.events.map((event) => event.type),
    ['switched'],
  )
  assert.deepEqual(heard.observed, new Uint8Array(bytes('\x80\x03\x00\x01HTTP/1.1 200 OK\r\n\r\n')))
})

test('an upgrade that was not taken leaves the connection unusable', () => {
  const events = answer(message(['HTTP/1.1 403 Forbidden', 'Content-Length: 2'], 'no'), upgrading)
  assert.equal(isReusable(events), false)
})

test('requests are written with the framing of the machine', () => {
  const written = (command: Partial<Http1ClientCommand & { type: 'request' }>, body: string[] = []): string => {
    const machine = new Http1Client(limits.http1)
    const fields = ['Host', 'a', 'Content-Length', '99', 'Connection', 'X', 'Transfer-Encoding', 'x', 'B', 'c']
    machine.send({ type: 'request', method: 'GET', target: '/x?y', fields, framing: 0, ...command })
    for (const piece of body) machine.send({ type: 'data', bytes: bytes(piece) })
    machine.send({ type: 'end' })
    return text(machine.takeOutput()).replaceAll('\r\n', '|')
  }
  assert.equal(written({}), 'GET /x?y HTTP/1.1|Host: a|B: c||')
  assert.equal(written({ method: 'POST' }), 'POST /x?y HTTP/1.1|Host: a|B: c|Content-Length: 0||')
  assert.equal(
    written({ method: 'DELETE', framing: 3 }, ['a', 'bc']),
    'DELETE /x?y HTTP/1.1|Host: a|B: c|Content-Length: 3||abc',
  )
  assert.equal(
    written({ framing: 'chunked' }, ['a', '', 'bc']),
    'GET /x?y HTTP/1.1|Host: a|B: c|Transfer-Encoding: chunked||1|a|2|bc|0||',
  )
  assert.equal(
    written({ upgrade: true, fields: ['Host', 'a', 'Upgrade', 'websocket', 'Connection', 'Upgrade'] }),
    'GET /x?y HTTP/1.1|Host: a|Upgrade: websocket|Connection: Upgrade||',
  )
})

test('our own requests are held to the rules for others', () => {
  const wrong: Partial<Http1ClientCommand & { type: 'request' }>[] = [
    { target: 'https://a/' },
    { target: '/a b' },
    { target: '/a\r\nX: y' },
    { method: 'GET ' },
    { method: '' },
    { fields: [] },
    { fields: ['Host', 'a', 'host', 'b'] },
    { fields: ['Host', 'a', 'X', 'b\r\nY: c'] },
    { fields: ['Host', 'a', 'Upgrade', 'websocket'] },
    { upgrade: true },
    { framing: 1.5 },
  ]
  for (const command of wrong) assert.throws(() => client(command), MisuseError, JSON.stringify(command))
  const machine = new Http1Client(limits.http1)
  assert.throws(() => machine.send({ type: 'data', bytes: bytes('a') }), MisuseError)
  assert.throws(() => machine.send({ type: 'end' }), MisuseError)
  assert.throws(() => machine.takeTrailing(), MisuseError)
})

test('the end of an idle connection is no fault', () => {
  assert.deepEqual(new Http1Client(limits.http1).receiveEnd(), [])
  const machine = client()
  machine.receive(bytes(message([OK, 'Content-Length: 0'])))
  assert.deepEqual(machine.receiveEnd(), [])
  assert.throws(() => ask(machine), MisuseError)
})
