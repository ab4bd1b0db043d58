// Against Go's moby/spdystream, the SPDY library of kubectl and the kubelet, over pipes: it as server, it as client, and
// our two machines between two of it, with header frames left out so that the zlib contexts part.

import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { test } from 'node:test'
import { limits } from '../../protocols/limits.ts'
import { SpdyConnection } from '../../protocols/spdy/connection.ts'
import type { SpdyEvent } from '../../protocols/spdy/events.ts'
import { build } from './support/lab.ts'

interface Trace {
  readonly event: string
  readonly stream?: number
  readonly label?: string
  readonly headers?: Readonly<Record<string, readonly string[]>>
  readonly length?: number
  readonly sha256?: string
}

/** A peer process: bytes in and out, and what it says that it saw. */
class Peer {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #errors: Buffer[] = []
  readonly ended: Promise<number | null>

  constructor(binary: string, ...mode: string[]) {
    this.#child = spawn(binary, mode, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child.stderr.on('data', (chunk: Buffer) => this.#errors.push(chunk))
    this.#child.stdin.on('error', () => {}) // it has gone: its exit code says so
    this.ended = new Promise((resolve) => this.#child.once('close', resolve))
  }

  onBytes(take: (bytes: Uint8Array) => void): void {
    this.#child.stdout.on('data', take)
  }

  write(pieces: readonly Uint8Array[]): void {
    // Copied: a pipe's write may outlive the chunk that a view was lent from.
    if (pieces.length > 0) this.#child.stdin.write(Buffer.concat(pieces))
  }

  end(): void {
    this.#child.stdin.end()
  }

  get traces(): Trace[] {
    const lines = Buffer.concat(this.#errors).toString().trim().split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Trace)
  }

  said(event: string): Trace[] {
    return this.traces.filter((trace) => trace.event === event)
  }
}

const binary = build('spdypeer')
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function fails(event: SpdyEvent): void {
  if (event.type === 'failed') throw event.error
}

test('spdystream as the server understands what we write, and we what it answers', async () => {
  const peer = new Peer(binary, 'server')
  const machine = new SpdyConnection('client', limits.spdy)
  const labels = new Map([
    [1, 'error'],
    [3, 'stdin'],
    [5, 'stdout'],
    [7, 'x'.repeat(2_000)],
  ])
  const frames = Array.from({ length: 30 }, (_, n) => randomBytes((n * 7_919) % 50_000))
  const echoed: Buffer[] = []
  const replied: number[] = []
  const pings: number[] = []
  peer.onBytes((bytes) => {
    for (const event of machine.receive(bytes)) {
      fails(event)
      if (event.type === 'synReply') {
        assert.deepEqual(event.headers, [])
        replied.push(event.streamId)
        if (event.streamId === 3) {
          for (const payload of frames) machine.send({ type: 'data', streamId: 3, payload })
          machine.send({ type: 'ping', id: 1 })
          machine.send({ type: 'data', streamId: 3, payload: new Uint8Array(0), fin: true })
        }
      } else if (event.type === 'data') {
        assert.equal(event.streamId, 3)
        echoed.push(Buffer.from(event.payload))
        if (event.fin) {
          for (const streamId of [1, 5, 7]) machine.send({ type: 'reset', streamId, status: 5 })
          machine.send({ type: 'goAway', lastStreamId: 0, status: 0 })
        }
      } else if (event.type === 'ping') pings.push(event.id)
    }
    peer.write(machine.takeOutput())
  })
  for (const [streamId, label] of labels) {
    machine.send({ type: 'synStream', streamId, headers: ['streamType', label, 'x-many', 'a', 'x-many', 'b'] })
  }
  peer.write(machine.takeOutput())
  assert.equal(await peer.ended, 0)
  assert.deepEqual(replied.sort(), [1, 3, 5, 7])
  assert.deepEqual(pings, [1])
  const opened = peer.said('open').sort((a, b) => (a.stream ?? 0) - (b.stream ?? 0))
  assert.deepEqual(
    opened.map((trace) => [trace.stream, trace.headers]),
    [...labels].map(([streamId, label]) => [streamId, { Streamtype: [label], 'X-Many': ['a', 'b'] }]),
  )
  const all = Buffer.concat(frames)
  assert.equal(digest(Buffer.concat(echoed)), digest(all))
  const read = peer.said('read').find((trace) => trace.stream === 3)
  assert.deepEqual([read?.length, read?.sha256], [all.length, digest(all)])
})

test('spdystream as the client understands our replies, echoes and pings', async () => {
  const peer = new Peer(binary, 'client', '7')
  const machine = new SpdyConnection('server', limits.spdy)
  const opened: string[] = []
  const received = new Map<number, Buffer[]>()
  const resets: number[] = []
  let goneAway = false
  peer.onBytes((bytes) => {
    for (const event of machine.receive(bytes)) {
      fails(event)
      if (event.type === 'synStream') {
        opened.push(`${event.streamId} ${event.headers.join()}`)
        machine.send({ type: 'synReply', streamId: event.streamId, headers: [] })
      } else if (event.type === 'data') {
        received.set(event.streamId, [...(received.get(event.streamId) ?? []), Buffer.from(event.payload)])
        machine.send({ type: 'data', streamId: event.streamId, payload: event.payload.slice(), fin: event.fin })
      } else if (event.type === 'ping') machine.send({ type: 'ping', id: event.id })
      else if (event.type === 'headers') machine.send({ type: 'passHeaders', event })
      else if (event.type === 'reset') resets.push(event.streamId)
      else goneAway ||= event.type === 'goAway'
    }
    peer.write(machine.takeOutput())
  })
  assert.equal(await peer.ended, 0, JSON.stringify(peer.traces))
  assert.deepEqual(
    opened,
    ['error', 'stdin', 'stdout', 'resize'].map((label, n) => `${2 * n + 1} streamtype,${label}`),
  )
  assertEchoed(peer)
  for (const sent of peer.said('sent')) {
    const bytes = Buffer.concat(received.get(sent.stream as number) ?? [])
    assert.deepEqual([bytes.length, digest(bytes)], [sent.length, sent.sha256])
  }
  assert.deepEqual(resets, [1, 5])
  assert.equal(goneAway, true)
})

/** What the client sent has come back to it: data, three header blocks, three pings. */
function assertEchoed(client: Peer): void {
  const sent = client.said('sent').map(({ stream, length, sha256 }) => [stream, length, sha256])
  const read = client.said('read').map(({ stream, length, sha256 }) => [stream, length, sha256])
  assert.equal(sent.length, 2)
  assert.deepEqual(read.sort(), sent.sort())
  assert.deepEqual(
    client.said('headers').map((trace) => trace.headers),
    [0, 1, 2].map((turn) => ({ Streamtype: ['resize'], 'X-Turn': [String(turn), 'second value'] })),
  )
  assert.equal(client.said('pong').length, 3)
  assert.equal(client.said('done').length, 1)
}

for (const [what, divert] of [
  ['unchanged', false],
  ['with header blocks of our own in both directions', true],
] as const) {
  test(`client and server of spdystream through our two machines, ${what}`, async () => {
    const client = new Peer(binary, 'client', '11')
    const server = new Peer(binary, 'server')
    const facingClient = new SpdyConnection('server', limits.spdy)
    const facingCluster = new SpdyConnection('client', limits.spdy)
    const taken = { client: [] as Buffer[], cluster: [] as Buffer[] }
    const passed = { client: [] as Buffer[], cluster: [] as Buffer[] }
    const link = (from: SpdyConnection, to: SpdyConnection, side: 'client' | 'cluster', source: Peer, target: Peer) => {
      source.onBytes((bytes) => {
        taken[side].push(Buffer.from(bytes))
        for (const event of from.receive(bytes)) {
          fails(event)
          if (event.type === 'data') {
            to.send({ type: 'pass', bytes: event.header })
            to.send({ type: 'pass', bytes: event.payload })
          } else if ('headers' in event) pass(event, to, divert)
          else if ('raw' in event) to.send({ type: 'pass', bytes: event.raw })
        }
        const output = to.takeOutput()
        for (const piece of output) passed[side].push(Buffer.from(piece))
        target.write(output)
      })
    }
    link(facingClient, facingCluster, 'client', client, server)
    link(facingCluster, facingClient, 'cluster', server, client)
    assert.equal(await client.ended, 0, JSON.stringify(client.traces))
    server.end()
    assert.equal(await server.ended, 0)
    assertEchoed(client)
    assert.deepEqual(
      server.said('open').map((trace) => trace.headers),
      ['error', 'stdin', 'stdout', 'resize'].map((label) => ({ Streamtype: [label] })),
    )
    for (const side of ['client', 'cluster'] as const) {
      const same = Buffer.concat(taken[side]).equals(Buffer.concat(passed[side]))
      assert.equal(same, !divert, `${side}'s bytes`)
    }
  })
}

/** In the diverted session the second stream's SYN_STREAM and its SYN_REPLY are written by us instead of passed. */
function pass(event: Extract<SpdyEvent, { headers: unknown }>, to: SpdyConnection, divert: boolean): void {
  const { streamId, headers } = event
  if (!divert || streamId !== 3 || event.type === 'headers') to.send({ type: 'passHeaders', event })
  else to.send({ type: event.type, streamId, headers })
}
