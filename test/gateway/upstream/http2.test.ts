// Calls over HTTP/2: what goes out and comes back, and who shares connections.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { constants, type ServerHttp2Stream, sensitiveHeaders } from 'node:http2'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { limits } from '../../../protocols/limits.ts'
import { ask, Bench, get, post, start } from './support/cluster.ts'
import { as, assertFailed, echo, settle, until, watch } from './support/http2.ts'

let bench: Bench

beforeEach(async () => {
  bench = await Bench.open()
})

afterEach(() => bench.close())

describe('a call over HTTP/2', () => {
  test('goes out as it was given, with authority, base path, length and body, and nothing else', async () => {
    const heard: unknown[] = []
    let sensitive: unknown
    const port = await bench.http2((stream, headers) => {
      let body = ''
      stream.on('data', (bytes: Buffer) => {
        body += bytes
      })
      stream.on('end', () => {
        heard.push([Object.fromEntries(Object.entries(headers)), body])
        sensitive = Reflect.get(headers, sensitiveHeaders)
        stream.respond({ ':status': 201, 'x-b': '2' }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-t': '3' }))
        stream.end('ok')
      })
    })
    const upstream = bench.upstream(port, { basePath: '/k8s/c-1', authority: 'api.example:6443' })
    const fields = [...(await upstream.credentials()), 'X-A', '1']
    const answer = await ask(upstream, { ...post('/api/v1/pods?dryRun=All', '{}'), fields })
    assert.deepEqual([answer.head?.status, answer.text, answer.trailers], [201, 'ok', ['x-t', '3']])
    assert.ok(answer.head?.fields.includes('x-b'))
    const pseudo = { ':method': 'POST', ':scheme': 'https', ':path': '/k8s/c-1/api/v1/pods?dryRun=All' }
    const rest = { authorization: 'Bearer gateway-token', 'x-a': '1', 'content-length': '2' }
    assert.deepEqual(heard, [[{ ...pseudo, ':authority': 'api.example:6443', ...rest }, '{}']])
    assert.deepEqual(sensitive, ['authorization'], 'no table on the way keeps it')
  })

  test('has an answer without a body where there is none, and an empty one where there is nothing in it', async () => {
    const port = await bench.http2((stream, headers) => {
      const status = Number(headers['x-status'])
      stream.respond({ ':status': status, ...(headers[':method'] === 'HEAD' ? { 'content-length': '9' } : {}) })
      stream.end()
    })
    const upstream = bench.upstream(port)
    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 200],
      ['DELETE', 404],
    ] as const) {
      const answer = await ask(upstream, { ...get('/', ['x-status', String(status)]), method })
      assert.deepEqual([answer.head?.status, answer.text, answer.failure], [status, '', undefined])
    }
  })

  test('shares one connection with all others of its user, and none with another user’s', async () => {
    const port = await bench.http2(echo)
    const upstream = bench.upstream(port)
    const targets = Array.from({ length: 50 }, (_, at) => `/${at}`)
    const answers = await Promise.all(
      targets.map((target, at) => ask(upstream, at % 2 === 0 ? watch(target) : get(target))),
    )
    assert.deepEqual(
      answers.map(({ text }) => text),
      targets,
    )
    assert.equal(bench.connections.length, 1)
    await ask(upstream, get('/again'))
    assert.equal(bench.connections.length, 1)
    await Promise.all([ask(upstream, as('bob', get('/bob'))), ask(upstream, as('bob', get('/bob')))])
    assert.equal(bench.connections.length, 2)
    await ask(upstream, get('/and again'))
    assert.equal(bench.connections.length, 2)
  })

  test('goes over HTTP/1.1 where the cluster speaks no HTTP/2, on the connection that found out', async () => {
    const port = await bench.https((request, response) => response.end(request.httpVersion))
    const upstream = bench.upstream(port)
    assert.equal((await ask(upstream, watch('/'))).text, '1.1')
    assert.equal((await ask(upstream, as('bob', get('/')))).text, '1.1')
    assert.equal(bench.connections.length, 1)
    const both = await Promise.all([ask(upstream, get('/')), ask(upstream, get('/'))])
    assert.deepEqual(
      both.map(({ text }) => text),
      ['1.1', '1.1'],
    )
    assert.equal(bench.connections.length, 2)
  })

  test('gets another connection when the cluster takes no more streams on one', async () => {
    const streams: ServerHttp2Stream[] = []
    const port = await bench.http2((stream) => streams.push(stream), { settings: { maxConcurrentStreams: 2 } })
    const upstream = bench.upstream(port)
    const first = start(upstream, watch('/first')).answer
    await until(() => streams.length === 1)
    await settle()
    const others = [1, 2, 3].map((at) => start(upstream, watch(`/${at}`)).answer)
    await until(() => streams.length === 4)
    const [one, another] = bench.sessions
    assert.equal(bench.sessions.length, 2)
    assert.equal(streams.filter(({ session }) => session === one).length, 2)
    assert.equal(streams.filter(({ session }) => session === another).length, 2)
    for (const stream of streams) {
      stream.respond({ ':status': 200 })
      stream.end('x')
    }
    for (const answer of [first, ...others]) assert.equal((await answer.done).text, 'x')
  })

  test('that is aborted is told to the cluster alone, and its connection goes on', async () => {
    const streams: ServerHttp2Stream[] = []
    const port = await bench.http2((stream, headers) => {
      streams.push(stream)
      if (headers[':path'] === '/short') echo(stream, headers)
      else if (headers[':path'] === '/begun') stream.respond({ ':status': 200 })
    })
    const upstream = bench.upstream(port)
    const begun = start(upstream, watch('/begun'))
    await begun.answer.responded
    const silent = start(upstream, watch('/silent'))
    await until(() => streams.length === 2)
    for (const [at, { call }] of [begun, silent].entries()) {
      const closed = once(streams[at] as ServerHttp2Stream, 'close')
      call.abort()
      call.abort()
      await closed
      assert.equal(streams[at]?.rstCode, constants.NGHTTP2_CANCEL)
    }
    assert.equal((await ask(upstream, get('/short'))).text, '/short')
    assert.equal(bench.connections.length, 1)
    const dialling = start(upstream, as('bob', get('/bob')))
    dialling.call.abort()
    await until(() => bench.connections.length === 2)
    await settle()
    assert.equal(streams.length, 3)
    assert.equal(begun.answer.over + silent.answer.over + dialling.answer.over, 0)
  })

  test('that is paused stops at its window and holds up no other, and goes on where it stopped', async () => {
    const size = 4 * limits.http2.clusterStreamWindow
    const port = await bench.http2((stream, headers) => {
      if (headers[':path'] === '/short') echo(stream, headers)
      else {
        stream.respond({ ':status': 200 })
        stream.end(Buffer.alloc(size, 'x'))
      }
    })
    const upstream = bench.upstream(port)
    const { call, answer } = start(upstream, get('/long'))
    call.pause()
    await answer.responded
    await until(() => answer.text.length >= limits.http2.clusterStreamWindow)
    for (let at = 0; at < 5; at++) assert.equal((await ask(upstream, get('/short'))).text, '/short')
    assert.equal(answer.text.length, limits.http2.clusterStreamWindow)
    assert.equal(answer.over, 0)
    call.resume()
    assert.equal((await answer.done).text.length, size)
    assert.equal(bench.connections.length, 1)
    // The connection has its whole window back.
    const more = start(upstream, get('/long'))
    assert.equal((await more.answer.done).text.length, size)
  })

  test('whose answer does not begin in time fails, and neither a watch nor its connection does', async () => {
    const streams: ServerHttp2Stream[] = []
    const port = await bench.http2((stream, headers) => {
      streams.push(stream)
      if (headers[':path'] === '/again') echo(stream, headers)
    })
    const upstream = bench.upstream(port)
    const short = start(upstream, get('/short')).answer
    const long = start(upstream, watch('/long')).answer
    await until(() => streams.length === 2)
    const closed = once(streams[0] as ServerHttp2Stream, 'close')
    const step = 10_000
    while (bench.now + step < limits.gateway.answerMillis) {
      bench.pass(step)
      await settle() // PINGs are answered
      assert.equal(short.over, 0)
    }
    bench.pass(step)
    assertFailed(await short.done, 504, 'upstream.timeout')
    await closed
    assert.equal(streams[0]?.rstCode, constants.NGHTTP2_CANCEL)
    assert.equal((await ask(upstream, get('/again'))).text, '/again')
    for (let at = 0; at < 20; at++) {
      bench.pass(step)
      await settle()
    }
    assert.equal(long.over, 0)
    streams[1]?.respond({ ':status': 200 })
    streams[1]?.end('at last')
    assert.equal((await long.done).text, 'at last')
    assert.equal(bench.connections.length, 1)
  })
})
