// The server role: what it accepts, under any cut; one request at a time; answers in each framing; upgrades.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MisuseError } from '../../../protocols/errors.ts'
import type { Http1ServerCommand, Http1ServerEvent } from '../../../protocols/http1/events.ts'
import type { Http1Server } from '../../../protocols/http1/server.ts'
import { limits } from '../../../protocols/limits.ts'
import { assertAnyCut } from '../../support/cut.ts'
import { bytes, joinData, message, request, server, text } from './messages.ts'

const NOTHING = new Uint8Array(0)
const UPGRADE = ['Connection: keep-alive, UPGRADE', 'Upgrade: WebSocket']

/** Sends an answer of that status. */
function answer(machine: Http1Server, command: Partial<Http1ServerCommand & { type: 'response' }> = {}): void {
  machine.send({ type: 'response', status: 204, reason: '', fields: [], framing: 'none', ...command })
  machine.send({ type: 'end' })
}

function firstRequest(input: string): Http1ServerEvent & { type: 'request' } {
  const event = assertAnyCut(server, bytes(input), { join: joinData }).events[0]
  assert.equal(event?.type, 'request')
  return event as Http1ServerEvent & { type: 'request' }
}

test('a request without a body is its head and its end', () => {
  const heard = assertAnyCut(server, bytes(request('GET /api/v1/pods?watch=1 HTTP/1.1', ['A:b', 'a: \t c d \t', 'E:'])))
  assert.deepEqual(heard.events, [
    {
      type: 'request',
      head: {
        method: 'GET',
        target: '/api/v1/pods?watch=1',
        minor: 1,
        fields: ['Host', 'cluster', 'A', 'b', 'a', 'c d', 'E', ''],
      },
      framing: 0,
      expectContinue: false,
      keepAlive: true,
      upgrade: undefined,
    },
    { type: 'end', trailers: [] },
  ])
})

test('targets and values keep every byte that may be in them', () => {
  const target = '/api/v1/namespaces/a/services/p:9090/proxy/q%20!$&\'()*+,;=@~?query=up{job="x"}|[1]<\\>^`?/#'.slice(
    0,
    -1,
  )
  const value = '\t!"~\x80\xff\xa0'
  const { head } = firstRequest(request(`GET ${target} HTTP/1.1`, [`X:${value}z`]))
  assert.equal(head.target, target)
  assert.equal(head.fields[3], `${value.trimStart()}z`)
})

test('the seven methods are served', () => {
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const events = server().receive(bytes(request(`${method} / HTTP/1.1`)))
    assert.equal(events[0]?.type === 'request' && events[0].head.method, method)
  }
})

test('a body by length comes in pieces, and its end behind them', () => {
  const input = request('POST / HTTP/1.1', ['content-LENGTH: 11'], 'hello world')
  const heard = assertAnyCut(server, bytes(input), { join: joinData })
  assert.deepEqual(heard.events.slice(1), [
    { type: 'data', bytes: new Uint8Array(bytes('hello world')) },
    { type: 'end', trailers: [] },
  ])
})

test('chunks are joined, and trailers come with the end', () => {
  const body = '5\r\nhello\r\n00006\r\n world\r\nB\r\n01234567890\r\n0\r\nX-Sum: 1\r\n\r\n'
  const heard = assertAnyCut(server, bytes(request('PUT / HTTP/1.1', ['Transfer-Encoding: Chunked'], body)), {
    join: joinData,
  })
  const [head, ...rest] = heard.events
  assert.equal(head?.type === 'request' && head.framing, 'chunked')
  assert.deepEqual(rest, [
    { type: 'data', bytes: new Uint8Array(bytes('hello world01234567890')) },
    { type: 'end', trailers: ['X-Sum', '1'] },
  ])
})

test('keepAlive is what version and Connection say', () => {
  const keepAlive = (start: string, lines: string[] = []): boolean => firstRequest(request(start, lines)).keepAlive
  assert.equal(keepAlive('GET / HTTP/1.1'), true)
  assert.equal(keepAlive('GET / HTTP/1.1', ['Connection: Keep-Alive']), true)
  assert.equal(keepAlive('GET / HTTP/1.1', ['Connection: keep-alive ,\tClose']), false)
  assert.equal(keepAlive('GET / HTTP/1.1', ['Connection: keep-alive', 'Connection: close']), false)
  assert.equal(keepAlive('GET / HTTP/1.0'), false)
  assert.equal(keepAlive('GET / HTTP/1.0', ['Connection: keep-alive']), false)
})

test('HTTP/1.0 needs no Host', () => {
  assert.deepEqual(firstRequest(message(['GET / HTTP/1.0'])).head.fields, [])
})

test('limits are reached before they are passed', () => {
  const start = `GET /${'a'.repeat(limits.http1.startLine - 'GET / HTTP/1.1\r\n'.length)} HTTP/1.1`
  assert.equal(firstRequest(request(start)).type, 'request')
  const lines = Array.from({ length: limits.http1.fieldCount - 1 }, () => 'a: b')
  assert.equal(firstRequest(request('GET / HTTP/1.1', lines)).head.fields.length, 2 * limits.http1.fieldCount)
  const room = limits.http1.fieldBytes - 'Host: cluster\r\nA: \r\n\r\n'.length
  const input = bytes(request('GET / HTTP/1.1', [`A: ${'b'.repeat(room)}`]))
  assert.equal(server().receive(input)[0]?.type, 'request')
})

test('pipelined requests wait for their turn, in order, whatever the cut', () => {
  const input = ['/1', '/2', '/3']
    .map((target) => request(`POST ${target} HTTP/1.1`, ['Content-Length: 2'], 'ab'))
    .join('')
  const heard = assertAnyCut(server, bytes(input), {
    join: joinData,
    act: (event, machine) => {
      if (event.type === 'end') answer(machine)
    },
  })
  const kinds = heard.events.map((event) => (event.type === 'request' ? event.head.target : event.type))
  assert.deepEqual(kinds, ['/1', 'data', 'end', '/2', 'data', 'end', '/3', 'data', 'end'])
  assert.equal(Buffer.from(heard.output, 'hex').toString(), 'HTTP/1.1 204 No Content\r\n\r\n'.repeat(3))
})

test('nothing behind a request is looked at before its answer', () => {
  const machine = server()
  assert.equal(machine.receive(bytes(`${request('GET / HTTP/1.1')}garbage\n`)).length, 2)
  assert.deepEqual(machine.receive(bytes('more\n')), [])
  answer(machine)
  assert.equal(machine.receive(NOTHING)[0]?.type, 'failed')
})

test('held bytes pause the socket at their cap and not before', () => {
  const machine = server()
  machine.receive(bytes(request('GET / HTTP/1.1')))
  machine.receive(new Uint8Array(limits.http1.heldBytes - 1))
  assert.equal(machine.wantsInput, true)
  machine.receive(new Uint8Array(1))
  assert.equal(machine.wantsInput, false)
  answer(machine, { close: true })
  assert.equal(machine.wantsInput, true)
  assert.deepEqual(machine.receive(NOTHING), [], 'what was held behind a closing answer is dropped')
})

test('a great many held requests are answered one after another', () => {
  const machine = server()
  const one = request('GET / HTTP/1.1')
  machine.receive(bytes(one.repeat(1_000)))
  for (let at = 1; at < 1_000; at++) {
    answer(machine)
    assert.equal(machine.receive(NOTHING).length, 2)
  }
})

test('answers are framed as they say', () => {
  const written = (
    start: string,
    command: Partial<Http1ServerCommand & { type: 'response' }>,
    body: string[],
  ): string => {
    const machine = server()
    machine.receive(bytes(request(start)))
    machine.send({ type: 'response', status: 200, reason: '', fields: ['A', 'b'], framing: 'none', ...command })
    for (const piece of body) machine.send({ type: 'data', bytes: bytes(piece) })
    machine.send({ type: 'end', trailers: ['T', 'u'] })
    return text(machine.takeOutput()).replaceAll('\r\n', '|')
  }
  const GET = 'GET / HTTP/1.1'
  assert.equal(written(GET, { framing: 3 }, ['ab', '', 'c']), 'HTTP/1.1 200 OK|A: b|Content-Length: 3||abc')
  assert.equal(
    written(GET, { framing: 'chunked' }, ['ab', '', 'c'.repeat(17)]),
    `HTTP/1.1 200 OK|A: b|Transfer-Encoding: chunked||2|ab|11|${'c'.repeat(17)}|0|T: u||`,
  )
  assert.equal(written(GET, { framing: 'none', reason: 'Fine' }, []), 'HTTP/1.1 200 Fine|A: b|Content-Length: 0||')
  assert.equal(written(GET, { framing: 'chunked', status: 204 }, []), 'HTTP/1.1 204 No Content|A: b||')
  assert.equal(written(GET, { framing: 5, status: 304 }, []), 'HTTP/1.1 304 Not Modified|A: b||')
  assert.equal(written(GET, { close: true }, []), 'HTTP/1.1 200 OK|A: b|Content-Length: 0|Connection: close||')
  assert.equal(written('HEAD / HTTP/1.1', { framing: 9 }, []), 'HTTP/1.1 200 OK|A: b|Content-Length: 9||')
  assert.equal(written('HEAD / HTTP/1.1', { framing: 2 }, ['ab']), 'HTTP/1.1 200 OK|A: b|Content-Length: 2||')
  assert.equal(written('HEAD / HTTP/1.1', { framing: 'chunked' }, ['ab']), 'HTTP/1.1 200 OK|A: b||')
  assert.equal(
    written('GET / HTTP/1.0', { framing: 'chunked' }, ['ab', 'c']),
    'HTTP/1.1 200 OK|A: b|Connection: close||abc',
  )
  assert.equal(
    written('GET / HTTP/1.0', { framing: 2 }, ['ab']),
    'HTTP/1.1 200 OK|A: b|Content-Length: 2|Connection: close||ab',
  )
})

test('the owner cannot write framing or connection fields, or inject any', () => {
  const machine = server()
  machine.receive(bytes(request('GET / HTTP/1.1')))
  for (const fields of [
    ['A', 'b\r\nX: c'],
    ['A', 'b\n'],
    ['A', '\0'],
    ['A', 'ā'],
    ['A b', 'c'],
    ['', 'c'],
    ['A:', 'c'],
    ['A'],
  ]) {
    assert.throws(() => send(fields), MisuseError)
  }
  assert.throws(() => send([], 'No\r\nSet-Cookie: a'), MisuseError)
  answer(machine, {
    fields: ['Content-Length', '5', 'transfer-encoding', 'chunked', 'CONNECTION', 'X', 'Keep-Alive', '1', 'A', 'b'],
  })
  assert.equal(text(machine.takeOutput()), 'HTTP/1.1 204 No Content\r\nA: b\r\n\r\n')

  function send(fields: string[], reason = ''): void {
    const fresh = server()
    fresh.receive(bytes(request('GET / HTTP/1.1')))
    fresh.send({ type: 'response', status: 200, reason, fields, framing: 0 })
  }
})

test('an answer before the request is whole closes the connection, and the rest of the request is dropped', () => {
  const machine = server()
  machine.receive(bytes(request('POST / HTTP/1.1', ['Content-Length: 50', 'Expect: 100-Continue'])))
  answer(machine, { status: 413 })
  assert.equal(
    text(machine.takeOutput()),
    'HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  )
  assert.equal(machine.isClosing, true)
  assert.deepEqual(machine.receive(bytes(request('GET /smuggled HTTP/1.1'))), [])
  assert.deepEqual(machine.receiveEnd(), [])
})

test('100 Continue is said once, and only to who waits for it', () => {
  const machine = server()
  assert.throws(() => machine.send({ type: 'continue' }), MisuseError)
  const [head] = machine.receive(bytes(request('POST / HTTP/1.1', ['Content-Length: 2', 'Expect: 100-continue'])))
  assert.equal(head?.type === 'request' && head.expectContinue, true)
  machine.send({ type: 'continue' })
  assert.equal(text(machine.takeOutput()), 'HTTP/1.1 100 Continue\r\n\r\n')
  assert.throws(() => machine.send({ type: 'continue' }), MisuseError)
  assert.deepEqual(
    machine.receive(bytes('ab')).map((event) => event.type),
    ['data', 'end'],
  )
  answer(machine)
  assert.equal(machine.isClosing, false)
})

test('an upgrade holds what follows until the switch, and hands it over as it came', () => {
  const input = request('GET /exec HTTP/1.1', UPGRADE, '\x81\x00\r\nGET / HTTP/1.1\r\n\r\n')
  const heard = assertAnyCut(server, bytes(input), {
    act: (event, machine) => {
      if (event.type === 'end') machine.send({ type: 'switch', fields: ['Upgrade', 'websocket'] })
    },
    observe: (machine) => machine.takeTrailing(),
  })
  assert.equal(heard.events[0]?.type === 'request' && heard.events[0].upgrade, 'websocket')
  assert.equal(heard.events.length, 2)
  assert.deepEqual(heard.observed, new Uint8Array(bytes('\x81\x00\r\nGET / HTTP/1.1\r\n\r\n')))
  const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
  assert.equal(Buffer.from(heard.output, 'hex').toString(), head)
})

test('an upgrade that is not taken ends the connection: nothing behind it becomes a request', () => {
  const heard = assertAnyCut(
    server,
    bytes(request('GET /exec HTTP/1.1', UPGRADE, request('GET /api/v1/secrets HTTP/1.1'))),
    {
      act: (event, machine) => {
        if (event.type === 'end') answer(machine, { status: 403, framing: 0 })
      },
    },
  )
  assert.equal(heard.events.length, 2)
  assert.match(
    Buffer.from(heard.output, 'hex').toString(),
    /^HTTP\/1\.1 403 Forbidden\r\n.*Connection: close\r\n\r\n$/s,
  )
})

test('a SPDY upgrade is a POST with Content-Length 0', () => {
  const lines = ['Content-Length: 0', 'Connection: Upgrade', 'Upgrade: SPDY/3.1']
  assert.equal(firstRequest(request('POST /exec HTTP/1.1', lines)).upgrade, 'spdy/3.1')
})

test('commands out of turn are our own bug', () => {
  const fresh = server()
  const response: Http1ServerCommand = { type: 'response', status: 200, reason: '', fields: [], framing: 2 }
  assert.throws(() => fresh.send(response), MisuseError)
  assert.throws(() => fresh.send({ type: 'data', bytes: NOTHING }), MisuseError)
  assert.throws(() => fresh.send({ type: 'end' }), MisuseError)
  assert.throws(() => fresh.send({ type: 'switch', fields: [] }), MisuseError)
  assert.throws(() => fresh.takeTrailing(), MisuseError)
  fresh.receive(bytes(request('GET / HTTP/1.1')))
  assert.throws(() => fresh.send({ type: 'switch', fields: [] }), MisuseError, 'no upgrade was asked for')
  assert.throws(() => fresh.send({ ...response, status: 100 }), MisuseError)
  assert.throws(() => fresh.send({ ...response, framing: -1 }), MisuseError)
  assert.throws(() => fresh.send({ ...response, fields: ['A', '\n'] }), MisuseError)
  fresh.send(response)
  assert.throws(() => fresh.send(response), MisuseError)
  assert.throws(() => fresh.send({ type: 'data', bytes: bytes('abc') }), MisuseError)
  assert.throws(() => fresh.send({ type: 'end' }), MisuseError, 'two bytes are missing')
  const upgrading = server()
  upgrading.receive(bytes(request('GET / HTTP/1.1', UPGRADE)))
  upgrading.send(response)
  assert.throws(() => upgrading.send({ type: 'switch', fields: [] }), MisuseError)
})

test('an answer to a chunked request cannot carry forbidden trailers', () => {
  const machine = server()
  machine.receive(bytes(request('GET / HTTP/1.1')))
  machine.send({ type: 'response', status: 200, reason: '', fields: [], framing: 'chunked' })
  assert.throws(() => machine.send({ type: 'end', trailers: ['Set-Cookie', 'a'] }), MisuseError)
})

test('the end of an idle connection is no fault, and behind a request its answer may still go out', () => {
  assert.deepEqual(server().receiveEnd(), [])
  const machine = server()
  machine.receive(bytes(request('GET / HTTP/1.1')))
  assert.deepEqual(machine.receiveEnd(), [])
  answer(machine)
  assert.match(text(machine.takeOutput()), /Connection: close/)
})
