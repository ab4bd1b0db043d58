// Every row of the refusals: the rule and code, whatever the cut, as the last event; and every rule has a row.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { MisuseError } from '../../../protocols/errors.ts'
import type { Http1Client } from '../../../protocols/http1/client.ts'
import { assertAnyCut, type CutOptions, type EventOf, type Heard, hear, type Machine } from '../../support/cut.ts'
import { bytes, client, joinData, message, request, server, text, upgrading } from './messages.ts'
import type { Refused } from './refusals.ts'
import * as tables from './refusals.ts'

type ClientOptions = CutOptions<Http1Client>

/** The caps are reached by kilobytes: those are cut in fewer places. */
const LONG = 4_096

for (const row of tables.refusedRequests) {
  test(`server refuses ${row.name}`, () => {
    const heard = check(server, row, { join: joinData })
    const isBodyFault = /^http1\.(chunk|trailer)\.|trailer/.test(`${row.rule} ${row.name}`)
    assert.equal(heard.events[0]?.type, isBodyFault ? 'request' : 'failed', 'no request comes of a refused head')
    assert.ok(!heard.events.some((event) => event.type === 'end'))
  })
}

for (const row of tables.refusedRequestEnds) {
  test(`server refuses an end ${row.name}`, () => {
    check(server, row, { join: joinData, end: true })
  })
}

for (const row of tables.refusedResponses) {
  test(`client refuses ${row.name}`, () => {
    // Whether bytes behind an answer came in its own chunk is the one thing that a cut may show: `reusable`.
    const join: ClientOptions['join'] = (a, b) =>
      a.type === 'end' && b.type === 'failed' ? { type: 'failed', error: b.error } : joinData(a, b)
    check(client, row, { join })
  })
}

for (const row of tables.refusedResponseEnds) {
  test(`client refuses an end ${row.name}`, () => {
    check(client, row, { join: joinData, end: true })
  })
}

for (const row of tables.refusedSwitches) {
  test(`client refuses a 101 with ${row.name}`, () => {
    check(upgrading, row, { join: joinData })
  })
}

test('client refuses bytes before any request', () => {
  const machine = client()
  machine.receive(bytes(message(['HTTP/1.1 200 OK', 'Content-Length: 0'])))
  const events = machine.receive(bytes('H'))
  assert.equal(events[0]?.type === 'failed' && events[0].error.rule, 'http1.response.unasked')
})

test('client refuses a 101 before its request is whole', () => {
  const machine = client()
  machine.receive(bytes(message(['HTTP/1.1 200 OK', 'Content-Length: 0'])))
  const fields = ['Host', 'cluster', 'Upgrade', 'a']
  machine.send({ type: 'request', method: 'GET', target: '/', fields, framing: 0, upgrade: true })
  const events = machine.receive(bytes(message(['HTTP/1.1 101 S', 'Connection: upgrade', 'Upgrade: a'])))
  assert.equal(events[0]?.type === 'failed' && events[0].error.rule, 'http1.switch.early')
})

test('after a fault in the head the server sends one answer, closes and says no more', () => {
  const machine = server()
  machine.receive(bytes(request('GET / HTTP/1.1', ['A : b'])))
  machine.send({ type: 'response', status: 400, reason: '', fields: [], framing: 2 })
  machine.send({ type: 'data', bytes: bytes('no') })
  machine.send({ type: 'end' })
  assert.equal(
    text(machine.takeOutput()),
    'HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno',
  )
  assert.equal(machine.isClosing, true)
  assert.deepEqual(machine.receive(bytes(request('GET / HTTP/1.1'))), [])
  assert.throws(() => machine.send({ type: 'response', status: 400, reason: '', fields: [], framing: 0 }), MisuseError)
})

test('a fault in the head behind a HEAD request is answered with a body', () => {
  const machine = server()
  machine.receive(bytes(`${request('HEAD / HTTP/1.1')}garbage\r\n`))
  machine.send({ type: 'response', status: 200, reason: '', fields: [], framing: 'none' })
  machine.send({ type: 'end' })
  machine.takeOutput()
  assert.equal(machine.receive(new Uint8Array(0))[0]?.type, 'failed')
  machine.send({ type: 'response', status: 400, reason: '', fields: [], framing: 2 })
  machine.send({ type: 'data', bytes: bytes('no') })
  machine.send({ type: 'end' })
  assert.ok(text(machine.takeOutput()).endsWith('\r\n\r\nno'))
})

test('each rule is given once in the source, and has a row here', () => {
  const folder = new URL('../../../protocols/http1/', import.meta.url)
  const given = readdirSync(folder).flatMap((name) => {
    return readFileSync(new URL(name, folder), 'utf8').match(/(?<=')http1\.[a-z0-9_.]+(?=')/g) ?? []
  })
  assert.deepEqual(given, [...new Set(given)], 'a rule is given twice')
  const rows = Object.values(tables).flat()
  const tested = new Set([...rows.map((row) => row.rule), 'http1.switch.early'])
  assert.deepEqual(
    given.filter((rule) => !tested.has(rule)),
    [],
    'rules without a row',
  )
})

function check<M extends Machine<unknown>>(make: () => M, row: Refused, options: CutOptions<M>): Heard<EventOf<M>> {
  const stream = bytes(row.bytes)
  const heard = stream.length <= LONG ? assertAnyCut(make, stream, options) : hear(make(), [stream], options)
  if (stream.length > LONG) {
    const single = Array.from(stream, (byte) => Uint8Array.of(byte))
    assert.deepEqual(hear(make(), single, options), heard)
  }
  const last: unknown = heard.events.at(-1)
  assert.deepEqual(last, { type: 'failed', error: { rule: row.rule, code: row.code ?? 400 } })
  assert.equal(heard.output, '', 'a machine does not answer by itself')
  return heard
}
