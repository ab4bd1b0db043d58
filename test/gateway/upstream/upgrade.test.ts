import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { drive } from '../../../gateway/drive.ts'
import { type UpgradeAnswer, UpstreamFailed } from '../../../gateway/upstream/upstream.ts'
import type { Connection } from '../../../protocols/connection.ts'
import { MisuseError } from '../../../protocols/errors.ts'
import { limits } from '../../../protocols/limits.ts'
import { ask, Bench, get } from './support/cluster.ts'

let bench: Bench

beforeEach(async () => {
  bench = await Bench.open()
})

afterEach(() => bench.close())

const never = new AbortController().signal
const SPDY = {
  ...get('/exec', ['Upgrade', 'SPDY/3.1', 'X-Stream-Protocol-Version', 'v4.channel.k8s.io']),
  method: 'POST',
}
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const WEBSOCKET = get('/exec', [
  'Upgrade',
  'websocket',
  'Sec-WebSocket-Version',
  '13',
  'Sec-WebSocket-Key',
  KEY,
  'Sec-WebSocket-Protocol',
  'v5.channel.k8s.io, v4.channel.k8s.io',
])
// RFC 6455 section 1.3 gives this value for that key.
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

function switching(...lines: string[]): string {
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`
}

const SPDY_101 = switching('Connection: Upgrade', 'Upgrade: SPDY/3.1', 'X-Stream-Protocol-Version: v4.channel.k8s.io')

async function failure(asked: Promise<UpgradeAnswer>): Promise<[number, string]> {
  try {
    await asked
  } catch (error) {
    assert.ok(error instanceof UpstreamFailed, String(error))
    return [error.status, error.rule]
  }
  return assert.fail('it was answered')
}

/** A machine that echoes. */
class Echo implements Connection<Uint8Array, Uint8Array> {
  #output: Uint8Array[] = []
  ended = false

  receive(bytes: Uint8Array): readonly Uint8Array[] {
    return [bytes.slice()]
  }

  receiveEnd(): readonly Uint8Array[] {
    this.ended = true
    return []
  }

  send(bytes: Uint8Array): void {
    this.#output.push(bytes)
  }

  takeOutput(): readonly Uint8Array[] {
    const output = this.#output
    this.#output = []
    return output
  }
}

test('after a 101 the socket is the caller’s, with what came behind the head, and another machine can drive it', async () => {
  const heard: string[] = []
  const port = await bench.tls((socket, _, text) => {
    heard.push(text)
    if (heard.length === 1) socket.write(`${SPDY_101}first`)
  })
  const answer = await bench.upstream(port, { basePath: '/base' }).upgrade(SPDY, never)
  assert.ok(answer.switched)
  assert.equal(answer.head.status, 101)
  assert.equal(Buffer.from(answer.trailing).toString(), 'first')
  assert.match(heard[0] ?? '', /^POST \/base\/exec HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n/)
  for (const line of ['Connection: Upgrade', 'Upgrade: SPDY/3.1', 'Content-Length: 0']) {
    assert.equal(heard[0]?.split('\r\n').filter((other) => other.toLowerCase() === line.toLowerCase()).length, 1, line)
  }
  // Nothing that comes between the two owners is lost.
  const server = bench.connections[0] as TLSSocket
  await new Promise<void>((resolve) => server.write('second', () => resolve()))
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  let text = ''
  const machine = new Echo()
  const closed = new Promise<void>((resolve) => {
    const owner = {
      event: (bytes: Uint8Array) => {
        text += Buffer.from(bytes).toString()
        machine.send(bytes)
        if (text === 'firstsecond') server.end()
      },
      closed: () => resolve(),
    }
    drive(answer.socket, machine, owner, answer.trailing)
    answer.socket.resume()
  })
  await closed
  assert.equal(text, 'firstsecond')
  assert.ok(machine.ended)
  assert.equal(heard.slice(1).join(''), 'firstsecond')
})

test('an upgrade has a connection of its own, without ALPN, which never gets into the pool', async () => {
  const seen: (string | false | null)[] = []
  const port = await bench.tls(
    (socket, _, text) => {
      seen.push(socket.alpnProtocol)
      socket.write(text.startsWith('POST') ? SPDY_101 : 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    },
    { ALPNProtocols: ['http/1.1'] },
  )
  const upstream = bench.upstream(port)
  await ask(upstream, get('/'))
  const answer = await upstream.upgrade(SPDY, never)
  assert.ok(answer.switched)
  await ask(upstream, get('/'))
  assert.equal(bench.connections.length, 2)
  assert.deepEqual(seen, ['http/1.1', false, 'http/1.1'])
  upstream.close()
  assert.equal(answer.socket.destroyed, false, 'what was handed over is not the pool’s any more')
  answer.socket.destroy()
})

test('any other answer is read whole and its connection closed, so that nothing can follow (CVE-2018-1002105)', async () => {
  const answers: [string, number, string][] = [
    ['HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\ndenied', 403, 'denied'],
    ['HTTP/1.1 403 Forbidden\r\n\r\n', 403, ''],
    ['HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n', 400, 'no'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 200, 'ok'],
    ['HTTP/1.1 500 Internal Server Error\r\n\r\nraw until close', 500, 'raw until close'],
  ]
  for (const [bytes, status, body] of answers) {
    bench.connections.length = 0
    const heard: string[] = []
    const port = await bench.tls((socket, _, text) => {
      heard.push(text)
      socket.write(bytes)
      if (!/Content-Length|chunked/.test(bytes)) socket.end()
    })
    const upstream = bench.upstream(port)
    const asked = upstream.upgrade(SPDY, never)
    const answer = await asked
    assert.ok(!answer.switched)
    assert.equal(answer.head.status, status)
    assert.equal(Buffer.from(answer.body).toString(), body)
    const server = bench.connections[0] as TLSSocket
    if (!server.destroyed) await new Promise((resolve) => server.once('close', resolve))
    assert.equal(heard.length, 1)
  }
})

test('a 101 that does not match what was asked for is a 502, and its connection is closed', async () => {
  const good = ['Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Accept: ${ACCEPT}`]
  const other = createHash('sha1').update('other').digest('base64')
  const cases: [typeof SPDY, string][] = [
    [SPDY, switching('Connection: Upgrade', 'Upgrade: websocket')],
    [SPDY, switching('Connection: Upgrade', 'Upgrade: SPDY/3.1, websocket')],
    [SPDY, switching('Connection: Upgrade')],
    [SPDY, switching('Upgrade: SPDY/3.1')],
    [SPDY, switching('Connection: close', 'Upgrade: SPDY/3.1')],
    [WEBSOCKET, switching(...good.slice(0, 2))],
    [WEBSOCKET, switching(...good.slice(0, 2), `Sec-WebSocket-Accept: ${other}`)],
    [WEBSOCKET, switching(...good, `Sec-WebSocket-Accept: ${ACCEPT}`)],
    [WEBSOCKET, switching(...good, 'Sec-WebSocket-Protocol: v3.channel.k8s.io')],
    [WEBSOCKET, switching(...good, 'Sec-WebSocket-Protocol: v5.channel.k8s.io, v4.channel.k8s.io')],
    [WEBSOCKET, switching(...good, 'Sec-WebSocket-Extensions: permessage-deflate')],
    [SPDY, 'SSH-2.0-x\r\n\r\n'],
  ]
  for (const [request, bytes] of cases) {
    bench.connections.length = 0
    const port = await bench.tls((socket) => socket.write(bytes))
    assert.deepEqual(await failure(bench.upstream(port).upgrade(request, never)), [502, 'upstream.protocol'], bytes)
    const server = bench.connections[0] as TLSSocket
    if (!server.destroyed) await new Promise((resolve) => server.once('close', resolve))
  }
})

test('a WebSocket 101 that matches passes, also with the empty subprotocol that some servers send', async () => {
  const cases = ['Sec-WebSocket-Protocol: v5.channel.k8s.io', 'Sec-WebSocket-Protocol:', 'X-Other: 1']
  for (const line of cases) {
    const head = switching(
      'connection: keep-alive, upgrade',
      'upgrade: WebSocket',
      `Sec-WebSocket-Accept: ${ACCEPT}`,
      line,
    )
    const port = await bench.tls((socket) => socket.write(head))
    const answer = await bench.upstream(port).upgrade(WEBSOCKET, never)
    assert.ok(answer.switched, line)
    answer.socket.destroy()
  }
})

test('a redirect is a 502, whatever it points to', async () => {
  for (const status of [301, 302, 304, 307, 308]) {
    const port = await bench.tls((socket) =>
      socket.write(`HTTP/1.1 ${status} x\r\nLocation: https://127.0.0.1/\r\n\r\n`),
    )
    assert.deepEqual(await failure(bench.upstream(port).upgrade(SPDY, never)), [502, 'upstream.redirect'])
    assert.equal(bench.connections.length, 1)
    bench.connections.length = 0
  }
})

test('a refusal that is too long, too late, or cut short is a failure', async () => {
  const long = await bench.https((_, response) => {
    response.writeHead(403)
    response.end(Buffer.alloc(limits.gateway.requestBody + 1))
  })
  assert.deepEqual(await failure(bench.upstream(long).upgrade(SPDY, never)), [502, 'upstream.protocol'])
  for (const bytes of ['', 'HTTP/1.1 1', 'HTTP/1.1 403 x\r\nContent-Length: 3\r\n\r\nab']) {
    const port = await bench.tls((socket) => socket.end(bytes))
    assert.deepEqual(await failure(bench.upstream(port).upgrade(SPDY, never)), [502, 'upstream.closed'], bytes)
  }
  let asked = false
  const silent = await bench.tls((socket) => {
    asked = true
    socket.write('HTTP/1.1 403 x\r\nContent-Length: 3\r\n\r\nab') // drips: the deadline is for the whole answer
  })
  const waiting = failure(bench.upstream(silent).upgrade(SPDY, never))
  while (!asked) await new Promise(setImmediate)
  bench.pass(limits.gateway.answerMillis)
  assert.deepEqual(await waiting, [504, 'upstream.timeout'])
})

test('the signal gives an upgrade up: before the dial, in it, and while the answer is awaited', async () => {
  const port = await bench.tls(() => undefined)
  const upstream = bench.upstream(port)
  assert.deepEqual(await failure(upstream.upgrade(SPDY, AbortSignal.abort())), [503, 'upstream.aborted'])
  assert.equal(bench.connections.length, 0)

  const mute = createServer((socket) => socket.on('error', () => undefined))
  mute.listen(0, '127.0.0.1')
  await once(mute, 'listening')
  const dialled = once(mute, 'connection')
  const dialling = new AbortController()
  const first = failure(bench.upstream((mute.address() as { port: number }).port).upgrade(SPDY, dialling.signal))
  const [accepted] = await dialled
  dialling.abort()
  assert.deepEqual(await first, [503, 'upstream.aborted'])
  await new Promise((resolve) => accepted.once('close', resolve))
  mute.close()

  const waiting = new AbortController()
  const second = failure(upstream.upgrade(SPDY, waiting.signal))
  while (bench.connections.length === 0) await new Promise(setImmediate)
  const server = bench.connections[0] as TLSSocket
  const closed = new Promise((resolve) => server.once('close', resolve))
  waiting.abort()
  assert.deepEqual(await second, [503, 'upstream.aborted'])
  await closed
})

test('closing the upstream fails the upgrades that are under way', async () => {
  const upstream = bench.upstream(await bench.tls(() => undefined))
  const asked = failure(upstream.upgrade(SPDY, never))
  while (bench.connections.length === 0) await new Promise(setImmediate)
  upstream.close()
  assert.deepEqual(await asked, [503, 'upstream.closed'])
  assert.deepEqual(await failure(upstream.upgrade(SPDY, never)), [503, 'upstream.closed'])
})

test('an upgrade without its protocol, or with a body, is our bug', async () => {
  const upstream = bench.upstream(1)
  await assert.rejects(upstream.upgrade(get('/'), never), MisuseError)
  await assert.rejects(upstream.upgrade({ ...get('/', ['Upgrade', 'a, b']) }, never), MisuseError)
  await assert.rejects(upstream.upgrade({ ...SPDY, body: Buffer.from('x') }, never), MisuseError)
})
