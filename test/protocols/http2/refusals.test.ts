// What breaks RFC 9113 ends its stream or the connection, under any cut, with its own rule and code and behind all that was
// sound; and every rule of the source has its case.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Http2Client } from '../../../protocols/http2/client.ts'
import { limits } from '../../../protocols/limits.ts'
import { assertAnyCut, cut, hear, type Machine } from '../../support/cut.ts'
import {
  asking,
  freshServer,
  get,
  goaway,
  headers,
  joinData,
  OPENING,
  PREFACE,
  ping,
  post,
  rst,
  server,
  settings,
} from './frames.ts'
import { FIRST_FRAMES, FROM_CLIENTS, FROM_EITHER, FROM_SERVERS, OPENINGS, type Refusal } from './refusals.ts'

/** What is longer is heard whole and byte by byte only. */
const LONG = 2_048

type Told = { readonly type: string }

/** Hears the bytes cut in every way; `goesOn` comes behind them and tells whether the connection still works. */
function assertRefused(make: () => Machine<Told>, before: Uint8Array, refusal: Refusal, goesOn: Uint8Array): void {
  const { rule, code, stream, bytes } = refusal
  const all = Buffer.concat([before, bytes, goesOn])
  const options = { join: joinData as never }
  const heard = all.length > LONG ? hear(make(), [all], options) : assertAnyCut(make, all, options)
  if (all.length > LONG) assert.deepEqual(hear(make(), cut(all, [1]), options), heard)
  const error = { rule, code }
  const faults = (heard.events as readonly Told[]).filter((event) => 'error' in event && event.error !== undefined)
  const pong = Buffer.from(ping(0x01)).toString('hex')
  if (stream === 0) {
    assert.deepEqual(faults, [{ type: 'failed', error }])
    assert.deepEqual(heard.events.at(-1), faults[0], 'something is told behind the fault')
    const last = heard.output.slice(-34)
    assert.equal(last.slice(0, 18), Buffer.from(goaway(0, 0)).toString('hex').slice(0, 18), 'GOAWAY is the last frame')
    assert.equal(Number.parseInt(last.slice(-8), 16), code)
  } else {
    assert.deepEqual(faults, [{ type: 'reset', stream, code, error }])
    assert.ok(heard.output.includes(rst(stream, code).toString('hex')), 'RST_STREAM says why')
    assert.ok(heard.output.endsWith(pong), 'the connection goes on')
  }
}

const SERVERS_STREAMS = Buffer.concat([post(1, ['content-length', '5']), get(3)])

for (const refusal of [...FROM_EITHER, ...FROM_CLIENTS]) {
  test(`a server refuses ${refusal.what} (${refusal.rule})`, () => {
    assertRefused(server, SERVERS_STREAMS, refusal, ping())
  })
}

for (const refusal of [...FROM_EITHER, ...FROM_SERVERS]) {
  test(`a client refuses ${refusal.what} (${refusal.rule})`, () => {
    assertRefused(() => asking('GET', 'HEAD', 'POST'), new Uint8Array(0), refusal, ping())
  })
}

for (const refusal of OPENINGS) {
  test(`a server refuses ${refusal.what} in place of the preface`, () => {
    assertRefused(freshServer, new Uint8Array(0), refusal, ping())
  })
}

for (const refusal of FIRST_FRAMES) {
  test(`both refuse ${refusal.what}, before SETTINGS`, () => {
    assertRefused(freshServer, PREFACE, refusal, ping())
    assertRefused(() => new Http2Client(limits), new Uint8Array(0), refusal, ping())
  })
}

test('what a header shows is refused without waiting for the payload', () => {
  for (const { bytes, rule } of FROM_EITHER.filter(({ rule }) => /\.(length|count|idle|stream)$/.test(rule))) {
    const [failed] = asking('GET').receive(bytes.subarray(0, 9))
    assert.ok(failed?.type === 'failed' && failed.error.rule === rule, rule)
  }
})

test('the end of the connection within a frame or a field block is a fault, and between them it is none', () => {
  const cutIn = [OPENING.subarray(0, -1), Buffer.concat([OPENING, headers(1, 0)]), Buffer.concat([OPENING, get(1)])]
  const heard = cutIn.map((bytes) => {
    const machine = freshServer()
    machine.receive(bytes)
    return machine.receiveEnd().map((event) => (event.type === 'failed' ? event.error.rule : event.type))
  })
  assert.deepEqual(heard, [['http2.end.cut_frame'], ['http2.end.cut_frame'], []])
})

test('a machine that has failed hears nothing, does nothing and says nothing any more', () => {
  const machine = server()
  machine.receive(Buffer.concat([post(1), ping(), settings([2, 2])]))
  assert.equal(machine.isClosing, true)
  machine.takeOutput()
  assert.deepEqual(machine.receive(get(3)), [])
  machine.send({ type: 'response', stream: 1, status: 200, fields: [], end: false })
  machine.send({ type: 'data', stream: 1, bytes: new Uint8Array(100_000) })
  machine.send({ type: 'goaway', code: 0 })
  assert.deepEqual(machine.receiveEnd(), [])
  assert.deepEqual(machine.takeOutput(), [])
  assert.equal(machine.heldBytes, 0)
})

/** Rules that hang on counts or windows over many frames: flow-control.test.ts and budgets.test.ts have them. */
const ELSEWHERE = [
  ...['http2.flood.empty', 'http2.flood.ping', 'http2.flood.resets', 'http2.flood.settings'],
  ...['http2.streams.too_many', 'http2.window.connection', 'http2.window.stream', 'http2.end.cut_frame'],
]

test('every rule of the source has a case, and is named once in it', () => {
  const folder = new URL('../../../protocols/http2/', import.meta.url)
  const source = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'))
  const rules = source.flatMap((text) => text.match(/'http2\.[a-z_.]+'/g) ?? []).map((rule) => rule.slice(1, -1))
  assert.deepEqual(rules.length, new Set(rules).size, 'a rule twice')
  const cases = [...FROM_EITHER, ...FROM_CLIENTS, ...FROM_SERVERS, ...OPENINGS, ...FIRST_FRAMES].map(({ rule }) => rule)
  const missing = rules.filter((rule) => !cases.includes(rule) && !ELSEWHERE.includes(rule))
  assert.deepEqual(missing, [])
  const unknown = [...cases, ...ELSEWHERE].filter((rule) => rule.startsWith('http2.') && !rules.includes(rule))
  assert.deepEqual(unknown, [])
})
