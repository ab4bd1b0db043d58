import assert from 'node:assert/strict'
import { once } from 'node:events'
import { afterEach, beforeEach, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { limits } from '../../../protocols/limits.ts'
import { Answer, ask, Bench, get, post, start } from './support/cluster.ts'

let bench: Bench

beforeEach(async () => {
  bench = await Bench.open()
})

afterEach(() => bench.close())

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

function assertFailed(answer: Answer, status: number, rule: string): void {
  assert.deepEqual([answer.failure?.status, answer.failure?.rule], [status, rule], answer.failure?.message)
}

test('a request goes out as it was given, with Host, base path and framing, and nothing else', async () => {
  let heard = ''
  const port = await bench.tls((socket, _, text) => {
    heard += text
    if (heard.endsWith('{}')) socket.write(OK)
  })
  const upstream = bench.upstream(port, { basePath: '/k8s/c-1', authority: 'api.example:6443' })
  const fields = [...(await upstream.credentials()), 'X-A', '1', 'X-A', '2']
  const answer = await ask(upstream, { ...post('/api/v1/pods?dryRun=All', '{}'), fields })
  assert.equal(answer.text, 'ok')
  assert.equal(
    heard,
    'POST /k8s/c-1/api/v1/pods?dryRun=All HTTP/1.1\r\nHost: api.example:6443\r\n' +
      'Authorization: Bearer gateway-token\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\n{}',
  )
})

test('one connection serves request after request, and the last one used is used first', async () => {
  const port = await bench.https((request, response) => response.end(request.url))
  const upstream = bench.upstream(port)
  for (let at = 0; at < 5; at++) assert.equal((await ask(upstream, get(`/${at}`))).text, `/${at}`)
  assert.equal(bench.connections.length, 1)
  await Promise.all(['/a', '/b', '/c'].map((target) => ask(upstream, get(target))))
  assert.equal(bench.connections.length, 3)
  await ask(upstream, get('/again'))
  assert.equal(bench.connections.length, 3)
})

test('idle connections are bounded in number and age', async () => {
  const extra = 3
  const waiting: (() => void)[] = []
  const port = await bench.https((_, response) => {
    waiting.push(() => response.end('x'))
    if (waiting.length === limits.gateway.pooled + extra) for (const answer of waiting) answer()
  })
  const upstream = bench.upstream(port)
  await Promise.all(Array.from({ length: limits.gateway.pooled + extra }, () => ask(upstream, get('/'))))
  const open = (): number => bench.connections.filter((socket) => !socket.destroyed).length
  while (open() > limits.gateway.pooled) await new Promise(setImmediate)
  bench.pass(limits.gateway.pooledMillis - 1)
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  assert.equal(open(), limits.gateway.pooled)
  bench.pass(1)
  while (open() > 0) await new Promise(setImmediate)
})

test('bodies end as their framing says: length, chunks with trailers, none, or the end of the connection', async () => {
  const answers: [string, string, readonly string[], boolean][] = [
    ['Content-Length: 5\r\n\r\nhello', 'hello', [], true],
    ['Content-Length: 0\r\n\r\n', '', [], true],
    ['Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-T: 1\r\n\r\n', 'hello', ['X-T', '1'], true],
    ['Content-Length: 2\r\nConnection: close\r\n\r\nhi', 'hi', [], false],
    ['\r\nuntil close', 'until close', [], false],
  ]
  for (const [rest, body, trailers, reused] of answers) {
    const before = bench.connections.length
    const port = await bench.tls((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${rest}`)
      if (rest.startsWith('\r\n')) socket.end()
    })
    const upstream = bench.upstream(port)
    for (let turn = 0; turn < 2; turn++) {
      const answer = await ask(upstream, get('/'))
      assert.equal(answer.failure, undefined)
      assert.equal(answer.text, body)
      assert.deepEqual(answer.trailers, trailers)
    }
    assert.equal(bench.connections.length - before, reused ? 1 : 2, rest)
  }
  const port = await bench.https((request, response) => {
    response.writeHead(request.method === 'HEAD' ? 200 : 204, request.method === 'HEAD' ? { 'Content-Length': 9 } : {})
    response.end()
  })
  const upstream = bench.upstream(port)
  assert.equal((await ask(upstream, { ...get('/'), method: 'HEAD' })).head?.status, 200)
  assert.equal((await ask(upstream, { ...get('/'), method: 'DELETE' })).head?.status, 204)
})

test('interim answers are passed over', async () => {
  const port = await bench.tls((socket) => {
    socket.write(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${OK}`)
  })
  const answer = await ask(bench.upstream(port), get('/'))
  assert.equal(answer.head?.status, 200)
  assert.equal(answer.text, 'ok')
})

test('bytes that follow an answer end the connection: they never become the next caller’s answer', async () => {
  const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'
  const port = await bench.tls((socket, connection) => socket.write(connection === 0 ? OK + poison : OK))
  const upstream = bench.upstream(port)
  // The next request is sent from within the callback, in the same turn in which the surplus arrived.
  const second = new Answer()
  const first = new Answer()
  upstream.send(get('/1'), {
    onResponse: (head) => first.onResponse(head),
    onData: (bytes) => first.onData(bytes),
    onFailed: (error) => first.onFailed(error),
    onEnd: (trailers) => {
      upstream.send(get('/2'), second)
      first.onEnd(trailers)
    },
  })
  assert.equal((await first.done).text, 'ok')
  assert.equal((await second.done).text, 'ok')
  assert.equal(bench.connections.length, 2)
})

test('bytes on an idle connection end it, and so does the cluster’s FIN', async () => {
  for (const end of [
    (socket: TLSSocket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'),
    (socket: TLSSocket) => socket.end(),
  ]) {
    bench.connections.length = 0
    const port = await bench.tls((socket) => socket.write(OK))
    const upstream = bench.upstream(port)
    await ask(upstream, post('/1', '{}'))
    const [first] = bench.connections as [TLSSocket]
    const closed = new Promise((resolve) => first.once('close', resolve))
    end(first)
    await closed
    assert.equal((await ask(upstream, post('/2', '{}'))).text, 'ok')
    assert.equal(bench.connections.length, 2)
  }
})

/** A server that answers the first request of its first connection and closes that one at the second. */
function closesOnReuse(): Promise<number> {
  const requests: number[] = []
  return bench.tls((socket, connection) => {
    requests[connection] = (requests[connection] ?? 0) + 1
    if (connection === 0 && requests[connection] === 2) socket.destroy()
    else socket.write(OK)
  })
}

test('a kept connection that turns out to be dead costs a GET or HEAD one more try', async () => {
  for (const method of ['GET', 'HEAD']) {
    const before = bench.connections.length
    const requests: string[] = []
    const port = await bench.tls((socket, connection, text) => {
      requests.push(text.slice(0, text.indexOf(' HTTP')))
      if (connection === before && requests.length === 2) socket.destroy()
      else socket.write(text.startsWith('HEAD') ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n' : OK)
    })
    const upstream = bench.upstream(port)
    await ask(upstream, get('/1'))
    const answer = await ask(upstream, { ...get('/2'), method })
    assert.equal(answer.head?.status, 200)
    assert.deepEqual(requests, ['GET /1', `${method} /2`, `${method} /2`])
  }
})

test('nothing else is ever sent twice', async () => {
  for (const request of [
    post('/2', '{}'),
    { ...get('/2'), method: 'DELETE' },
    { ...get('/2'), body: Buffer.from('x') },
  ]) {
    bench.connections.length = 0
    const upstream = bench.upstream(await closesOnReuse())
    await ask(upstream, get('/1'))
    assertFailed(await ask(upstream, request), 502, 'upstream.closed')
    assert.equal(bench.connections.length, 1)
  }
})

test('a GET is tried once more only on a kept connection, and only before the answer’s first byte', async () => {
  let connections = 0
  const fresh = await bench.tls((socket, connection) => {
    connections = connection + 1
    socket.destroy()
  })
  assertFailed(await ask(bench.upstream(fresh), get('/')), 502, 'upstream.closed')
  assert.equal(connections, 1)

  bench.connections.length = 0
  let asked = 0
  const begun = await bench.tls((socket) => {
    if (++asked === 1) socket.write(OK)
    else socket.end('HTTP/1.1 200')
  })
  const upstream = bench.upstream(begun)
  await ask(upstream, get('/1'))
  assertFailed(await ask(upstream, get('/2')), 502, 'upstream.closed')
  assert.equal(asked, 2)
})

test('an answer that is cut short, or is no HTTP, fails and its connection is not used again', async () => {
  const cases: [string, string][] = [
    ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok', 'upstream.closed'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel', 'upstream.closed'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\nx', 'upstream.protocol'],
    ['SSH-2.0-OpenSSH\r\n', 'upstream.protocol'],
    ['HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n', 'upstream.protocol'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 'upstream.protocol'],
  ]
  for (const [bytes, rule] of cases) {
    const port = await bench.tls((socket) => socket.end(bytes))
    const upstream = bench.upstream(port)
    const before = bench.connections.length
    assertFailed(await ask(upstream, get('/')), 502, rule)
    assertFailed(await ask(upstream, get('/')), 502, rule)
    assert.equal(bench.connections.length - before, 2)
  }
})

test('an answer must begin in time, unless the request is long-running', async () => {
  const asked: string[] = []
  const port = await bench.tls((_, connection, text) => {
    asked[connection] = text
  })
  const upstream = bench.upstream(port)
  const short = start(upstream, get('/short')).answer
  const long = start(upstream, { ...get('/long'), longRunning: true })
  while (asked.filter(Boolean).length < 2) await new Promise(setImmediate)
  bench.pass(limits.gateway.answerMillis - 1)
  assert.equal(short.over, 0)
  bench.pass(1)
  assertFailed(await short.done, 504, 'upstream.timeout')
  bench.pass(limits.gateway.answerMillis)
  assert.equal(long.answer.over, 0)
  bench.connections[asked.findIndex((text) => text.includes('/long'))]?.write(OK)
  assert.equal((await long.answer.done).text, 'ok')
})

test('pause stops the answer at the cluster, resume lets it go on, and the connection is kept', async () => {
  const size = 8_000_000
  const port = await bench.https((_, response) => response.end(Buffer.alloc(size, 'x')))
  const upstream = bench.upstream(port)
  const { call, answer } = start(upstream, get('/'))
  await answer.responded
  call.pause()
  const server = bench.connections[0] as TLSSocket
  // The server can go on only until the sockets' buffers are full.
  let before = -1
  while (answer.text.length !== before) {
    before = answer.text.length
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  }
  assert.ok(before < size, 'paused')
  assert.ok(server.writableLength > 0, 'the server waits')
  call.resume()
  assert.equal((await answer.done).text.length, size)
  call.pause() // too late: nothing of this call is left to pause
  assert.equal((await ask(upstream, get('/'))).text.length, size)
  assert.equal(bench.connections.length, 1)
})

test('a call that was paused before it had a connection stays paused', async () => {
  const port = await bench.tls((socket) => socket.write(OK))
  const { call, answer } = start(bench.upstream(port), get('/'))
  call.pause()
  while (bench.connections.length === 0 || bench.connections[0]?.bytesWritten === 0) await new Promise(setImmediate)
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  assert.equal(answer.head, undefined)
  call.resume()
  assert.equal((await answer.done).text, 'ok')
})

test('an aborted call ends its connection and says nothing more', async () => {
  const port = await bench.tls((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun'))
  const upstream = bench.upstream(port)
  const streaming = start(upstream, get('/'))
  await streaming.answer.responded
  const server = bench.connections[0] as TLSSocket
  const closed = new Promise((resolve) => server.once('close', resolve))
  streaming.call.abort()
  streaming.call.abort()
  await closed
  const dialling = start(upstream, get('/'))
  dialling.call.abort()
  await new Promise(setImmediate)
  assert.equal(streaming.answer.over + dialling.answer.over, 0)
})

test('an abort from within a callback is the last of its call, whatever the chunk still held', async () => {
  const port = await bench.tls((socket) => socket.write(OK))
  const upstream = bench.upstream(port)
  const heard: string[] = []
  await new Promise<void>((resolve) => {
    const call = upstream.send(get('/'), {
      onResponse: () => {
        heard.push('response')
        call.abort()
        setImmediate(resolve)
      },
      onData: () => heard.push('data'),
      onEnd: () => heard.push('end'),
      onFailed: () => heard.push('failed'),
    })
  })
  assert.deepEqual(heard, ['response'])
  assert.equal((await ask(upstream, get('/'))).text, 'ok')
  assert.equal(bench.connections.length, 2)
})

test('a request that cannot be written fails its call, after send has returned, and nothing else', async () => {
  const port = await bench.tls((socket) => socket.write(OK))
  const upstream = bench.upstream(port)
  for (let turn = 0; turn < 2; turn++) {
    const { answer } = start(upstream, get('/', ['X-A', 'b\r\nX-Injected: 1']))
    assert.equal(answer.over, 0)
    assertFailed(await answer.done, 502, 'upstream.protocol')
    assert.equal((await ask(upstream, get('/'))).text, 'ok')
  }
})

test('an answer that overtook its request is delivered, and its connection not used again', async () => {
  const port = await bench.tls((socket) => {
    socket.pause()
    if (socket.bytesWritten === 0) socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno')
  })
  const upstream = bench.upstream(port)
  const large = { ...post('/', ''), body: Buffer.alloc(32_000_000) }
  const answer = await ask(upstream, large)
  assert.equal(answer.head?.status, 413)
  await ask(upstream, large)
  assert.equal(bench.connections.length, 2)
})

test('a redirect is an answer like any other: never followed', async () => {
  let asked = 0
  const port = await bench.https((_, response) => {
    asked++
    response.writeHead(307, { Location: 'https://169.254.169.254/' }).end()
  })
  assert.equal((await ask(bench.upstream(port), get('/'))).head?.status, 307)
  assert.equal(asked, 1)
})

test('after close nothing is sent, and what was under way fails', async () => {
  const port = await bench.tls(() => undefined)
  const upstream = bench.upstream(port)
  const answer = start(upstream, get('/')).answer
  while (bench.connections.length === 0) await new Promise(setImmediate)
  await new Promise(setImmediate)
  const closed = once(bench.connections[0] as TLSSocket, 'close')
  upstream.close()
  assertFailed(await answer.done, 503, 'upstream.closed')
  await closed
  assertFailed(await ask(upstream, get('/')), 503, 'upstream.closed')
})
