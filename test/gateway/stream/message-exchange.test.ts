// An answer in messages over an in-memory socket: a client that reads slowly, one that leaves, one that floods, and answers
// that are broken off.

import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { test } from 'node:test'
import { Deadlines } from '../../../gateway/deadlines.ts'
import type { Exchange } from '../../../gateway/exchange.ts'
import { MessageExchange } from '../../../gateway/stream/message-exchange.ts'
import type { AnswerKind } from '../../../protocols/kube/handshake.ts'
import { limits } from '../../../protocols/limits.ts'
import { WebSocketConnection } from '../../../protocols/websocket/connection.ts'
import { OPCODE } from '../../../protocols/websocket/events.ts'
import { duplexPair } from '../../support/duplex-pair.ts'

const NOTHING = new Uint8Array(0)
const turns = async (count = 8): Promise<void> => {
  for (let at = 0; at < count; at++) await new Promise((resolve) => setImmediate(resolve))
}

/** An exchange that has switched; what was done with it, in order, and the client's frames as "opcode text". */
function scene(kind: AnswerKind, { base64 = false, trailing = NOTHING as Uint8Array, room = 65_536 } = {}) {
  const [far, near] = duplexPair(room)
  const did: string[] = []
  const frames: string[] = []
  const client = new WebSocketConnection('client', limits.websocket, () => 7)
  let payload: Uint8Array = NOTHING
  const begin = (): Duplex =>
    far.on('data', (bytes: Buffer) => {
      for (const event of client.receive(bytes)) {
        if (event.type === 'failed') throw event.error
        payload = Buffer.concat([payload, event.payload])
        if (!event.end) continue
        const text = Buffer.from(payload)
        payload = NOTHING
        frames.push(event.opcode === OPCODE.CLOSE ? `closed ${text.readUInt16BE()}` : `${event.opcode} ${text}`)
      }
    })
  const inner = {
    owner: undefined,
    user: 'alice',
    switch: () => {
      did.push('101')
      return { socket: near, trailing }
    },
    respond: (status: number) => did.push(`respond ${status}`),
    write: () => did.push('write') > 0,
    end: () => did.push('end'),
    abort: () => did.push('abort'),
    answer: (status: number) => did.push(`answer ${status}`),
  } as unknown as Exchange
  const deadlines = new Deadlines(() => 0)
  deadlines.close()
  const exchange = new MessageExchange(inner, { kind, base64, bearer: undefined, fields: [] }, deadlines, {
    switching: () => did.push('switching'),
    fault: ({ rule }) => did.push(rule),
    over: () => did.push('over'),
  })
  exchange.owner = { drained: () => did.push('drained'), gone: () => did.push('gone') }
  const send = (opcode: number, payload = NOTHING): void => {
    client.send({ type: 'frame', opcode, payload })
    for (const piece of client.takeOutput()) far.write(piece)
  }
  return { far, near, inner, exchange, did, frames, begin, send }
}

test('a watch’s events are messages, and its end closes the connection', async () => {
  const { exchange, did, frames, begin } = scene('watch')
  begin()
  exchange.respond(200, '', [], undefined)
  assert.equal(exchange.write(Buffer.from('{"a":1}\n{"b"')), true)
  exchange.write(Buffer.from(':2}\n'))
  exchange.end([])
  await turns()
  assert.deepEqual(frames, ['1 {"a":1}', '1 {"b":2}', 'closed 1000'])
  assert.deepEqual(did, ['switching', '101', 'over'])
})

test('a log’s pieces are messages, each base64 of its own', async () => {
  const { exchange, frames, begin } = scene('log', { base64: true })
  begin()
  exchange.respond(200, '', [], undefined)
  exchange.write(Buffer.from('a'))
  exchange.write(Buffer.from('bc'))
  exchange.end([])
  await turns()
  assert.deepEqual(frames, ['1 ', '1 YQ==', '1 YmM=', 'closed 1000'])
})

test('an answer that breaks off, or ends within an event, is not closed as complete', async () => {
  for (const kind of ['log', 'watch'] as const) {
    const { exchange, did, frames, begin } = scene(kind)
    begin()
    exchange.respond(200, '', [], undefined)
    exchange.write(Buffer.from('{"a":'))
    if (kind === 'log') exchange.abort()
    else exchange.end([])
    await turns()
    assert.equal(frames.at(-1), 'closed 1001')
    assert.equal(did.at(-1), 'over')
    assert.equal(did.includes('json.watch.cut'), kind === 'watch')
  }
})

test('a client that takes nothing stops the answer until it does', async () => {
  const { exchange, near, did, begin } = scene('log', { room: 1_000 })
  exchange.respond(200, '', [], undefined)
  await turns()
  while (exchange.write(Buffer.alloc(700))) await turns()
  await turns()
  assert.equal(near.writableNeedDrain, true)
  assert.equal(did.includes('drained'), false)
  begin()
  await turns(20)
  assert.equal(did.includes('drained'), true)
  assert.equal(exchange.write(Buffer.alloc(1)), true)
})

test('pings of a client that takes nothing are not read', async () => {
  const { exchange, near, begin, send, frames } = scene('log', { room: 1_000 })
  exchange.respond(200, '', [], undefined)
  for (let at = 0; at < 200; at++) send(OPCODE.PING, Buffer.alloc(100, 0x70))
  await turns(50)
  assert.ok(near.writableLength < 3_000, String(near.writableLength))
  begin()
  await turns(3_000)
  assert.equal(frames.length, 201)
})

test('a client that closes, or is gone, ends the answer once', async () => {
  for (const leave of ['close', 'end', 'destroy'] as const) {
    const { exchange, far, did, frames, begin, send } = scene('watch')
    begin()
    exchange.respond(200, '', [], undefined)
    await turns()
    if (leave === 'close') send(OPCODE.CLOSE, Buffer.from([0x03, 0xe8]))
    else if (leave === 'end') far.end()
    else far.destroy()
    await turns()
    assert.deepEqual(did, ['switching', '101', 'gone', 'over'], leave)
    if (leave === 'close') assert.deepEqual(frames, ['closed 1000'])
    assert.equal(exchange.isGone, true)
    exchange.write(Buffer.from('{}'))
    exchange.abort()
    exchange.end([])
    assert.equal(did.length, 4)
  }
})

test('data from the client ends the connection, also what came behind its request', async () => {
  const frame = new WebSocketConnection('client', limits.websocket, () => 7)
  frame.send({ type: 'frame', opcode: OPCODE.TEXT, payload: Buffer.from('hi') })
  const { exchange, did, frames, begin } = scene('watch', { trailing: Buffer.concat(frame.takeOutput()) })
  begin()
  exchange.respond(200, '', [], undefined)
  await turns()
  assert.deepEqual(did, ['switching', '101', 'stream.data_to_answer', 'gone', 'over'])
  assert.deepEqual(frames, ['closed 1008'])
})

test('what is no 200 is an answer by HTTP, and so is a refusal', () => {
  const refused = scene('watch')
  refused.exchange.answer(403, [], NOTHING, false)
  assert.deepEqual(refused.did, ['answer 403', 'over'])
  const other = scene('log')
  other.exchange.respond(404, '', [], 3)
  other.exchange.write(Buffer.from('no!'))
  other.exchange.end([])
  assert.deepEqual(other.did, ['respond 404', 'write', 'end', 'over'])
  const left = scene('watch')
  left.inner.owner?.gone()
  assert.deepEqual(left.did, ['gone', 'over'])
})
