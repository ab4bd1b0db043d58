// A WebSocket machine in both roles: the same frames under any cut, unchanged bytes to pass on, and only frames of our own
// that a peer would take.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MisuseError } from '../../../protocols/errors.ts'
import { limits } from '../../../protocols/limits.ts'
import { WebSocketConnection } from '../../../protocols/websocket/connection.ts'
import { OPCODE, type WebSocketEvent, type WebSocketFrame } from '../../../protocols/websocket/events.ts'
import { assertAnyCut, cut, hear } from '../../support/cut.ts'
import { client, frameBytes, joined, joinPieces, KEY, masked, pattern, plain, server } from './frames.ts'

const SESSION: readonly [first: number, payload: Uint8Array | string][] = [
  [0x82, pattern(5)],
  [0x82, ''],
  [0x89, ''],
  [0x8a, 'pong'],
  [0x02, pattern(3)],
  [0x00, ''],
  [0x89, 'within a message'],
  [0x80, pattern(130)],
  [0x81, 'é€😀 text'],
  [0x01, Buffer.from('€').subarray(0, 1)],
  [0x80, Buffer.from('€').subarray(1)],
  [0x82, pattern(125)],
  [0x82, pattern(126)],
  [0x8a, pattern(125)],
  [0x88, Buffer.concat([Buffer.from([0x03, 0xe8]), Buffer.from('bye')])],
]

for (const [role, make, write] of [
  ['server', server, masked],
  ['client', client, plain],
] as const) {
  test(`a ${role} hears the same frames wherever the bytes are cut, and can pass each on unchanged`, () => {
    const bytes = Buffer.concat(SESSION.map(([first, payload]) => write(first, payload)))
    const { events } = assertAnyCut(make, bytes, { join: joinPieces })
    const frames = events.map(asFrame)
    assert.deepEqual(
      frames.map((frame) => [(frame.fin ? 0x80 : 0) | frame.opcode, Buffer.from(frame.payload)]),
      SESSION.map(([first, payload]) => [first, Buffer.from(payload)]),
    )
    assert.deepEqual(Buffer.concat(frames.flatMap((frame) => [frame.header, frame.raw])), bytes)
    assert.deepEqual(
      frames.map((frame) => frame.message),
      [2, 2, 9, 10, 2, 2, 9, 2, 1, 1, 1, 2, 2, 10, 8],
    )
    assert.ok(frames.every((frame) => frame.start && frame.end))
  })

  test(`a ${role} reads lengths of 16 and of 64 bits, wherever the header is cut`, () => {
    for (const length of [65_535, 65_536]) {
      const bytes = write(0x82, pattern(length))
      for (let at = 1; at <= 20; at++) {
        const { events } = hear(make(), cut(bytes, [at, 16_384, 1_000]), { join: joinPieces })
        assert.equal(events.length, 1)
        assert.deepEqual(asFrame(events[0]).payload, pattern(length), `cut at ${at}`)
      }
    }
  })

  test(`a ${role} hears nothing behind a CLOSE, and no fault at the end of the connection`, () => {
    const bytes = Buffer.concat([write(0x88, ''), write(0x82, 'late'), Buffer.from([0xff, 0xff])])
    const { events } = assertAnyCut(make, bytes, { end: true })
    assert.deepEqual(
      events.map((event) => asFrame(event).opcode),
      [OPCODE.CLOSE],
    )
    const machine = make()
    assert.equal(machine.isClosed, false)
    machine.receive(bytes)
    assert.equal(machine.isClosed, true)
  })

  test(`a ${role} is told when the connection ends without a CLOSE, and whether that cut something`, () => {
    const ends: readonly [Uint8Array, string][] = [
      [Buffer.alloc(0), 'websocket.end.no_close'],
      [write(0x82, 'x'), 'websocket.end.no_close'],
      [write(0x02, 'x'), 'websocket.end.cut_frame'],
      [write(0x82, 'x').subarray(0, 1), 'websocket.end.cut_frame'],
      [write(0x82, 'xy').subarray(0, -1), 'websocket.end.cut_frame'],
      [write(0x89, 'xy').subarray(0, -1), 'websocket.end.cut_frame'],
    ]
    for (const [bytes, rule] of ends) {
      const { events } = assertAnyCut(make, bytes, { join: joinPieces, end: true })
      assert.deepEqual(events.at(-1), { type: 'failed', error: { rule, code: 1002 } })
    }
  })
}

test('payload is handed on as it comes: only a header or a control frame is held back', () => {
  const data = masked(0x82, pattern(200))
  const machine = server()
  assert.deepEqual(machine.receive(data.subarray(0, 7)), [])
  const start = asFrame(machine.receive(data.subarray(7, 8))[0])
  assert.deepEqual([start.start, start.end, start.header.length, start.payload.length], [true, false, 8, 0])
  const piece = asFrame(machine.receive(data.subarray(8, 20))[0])
  assert.deepEqual([piece.start, piece.end, piece.header.length], [false, false, 0])
  assert.deepEqual(piece.payload, pattern(200).subarray(0, 12))
  assert.equal(asFrame(machine.receive(data.subarray(20))[0]).end, true)

  const ping = masked(0x89, 'abc')
  assert.deepEqual(machine.receive(ping.subarray(0, -1)), [])
  assert.equal(Buffer.from(asFrame(machine.receive(ping.subarray(-1))[0]).payload).toString(), 'abc')
})

test('a frame that is passed may wait in an output while later chunks are read', () => {
  const machine = server()
  const first = asFrame(machine.receive(masked(0x82, pattern(100, 1)))[0])
  const second = asFrame(machine.receive(masked(0x82, pattern(100, 2)))[0])
  assert.deepEqual(first.payload, pattern(100, 1))
  assert.deepEqual(second.payload, pattern(100, 2))
})

test('what one side writes the other side reads, at every length around the three forms of the header', () => {
  const lengths = [0, 1, 2, 3, 4, 5, 31, 32, 33, 124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537]
  for (const [writer, reader] of [
    [client(), server()],
    [server(), client()],
  ] as const) {
    for (const length of lengths) {
      writer.send({ type: 'frame', opcode: OPCODE.BINARY, payload: pattern(length) })
      const frame = asFrame(joined(reader.receive(Buffer.concat(writer.takeOutput())))[0])
      assert.equal(frame.opcode, OPCODE.BINARY)
      assert.deepEqual(frame.payload, pattern(length), `${length} bytes`)
    }
  }
})

test('a client masks each frame with the next key, and leaves the payload that it was given as it is', () => {
  const keys = [0x00000001, -2, 0xffffffff]
  let at = 0
  const machine = new WebSocketConnection('client', limits.websocket, () => keys[at++] as number)
  const payload = pattern(40)
  for (const key of [
    [0, 0, 0, 1],
    [0xff, 0xff, 0xff, 0xfe],
    [0xff, 0xff, 0xff, 0xff],
  ] as const) {
    machine.send({ type: 'frame', opcode: OPCODE.BINARY, payload })
    assert.deepEqual(Buffer.concat(machine.takeOutput()), frameBytes({ first: 0x82, payload: pattern(40), key }))
  }
  assert.deepEqual(payload, pattern(40))
})

test('commands come out in order: fragments, passed bytes, a Close with its reason', () => {
  const machine = server()
  machine.send({ type: 'frame', opcode: OPCODE.BINARY, payload: Buffer.from('a'), fin: false })
  machine.send({ type: 'frame', opcode: OPCODE.CONTINUATION, payload: Buffer.from('b') })
  machine.send({ type: 'pass', bytes: new Uint8Array(0) })
  machine.send({ type: 'pass', bytes: plain(0x82, 'passed') })
  machine.send({ type: 'close', code: 1008, reason: 'token expired' })
  const expected = [plain(0x02, 'a'), plain(0x80, 'b'), plain(0x82, 'passed'), plain(0x88, '\x03\xf0token expired')]
  expected[3] = plain(0x88, Buffer.concat([Buffer.from([0x03, 0xf0]), Buffer.from('token expired')]))
  assert.deepEqual(Buffer.concat(machine.takeOutput()), Buffer.concat(expected))
  assert.deepEqual(machine.takeOutput(), [])
})

test('what no peer would take is a misuse', () => {
  const long = new Uint8Array(126)
  const wrong: readonly ((machine: WebSocketConnection) => void)[] = [
    (machine) => machine.send({ type: 'frame', opcode: 3, payload: KEYLESS }),
    (machine) => machine.send({ type: 'frame', opcode: OPCODE.PING, payload: long }),
    (machine) => machine.send({ type: 'frame', opcode: OPCODE.PONG, payload: KEYLESS, fin: false }),
    (machine) => machine.send({ type: 'close', code: 1006, reason: '' }),
    (machine) => machine.send({ type: 'close', code: 999, reason: '' }),
    (machine) => machine.send({ type: 'close', code: 1000, reason: 'é'.repeat(62) }),
  ]
  for (const send of wrong) assert.throws(() => send(server()), MisuseError)
  assert.throws(() => new WebSocketConnection('client', limits.websocket), MisuseError)

  const closed = server()
  closed.send({ type: 'close', code: 1000, reason: '' })
  closed.send({ type: 'frame', opcode: OPCODE.PONG, payload: KEYLESS })
  assert.throws(() => closed.send({ type: 'frame', opcode: OPCODE.BINARY, payload: KEYLESS }), MisuseError)
  assert.throws(() => closed.send({ type: 'close', code: 1000, reason: '' }), MisuseError)
})

test('any frames, cut anywhere, are read as they were written', () => {
  const piece = fc.record({
    fin: fc.boolean(),
    payload: fc.uint8Array({ maxLength: 300 }),
    ping: fc.option(fc.uint8Array({ maxLength: 125 }), { nil: undefined }),
  })
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
      let continues = false
      const written: Buffer[] = []
      for (const { fin, payload, ping } of pieces) {
        if (ping !== undefined) written.push(masked(0x89, ping))
        written.push(masked((fin ? 0x80 : 0) | (continues ? 0 : 2), payload))
        continues = !fin
      }
      const { events } = assertAnyCut(server, Buffer.concat(written), { join: joinPieces })
      const frames = events.map(asFrame)
      assert.deepEqual(
        frames.map((frame) => Buffer.concat([frame.header, frame.raw])),
        written,
      )
    }),
    { numRuns: 15 },
  )
})

const KEYLESS = new Uint8Array(KEY.length)

function asFrame(event: WebSocketEvent | undefined): WebSocketFrame {
  assert.equal(event?.type, 'frame')
  return event as WebSocketFrame
}

test('an octet in front of a payload is payload like the rest, at every length around the forms of the header', () => {
  for (const length of [0, 1, 3, 30, 31, 32, 33, 124, 125, 126, 65_534, 65_535, 65_536]) {
    const payload = pattern(length)
    const whole = Buffer.concat([Uint8Array.of(0x81), payload])
    for (const make of [client, server]) {
      const led = make()
      led.send({ type: 'frame', opcode: OPCODE.BINARY, payload, lead: 0x81 })
      const plainly = make()
      plainly.send({ type: 'frame', opcode: OPCODE.BINARY, payload: whole })
      const bytes = Buffer.concat(led.takeOutput())
      assert.ok(bytes.equals(Buffer.concat(plainly.takeOutput())), `${length} octets`)
    }
  }
})
