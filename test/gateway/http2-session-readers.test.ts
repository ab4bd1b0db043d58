// What an HTTP/2 session lets out: answers go as fast as they are read, and readers that stall are cut off.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Exchange } from '../../gateway/exchange.ts'
import { limits } from '../../protocols/limits.ts'
import { Http2Bench } from './support/http2-bench.ts'

let bench: Http2Bench

beforeEach(() => {
  bench = new Http2Bench()
})

afterEach(() => bench.close())

describe('readers of an HTTP/2 session', () => {
  /** Opens a session whose client gives `streamWindow` bytes of credit to each stream, and asks once. */
  async function reader(streamWindow: number, highWaterMark?: number): Promise<{ stream: number; exchange: Exchange }> {
    bench.close()
    bench = new Http2Bench({ streamWindow, ...(highWaterMark === undefined ? {} : { highWaterMark }) })
    return bench.asked('/')
  }

  function drains(exchange: Exchange): { count: number; gone: number } {
    const heard = { count: 0, gone: 0 }
    exchange.owner = {
      drained: () => {
        heard.count += 1
      },
      gone: () => {
        heard.gone += 1
      },
    }
    return heard
  }

  test('whose stream has no window stop the answer, and let it go on with credit', async () => {
    const { stream, exchange } = await reader(1_000)
    const heard = drains(exchange)
    exchange.respond(200, 'OK', [], undefined)
    assert.equal(exchange.write(Buffer.alloc(1_000)), true)
    assert.equal(exchange.write(Buffer.alloc(600)), false)
    assert.equal(exchange.write(Buffer.alloc(400)), false)
    await bench.turn()
    assert.equal(bench.peer.body(stream).length, 1_000)
    assert.equal(heard.count, 0)
    // Another stream is not held up.
    const other = await bench.asked('/other')
    other.exchange.answer(200, [], Buffer.from('x'), false)
    await bench.turn()
    assert.deepEqual(bench.peer.heard(other.stream), ['response 200', 'end'])
    bench.peer.send({ type: 'consumed', stream, bytes: 1_000 })
    await bench.turn()
    assert.equal(bench.peer.body(stream).length, 2_000)
    assert.equal(heard.count, 1)
    bench.peer.send({ type: 'consumed', stream, bytes: 1_000 })
    await bench.turn()
    assert.equal(exchange.write(Buffer.from('on')), true)
  })

  test('that read nothing from the socket stop all answers until they do', async () => {
    const { stream, exchange } = await reader(limits.http2.clusterStreamWindow, 1_024)
    const heard = drains(exchange)
    const other = drains((await bench.asked('/other')).exchange)
    bench.exchange(1).respond(200, 'OK', [], undefined)
    await bench.turn()
    bench.client.pause()
    exchange.respond(200, 'OK', [], undefined)
    let written = 0
    while (exchange.write(Buffer.alloc(1_024))) {
      written += 1_024
      assert.ok(written < 1_048_576)
      await bench.turn()
    }
    written += 1_024
    assert.equal(bench.exchange(1).write(Buffer.from('x')), false)
    assert.deepEqual([heard.count, other.count], [0, 0])
    bench.client.resume()
    await bench.turn()
    assert.ok(heard.count > 0 && other.count > 0)
    assert.equal(bench.peer.body(stream).length, written)
  })

  /** The intervals that it takes to see a stall, and then to find it too long. */
  function passStall(): void {
    const since = bench.now
    while (bench.now <= since + limits.gateway.stalledMillis) bench.pass(limits.http2.intervalMillis)
  }

  test('of an answer that take nothing of it are cut off, and nobody else', async () => {
    const { stream, exchange } = await reader(1_000)
    const heard = drains(exchange)
    const moving = await bench.asked('/moving')
    const idle = await bench.asked('/idle')
    for (const one of [exchange, moving.exchange, idle.exchange]) one.respond(200, 'OK', [], undefined)
    exchange.write(Buffer.alloc(2_000))
    const since = bench.now
    while (bench.now < since + limits.gateway.stalledMillis) {
      moving.exchange.write(Buffer.alloc(1_500))
      await bench.turn()
      bench.pass(limits.http2.intervalMillis)
      assert.equal(heard.gone, 0)
      bench.peer.send({ type: 'consumed', stream: moving.stream, bytes: 1_500 })
      await bench.turn()
    }
    bench.pass(limits.http2.intervalMillis)
    await bench.turn()
    assert.equal(heard.gone, 1)
    assert.deepEqual(bench.peer.heard(stream), ['response 200', 'reset 11'])
    assert.deepEqual([moving.exchange.isGone, idle.exchange.isGone], [false, false])
    assert.deepEqual(bench.owner.done, [exchange])
    assert.deepEqual(bench.owner.endings, [])
  })

  test('of an answer that is already over, but not sent, are cut off as well', async () => {
    const { stream, exchange } = await reader(1_000)
    exchange.answer(200, [], Buffer.alloc(2_000), false)
    assert.equal(exchange.isGone, true)
    passStall()
    await bench.turn()
    assert.deepEqual(bench.peer.heard(stream), ['response 200', 'reset 11'])
    assert.equal(bench.session.machine.heldBytes, 0)
  })

  test('of a watch are waited for, unless too much is held for them', async () => {
    for (const [size, cut] of [
      [limits.http2.stalledBytes, false],
      [limits.http2.stalledBytes + 1, true],
    ] as const) {
      const { stream, exchange } = await reader(1_000)
      exchange.streaming = true
      exchange.respond(200, 'OK', [], undefined)
      exchange.write(Buffer.alloc(1_000 + size))
      assert.equal(bench.session.machine.heldBytes, size)
      passStall()
      passStall()
      await bench.turn()
      assert.deepEqual(bench.peer.heard(stream), ['response 200', ...(cut ? ['reset 11'] : [])])
      assert.equal(exchange.isGone, cut)
    }
  })

  test('whose socket takes nothing are cut off with their connection, unless one of them watches', async () => {
    for (const streaming of [false, true]) {
      const { exchange } = await reader(limits.http2.clusterStreamWindow, 1_024)
      exchange.streaming = streaming
      bench.client.pause()
      exchange.respond(200, 'OK', [], undefined)
      while (exchange.write(Buffer.alloc(1_024))) await bench.turn()
      passStall()
      assert.deepEqual(bench.owner.endings, streaming ? [] : ['stalled'])
      assert.equal(exchange.isGone, !streaming)
    }
  })
})
