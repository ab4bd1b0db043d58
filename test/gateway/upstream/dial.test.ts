import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import { limits } from '../../../protocols/limits.ts'
import { clientCertificate, peerIdentity } from '../../support/peer-pki.ts'
import { type Answer, ask, Bench, get, start } from './support/cluster.ts'

let bench: Bench

beforeEach(async () => {
  bench = await Bench.open()
})

afterEach(() => bench.close())

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'

function assertFailed(answer: Answer, status: number, rule: string, message: RegExp): void {
  assert.deepEqual([answer.failure?.status, answer.failure?.rule], [status, rule], answer.failure?.message)
  assert.match(answer.failure?.message ?? '', message)
}

test('a certificate that does not pass is a 502 that says what is wrong, and no request is sent', async () => {
  const stranger = await peerIdentity()
  let heard = 0
  const port = await bench.tls(() => heard++)
  const cases: [object, RegExp][] = [
    [{ serverName: 'api.example' }, /for another name.*ERR_TLS_CERT_ALTNAME_INVALID/],
    [{ serverName: '10.0.0.1' }, /for another name/],
    [{ ca: stranger.ca }, /authority that is not the configured/],
    [{ ca: undefined }, /authority that is not the configured/],
  ]
  for (const [address, message] of cases) {
    assertFailed(await ask(bench.upstream(port, address), get('/')), 502, 'upstream.certificate', message)
  }
  assert.equal(heard, 0)
})

test('names and IP addresses are both checked, and only names are sent as SNI', async () => {
  const names: (string | false | null)[] = []
  const port = await bench.tls((socket) => {
    names.push(socket.servername)
    socket.write(OK)
  })
  for (const serverName of ['localhost', '127.0.0.1', '::1']) {
    assert.equal((await ask(bench.upstream(port, { serverName }), get('/'))).failure, undefined, serverName)
  }
  assert.deepEqual(names, ['localhost', false, false])
})

test('HTTP/2 is offered first until the cluster has chosen HTTP/1.1, and no other answer is taken', async () => {
  const offers: string[][] = []
  const port = await bench.tls((socket) => socket.write(OK), {
    ALPNCallback: ({ protocols }: { protocols: string[] }) => {
      offers.push(protocols)
      return 'http/1.1'
    },
  })
  const upstream = bench.upstream(port)
  const both = await Promise.all([ask(upstream, get('/')), ask(upstream, get('/'))])
  assert.deepEqual([both[0]?.text, both[1]?.text], ['ok', 'ok'])
  assert.deepEqual(offers, [['h2', 'http/1.1'], ['http/1.1']])
  const other = await bench.tls(() => undefined, { ALPNProtocols: ['spdy/3.1'] })
  assertFailed(
    await ask(bench.upstream(other), get('/')),
    502,
    'upstream.protocol',
    /does not speak TLS as the gateway does/,
  )
})

test('sessions are resumed, in TLS 1.2 and 1.3', async () => {
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const reused: boolean[] = []
    const port = await bench.tls(
      (socket) => {
        reused.push(socket.isSessionReused())
        socket.write(OK)
      },
      { minVersion: version, maxVersion: version },
    )
    const upstream = bench.upstream(port)
    for (let at = 0; at < 3; at++) await ask(upstream, get('/'))
    assert.deepEqual(reused, [false, true, true], version)
  }
})

test('TLS 1.1 is not spoken', async () => {
  const port = await bench.tls(() => undefined, {
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  assertFailed(await ask(bench.upstream(port), get('/')), 502, 'upstream.protocol', /does not speak TLS/)
})

test('nobody there is a 502, and so is one who speaks no TLS or hangs up', async () => {
  const closed = createServer()
  closed.listen(0, '127.0.0.1')
  await new Promise((resolve) => closed.once('listening', resolve))
  const { port } = closed.address() as { port: number }
  await new Promise((resolve) => closed.close(resolve))
  assertFailed(await ask(bench.upstream(port), get('/')), 502, 'upstream.refused', /cannot be reached \(ECONNREFUSED\)/)

  for (const [bytes, rule] of [
    ['HTTP/1.1 400 Bad Request\r\n\r\n', 'upstream.protocol'],
    ['', 'upstream.refused'],
  ] as const) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end(bytes)
    })
    server.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const answer = await ask(bench.upstream((server.address() as { port: number }).port), get('/'))
    assertFailed(answer, 502, rule, /prod/)
    server.close()
  }
})

test('a handshake that takes too long is a 504', async () => {
  const server = createServer((socket) => socket.on('error', () => undefined))
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const accepted = new Promise<{ destroy(): void }>((resolve) => server.once('connection', resolve))
  const { answer } = start(bench.upstream((server.address() as { port: number }).port), get('/'))
  const socket = await accepted
  bench.pass(limits.gateway.dialMillis - 1)
  assert.equal(answer.over, 0)
  bench.pass(1)
  assertFailed(await answer.done, 504, 'upstream.timeout', /did not accept a connection in time/)
  socket.destroy()
  server.close()
})

test('a client certificate is shown', async () => {
  const certificate = await clientCertificate()
  const shown: string[] = []
  const port = await bench.tls(
    (socket) => {
      shown.push(socket.getPeerCertificate().subject.CN as string)
      socket.write(OK)
    },
    { requestCert: true, rejectUnauthorized: true, ca: certificate.certificate },
  )
  assert.equal((await ask(bench.upstream(port, {}, { certificate }), get('/'))).failure, undefined)
  assert.deepEqual(shown, ['gateway'])
  assertFailed(
    await ask(bench.upstream(port), get('/')),
    503,
    'upstream.credentials',
    /refuses the gateway's client certificate/,
  )
})
