// Both roles talk to each other through any schedule of cuts and turns, with windows so narrow that everything waits: every
// body, head and trailer arrives whole and in order, nothing stays behind, and credit is never lost.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Http2Client } from '../../../protocols/http2/client.ts'
import { Http2Server } from '../../../protocols/http2/server.ts'
import { type Limits, limits } from '../../../protocols/limits.ts'

interface Exchange {
  readonly asks: number
  readonly answers: number
  /** Bytes that the answer is written in at a time. */
  readonly piece: number
  readonly trailers: boolean
  /** Who resets the stream once some of its body has come. */
  readonly cancels: 'client' | 'server' | undefined
}

const exchange: fc.Arbitrary<Exchange> = fc.record({
  asks: fc.oneof(fc.constant(0), fc.nat({ max: 3_000 })),
  answers: fc.oneof(fc.constant(0), fc.nat({ max: 5_000 })),
  piece: fc.integer({ min: 1, max: 2_000 }),
  trailers: fc.boolean(),
  cancels: fc.option(fc.constantFrom('client', 'server'), { nil: undefined, freq: 4 }),
})

function narrow(window: number): Limits {
  const windows = { streamWindow: window, clusterStreamWindow: window, clusterConnectionWindow: 70_000 }
  return { ...limits, http2: { ...limits.http2, ...windows, resets: 1_000_000, streams: 6 } }
}

const bodyOf = (stream: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (stream * 31 + at * 7) & 0xff)

/** Both machines, what each has still to read, and what has become of every exchange. */
class Conversation {
  readonly client: Http2Client
  readonly server: Http2Server
  readonly done = new Map<number, string>()
  readonly #exchanges: readonly Exchange[]
  readonly #toServer: Uint8Array[] = []
  readonly #toClient: Uint8Array[] = []
  readonly #asked = new Map<number, Uint8Array[]>()
  readonly #answered = new Map<number, Uint8Array[]>()
  /** Answers that wait for `drained`: how much of each has been written. */
  readonly #written = new Map<number, number>()
  #next = 0

  constructor(exchanges: readonly Exchange[], window: number) {
    this.client = new Http2Client(narrow(window))
    this.server = new Http2Server(narrow(window))
    this.#exchanges = exchanges
  }

  /** Until nothing moves. `choices` are drawn from, over and over: how much is read at once, and by whom. */
  run(choices: readonly number[]): void {
    for (let turn = 0; turn < 400_000; turn++) {
      this.#open()
      this.#collect()
      const choice = choices[turn % choices.length]!
      const serverReads = choice % 2 === 0 ? this.#toServer.length > 0 : this.#toClient.length === 0
      if (serverReads && this.#toServer.length > 0) this.#serverReads(take(this.#toServer, 1 + (choice >> 1)))
      else if (this.#toClient.length > 0) this.#clientReads(take(this.#toClient, 1 + (choice >> 1)))
      else if (this.#next === this.#exchanges.length) return
    }
    assert.fail('the conversation does not end')
  }

  #collect(): void {
    this.#toServer.push(...this.client.takeOutput().map((piece) => new Uint8Array(piece)))
    this.#toClient.push(...this.server.takeOutput().map((piece) => new Uint8Array(piece)))
  }

  #open(): void {
    while (this.#next < this.#exchanges.length && this.client.isReady && this.client.room > 0) {
      const { asks, trailers } = this.#exchanges[this.#next++]!
      const stream = this.client.nextStream
      const fields = ['number', String(stream), 'content-length', String(asks)]
      const request = { method: 'POST', path: `/${stream}`, authority: 'cluster', fields, end: asks === 0 }
      this.client.send({ type: 'request', ...request })
      if (asks === 0) continue
      this.client.send({ type: 'data', stream, bytes: bodyOf(stream, asks), end: !trailers })
      if (trailers) this.client.send({ type: 'end', stream, trailers: ['number', String(stream)] })
    }
  }

  #exchange(stream: number): Exchange {
    return this.#exchanges[(stream - 1) / 2]!
  }

  #serverReads(chunk: Uint8Array): void {
    for (const event of this.server.receive(chunk)) {
      assert.notEqual(event.type, 'failed')
      if (!('stream' in event)) continue
      const { stream } = event
      if (event.type === 'request') {
        assert.equal(event.head.path, `/${stream}`)
        assert.equal(event.head.fields[1], String(stream))
        if (event.end) this.#answer(stream)
      } else if (event.type === 'data') {
        keep(this.#asked, stream, event.bytes)
        this.server.send({ type: 'consumed', stream, bytes: event.bytes.length })
        if (this.#exchange(stream).cancels === 'server') this.#serverCancels(stream)
      } else if (event.type === 'end') {
        const { asks, trailers } = this.#exchange(stream)
        assert.deepEqual(Buffer.concat(this.#asked.get(stream) ?? []), Buffer.from(bodyOf(stream, asks)))
        assert.deepEqual(event.trailers, trailers ? ['number', String(stream)] : [])
        this.#answer(stream)
      } else if (event.type === 'drained') this.#goOn(stream)
      else if (event.type === 'reset') this.server.send({ type: 'release', stream })
    }
  }

  #serverCancels(stream: number): void {
    this.server.send({ type: 'reset', stream, code: 2 })
    this.server.send({ type: 'release', stream })
  }

  #answer(stream: number): void {
    this.server.send({ type: 'response', stream, status: 200, fields: ['number', String(stream)], end: false })
    this.#written.set(stream, 0)
    this.#goOn(stream)
  }

  #goOn(stream: number): void {
    const { answers, piece, trailers } = this.#exchange(stream)
    let at = this.#written.get(stream)
    if (at === undefined) return
    for (; at < answers && !this.server.blocked(stream); at += piece) {
      this.server.send({ type: 'data', stream, bytes: bodyOf(stream, answers).subarray(at, at + piece) })
    }
    this.#written.set(stream, at)
    if (at < answers) return
    this.#written.delete(stream)
    this.server.send({ type: 'end', stream, trailers: trailers ? ['number', String(stream)] : [] })
    this.server.send({ type: 'release', stream })
  }

  #clientReads(chunk: Uint8Array): void {
    for (const event of this.client.receive(chunk)) {
      assert.notEqual(event.type, 'failed')
      if (!('stream' in event)) continue
      const { stream } = event
      if (event.type === 'response') assert.deepEqual(event.head, { status: 200, fields: ['number', String(stream)] })
      else if (event.type === 'data') {
        keep(this.#answered, stream, event.bytes)
        this.client.send({ type: 'consumed', stream, bytes: event.bytes.length })
        if (this.#exchange(stream).cancels === 'client') {
          this.client.send({ type: 'reset', stream, code: 8 })
          this.done.set(stream, 'cancelled')
        }
      } else if (event.type === 'end') {
        const { answers, trailers } = this.#exchange(stream)
        assert.deepEqual(Buffer.concat(this.#answered.get(stream) ?? []), Buffer.from(bodyOf(stream, answers)))
        assert.deepEqual(event.trailers, trailers ? ['number', String(stream)] : [])
        this.done.set(stream, 'whole')
      } else if (event.type === 'reset') {
        assert.deepEqual([event.code, event.error], [2, undefined])
        this.done.set(stream, 'reset')
      }
    }
  }
}

function keep(bodies: Map<number, Uint8Array[]>, stream: number, bytes: Uint8Array): void {
  const pieces = bodies.get(stream) ?? []
  pieces.push(new Uint8Array(bytes))
  bodies.set(stream, pieces)
}

/** Takes up to `most` bytes off a queue of pieces. */
function take(queue: Uint8Array[], most: number): Uint8Array {
  const first = queue[0]!
  if (first.length <= most) {
    queue.shift()
    return first
  }
  queue[0] = first.subarray(most)
  return first.subarray(0, most)
}

test('every exchange ends as it should, whatever the cuts, turns and windows', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(
      fc.array(exchange, { minLength: 1, maxLength: 12 }),
      fc.array(fc.nat({ max: 2_000 }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 2, max: 3_000 }),
      (exchanges, choices, window) => {
        const conversation = new Conversation(exchanges, window)
        conversation.run(choices)
        exchanges.forEach(({ asks, answers, cancels }, at) => {
          const outcome = conversation.done.get(2 * at + 1)
          const expected =
            cancels === 'server' && asks > 0 ? 'reset' : cancels === 'client' && answers > 0 ? 'cancelled' : 'whole'
          assert.equal(outcome, expected)
          seen.add(expected)
        })
        const { client, server } = conversation
        assert.deepEqual([client.openStreams, server.openStreams, client.heldBytes, server.heldBytes], [0, 0, 0, 0])
        assert.equal(client.room, 6)
      },
    ),
    { numRuns: 60 },
  )
  assert.deepEqual([...seen].sort(), ['cancelled', 'reset', 'whole'])
})

test('a long conversation loses no credit', () => {
  const one = { asks: 3_000, answers: 5_000, piece: 1_999, trailers: true }
  const exchanges = Array.from({ length: 150 }, (_, at): Exchange => {
    return { ...one, cancels: ([undefined, 'client', 'server'] as const)[at % 3] }
  })
  const conversation = new Conversation(exchanges, 600)
  conversation.run([2_000, 1_337, 64, 9])
  assert.deepEqual([...conversation.done.values()].filter((outcome) => outcome === 'whole').length, 50)
})
