import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { Deadlines } from '../../../gateway/deadlines.ts'
import { type Arrival, ListenError, Listener, type ListenOptions, parseAddress } from '../../../gateway/listen.ts'
import { limits, setLimits } from '../../../protocols/limits.ts'
import { type PeerIdentity, peerIdentity } from '../../support/peer-pki.ts'

let peer: PeerIdentity
let now = 0
const deadlines = new Deadlines(() => now)
const open: { listeners: Listener[]; sockets: Socket[] } = { listeners: [], sockets: [] }

before(async () => {
  peer = await peerIdentity()
})

after(() => {
  for (const socket of open.sockets) socket.destroy()
  for (const listener of open.listeners) listener.close()
  deadlines.close()
})

interface Running {
  readonly listener: Listener
  readonly arrivals: Arrival[]
  /** Resolves with the next refusal. */
  nextRefusal(): Promise<string>
  nextArrival(): Promise<Arrival>
}

async function listen(options: Partial<ListenOptions> = {}): Promise<Running> {
  const arrivals: Arrival[] = []
  const events = new EventEmitter()
  const listener = await Listener.open({
    address: '127.0.0.1:0',
    identity: { key: peer.key, cert: peer.cert, caPath: undefined },
    protocols: new Map([
      [
        'http/1.1',
        (arrived: Arrival) => {
          open.sockets.push(arrived.socket)
          arrivals.push(arrived)
          events.emit('arrived', arrived)
        },
      ],
    ]),
    deadlines,
    refused: (why) => {
      events.emit('refused', why)
    },
    ...options,
  })
  open.listeners.push(listener)
  return {
    listener,
    arrivals,
    nextRefusal: async () => (await once(events, 'refused'))[0],
    nextArrival: async () => (await once(events, 'arrived'))[0],
  }
}

function portOf(running: Running): number {
  return parseAddress(running.listener.address).port
}

async function dial(running: Running, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: portOf(running), ca: peer.ca, servername: 'localhost', ...options })
  open.sockets.push(socket)
  await once(socket, 'secureConnect')
  return socket
}

function raw(running: Running): Socket {
  const socket = connectTcp(portOf(running), '127.0.0.1')
  socket.on('error', () => undefined)
  open.sockets.push(socket)
  return socket
}

test('a client that offers h2 and http/1.1 gets http/1.1, and one without ALPN the same session', async () => {
  const running = await listen()
  let arriving = running.nextArrival()
  const modern = await dial(running, { ALPNProtocols: ['h2', 'http/1.1'] })
  assert.equal(modern.alpnProtocol, 'http/1.1')
  const first = await arriving
  assert.equal(first.client, `127.0.0.1:${modern.localPort}`)
  arriving = running.nextArrival()
  const plain = await dial(running)
  assert.equal(plain.alpnProtocol, false)
  assert.equal((await arriving).socket.alpnProtocol, false)
})

test('a client that offers only another protocol is refused in the handshake', async () => {
  const running = await listen()
  const refused = running.nextRefusal()
  await assert.rejects(dial(running, { ALPNProtocols: ['h2'] }))
  await refused
  assert.equal(running.arrivals.length, 0)
})

test('TLS 1.2 and 1.3 are spoken, 1.1 is not, and nobody renegotiates', async () => {
  const running = await listen()
  assert.equal((await dial(running)).getProtocol(), 'TLSv1.3')
  const old = await dial(running, { maxVersion: 'TLSv1.2' })
  assert.equal(old.getProtocol(), 'TLSv1.2')
  assert.match(old.getCipher().name, /^ECDHE-ECDSA-(AES|CHACHA)/)
  const renegotiated = await new Promise<Error | null>((resolve) => {
    old.on('error', resolve)
    old.renegotiate({}, resolve)
  })
  assert.ok(renegotiated instanceof Error)
  await assert.rejects(dial(running, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }))
  await assert.rejects(dial(running, { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }))
})

test('a session is resumed', async () => {
  const running = await listen()
  const first = await dial(running, { maxVersion: 'TLSv1.2' })
  const session = first.getSession() as Buffer
  const second = await dial(running, { maxVersion: 'TLSv1.2', session })
  assert.ok(second.isSessionReused())
})

test('strange server names and bytes that are no TLS harm nobody', async () => {
  const running = await listen()
  for (const servername of ['__proto__', 'constructor', 'LOCALHOST', `${'a.'.repeat(120)}example`]) {
    const arriving = running.nextArrival()
    await dial(running, { servername, checkServerIdentity: () => undefined })
    await arriving
  }
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\x16\x03\x01\xff\xff', '\0']) {
    const refused = running.nextRefusal()
    const socket = raw(running)
    socket.end(bytes)
    await refused
  }
  await dial(running)
})

test('past the cap on the unidentified a newcomer is closed, until one is identified or gone', async () => {
  setLimits({ gateway: { unidentified: 20 } })
  const running = await listen()
  const sockets: Socket[] = []
  // Bare TCP connections count too: a handshake that never comes is a cheap way to hold a place.
  while (sockets.length < limits.gateway.unidentified - 2) {
    const socket = raw(running)
    sockets.push(socket)
    await once(socket, 'connect')
  }
  const arriving = running.nextArrival()
  await dial(running)
  const known = await arriving
  const second = running.nextArrival()
  const fleeting = await dial(running)
  await second
  assert.equal(running.listener.unidentified, limits.gateway.unidentified)

  let refused = running.nextRefusal()
  await assert.rejects(dial(running))
  assert.equal(await refused, 'unidentified')

  known.identified()
  known.identified()
  assert.equal(running.listener.unidentified, limits.gateway.unidentified - 1)
  await dial(running)
  refused = running.nextRefusal()
  await assert.rejects(dial(running))
  await refused

  const left = once(running.arrivals[1]?.socket as TLSSocket, 'close')
  fleeting.destroy()
  await left
  await new Promise(setImmediate)
  await dial(running)
  for (const socket of sockets) socket.destroy()
})

test('past the caps on one address a newcomer is closed, until one has gone', async () => {
  setLimits({ gateway: { addressConnections: 4, addressUnidentified: 2 } })
  const running = await listen()
  const arrive = async (): Promise<Arrival> => {
    const arriving = running.nextArrival()
    await dial(running)
    return arriving
  }
  const first = await arrive()
  await arrive()
  let refused = running.nextRefusal()
  await assert.rejects(dial(running))
  assert.equal(await refused, 'address_unidentified')
  for (const arrival of running.arrivals) arrival.identified()
  for (let more = 0; more < 2; more++) (await arrive()).identified()
  refused = running.nextRefusal()
  await assert.rejects(dial(running))
  assert.equal(await refused, 'address_connections')
  const left = once(first.socket, 'close')
  first.socket.destroy()
  await left
  await new Promise(setImmediate)
  await arrive()
  setLimits({ gateway: { addressConnections: 2_000, addressUnidentified: 200 } })
})

test('with memory at its end the newest half of the strangers goes', async () => {
  const running = await listen()
  const arrivals: Arrival[] = []
  for (let count = 0; count < 4; count++) {
    const arriving = running.nextArrival()
    await dial(running)
    arrivals.push(await arriving)
  }
  arrivals[3]?.identified()
  const gone = [arrivals[1], arrivals[2]].map((arrival) => once(arrival?.socket as TLSSocket, 'close'))
  running.listener.dropStrangers()
  await Promise.all(gone)
  assert.equal(arrivals[0]?.socket.destroyed, false)
  assert.equal(arrivals[3]?.socket.destroyed, false)
})

test('a handshake has a deadline that no drip of bytes moves, and a client that kept it is left alone', async () => {
  const running = await listen()
  const quick = await dial(running)
  const slow = raw(running)
  await once(slow, 'connect')
  await dial(running) // the slow one, which came before, has been accepted by now
  slow.write('\x16')
  now += limits.gateway.handshakeMillis - 1
  deadlines.look()
  slow.write('\x03')
  now += 1
  const closed = new Promise((resolve) => slow.once('close', resolve)) // a reset is as good as an end
  const refused = running.nextRefusal()
  deadlines.look()
  assert.equal(await refused, 'handshake')
  await closed
  assert.equal(quick.destroyed, false)
})

test('closing accepts nobody, drops handshakes, and leaves the clients that were handed on', async () => {
  const running = await listen()
  const arriving = running.nextArrival()
  const client = await dial(running)
  const { socket } = await arriving
  const half = raw(running)
  await once(half, 'connect')
  await new Promise(setImmediate)
  const port = portOf(running)
  const dropped = once(half, 'close')
  running.listener.close()
  await dropped
  await assert.rejects(once(connectTcp(port, '127.0.0.1'), 'connect'))
  socket.write('still here')
  assert.equal(String((await once(client, 'data'))[0]), 'still here')
})

test('a renewed certificate is shown to the next client', async () => {
  const running = await listen()
  const before = (await dial(running)).getPeerCertificate().fingerprint256
  const next = await peerIdentity()
  running.listener.renew({ key: next.key, cert: next.cert, caPath: undefined })
  const after = (await dial(running, { ca: next.ca })).getPeerCertificate().fingerprint256
  assert.notEqual(after, before)
})

test('addresses are HOST:PORT with brackets around IPv6, and a port that is taken is said plainly', async () => {
  assert.deepEqual(parseAddress('127.0.0.1:8443'), { host: '127.0.0.1', port: 8443 })
  assert.deepEqual(parseAddress('[::1]:0'), { host: '::1', port: 0 })
  assert.deepEqual(parseAddress('gateway.example:443'), { host: 'gateway.example', port: 443 })
  assert.deepEqual(parseAddress(':8443'), { host: undefined, port: 8443 })
  for (const bad of ['8443', '::1:8443', '[::1]', 'host:', 'host:65536', 'host:1e3', 'a b:x', '']) {
    assert.throws(() => parseAddress(bad), ListenError, bad)
  }
  const running = await listen()
  await assert.rejects(listen({ address: running.listener.address }), {
    constructor: ListenError,
    message: /another process listens there/,
  })
})
