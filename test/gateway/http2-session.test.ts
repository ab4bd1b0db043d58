// An HTTP/2 session over an in-memory socket: its requests and answers, its bodies, and how it drains and ends.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { ClientGone, type Exchange } from '../../gateway/exchange.ts'
import { Http2Session } from '../../gateway/http2-session.ts'
import { MisuseError } from '../../protocols/errors.ts'
import { limits } from '../../protocols/limits.ts'
import { duplexPair } from '../support/duplex-pair.ts'
import type { Http2Peer } from '../support/http2-peer.ts'
import { RecordingOwner } from '../support/session-owner.ts'
import { Http2Bench } from './support/http2-bench.ts'

const NO_BYTES = new Uint8Array(0)

describe('an HTTP/2 session', () => {
  let bench: Http2Bench
  let peer: Http2Peer
  let owner: RecordingOwner

  beforeEach(() => {
    bench = new Http2Bench()
    peer = bench.peer
    owner = bench.owner
  })

  afterEach(() => bench.close())

  const first = (): Exchange => bench.exchange(0)

  describe('requests and answers', () => {
    test('many requests are exchanges at once, and each gets its own answer, in whatever order', async () => {
      const streams = Array.from({ length: 60 }, (_, at) => peer.ask(`/${at}`, { fields: ['x-a', '1', 'x-a', '2'] }))
      await bench.turn()
      assert.deepEqual(
        owner.exchanges.map(({ method, target }) => `${method} ${target}`),
        streams.map((_, at) => `GET /${at}`),
      )
      assert.deepEqual(first().fields, ['x-a', '1', 'x-a', '2'])
      assert.equal(first().readBody(10), undefined)
      for (const one of [...owner.exchanges].reverse()) {
        one.answer(200, ['Content-Type', 'a/b'], Buffer.from(one.target), false)
      }
      await bench.turn()
      for (const [at, stream] of streams.entries()) {
        assert.equal(peer.body(stream).toString(), `/${at}`)
        assert.deepEqual(peer.heard(stream), ['response 200', 'end'])
      }
      assert.equal(owner.done.length, 60)
      assert.deepEqual(owner.endings, [])
    })

    test('an answer of known length states it, and its last bytes carry the end', async () => {
      const stream = peer.ask('/')
      await bench.turn()
      first().respond(200, 'OK', ['Content-Type', 'a/b'], 5)
      assert.equal(first().write(Buffer.from('he')), true)
      await bench.turn()
      assert.deepEqual(peer.heard(stream), ['response 200'])
      first().write(Buffer.from('llo'))
      await bench.turn()
      // Before anybody has said `end`.
      assert.deepEqual(peer.heard(stream), ['response 200', 'end'])
      first().end([])
      assert.equal(peer.body(stream).toString(), 'hello')
      assert.deepEqual(peer.response(stream)?.head.fields, ['content-type', 'a/b', 'content-length', '5'])
      assert.deepEqual(owner.done, [first()])
    })

    test('an answer of unknown length ends with its end, with trailers or without', async () => {
      for (const trailers of [[], ['x-t', '1']]) {
        const stream = peer.ask('/')
        await bench.turn()
        const one = owner.exchanges.at(-1) as Exchange
        one.respond(200, 'OK', [], undefined)
        one.write(Buffer.from('hel'))
        await bench.turn()
        one.write(Buffer.from('lo'))
        one.end(trailers)
        await bench.turn()
        assert.equal(peer.response(stream)?.length, undefined)
        assert.equal(peer.body(stream).toString(), 'hello')
        const end = peer.events.at(-1)
        assert.deepEqual(end, { type: 'end', stream, trailers })
      }
    })

    test('an answer without a body ends with its head, whatever is written behind', async () => {
      const answers: [method: string, status: number, length: number | undefined][] = [
        ['HEAD', 200, 9],
        ['HEAD', 200, undefined],
        ['GET', 204, undefined],
        ['GET', 304, 9],
        ['GET', 200, 0],
      ]
      for (const [method, status, length] of answers) {
        const stream = peer.ask('/', { method })
        await bench.turn()
        const one = owner.exchanges.at(-1) as Exchange
        one.respond(status, '', [], length)
        one.write(Buffer.from('nine byte'))
        one.end(['x-t', '1'])
        await bench.turn()
        assert.deepEqual(peer.heard(stream), [`response ${status} end`], `${method} ${status}`)
        assert.equal(peer.response(stream)?.length, length)
        assert.equal(peer.body(stream).length, 0)
      }
      assert.equal(owner.done.length, answers.length)
    })

    test('an aborted answer is reset and never looks complete, also with bytes that wait for window', async () => {
      for (const size of [4, 2 * limits.http2.clusterStreamWindow]) {
        const stream = peer.ask('/')
        await bench.turn()
        const one = owner.exchanges.at(-1) as Exchange
        one.respond(200, 'OK', [], undefined)
        one.write(Buffer.alloc(size))
        await bench.turn()
        one.abort()
        one.write(Buffer.from('nothing happens'))
        one.end([])
        await bench.turn()
        assert.deepEqual(peer.heard(stream), ['response 200', 'reset 2'])
        assert.equal(one.isGone, true)
      }
      assert.equal(owner.done.length, 2)
      const next = peer.ask('/next')
      await bench.turn()
      bench.exchange(2).answer(200, [], NO_BYTES, false)
      await bench.turn()
      assert.deepEqual(peer.heard(next), ['response 200 end'])
    })

    test('there is no upgrade to take', async () => {
      peer.ask('/', { fields: ['x-upgrade', 'websocket'] })
      await bench.turn()
      assert.equal(first().upgrade, undefined)
      assert.throws(() => first().switch([]), MisuseError)
    })

    test('a fault on one stream is noted and ends that one alone', async () => {
      const broken = peer.ask('/broken', { method: 'POST', fields: ['content-length', '1'], body: true })
      const sound = peer.ask('/sound')
      await bench.turn()
      let gone = 0
      first().owner = { drained: () => undefined, gone: () => gone++ }
      peer.data(broken, 'more than that')
      await bench.turn()
      assert.deepEqual(owner.malformedRules, ['http2.length.exceeded'])
      assert.deepEqual(peer.heard(broken), ['reset 1'])
      assert.deepEqual([gone, first().isGone], [1, true])
      bench.exchange(1).answer(200, [], NO_BYTES, false)
      await bench.turn()
      assert.deepEqual(peer.heard(sound), ['response 200 end'])
      assert.deepEqual(owner.endings, [])
    })
  })

  describe('the end of a connection', () => {
    test('no preface, or half of one, is dropped at its deadline', async () => {
      const [far, near] = duplexPair()
      const stranger = new RecordingOwner()
      new Http2Session(near, bench.deadlines, stranger)
      far.write('PRI * HTTP/2.0\r\n')
      await bench.turn()
      bench.pass(limits.http2.prefaceMillis - 1)
      assert.deepEqual(stranger.endings, [])
      bench.pass(1)
      assert.deepEqual(stranger.endings, ['idle'])
      assert.equal(near.destroyed, true)
      assert.deepEqual(owner.endings, [], 'the one with a preface stays')
    })

    test('a stranger has as long for a request as for a head', async () => {
      await bench.turn()
      while (bench.now < limits.http2.prefaceMillis + limits.http2.intervalMillis)
        bench.pass(limits.http2.prefaceMillis)
      await bench.turn()
      assert.equal(bench.now >= limits.gateway.headMillis, true)
      assert.deepEqual(peer.events.at(-1), { type: 'goaway', lastStream: 0, code: 0 })
      assert.equal(peer.isClosed, true)
    })

    test('an idle connection is told so and ends behind idleMillis, a busy one does not', async () => {
      bench.session.identified()
      const stream = peer.ask('/')
      await bench.turn()
      while (bench.now < 2 * limits.gateway.idleMillis) bench.pass(limits.http2.intervalMillis)
      assert.equal(peer.machine.room > 0, true)
      first().answer(200, [], NO_BYTES, false)
      await bench.turn()
      assert.deepEqual(peer.heard(stream), ['response 200 end'])
      const since = bench.now
      while (bench.now < since + limits.gateway.idleMillis - limits.http2.intervalMillis)
        bench.pass(limits.http2.intervalMillis)
      await bench.turn()
      assert.equal(peer.isClosed, false)
      bench.pass(limits.http2.intervalMillis)
      await bench.turn()
      assert.deepEqual(peer.events.at(-1), { type: 'goaway', lastStream: stream, code: 0 })
      assert.equal(peer.isClosed, true)
      assert.deepEqual(owner.endings, ['closed'])
    })

    test('draining ends an idle connection now', async () => {
      await bench.turn()
      bench.session.drain()
      await bench.turn()
      assert.deepEqual(peer.events, [{ type: 'goaway', lastStream: 0, code: 0 }])
      assert.equal(peer.isClosed, true)
      assert.deepEqual(owner.endings, ['closed'])
    })

    test('draining takes no new request and closes behind the last answer, every byte of it out', async () => {
      const streams = [peer.ask('/1'), peer.ask('/2')]
      await bench.turn()
      bench.session.drain()
      bench.session.drain()
      await bench.turn()
      assert.deepEqual(peer.events, [{ type: 'goaway', lastStream: streams[1], code: 0 }])
      assert.equal(peer.machine.room, 0)
      first().answer(200, [], Buffer.from('first'), false)
      await bench.turn()
      assert.equal(peer.isClosed, false)
      bench.exchange(1).respond(200, 'OK', [], undefined)
      bench.exchange(1).write(Buffer.from('second'))
      bench.exchange(1).end(['x-t', '1'])
      await bench.turn()
      for (const stream of streams) assert.deepEqual(peer.heard(stream), ['response 200', 'end'])
      assert.deepEqual(
        streams.map((stream) => peer.body(stream).toString()),
        ['first', 'second'],
      )
      assert.equal(peer.isClosed, true)
      assert.deepEqual(owner.endings, ['closed'])
    })

    test('draining waits for an answer that waits for window, to its last byte', async () => {
      const stream = peer.ask('/')
      await bench.turn()
      const size = 2 * limits.http2.clusterStreamWindow
      first().answer(200, [], Buffer.alloc(size, 'x'), false)
      bench.session.drain()
      await bench.turn()
      assert.equal(peer.isClosed, false)
      assert.equal(peer.body(stream).length, limits.http2.clusterStreamWindow)
      peer.send({ type: 'consumed', stream, bytes: limits.http2.clusterStreamWindow })
      await bench.turn()
      assert.equal(peer.body(stream).length, size)
      assert.deepEqual(peer.heard(stream), ['response 200', 'end'])
      assert.equal(peer.isClosed, true)
    })

    test('what is no HTTP/2 is noted, said with GOAWAY, and ends the connection and all its exchanges', async () => {
      peer.ask('/1')
      const asked = peer.ask('/2', { method: 'POST', body: true })
      await bench.turn()
      const gone: string[] = []
      first().owner = { drained: () => undefined, gone: () => gone.push('1') }
      const body = assert.rejects(bench.exchange(1).readBody(10) as Promise<unknown>, ClientGone)
      bench.client.write(Buffer.from([0, 0, 0, 0x00, 0, 0, 0, 0, 0])) // DATA without a stream
      await bench.turn()
      await body
      assert.deepEqual(gone, ['1'])
      assert.deepEqual(owner.malformedRules, ['http2.data.stream'])
      assert.deepEqual(peer.events.at(-1), { type: 'goaway', lastStream: asked, code: 1 })
      assert.equal(peer.isClosed, true)
      assert.deepEqual(owner.endings, ['fault'])
      assert.equal(owner.done.length, 2)
    })

    test('a client that goes away is told to who answers, once, and ends the wait for a body', async () => {
      peer.ask('/1')
      peer.ask('/2', { method: 'POST', body: true })
      await bench.turn()
      let gone = 0
      first().owner = { drained: () => undefined, gone: () => gone++ }
      const body = assert.rejects(bench.exchange(1).readBody(10) as Promise<unknown>, ClientGone)
      bench.client.destroy()
      await bench.turn()
      await body
      first().write(Buffer.from('nothing happens'))
      first().end([])
      assert.equal(gone, 1)
      assert.deepEqual(owner.endings, ['closed'])
      assert.equal(owner.done.length, 2)
      bench.pass(limits.gateway.idleMillis)
      assert.equal(owner.endings.length, 1)
    })

    test('a session that is destroyed ends', async () => {
      await bench.turn()
      bench.session.destroy()
      await bench.turn()
      assert.equal(bench.client.destroyed, true)
      assert.deepEqual(owner.endings, ['closed'])
    })
  })
})
