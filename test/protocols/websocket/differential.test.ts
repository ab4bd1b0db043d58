// Our machine beside the npm package ws: it hears what ws hears or refuses it, refuses all that ws refuses, and talks with
// ws's own client and server, handshake included.

import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { WebSocket, WebSocketServer } from 'ws'
import type { Fields } from '../../../protocols/fields.ts'
import { OPCODE } from '../../../protocols/websocket/events.ts'
import { acceptKey, clientHandshakeFault, serverHandshakeFault } from '../../../protocols/websocket/handshake.ts'
import { cut } from '../../support/cut.ts'
import { client, frameBytes, KEY, pattern, server } from './frames.ts'
import { BAD_STREAMS, LONG_FORMS, prelude } from './refusals.ts'
import { ourReading, said, wsReading } from './ws-reading.ts'

const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536]
const ROLES = [
  { role: 'server', make: server, key: KEY },
  { role: 'client', make: client, key: undefined },
] as const

for (const { role, make, key } of ROLES) {
  test(`refuses as a ${role} whatever ws refuses, with its close code`, async () => {
    for (const { what, bytes, rule } of BAD_STREAMS) {
      const stream = [Buffer.concat([prelude(key), bytes(key), prelude(key)])]
      const theirs = await wsReading(role, stream)
      assert.notEqual(theirs.fault, undefined, `ws takes ${what}`)
      // To ws a negative length is one that is too long; RFC 6455 section 5.2 forbids the bit itself.
      const fault = rule === 'websocket.frame.length_sign' ? 1002 : theirs.fault
      assert.deepEqual(ourReading(make(), stream), { ...theirs, fault }, what)
    }
  })

  test(`refuses as a ${role} long forms of a length, which ws takes`, async () => {
    for (const { what, bytes } of LONG_FORMS) {
      const stream = [Buffer.concat([bytes(key), new Uint8Array(65_535)])]
      assert.equal((await wsReading(role, [bytes(key)])).fault, undefined, what)
      assert.equal(ourReading(make(), stream).fault, 1002)
    }
  })

  test(`hears as a ${role} what ws hears, or refuses it, in streams with faults at random`, async () => {
    let equal = 0
    let refused = 0
    await fc.assert(
      fc.asyncProperty(damagedStream(key), fc.array(fc.nat({ max: 40 }), { minLength: 1 }), async (bytes, lengths) => {
        const chunks = cut(bytes, lengths)
        const ours = ourReading(make(), chunks)
        const theirs = await wsReading(role, chunks)
        if (ours.fault === undefined) {
          equal += 1
          assert.deepEqual(ours, theirs)
        } else {
          refused += 1
          assert.deepEqual(ours.heard, theirs.heard.slice(0, ours.heard.length))
        }
      }),
      { numRuns: 1_500 },
    )
    // Both outcomes must be well represented, or this test says little.
    assert.ok(equal > 150 && refused > 150, `${equal} equal, ${refused} refused`)
  })
}

test('talks with the client of ws', async () => {
  const [near, far] = await loopback()
  const peer = new WebSocket('ws://peer/exec', ['v5.channel.k8s.io'], {
    createConnection: () => far,
    perMessageDeflate: false,
  })
  const { fields, trailing } = await readHead(near)
  assert.equal(clientHandshakeFault(fields), undefined)
  const key = fields[fields.indexOf('Sec-WebSocket-Key') + 1] as string
  near.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Accept: ${acceptKey(key)}\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n`,
  )
  await new Promise((resolve) => peer.once('open', resolve))
  await converse(near, trailing, server(), peer)
})

test('talks with the server of ws', async () => {
  const [near, far] = await loopback()
  const key = 'dGhlIHNhbXBsZSBub25jZQ=='
  const request = new IncomingMessage(new Socket())
  request.method = 'GET'
  request.headers = {
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-version': '13',
    'sec-websocket-key': key,
    'sec-websocket-protocol': 'v4.channel.k8s.io',
  }
  const peers = new WebSocketServer({ noServer: true })
  const connected = new Promise<WebSocket>((resolve) => {
    peers.handleUpgrade(request, far, Buffer.alloc(0), resolve)
  })
  const { fields, trailing } = await readHead(near)
  assert.equal(serverHandshakeFault(fields, key, ['v4.channel.k8s.io']), undefined)
  await converse(near, trailing, client(), await connected)
})

/** Two ends of one connection. */
async function loopback(): Promise<[Socket, Socket]> {
  const listener = createServer()
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>((resolve) => listener.once('connection', resolve))
  const near = connect((listener.address() as AddressInfo).port, '127.0.0.1')
  const far = await accepted
  listener.close()
  return [near, far]
}

/** Both ends say messages of every length and kind, then close; each must hear what the other said. */
async function converse(
  socket: Duplex,
  trailing: Uint8Array,
  machine: ReturnType<typeof server>,
  peer: WebSocket,
): Promise<void> {
  const chunks: Uint8Array[] = [trailing]
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.resume()
  const heardByPeer: string[] = []
  peer.on('message', (data: Buffer, isBinary) => heardByPeer.push(said(isBinary ? 2 : 1, data)))
  peer.on('ping', (data) => heardByPeer.push(said(9, data)))
  peer.on('pong', (data) => heardByPeer.push(said(10, data)))
  const closed = new Promise<[number, string]>((resolve) =>
    peer.once('close', (code, reason) => resolve([code, reason.toString()])),
  )
  const expected: string[] = []

  for (const length of LENGTHS) {
    const bytes = Buffer.from(pattern(length))
    peer.send(bytes)
    machine.send({ type: 'frame', opcode: OPCODE.BINARY, payload: bytes })
    expected.push(said(2, bytes))
    const text = 'é'.repeat(length >> 1)
    peer.send(text)
    machine.send({ type: 'frame', opcode: OPCODE.TEXT, payload: Buffer.from(text) })
    expected.push(said(1, Buffer.from(text)))
  }
  for (const part of ['', 'ab', 'cdé']) peer.send(Buffer.from(part), { binary: true, fin: part === 'cdé' })
  machine.send({ type: 'frame', opcode: OPCODE.BINARY, payload: Buffer.from('ab'), fin: false })
  machine.send({ type: 'frame', opcode: OPCODE.PONG, payload: Buffer.from('between') })
  machine.send({ type: 'frame', opcode: OPCODE.CONTINUATION, payload: Buffer.from('cdé') })
  peer.pong('between')
  const message = said(2, Buffer.from('abcdé'))
  const pong = said(10, Buffer.from('between'))
  for (const piece of machine.takeOutput()) socket.write(piece)
  machine.send({ type: 'close', code: 1008, reason: 'token expired' })
  for (const piece of machine.takeOutput()) socket.write(piece)
  socket.end()
  // ws answers a Close with its own payload, behind what it has said before.
  assert.deepEqual(await closed, [1008, 'token expired'])

  assert.deepEqual(heardByPeer, [...expected, pong, message])
  const close = said(8, Buffer.concat([Uint8Array.of(0x03, 0xf0), Buffer.from('token expired')]))
  const { heard, fault } = ourReading(machine, chunks)
  assert.equal(fault, undefined)
  assert.deepEqual(heard, [...expected, message, pong, close])
  socket.destroy()
}

/** Frames in a sound order, most of them; then a few octets changed, left out or put in. */
function damagedStream(key: typeof KEY | undefined): fc.Arbitrary<Buffer> {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.string({ unit: 'binary', maxLength: 10 }).map((text) => new Uint8Array(Buffer.from(text))),
    fc.constantFrom(Uint8Array.of(0x03, 0xe8), Uint8Array.of(0x0b, 0xb8, 0x41), pattern(126)),
  )
  const first = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(0x82, 0x81, 0x89, 0x8a) },
    { weight: 1, arbitrary: fc.constantFrom(0x88, 0x02, 0x01, 0x80, 0x00) },
  )
  const frames = fc.array(fc.tuple(first, payload), { minLength: 1, maxLength: 8 })
  const damages = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 }), fc.constantFrom('set', 'drop', 'insert')), {
    maxLength: 2,
  })
  return fc.tuple(frames, damages).map(([list, faults]) => {
    const parts = list.map(([octet, bytes]) =>
      frameBytes({ first: octet, payload: bytes, ...(key === undefined ? {} : { key }) }),
    )
    const octets = [...Buffer.concat(parts)]
    for (const [place, value, how] of faults) {
      const at = place % Math.max(1, octets.length)
      octets.splice(at, how === 'insert' ? 0 : 1, ...(how === 'drop' ? [] : [value]))
    }
    return Buffer.from(octets)
  })
}

/** Reads an HTTP head, and pauses the socket behind it. */
async function readHead(socket: Duplex): Promise<{ fields: Fields; trailing: Uint8Array }> {
  let bytes = Buffer.alloc(0)
  const end = await new Promise<number>((resolve) => {
    const take = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk])
      const at = bytes.indexOf('\r\n\r\n')
      if (at === -1) return
      socket.pause()
      socket.off('data', take)
      resolve(at)
    }
    socket.on('data', take)
  })
  const lines = bytes.toString('latin1', 0, end).split('\r\n').slice(1)
  const fields = lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
  return { fields, trailing: bytes.subarray(end + 4) }
}
