// Our machines and node:http2 (nghttp2) over loopback sockets, each in either role: bodies of every size, trailers, many
// streams at once, resets, GOAWAY and settings that change under way.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { limits } from '../../../protocols/limits.ts'
import { type Answer, Asker, EchoServer } from './owners.ts'

const SIZES = [0, 1, 16_384, 16_385, 65_535, 65_536, 307_200]
const bodyOf = (length: number, salt = 0): Buffer => Buffer.from(Uint8Array.from({ length }, (_, at) => at * 7 + salt))

/** Both ends of a loopback connection, destroyed after the test. */
async function loopback(t: TestContext): Promise<[Socket, Socket]> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const near = connect((listener.address() as AddressInfo).port, '127.0.0.1')
  const [far] = (await once(listener, 'connection')) as [Socket]
  listener.close()
  t.after(() => {
    near.destroy()
    far.destroy()
  })
  return [near, far]
}

// -- Node asks, our server answers

async function nodeClient(t: TestContext): Promise<{ session: http2.ClientHttp2Session; server: EchoServer }> {
  const [near, far] = await loopback(t)
  const server = new EchoServer(far)
  const session = http2.connect('http://localhost', { createConnection: () => near })
  session.on('error', () => {})
  t.after(() => session.destroy())
  return { session, server }
}

interface NodeAnswer {
  readonly status: number | undefined
  readonly path: unknown
  readonly body: Buffer
  readonly trailer: unknown
  readonly code: number
}

async function askByNode(
  session: http2.ClientHttp2Session,
  path: string,
  body: Buffer,
  trailer?: string,
): Promise<NodeAnswer> {
  const stream = session.request({ ':method': 'POST', ':path': path }, { waitForTrailers: trailer !== undefined })
  let status: number | undefined
  let echoed: unknown
  let trailers: unknown
  const pieces: Buffer[] = []
  stream.on('wantTrailers', () => stream.sendTrailers({ checksum: trailer }))
  stream.on('response', (head) => {
    status = head[':status']
    echoed = head.path
  })
  stream.on('trailers', (head) => {
    trailers = head.checksum
  })
  stream.on('data', (piece: Buffer) => pieces.push(piece))
  stream.on('error', () => {})
  stream.end(body)
  await new Promise((resolve) => stream.on('close', resolve))
  return { status, path: echoed, body: Buffer.concat(pieces), trailer: trailers, code: stream.rstCode }
}

test('Node sends bodies of every size and gets them back, with trailers and without', async (t) => {
  const { session, server } = await nodeClient(t)
  for (const size of SIZES) {
    for (const trailer of [undefined, 'abc']) {
      const answer = await askByNode(session, `/${size}`, bodyOf(size), trailer)
      assert.deepEqual(answer, { status: 200, path: `/${size}`, body: bodyOf(size), trailer, code: 0 })
    }
  }
  assert.deepEqual(server.faults, [])
})

test('Node has 100 streams at once, and its settings change while they run', async (t) => {
  const { session, server } = await nodeClient(t)
  const answers = Array.from({ length: 100 }, (_, at) => askByNode(session, `/${at}`, bodyOf(20_000 + at, at), 'x'))
  session.settings({ initialWindowSize: 1_000, headerTableSize: 0 })
  session.settings({ initialWindowSize: 200_000, headerTableSize: 4_096, maxFrameSize: 32_768 })
  for (const [at, answer] of (await Promise.all(answers)).entries()) {
    assert.deepEqual(answer, { status: 200, path: `/${at}`, body: bodyOf(20_000 + at, at), trailer: 'x', code: 0 })
  }
  assert.deepEqual(server.faults, [])
  assert.equal(server.machine.openStreams, 0)
})

test('Node resets a stream, and others on the connection go on', async (t) => {
  const { session, server } = await nodeClient(t)
  const stream = session.request({ ':method': 'POST', ':path': '/never' })
  stream.on('error', () => {})
  stream.write('abc')
  const first = await askByNode(session, '/', bodyOf(10))
  stream.close(http2.constants.NGHTTP2_CANCEL)
  const second = await askByNode(session, '/', bodyOf(70_000))
  assert.deepEqual([first.body.length, second.body.length], [10, 70_000])
  assert.deepEqual(server.faults, [http2.constants.NGHTTP2_CANCEL])
})

test('Node hears our GOAWAY, and its open streams end as they should', async (t) => {
  const { session, server } = await nodeClient(t)
  await askByNode(session, '/', bodyOf(1))
  const answer = askByNode(session, '/last', bodyOf(100_000))
  server.goaway()
  const [code] = (await once(session, 'goaway')) as [number]
  assert.equal(code, 0)
  // It may be behind the GOAWAY: then it was refused, as if it had never been sent.
  const { body, code: reset } = await answer
  assert.ok(reset === 0 ? body.length === 100_000 : reset === http2.constants.NGHTTP2_REFUSED_STREAM)
})

test('Node sees 431 and no error where its fields are too many, though its body was still to come', async (t) => {
  const { session, server } = await nodeClient(t)
  const fields = Object.fromEntries(Array.from({ length: limits.hpack.fieldCount }, (_, at) => [`field-${at}`, 'x']))
  const stream = session.request({ ':method': 'POST', ':path': '/', ...fields })
  const errors: unknown[] = []
  stream.on('error', (error) => errors.push(error))
  stream.write('the body begins')
  const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader]
  stream.resume()
  await once(stream, 'close')
  assert.equal(head[':status'], 431)
  assert.deepEqual([errors, server.faults], [[], ['http2.fields.too_large']])
  assert.equal((await askByNode(session, '/next', bodyOf(5))).status, 200)
})

// -- we ask, Node answers

type Answering = (stream: http2.ServerHttp2Stream, head: http2.IncomingHttpHeaders) => void

async function nodeServer(t: TestContext, answering: Answering, options: http2.ServerOptions = {}): Promise<Asker> {
  const [near, far] = await loopback(t)
  const server = http2.createServer(options)
  server.on('stream', (stream, head) => {
    stream.on('error', () => {})
    answering(stream, head)
  })
  server.emit('connection', far)
  const asker = new Asker(near)
  await asker.until(() => asker.machine.isReady)
  return asker
}

const echo: Answering = (stream, head) => {
  const path = head[':path'] as string
  let trailers: http2.IncomingHttpHeaders = {}
  stream.on('trailers', (fields) => {
    trailers = fields
  })
  const pieces: Buffer[] = []
  stream.on('data', (piece: Buffer) => pieces.push(piece))
  stream.on('end', () => {
    stream.respond({ ':status': 200, path }, { waitForTrailers: true })
    stream.on('wantTrailers', () =>
      stream.sendTrailers({ ...(trailers.checksum ? { checksum: trailers.checksum } : {}) }),
    )
    stream.end(Buffer.concat(pieces))
  })
}

function assertEchoed(answer: Answer, path: string, body: Uint8Array, trailers: readonly string[]): void {
  assert.deepEqual([answer.status, answer.reset], [200, undefined])
  assert.equal(answer.fields[answer.fields.indexOf('path') + 1], path)
  assert.ok(answer.body.equals(body))
  assert.deepEqual(answer.trailers, trailers)
}

test('we send Node bodies of every size and get them back, with trailers and without', async (t) => {
  const asker = await nodeServer(t, echo)
  for (const size of SIZES) {
    for (const trailers of [undefined, ['checksum', 'abc']]) {
      const answer = await asker.ask('POST', `/${size}`, bodyOf(size), trailers)
      assertEchoed(answer, `/${size}`, bodyOf(size), trailers ?? [])
    }
  }
  assert.deepEqual(asker.faults, [])
})

test('we have 100 streams at once, and the settings of Node change while they run', async (t) => {
  let count = 0
  const asker = await nodeServer(t, (stream, head) => {
    echo(stream, head)
    count += 1
    if (count === 20) stream.session?.settings({ initialWindowSize: 500, headerTableSize: 0 })
    if (count === 60) stream.session?.settings({ initialWindowSize: 100_000, headerTableSize: 4_096 })
  })
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, at) => asker.ask('POST', `/${at}`, bodyOf(20_000 + at, at), ['checksum', 'x'])),
  )
  for (const [at, answer] of answers.entries()) {
    assertEchoed(answer, `/${at}`, bodyOf(20_000 + at, at), ['checksum', 'x'])
  }
  assert.deepEqual(asker.faults, [])
  assert.deepEqual([asker.machine.openStreams, asker.machine.heldBytes], [0, 0])
})

test('we keep to the number of streams that Node allows', async (t) => {
  const asker = await nodeServer(t, echo, { settings: { maxConcurrentStreams: 7 } })
  assert.equal(asker.machine.room, 7)
})

test('we hear 1xx answers, answers to HEAD, 204 and 304, and a reset of Node', async (t) => {
  const asker = await nodeServer(t, (stream, head) => {
    if (head[':path'] === '/reset') {
      stream.respond({ ':status': 200 })
      stream.write('half')
      setImmediate(() => stream.destroy(new Error('lost')))
      return
    }
    stream.additionalHeaders({ ':status': 103, link: 'a' })
    const status = head[':path'] === '/' ? 200 : Number(head[':path']?.slice(1))
    stream.respond({ ':status': status, ...(status === 204 ? {} : { 'content-length': 5 }) }, { endStream: true })
  })
  for (const [method, path, status] of [
    ['HEAD', '/', 200],
    ['GET', '/204', 204],
    ['GET', '/304', 304],
  ] as const) {
    const answer = await asker.ask(method, path)
    assert.deepEqual(
      [answer.status, answer.informational, answer.body.length, answer.reset],
      [status, [103], 0, undefined],
    )
  }
  assert.equal((await asker.ask('GET', '/reset')).reset, http2.constants.NGHTTP2_INTERNAL_ERROR)
  assert.deepEqual(asker.faults, [])
})

test("Node's GOAWAY leaves us no room, and refuses what it did not process", async (t) => {
  const asker = await nodeServer(t, (stream, head) => {
    if (head[':path'] === '/first') stream.session?.goaway(0, stream.id ?? 0)
    echo(stream, head)
  })
  const [first, second] = await Promise.all([asker.ask('GET', '/first'), asker.ask('GET', '/second')])
  assertEchoed(first, '/first', new Uint8Array(0), [])
  assert.equal(second.reset, http2.constants.NGHTTP2_REFUSED_STREAM)
  assert.equal(asker.machine.room, 0)
})

test('a stream that we reset ends at Node, and what it had sent meanwhile is let pass', async (t) => {
  let closed: number | undefined
  const asker = await nodeServer(t, (stream, head) => {
    if (head[':path'] !== '/endless') {
      echo(stream, head)
      return
    }
    stream.respond({ ':status': 200 })
    stream.write(bodyOf(200_000))
    stream.on('close', () => {
      closed = stream.rstCode
    })
  })
  const { nextStream } = asker.machine
  void asker.ask('GET', '/endless')
  const other = asker.ask('POST', '/other', bodyOf(100))
  asker.reset(nextStream)
  assertEchoed(await other, '/other', bodyOf(100), [])
  assertEchoed(await asker.ask('POST', '/more', bodyOf(100)), '/more', bodyOf(100), [])
  assert.equal(closed, http2.constants.NGHTTP2_CANCEL)
  assert.deepEqual(asker.faults, [])
})
