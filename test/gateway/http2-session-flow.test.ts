// What an HTTP/2 session lets in: request bodies, what comes behind answers that do not wait for them, and resets.

import assert from 'node:assert/strict'
import { type ClientHttp2Stream, connect } from 'node:http2'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Refusal } from '../../gateway/decision.ts'
import { ClientGone, type Exchange } from '../../gateway/exchange.ts'
import { Http2Session } from '../../gateway/http2-session.ts'
import { limits, setLimits } from '../../protocols/limits.ts'
import { duplexPair } from '../support/duplex-pair.ts'
import { RecordingOwner } from '../support/session-owner.ts'
import { Http2Bench } from './support/http2-bench.ts'

const NO_BYTES = new Uint8Array(0)
const POST = { method: 'POST', body: true } as const
const WINDOW = limits.http2.streamWindow
const { http2: usual } = structuredClone(limits)

let bench: Http2Bench

beforeEach(() => {
  bench = new Http2Bench()
})

afterEach(() => {
  bench.close()
  setLimits({ http2: usual })
})

async function refusal(body: ReturnType<Exchange['readBody']>): Promise<Refusal> {
  const given = await body
  assert.ok(given !== undefined && 'status' in given)
  return given
}

describe('request bodies of an HTTP/2 session', () => {
  test('are read whole, of a stated length or not, before they are asked for or behind', async () => {
    for (const fields of [['content-length', '6'], []]) {
      const { stream, exchange } = await bench.asked('/', { ...POST, fields })
      bench.peer.data(stream, 'abc')
      await bench.turn()
      const body = exchange.readBody(10)
      assert.ok(body instanceof Promise)
      bench.peer.data(stream, 'def', true)
      assert.equal(Buffer.from((await body) as Uint8Array).toString(), 'abcdef')
      const early = await bench.asked('/', { ...POST, fields })
      bench.peer.data(early.stream, 'abcdef', true)
      await bench.turn()
      assert.equal(Buffer.from(early.exchange.readBody(6) as Uint8Array).toString(), 'abcdef')
    }
    const { stream, exchange } = await bench.asked('/', POST)
    bench.peer.send({ type: 'end', stream })
    await bench.turn()
    assert.deepEqual(Buffer.from(exchange.readBody(6) as Uint8Array), Buffer.alloc(0))
    assert.equal(bench.owner.bodies.held, 0)
  })

  test('get no more than the first window until somebody reads them', async () => {
    const { stream, exchange } = await bench.asked('/', POST)
    const size = 3 * WINDOW
    bench.peer.data(stream, Buffer.alloc(size, 'x'), true)
    await bench.turn()
    assert.equal(bench.owner.bodies.held, WINDOW)
    assert.equal(bench.peer.machine.heldBytes, size - WINDOW)
    const body = await exchange.readBody(size)
    assert.equal((body as Uint8Array).length, size)
    assert.equal(bench.peer.machine.heldBytes, 0)
    assert.equal(bench.owner.bodies.held, 0)
  })

  test('of all a stranger’s requests share one window, which grows once it is known who calls', async () => {
    for (let at = 0; at < 3; at++) bench.peer.data(bench.peer.ask('/', POST), Buffer.alloc(WINDOW), true)
    await bench.turn()
    assert.equal(bench.owner.bodies.held, WINDOW)
    bench.session.identified()
    bench.session.identified()
    await bench.turn()
    assert.equal(bench.owner.bodies.held, 3 * WINDOW)
    assert.equal(bench.peer.machine.heldBytes, 0)
  })

  test('over the limit are refused with 413: at once by their length, else as they grow', async () => {
    const stated = await bench.asked('/', { ...POST, fields: ['content-length', '11'] })
    assert.equal((await refusal(stated.exchange.readBody(10))).status, 413)
    const growing = await bench.asked('/', POST)
    const body = growing.exchange.readBody(4)
    bench.peer.data(growing.stream, 'abc')
    await bench.turn()
    bench.peer.data(growing.stream, 'def')
    assert.equal((await refusal(body)).rule, 'request.body.too_large')
    assert.equal(bench.owner.bodies.held, 0)
  })

  test('past what all connections may hold are refused with 429', async () => {
    bench.owner.bodies.held = limits.gateway.bodiesBytes - 5
    const { stream, exchange } = await bench.asked('/', POST)
    bench.peer.data(stream, '0123456789', true)
    await bench.turn()
    assert.equal((await refusal(exchange.readBody(100))).rule, 'request.body.too_many')
    assert.equal(bench.owner.bodies.held, limits.gateway.bodiesBytes - 5)
  })

  test('that are slow are refused with 408 at their deadline', async () => {
    const { stream, exchange } = await bench.asked('/', { ...POST, fields: ['content-length', '2048'] })
    bench.peer.data(stream, 'x')
    await bench.turn()
    const body = exchange.readBody(4_096)
    const allowed = limits.gateway.headMillis + (2_048 / limits.gateway.requestBodyRate) * 1_000
    let settled = false
    void (body as Promise<unknown>).then(() => {
      settled = true
    })
    bench.pass(allowed - 1)
    await bench.turn()
    assert.equal(settled, false)
    bench.pass(1)
    assert.equal((await refusal(body)).status, 408)
  })

  test('are waited for with 100 Continue when, and only when, somebody reads them', async () => {
    const fields = ['expect', '100-continue', 'content-length', '1']
    const { stream, exchange } = await bench.asked('/', { ...POST, fields })
    assert.deepEqual(bench.peer.heard(stream), [])
    const body = exchange.readBody(10)
    await bench.turn()
    assert.deepEqual(bench.peer.heard(stream), ['informational 100'])
    bench.peer.data(stream, 'x', true)
    assert.deepEqual([...((await body) as Uint8Array)], [0x78])
    exchange.answer(200, [], NO_BYTES, false)
    await bench.turn()
    assert.deepEqual(bench.peer.heard(stream), ['informational 100', 'response 200 end'])
    const refused = await bench.asked('/', { ...POST, fields })
    refused.exchange.answer(401, [], NO_BYTES, false)
    await bench.turn()
    assert.deepEqual(bench.peer.heard(refused.stream), ['response 401 end'])
  })

  test('of a client that has gone are waited for by nobody, whether it went before they were read or behind', async () => {
    const { stream, exchange } = await bench.asked('/', POST)
    const waiting = assert.rejects(exchange.readBody(10) as Promise<unknown>, ClientGone)
    bench.peer.send({ type: 'reset', stream, code: 8 })
    await waiting
    for (const end of [true, false]) {
      const late = await bench.asked('/', POST)
      bench.peer.data(late.stream, 'x', end)
      bench.peer.send({ type: 'reset', stream: late.stream, code: 8 })
      await bench.turn()
      await assert.rejects(late.exchange.readBody(10) as Promise<unknown>, ClientGone)
    }
    assert.equal(bench.owner.bodies.held, 0)
  })
})

describe('an answer of an HTTP/2 session that does not wait for its request', () => {
  /** node:http2's client: ours gives a request up by itself once it is answered. */
  function patient(): { owner: RecordingOwner; request: ClientHttp2Stream } {
    const [far, near] = duplexPair()
    const owner = new RecordingOwner()
    new Http2Session(near, bench.deadlines, owner)
    const request = connect('https://gateway', { createConnection: () => far }).request({
      ':method': 'POST',
      ':path': '/',
    })
    request.resume()
    return { owner, request }
  }

  test('is heard whole, what was held of the body is dropped, and little more of it may come', async () => {
    const { owner, request } = patient()
    request.write('begun')
    await bench.turn()
    assert.equal(owner.bodies.held, 5)
    let heard = ''
    request.on('data', (bytes: Buffer) => {
      heard += bytes
    })
    owner.exchanges[0]?.answer(401, [], Buffer.from('who are you?'), true)
    assert.equal(owner.bodies.held, 0)
    assert.deepEqual(owner.done, owner.exchanges)
    request.write(Buffer.alloc(limits.http2.unwantedBytes))
    await bench.turn()
    assert.equal(heard, 'who are you?')
    assert.equal(request.closed, false, 'not yet too much')
    request.write('x')
    await bench.turn()
    assert.deepEqual([request.closed, request.rstCode], [true, 0])
    assert.deepEqual([owner.malformedRules, owner.endings], [[], []])
  })

  test('lets a little of a body come to its end, and does not wait for one without end', async () => {
    const short = patient()
    const silent = patient()
    await bench.turn()
    for (const { owner } of [short, silent]) owner.exchanges[0]?.answer(401, [], NO_BYTES, true)
    await bench.turn()
    short.request.end('the rest')
    await bench.turn()
    assert.deepEqual([short.request.closed, short.request.rstCode], [true, 0])
    assert.equal(silent.request.closed, false)
    for (let looks = 0; looks < 2; looks++) bench.pass(limits.http2.intervalMillis)
    await bench.turn()
    assert.deepEqual([silent.request.closed, silent.request.rstCode], [true, 0])
    assert.deepEqual(silent.owner.malformedRules, [])
  })

  test('many of them do not starve the connection of its window', async () => {
    bench.session.identified()
    for (let at = 0; at < 80; at++) {
      const { stream, exchange } = await bench.asked('/', POST)
      bench.peer.data(stream, Buffer.alloc(20_000))
      await bench.turn()
      exchange.answer(401, [], NO_BYTES, false)
      await bench.turn()
      bench.pass(limits.http2.intervalMillis)
    }
    const { stream, exchange } = await bench.asked('/', POST)
    bench.peer.data(stream, Buffer.alloc(WINDOW), true)
    assert.equal(((await exchange.readBody(WINDOW)) as Uint8Array).length, WINDOW)
  })
})

describe('streams of an HTTP/2 session that are reset by the client', () => {
  test('are told to who answers, once, and what is written then goes nowhere', async () => {
    const { stream, exchange } = await bench.asked('/')
    let gone = 0
    exchange.owner = { drained: () => assert.fail('drained'), gone: () => gone++ }
    exchange.respond(200, 'OK', [], undefined)
    exchange.write(Buffer.from('x'))
    await bench.turn()
    bench.peer.send({ type: 'reset', stream, code: 8 })
    await bench.turn()
    assert.deepEqual([gone, exchange.isGone, exchange.owner], [1, true, undefined])
    assert.equal(exchange.write(Buffer.from('y')), true)
    exchange.end([])
    exchange.abort()
    await bench.turn()
    assert.deepEqual(bench.owner.done, [exchange])
    assert.deepEqual(bench.owner.malformedRules, [])
    assert.deepEqual(bench.owner.endings, [])
  })

  test('keep their places until the work on their requests is done', async () => {
    bench.close()
    setLimits({ http2: { streams: 4 } })
    bench = new Http2Bench()
    const { peer, owner } = bench
    owner.holds = true
    await bench.turn()
    assert.equal(peer.machine.room, 4)
    const begun = Array.from({ length: 4 }, () => peer.ask('/'))
    for (const stream of begun) peer.send({ type: 'reset', stream, code: 8 })
    await bench.turn()
    const again = Array.from({ length: 4 }, () => peer.ask('/'))
    await bench.turn()
    assert.equal(owner.exchanges.length, 4)
    for (const stream of again) assert.deepEqual(peer.heard(stream), ['reset 7'])
    assert.equal(owner.done.length, 0)
    owner.settle(bench.exchange(0))
    await bench.turn()
    assert.deepEqual(owner.done, [bench.exchange(0)])
    const [third, fourth] = [peer.ask('/third'), peer.ask('/fourth')]
    await bench.turn()
    assert.equal(owner.exchanges[4]?.target, '/third')
    assert.deepEqual([peer.heard(third), peer.heard(fourth)], [[], ['reset 7']])
    // An answer that is out while work goes on holds its place as well.
    bench.exchange(4).answer(200, [], NO_BYTES, false)
    await bench.turn()
    const fifth = peer.ask('/fifth')
    await bench.turn()
    assert.deepEqual(peer.heard(fifth), ['reset 7'])
    for (const exchange of owner.exchanges) owner.settle(exchange)
    await bench.turn()
    assert.deepEqual(new Set(owner.done), new Set(owner.exchanges))
    assert.equal(owner.done.length, 5)
    const last = Array.from({ length: 4 }, () => peer.ask('/'))
    await bench.turn()
    assert.equal(owner.exchanges.length, 9)
    for (const stream of last) assert.deepEqual(peer.heard(stream), [])
  })

  test('without end end the connection', async () => {
    for (let at = 0; at <= limits.http2.resets; at++) {
      bench.peer.send({ type: 'reset', stream: bench.peer.ask('/'), code: 8 })
    }
    await bench.turn()
    assert.deepEqual(bench.owner.malformedRules, ['http2.flood.resets'])
    assert.deepEqual(bench.owner.endings, ['fault'])
    assert.equal(bench.owner.done.length, bench.owner.exchanges.length)
  })
})
