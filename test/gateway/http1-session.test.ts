// A session over an in-memory socket: what a client's bytes become, what the pipeline's answers become, and when it ends.

import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { beforeEach, describe, test } from 'node:test'
import { Deadlines } from '../../gateway/deadlines.ts'
import type { Refusal } from '../../gateway/decision.ts'
import { ClientGone, type Exchange } from '../../gateway/exchange.ts'
import { Http1Session } from '../../gateway/http1-session.ts'
import { limits } from '../../protocols/limits.ts'
import { duplexPair } from '../support/duplex-pair.ts'
import { RecordingOwner } from '../support/session-owner.ts'

const GET = 'GET /api HTTP/1.1\r\nHost: gateway\r\n\r\n'
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

describe('an HTTP/1.1 session', () => {
  let now = 0
  let deadlines: Deadlines
  let owner: RecordingOwner
  let session: Http1Session
  let client: Duplex
  let heard = ''

  beforeEach(() => {
    now = 0
    heard = ''
    deadlines = new Deadlines(() => now)
    owner = new RecordingOwner()
    const [far, near] = duplexPair()
    client = far
    client.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1')
    })
    client.on('error', () => undefined)
    session = new Http1Session(near, deadlines, owner)
  })

  const first = (): Exchange => owner.exchanges[0] as Exchange

  test('gives a request to its owner and writes the answer', async () => {
    client.write(GET)
    await turn()
    assert.equal(owner.exchanges.length, 1)
    assert.equal(first().target, '/api')
    assert.equal(first().readBody(10), undefined)
    first().respond(200, 'OK', ['Content-Type', 'a/b'], 2)
    first().write(Buffer.from('hi'))
    first().end([])
    await turn()
    assert.match(heard, /^HTTP\/1\.1 200 OK\r\n[\s\S]*Content-Length: 2\r\n\r\nhi$/)
    assert.deepEqual(owner.endings, [])
  })

  test('holds a pipelined request until the first is answered', async () => {
    client.write(GET + GET.replace('/api', '/second'))
    await turn()
    assert.equal(owner.exchanges.length, 1)
    first().answer(200, [], Buffer.from('1'), false)
    await turn()
    assert.equal(owner.exchanges[1]?.target, '/second')
  })

  test('reads a body whole, and refuses one over the limit without keeping it', async () => {
    client.write('POST /api HTTP/1.1\r\nHost: g\r\nContent-Length: 6\r\n\r\nabc')
    await turn()
    const body = first().readBody(10)
    client.write('def')
    assert.equal(Buffer.from((await body) as Uint8Array).toString(), 'abcdef')
    first().answer(200, [], new Uint8Array(0), false)
    await turn()
    client.write('POST /api HTTP/1.1\r\nHost: g\r\nContent-Length: 11\r\n\r\n')
    await turn()
    const refusal = await owner.exchanges[1]?.readBody(10)
    assert.ok(refusal !== undefined && 'status' in refusal)
    assert.equal(refusal.status, 413)
    owner.exchanges[1]?.answer(413, [], new Uint8Array(0), false)
    await turn()
    assert.match(heard, /HTTP\/1\.1 413[\s\S]*Connection: close/)
    assert.deepEqual(owner.endings.length, 1)
  })

  test('refuses a chunked body once it grows over the limit', async () => {
    client.write('POST /api HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n')
    await turn()
    const body = first().readBody(4)
    client.write('3\r\nabc\r\n3\r\ndef\r\n')
    const refusal = await body
    assert.ok(refusal !== undefined && 'status' in refusal)
    assert.equal(refusal.rule, 'request.body.too_large')
  })

  test('says 100 Continue when, and only when, the body is waited for', async () => {
    client.write('POST /api HTTP/1.1\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n')
    await turn()
    assert.equal(heard, '')
    const body = first().readBody(10)
    await turn()
    assert.match(heard, /^HTTP\/1\.1 100 Continue\r\n\r\n$/)
    client.write('x')
    assert.deepEqual([...((await body) as Uint8Array)], [0x78])
  })

  test('a slow body is refused at its deadline', async () => {
    client.write('POST /api HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\nx')
    await turn()
    const body = first().readBody(10)
    now = limits.gateway.headMillis + 1_000
    deadlines.look()
    const refusal = await body
    assert.ok(refusal !== undefined && 'status' in refusal)
    assert.equal(refusal.status, 408)
  })

  test('half a head is dropped at its deadline, an idle connection at its own', async () => {
    client.write('GET /api HT')
    await turn()
    now = limits.gateway.headMillis
    deadlines.look()
    await turn()
    assert.deepEqual(owner.endings, ['idle'])
    assert.equal(heard, '')
  })

  test('a connection kept after an answer lives until idleMillis', async () => {
    client.write(GET)
    await turn()
    first().answer(200, [], new Uint8Array(0), false)
    await turn()
    now = limits.gateway.idleMillis - 1
    deadlines.look()
    assert.deepEqual(owner.endings, [])
    now = limits.gateway.idleMillis
    deadlines.look()
    assert.deepEqual(owner.endings, ['idle'])
  })

  test('broken framing is answered once, closed, and nothing behind it is read', async () => {
    client.write(`GET /api HTTP/1.1\nHost: g\r\n\r\n${GET}`)
    await turn()
    assert.equal(owner.exchanges.length, 0)
    assert.equal(owner.malformedRules.length, 1)
    assert.match(heard, /^HTTP\/1\.1 400[\s\S]*Connection: close[\s\S]*no$/)
    assert.deepEqual(owner.endings, ['fault'])
  })

  test('a client that goes away is told to who answers, once', async () => {
    client.write(GET)
    await turn()
    let gone = 0
    first().owner = { drained: () => undefined, gone: () => gone++ }
    client.destroy()
    await turn()
    assert.equal(gone, 1)
    assert.equal(first().isGone, true)
    first().write(Buffer.from('nothing happens'))
    assert.equal(owner.endings.length, 1)
  })

  test('a client that goes away ends the wait for its body', async () => {
    client.write('POST /api HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\nx')
    await turn()
    const body = first().readBody(10) as Promise<unknown>
    const rejected = assert.rejects(body, ClientGone)
    client.destroy()
    await rejected
  })

  test('an aborted answer never looks complete', async () => {
    client.write(GET)
    await turn()
    first().respond(200, 'OK', [], undefined)
    first().write(Buffer.from('part'))
    await turn()
    first().abort()
    await turn()
    assert.match(heard, /chunked/)
    assert.doesNotMatch(heard, /\r\n0\r\n\r\n$/)
    assert.equal(owner.endings.length, 1)
  })

  test('a reader that takes nothing of an answer is cut off, one of a watch is waited for', async () => {
    for (const streaming of [false, true]) {
      const [far, near] = duplexPair(1_024)
      far.on('error', () => undefined)
      const stalled = new RecordingOwner()
      const cut = new Http1Session(near, deadlines, stalled)
      far.write(GET)
      await turn()
      const exchange = stalled.exchanges[0] as Exchange
      exchange.streaming = streaming
      exchange.respond(200, 'OK', [], undefined)
      let flowing = true
      for (let pieces = 0; flowing && pieces < 100; pieces++) {
        flowing = exchange.write(Buffer.alloc(1_024))
        await turn()
      }
      assert.equal(flowing, false)
      now += limits.gateway.stalledMillis
      deadlines.look()
      assert.deepEqual(stalled.endings, streaming ? [] : ['stalled'])
      cut.destroy()
    }
  })

  test('a request is finished once, when its answer is out and the work on it is done', async () => {
    owner.holds = true
    client.write(GET)
    await turn()
    first().answer(200, [], Buffer.from('x'), false)
    await turn()
    assert.equal(owner.done.length, 0)
    owner.settle(first())
    await turn()
    assert.deepEqual(owner.done, [first()])
  })

  test('bodies that nobody reads do not count as held once their request is answered', async () => {
    client.write('POST /api HTTP/1.1\r\nHost: gateway\r\nContent-Length: 100\r\n\r\n0123456789')
    await turn()
    assert.equal(owner.bodies.held, 10)
    first().answer(401, [], Buffer.from('no'), true)
    assert.equal(owner.bodies.held, 0)
    client.write('more of it')
    await turn()
    assert.equal(owner.bodies.held, 0)
  })

  test('a body past what all connections may hold is refused with 429', async () => {
    owner.bodies.held = limits.gateway.bodiesBytes - 5
    client.write('POST /api HTTP/1.1\r\nHost: gateway\r\nContent-Length: 10\r\n\r\n0123456789')
    await turn()
    const refusal = first().readBody(100) as Refusal
    assert.equal(refusal.status, 429)
    assert.equal(refusal.rule, 'request.body.too_many')
  })

  test('a switch hands over the socket and what came behind the request', async () => {
    const upgrade = 'GET /x HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    client.write(`${upgrade}early`)
    await turn()
    assert.equal(first().upgrade, 'websocket')
    const { socket, trailing } = first().switch(['Upgrade', 'websocket'])
    assert.equal(Buffer.from(trailing).toString(), 'early')
    await turn()
    assert.match(heard, /^HTTP\/1\.1 101 /)
    assert.deepEqual(owner.endings, ['switched'])
    const seen = new Promise<string>((resolve) => socket.once('data', (chunk: Buffer) => resolve(chunk.toString())))
    socket.resume()
    client.write('later')
    assert.equal(await seen, 'later')
  })

  test('draining ends an idle connection now and a busy one behind its answer', async () => {
    client.write(GET)
    await turn()
    session.drain()
    await turn()
    assert.deepEqual(owner.endings, [])
    first().answer(200, [], Buffer.from('x'), false)
    await turn()
    assert.match(heard, /Connection: close/)
  })
})
