// Two machines back to back, as in the gateway: frames pass byte for byte until a header block of ours, or one that was
// left out, parts the two zlib contexts; from then on the receiver reads what we deflate. The receiver is node:zlib.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { limits } from '../../../protocols/limits.ts'
import { SpdyConnection } from '../../../protocols/spdy/connection.ts'
import type { SpdyCommand, SpdyEvent } from '../../../protocols/spdy/events.ts'
import { block, control, data, PeerDeflater, PeerInflater, split, synStream, unblock } from './frames.ts'

interface Middle {
  readonly client: SpdyConnection
  readonly cluster: SpdyConnection
}

const middle = (): Middle => ({
  client: new SpdyConnection('server', limits.spdy),
  cluster: new SpdyConnection('client', limits.spdy),
})

/** The command that passes an event on. */
function passing(event: SpdyEvent): SpdyCommand[] {
  switch (event.type) {
    case 'failed':
      throw event.error
    case 'data':
      return [
        { type: 'pass', bytes: event.header },
        { type: 'pass', bytes: event.payload },
      ]
    case 'synStream':
    case 'synReply':
    case 'headers':
      return [{ type: 'passHeaders', event }]
    default:
      return [{ type: 'pass', bytes: event.raw }]
  }
}

function pass(from: SpdyConnection, to: SpdyConnection, bytes: Uint8Array): Buffer {
  for (const event of from.receive(bytes)) for (const command of passing(event)) to.send(command)
  return Buffer.concat(to.takeOutput())
}

/** The header lists of the header frames in `bytes`, read by node:zlib. */
function headersIn(bytes: Buffer, inflater: PeerInflater): [string, string][][] {
  return split(bytes)
    .filter((frame) => (frame[0] as number) >= 0x80 && [1, 2, 8].includes(frame.readUInt16BE(2)))
    .map((frame) => unblock(inflater.inflate(frame.subarray(frame.readUInt16BE(2) === 1 ? 18 : 12))))
}

test('frames of every type pass byte for byte in both directions', () => {
  const { client, cluster } = middle()
  const fromClient = new PeerDeflater()
  const fromCluster = new PeerDeflater()
  const turns: readonly [from: SpdyConnection, to: SpdyConnection, bytes: Buffer][] = [
    [client, cluster, synStream(1, fromClient.deflate(block(['streamtype', 'error'])))],
    [cluster, client, control(2, 0, 1, fromCluster.deflate(block()))],
    [client, cluster, synStream(3, fromClient.deflate(block(['streamtype', 'stdin'])))],
    [cluster, client, control(2, 0, 3, fromCluster.deflate(block(['x', 'y'])))],
    [client, cluster, Buffer.concat([data(3, 'in'), control(6, 0, 1), data(3, '', 1)])],
    [
      cluster,
      client,
      Buffer.concat([control(6, 0, 1), data(1, 'done'), control(8, 1, 1, fromCluster.deflate(block()))]),
    ],
    [client, cluster, Buffer.concat([control(9, 0, 1, 5), control(4, 0, 0), control(3, 0, 1, 5)])],
    [cluster, client, Buffer.concat([control(3, 0, 3, 5), control(7, 0, 3, 0)])],
  ]
  for (const [from, to, bytes] of turns) assert.deepEqual(pass(from, to, bytes), bytes)
})

test('a header block of our own first: all that follow are deflated anew', () => {
  const { client, cluster } = middle()
  const source = new PeerDeflater()
  const receiver = new PeerInflater()
  cluster.send({ type: 'synStream', streamId: 1, headers: ['streamtype', 'ours'] })
  const ours = Buffer.concat(cluster.takeOutput())
  const frame = synStream(3, source.deflate(block(['streamtype', 'theirs'], ['port', '80'])), 1)
  const passed = pass(client, cluster, frame)
  assert.notDeepEqual(passed, frame)
  assert.deepEqual(passed.subarray(0, 5), frame.subarray(0, 5), 'type and flags stay')
  assert.deepEqual(headersIn(Buffer.concat([ours, passed]), receiver), [
    [['streamtype', 'ours']],
    [
      ['streamtype', 'theirs'],
      ['port', '80'],
    ],
  ])
})

test('fields of a SYN_STREAM survive being deflated anew', () => {
  const { client, cluster } = middle()
  const source = new PeerDeflater()
  client.receive(synStream(1, source.deflate(block())))
  const frame = control(1, 3, 3, 1, Uint8Array.of(6 << 5, 0), source.deflate(block(['a', '1\x002'])))
  const passed = pass(client, cluster, frame)
  assert.equal(passed.subarray(0, 5).toString('hex'), '8003000103')
  assert.equal(passed.subarray(8, 18).toString('hex'), '0000000300000001c000')
})

test('a refused stream is simply not passed: the next one still reads right', () => {
  const { client, cluster } = middle()
  const source = new PeerDeflater()
  const receiver = new PeerInflater()
  const open = (streamId: number, port: string): Buffer =>
    synStream(streamId, source.deflate(block(['streamtype', 'data'], ['port', port], ['requestid', '0'])))
  const first = pass(client, cluster, open(1, '8080'))
  client.receive(open(3, '22'))
  const third = pass(client, cluster, open(5, '8080'))
  assert.deepEqual(headersIn(Buffer.concat([first, third]), receiver), [
    [
      ['streamtype', 'data'],
      ['port', '8080'],
      ['requestid', '0'],
    ],
    [
      ['streamtype', 'data'],
      ['port', '8080'],
      ['requestid', '0'],
    ],
  ])
})

test('whatever is passed, left out or put in between, the receiver reads the headers that were meant', () => {
  const step = fc.record({
    kind: fc.constantFrom('pass', 'pass', 'pass', 'leave out', 'own'),
    fields: fc.dictionary(
      fc.constantFrom('streamtype', 'port', 'requestid', 'x-a'),
      fc.stringMatching(/^[ -~]{0,40}$/),
      {
        noNullPrototype: true,
      },
    ),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const { client, cluster } = middle()
      const source = new PeerDeflater()
      const receiver = new PeerInflater()
      const meant: [string, string][][] = []
      const read: [string, string][][] = []
      let streamId = -1
      for (const { kind, fields } of steps) {
        streamId += 2
        const pairs = Object.entries(fields)
        if (kind === 'own') {
          cluster.send({ type: 'synStream', streamId, headers: pairs.flat() })
        } else {
          const [event] = client.receive(synStream(streamId, source.deflate(block(...pairs))))
          assert.ok(event?.type === 'synStream')
          if (kind === 'pass') cluster.send({ type: 'passHeaders', event })
        }
        if (kind !== 'leave out') meant.push(pairs)
        read.push(...headersIn(Buffer.concat(cluster.takeOutput()), receiver))
      }
      assert.deepEqual(read, meant)
    }),
    { numRuns: 200 },
  )
})

test('what one machine writes the other one reads: random sessions, randomly cut', () => {
  const action = fc.record({
    kind: fc.constantFrom('open', 'data', 'data', 'data', 'fin', 'reset', 'ping'),
    end: fc.constantFrom('us', 'them'),
    pick: fc.nat(),
    payload: fc.uint8Array({ maxLength: 400 }),
    label: fc.stringMatching(/^[a-z0-9 ]{0,30}$/),
  })
  fc.assert(
    fc.property(
      fc.array(action, { maxLength: 60 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 10 }),
      (actions, cuts) => {
        const us = new SpdyConnection('client', limits.spdy)
        const them = new SpdyConnection('server', limits.spdy)
        const said: string[] = []
        const heard: string[] = []
        let turn = 0
        const last = { us: -1, them: 0 }
        const open: number[] = []
        const deliver = (from: SpdyConnection, to: SpdyConnection): void => {
          const bytes = Buffer.concat(from.takeOutput())
          for (let at = 0; at < bytes.length; ) {
            const end = at + (cuts[turn++ % cuts.length] as number)
            for (const event of to.receive(bytes.subarray(at, end))) heard.push(...meaning(event))
            at = end
          }
        }
        for (const { kind, end, pick, payload, label } of actions) {
          const [from, to] = end === 'us' ? [us, them] : [them, us]
          const streamId = open[pick % Math.max(1, open.length)] as number
          if (kind === 'open') {
            last[end] += 2
            const id = last[end]
            from.send({ type: 'synStream', streamId: id, headers: ['label', label] })
            deliver(from, to)
            to.send({ type: 'synReply', streamId: id, headers: ['label', label, 'x', 'y'] })
            deliver(to, from)
            said.push(`open ${id} label,${label}`, `reply ${id} label,${label},x,y`)
            open.push(id)
          } else if (kind === 'ping') {
            from.send({ type: 'ping', id: pick + 1 })
            deliver(from, to)
            said.push(`ping ${pick + 1}`)
          } else if (streamId !== undefined && from.maySendOn(streamId)) {
            if (kind === 'reset') {
              from.send({ type: 'reset', streamId, status: 5 })
              said.push(`reset ${streamId}`)
            } else {
              const bytes = kind === 'fin' ? new Uint8Array(0) : payload
              from.send({ type: 'data', streamId, payload: bytes, fin: kind === 'fin' })
              if (bytes.length > 0) said.push(`data ${streamId} ${Buffer.from(bytes).toString('hex')}`)
              if (kind === 'fin') said.push(`fin ${streamId}`)
            }
            deliver(from, to)
          }
        }
        assert.deepEqual(joined(heard), said)
        for (const machine of [us, them]) assert.equal(machine.ignoredBytes, 0)
      },
    ),
    { numRuns: 200 },
  )
})

function meaning(event: SpdyEvent): string[] {
  switch (event.type) {
    case 'synStream':
      return [`open ${event.streamId} ${event.headers.join()}`]
    case 'synReply':
      return [`reply ${event.streamId} ${event.headers.join()}`]
    case 'data': {
      const text = `${event.start ? '' : '+'}data ${event.streamId} ${Buffer.from(event.payload).toString('hex')}`
      return [text, ...(event.fin ? [`fin ${event.streamId}`] : [])]
    }
    case 'reset':
      return [`reset ${event.streamId}`]
    case 'ping':
      return [`ping ${event.id}`]
    default:
      return [event.type]
  }
}

/** Pieces of a frame as one, and frames without payload left out. */
function joined(heard: readonly string[]): string[] {
  const whole: string[] = []
  for (const text of heard) {
    if (text.startsWith('+')) whole.push(`${whole.pop()}${text.split(' ').at(-1)}`)
    else whole.push(text)
  }
  return whole.filter((text) => !/^data \d+ $/.test(text))
}
