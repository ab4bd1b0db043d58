// Calls over HTTP/2 that the cluster ends: what is sent again and what never. And how connections end.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { constants, type ServerHttp2Stream } from 'node:http2'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { Call } from '../../../gateway/upstream/call.ts'
import { Dialer } from '../../../gateway/upstream/dial.ts'
import { Http2Pool, type Http2PoolOwner } from '../../../gateway/upstream/http2-pool.ts'
import type { UpstreamRequest } from '../../../gateway/upstream/upstream.ts'
import { limits } from '../../../protocols/limits.ts'
import { clientCertificate } from '../../support/peer-pki.ts'
import { Answer, ask, Bench, get, post, start } from './support/cluster.ts'
import { answer, as, assertFailed, echo, goaway, machines, open, settle, until, watch } from './support/http2.ts'

let bench: Bench

beforeEach(async () => {
  bench = await Bench.open()
})

afterEach(() => bench.close())

describe('a call over HTTP/2 that the cluster ends', () => {
  test('in the middle fails with 502, whatever the code, and its connection goes on', async () => {
    const requests: string[] = []
    const port = await machines(bench, ({ stream, head }, machine) => {
      const [, begun, code] = head.path.split('/')
      requests.push(head.path)
      if (begun === 'begun') machine.send({ type: 'response', stream, status: 200, fields: [], end: false })
      if (begun === 'begun') machine.send({ type: 'data', stream, bytes: Buffer.from('begun') })
      machine.send({ type: 'reset', stream, code: Number(code) })
    })
    const upstream = bench.upstream(port)
    const targets = [
      '/begun/0',
      '/begun/2',
      '/begun/7',
      '/begun/8',
      '/silent/0',
      '/silent/2',
      '/silent/8',
      '/silent/13',
    ]
    for (const target of targets) {
      const answer = await ask(upstream, get(target))
      assertFailed(answer, 502, 'upstream.closed')
      assert.equal(answer.text, target.startsWith('/begun') ? 'begun' : '')
    }
    assert.deepEqual(requests, targets, 'nothing was sent twice')
    assert.equal(bench.connections.length, 1)
  })

  test('without having processed it is sent again, whatever its method, but not without end', async () => {
    const refused: string[] = []
    let refuse = 1
    const port = await bench.http2((stream, headers) => {
      if (refuse-- > 0) {
        refused.push(String(headers[':method']))
        stream.close(constants.NGHTTP2_REFUSED_STREAM)
        return
      }
      let body = ''
      stream.on('data', (bytes: Buffer) => {
        body += bytes
      })
      stream.on('end', () => {
        stream.respond({ ':status': 200 })
        stream.end(body)
      })
    })
    const upstream = bench.upstream(port)
    assert.equal((await ask(upstream, post('/', 'once'))).text, 'once')
    assert.deepEqual(refused, ['POST'])
    refuse = limits.gateway.tries - 1
    assert.equal((await ask(upstream, post('/', 'thrice'))).text, 'thrice')
    refuse = 1_000
    assertFailed(await ask(upstream, post('/', 'never')), 502, 'upstream.closed')
    assert.equal(1_000 - refuse, limits.gateway.tries)
  })

  test('with GOAWAY is sent again on another connection if it was not processed, and else ends where it is', async () => {
    const requests: string[] = []
    let finish = (): void => undefined
    const port = await machines(bench, ({ stream, head }, machine, socket, connection) => {
      requests.push(`${connection} ${head.method}`)
      if (head.path === '/watch') {
        machine.send({ type: 'response', stream, status: 200, fields: [], end: false })
        machine.send({ type: 'data', stream, bytes: Buffer.from('begun') })
        finish = () => {
          machine.send({ type: 'data', stream, bytes: Buffer.from(', and done'), end: true })
          socket.write(Buffer.concat(machine.takeOutput()))
        }
      } else if (connection === 0) {
        socket.write(goaway(1)) // it has come, but only the watch is said to be processed
      } else {
        answer(machine, stream, head.path)
      }
    })
    const upstream = bench.upstream(port)
    const watching = start(upstream, watch('/watch')).answer
    await until(() => watching.text === 'begun')
    const written = await Promise.all([ask(upstream, post('/post', '{}')), ask(upstream, get('/get'))])
    assert.deepEqual(
      written.map(({ text }) => text),
      ['/post', '/get'],
    )
    assert.equal(bench.connections.length, 2)
    assert.equal(requests.filter((request) => request === '1 POST').length, 1)
    assert.equal(watching.over, 0)
    finish()
    assert.equal((await watching.done).text, 'begun, and done')
    await until(() => open(bench) === 1)
    assert.equal((await ask(upstream, get('/more'))).text, '/more')
    assert.equal(bench.connections.length, 2)
  })

  test('with GOAWAY on every connection fails after so many tries', async () => {
    const port = await machines(bench, (_, __, socket) => socket.write(goaway(0)))
    assertFailed(await ask(bench.upstream(port), post('/', '{}')), 502, 'upstream.closed')
    assert.equal(bench.connections.length, limits.gateway.tries)
    await until(() => open(bench) === 0)
  })

  test('with its connection, before an answer, is sent again if that is safe; nothing else is', async () => {
    let destroyed = 0
    const port = await bench.http2((stream, headers) => {
      if (headers[':path'] === '/begun') {
        stream.respond({ ':status': 200 })
        stream.write('begun')
      } else if (bench.sessions.length === destroyed + 1) {
        destroyed = bench.sessions.length
        stream.session?.destroy()
      } else {
        echo(stream, headers)
      }
    })
    const upstream = bench.upstream(port)
    const cases: [UpstreamRequest, string | undefined][] = [
      [post('/', '{}'), undefined],
      [{ ...get('/delete'), method: 'DELETE' }, undefined],
      [{ ...get('/'), body: Buffer.from('x') }, undefined],
      [watch('/begun'), undefined],
    ]
    for (const [request, expected] of cases) {
      const { answer } = start(upstream, request)
      if (request.target === '/begun') {
        await until(() => answer.text === 'begun')
        bench.connections.at(-1)?.destroy()
        destroyed = bench.sessions.length
      }
      await answer.done
      assert.equal(expected, undefined)
      assertFailed(answer, 502, 'upstream.closed')
    }
    assert.equal(bench.connections.length, cases.length)
    // A GET finds the first connection dead, then the second; the third server answers nothing but death either.
    const { answer } = start(upstream, get('/get'))
    await answer.done
    assertFailed(answer, 502, 'upstream.closed')
    assert.equal(bench.connections.length, cases.length + limits.gateway.tries)
    destroyed = -1
    assert.equal((await ask(upstream, get('/get'))).text, '/get')
  })

  test('by something that is no HTTP/2 fails with all others of its connection', async () => {
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
    const port = await bench.tls(
      (socket, _, text) => {
        socket.write(settings)
        if (text.includes('SM')) setImmediate(() => socket.write(Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0])))
      },
      { ALPNProtocols: ['h2'] },
    )
    const upstream = bench.upstream(port)
    const answers = await Promise.all([ask(upstream, get('/1')), ask(upstream, watch('/2'))])
    for (const answer of answers) assertFailed(answer, 502, 'upstream.protocol')
    await until(() => open(bench) === 0)
  })
})

describe('an HTTP/2 connection to a cluster', () => {
  test('that falls silent is asked with a PING, and found dead when nothing comes back', async () => {
    const heard: Buffer[] = []
    const port = await bench.tls(
      (socket, _, text) => {
        if (heard.length === 0) socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))
        heard.push(Buffer.from(text, 'latin1'))
      },
      { ALPNProtocols: ['h2'] },
    )
    const upstream = bench.upstream(port)
    const { answer } = start(upstream, watch('/'))
    await until(() => Buffer.concat(heard).length > 100)
    await settle()
    const before = heard.length
    bench.pass(limits.http2.pingMillis - 1)
    await settle()
    assert.equal(heard.length, before)
    bench.pass(1_501)
    await until(() => heard.length > before)
    assert.deepEqual(
      Buffer.concat(heard.slice(before)),
      Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, ...new Array(8).fill(0)]),
    )
    assert.equal(answer.over, 0)
    bench.pass(limits.http2.pongMillis)
    assertFailed(await answer.done, 504, 'upstream.timeout')
    await until(() => open(bench) === 0)
  })

  test('ends when it has been idle for long', async () => {
    const port = await bench.http2(echo)
    const upstream = bench.upstream(port)
    await ask(upstream, get('/'))
    await settle()
    bench.pass(limits.gateway.pooledMillis - 1)
    await settle()
    assert.equal(open(bench), 1)
    bench.pass(1_501)
    await until(() => open(bench) === 0)
    await ask(upstream, get('/'))
    assert.equal(bench.connections.length, 2)
  })

  test('ends on retire, at once if it is idle, and else behind its last call, however that ends', async () => {
    for (const end of ['answered', 'aborted', 'timed out'] as const) {
      bench.connections.length = 0
      const streams: ServerHttp2Stream[] = []
      const port = await bench.http2((stream, headers) => {
        if (headers[':path'] === '/short') echo(stream, headers)
        else streams.push(stream)
      })
      const upstream = bench.upstream(port)
      await ask(upstream, as('bob', get('/short')))
      const { call, answer } = start(upstream, end === 'timed out' ? get('/') : watch('/'))
      await until(() => streams.length === 1)
      assert.equal(open(bench), 2)
      upstream.retire()
      await until(() => open(bench) === 1)
      assert.equal(answer.over, 0)
      if (end === 'answered') {
        streams[0]?.respond({ ':status': 200 })
        streams[0]?.end('x')
        assert.equal((await answer.done).text, 'x')
      } else if (end === 'aborted') {
        call.abort()
      } else {
        const until = bench.now + limits.gateway.answerMillis
        while (bench.now < until + 10_000) {
          bench.pass(10_000)
          await settle()
        }
        assertFailed(await answer.done, 504, 'upstream.timeout')
      }
      await until(() => open(bench) === 0)
    }
  })

  test('that comes after retire serves the calls that wait for it, and then ends', async () => {
    const port = await bench.http2(echo)
    const upstream = bench.upstream(port)
    const answers = [start(upstream, get('/1')).answer, start(upstream, get('/2')).answer]
    upstream.retire()
    for (const [at, answer] of answers.entries()) assert.equal((await answer.done).text, `/${at + 1}`)
    await until(() => open(bench) === 0)
    assert.equal(bench.connections.length, 1)
  })

  test('ends on close, and all calls fail: those under way, those that wait for it, and later ones', async () => {
    const port = await bench.http2(() => undefined)
    const upstream = bench.upstream(port)
    const underWay = start(upstream, watch('/')).answer
    await until(() => bench.sessions.length === 1)
    await settle()
    const waiting = start(upstream, as('bob', watch('/'))).answer
    const closed = once(bench.connections[0] as TLSSocket, 'close')
    upstream.close()
    for (const answer of [underWay, waiting]) assertFailed(await answer.done, 503, 'upstream.closed')
    await closed
    assertFailed(await ask(upstream, get('/')), 503, 'upstream.closed')
  })

  test('that a call was sent again on is closed as any other, and shared as any other', async () => {
    const streams: ServerHttp2Stream[] = []
    const port = await bench.http2((stream) => {
      streams.push(stream)
      if (streams.length === 1) stream.session?.destroy()
    })
    const upstream = bench.upstream(port)
    const { answer } = start(upstream, watch('/'))
    await until(() => streams.length === 2)
    const other = start(upstream, watch('/other')).answer
    await until(() => streams.length === 3)
    assert.equal(bench.connections.length, 2)
    upstream.close()
    for (const one of [answer, other]) assertFailed(await one.done, 503, 'upstream.closed')
  })

  test('is used no more once the gateway has another certificate', async () => {
    const port = await bench.http2(echo)
    const address = {
      host: '127.0.0.1',
      port,
      authority: 'api',
      basePath: '',
      serverName: 'localhost',
      ca: bench.peer.ca,
    }
    const certificates = [await clientCertificate(), await clientCertificate()]
    let at = 0
    const emptied: string[] = []
    const owner: Http2PoolOwner = {
      name: 'prod',
      deadlines: bench.deadlines,
      authority: 'api',
      basePath: '',
      get certificate() {
        return certificates[at]
      },
      onlyHttp1: () => assert.fail('HTTP/1.1'),
      unauthorized: () => undefined,
      emptied: (user) => emptied.push(user),
    }
    const pool = new Http2Pool(owner, new Dialer('prod', address, bench.deadlines), 'ann')
    const carried = (target: string): Promise<Answer> => {
      const heard = new Answer()
      pool.carry(new Call(get(target), heard))
      return heard.done
    }
    for (const target of ['/1', '/2']) assert.equal((await carried(target)).text, target)
    assert.equal(bench.connections.length, 1)
    at = 1
    for (const target of ['/3', '/4']) assert.equal((await carried(target)).text, target)
    assert.equal(bench.connections.length, 2)
    assert.deepEqual(emptied, [])
    bench.pass(limits.gateway.pooledMillis + 1_500)
    await until(() => open(bench) === 0)
    assert.deepEqual(emptied, ['ann'])
  })
})
