// What a relay holds back and when it lets go of it, between two sockets in memory.

import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { Deadlines } from '../../../gateway/deadlines.ts'
import type { Durability } from '../../../gateway/decision.ts'
import { Relay } from '../../../gateway/stream/relay.ts'
import { WebSocketStream } from '../../../gateway/stream/websocket-stream.ts'
import { type Tape, TapeFailed, type TapeStore } from '../../../gateway/tape/tape.ts'
import { CHANNEL } from '../../../protocols/kube/channels.ts'
import { channelMessage } from '../../../protocols/kube/websocket-channels.ts'
import { limits } from '../../../protocols/limits.ts'
import type { WebSocketCommand, WebSocketEvent } from '../../../protocols/websocket/events.ts'
import { masked, plain } from '../../protocols/websocket/frames.ts'
import { duplexPair } from '../../support/duplex-pair.ts'
import { ManualAlarms } from '../../support/manual-alarms.ts'
import { settle } from '../../support/manual-time.ts'
import { MASK, MemoryRecorder, SECRET, wordChannels } from './session.ts'

const NOTHING = new Uint8Array(0)
const QUIET = limits.mask.terminalQuietMillis
const { STDIN, STDOUT } = CHANNEL

/** A terminal's session between a client and a cluster, with a tape that can fail. */
function scene(durability: Durability = 'group') {
  const state = { failed: false, ended: '' }
  const disk: (() => void)[] = []
  class FailingRecorder extends MemoryRecorder {
    override bytes(channel: number, piece: Uint8Array): void {
      if (state.failed) throw new TapeFailed('no room')
      super.bytes(channel, piece)
    }
  }
  const recorder = new FailingRecorder()
  const tape = {
    append: () => undefined,
    durable: () => new Promise<void>((done) => disk.push(done)),
    seal: (reason: string) => recorder.note(`seal ${reason}`, ''),
  } as unknown as Tape
  const store = { congested: false, failed: undefined, onChange: () => () => undefined } as unknown as TapeStore
  const deadlines = new Deadlines(() => 0)
  deadlines.close()
  const alarms = new ManualAlarms()
  const [client, clientSide] = ends()
  const [cluster, clusterSide] = ends()
  const channels = wordChannels(recorder, { isTerminal: true })
  const protocol = new WebSocketStream({ version: 5, base64: false, closes: true }, recorder, channels)
  const relay = new Relay<WebSocketEvent, WebSocketCommand>({
    client: { socket: clientSide, trailing: NOTHING },
    cluster: { socket: clusterSide, trailing: NOTHING },
    ...{ protocol, tape, store, durability, deadlines, alarms },
    expiresAt: Number.POSITIVE_INFINITY,
    ended: (reason) => {
      state.ended = reason
    },
  })
  relay.start()
  return {
    ...{ state, recorder, alarms, relay, client, cluster },
    async flush(): Promise<void> {
      await settle()
      for (const done of disk.splice(0)) done()
      await settle()
      await settle()
    },
  }
}

/** An end whose bytes are kept, and the gateway's. */
function ends(): [End, Duplex] {
  const [outer, inner] = duplexPair()
  const heard: Buffer[] = []
  outer.on('data', (chunk: Buffer) => heard.push(Buffer.from(chunk)))
  outer.on('error', () => undefined)
  return [{ socket: outer, heard: () => Buffer.concat(heard) }, inner]
}

interface End {
  readonly socket: Duplex
  heard(): Buffer
}

function says(text: string): Buffer {
  return plain(0x82, channelMessage(STDOUT, Buffer.from(text), false))
}

function types(text: string): Buffer {
  return masked(0x82, channelMessage(STDIN, Buffer.from(text), false))
}

const BEGUN = SECRET.slice(0, 4)

describe('a relay that masks', () => {
  it('passes what a terminal echoes within 20 ms, and sets no timer while nothing is held', async () => {
    const { alarms, client, cluster, recorder } = scene()
    cluster.socket.write(says('$ '))
    await settle()
    assert.equal(alarms.made, 0)
    for (let letter = 0; letter < 4; letter++) {
      cluster.socket.write(says(BEGUN.slice(0, 1)))
      await settle()
      const before = client.heard().length
      alarms.advance(QUIET / 2)
      await settle()
      assert.equal(client.heard().length, before, 'held while more may come')
      alarms.advance(QUIET / 2)
      await settle()
      assert.ok(client.heard().length > before, 'passed once it is quiet')
    }
    assert.equal(recorder.text(STDOUT), '$ hhhh')
    assert.deepEqual([alarms.made, alarms.on], [1, 0])
  })

  it('passes what is typed once it is quiet, with the tape ahead', async () => {
    const { alarms, client, cluster, recorder } = scene()
    client.socket.write(types(BEGUN))
    await settle()
    assert.deepEqual([cluster.heard().length, recorder.text(STDIN)], [0, ''])
    alarms.advance(QUIET)
    await settle()
    assert.deepEqual([cluster.heard().length > 0, recorder.text(STDIN)], [true, BEGUN])
  })

  it('under strict lets nothing go before it is on disk', async () => {
    const { alarms, client, cluster, flush } = scene('strict')
    cluster.socket.write(says(BEGUN))
    await flush()
    alarms.advance(QUIET)
    await settle()
    assert.equal(client.heard().length, 0)
    await flush()
    assert.deepEqual(client.heard(), says(BEGUN))
  })

  for (const durability of ['group', 'strict'] as const) {
    it(`${durability}: passes all that is held ahead of its own last words`, async () => {
      const { client, cluster, relay, recorder, flush } = scene(durability)
      cluster.socket.write(says(BEGUN))
      client.socket.write(types(BEGUN))
      await flush()
      relay.cut({ reason: 'drain', message: 'draining' })
      if (durability === 'strict') {
        await settle()
        assert.equal(client.heard().length, 0)
      }
      await flush()
      assert.deepEqual(client.heard().subarray(0, says(BEGUN).length), says(BEGUN))
      assert.match(client.heard().toString('latin1'), /draining.*\x88/s)
      assert.equal(recorder.text(STDIN), BEGUN)
      assert.equal(recorder.notes.at(-1)?.code, 'seal drain')
    })
  }

  it('passes what is held when the other side is gone', async () => {
    const { client, cluster, state, recorder } = scene()
    cluster.socket.write(says(BEGUN))
    client.socket.write(types(BEGUN))
    await settle()
    cluster.socket.end()
    await settle()
    assert.deepEqual(client.heard(), says(BEGUN))
    assert.equal(recorder.text(STDOUT), BEGUN)
    assert.equal(state.ended, 'cluster gone')
  })

  it('passes what is typed when the client is gone', async () => {
    const { client, cluster, state } = scene()
    client.socket.write(types(BEGUN))
    await settle()
    client.socket.end()
    await settle()
    assert.ok(cluster.heard().length > 0)
    assert.equal(state.ended, 'client gone')
  })

  it('tells the tape what was masked before it is sealed', async () => {
    const { cluster, recorder, relay } = scene()
    cluster.socket.write(says(SECRET))
    await settle()
    relay.cut({ reason: 'drain', message: 'draining' })
    assert.equal(recorder.text(STDOUT), MASK)
    assert.deepEqual(
      recorder.notes.map(({ code }) => code),
      ['masked word', 'seal drain'],
    )
  })

  it('lets nothing go that the tape does not take, whatever it is that lets go', async () => {
    const lettingGo: readonly [string, (at: ReturnType<typeof scene>) => void][] = [
      ['a lull', ({ alarms }) => alarms.advance(QUIET)],
      ['a cut', ({ relay }) => relay.cut({ reason: 'drain', message: 'draining' })],
      ['a cluster that is gone', ({ cluster }) => cluster.socket.end()],
    ]
    for (const [name, letGo] of lettingGo) {
      const at = scene()
      at.cluster.socket.write(says(BEGUN))
      await settle()
      at.state.failed = true
      letGo(at)
      await settle()
      assert.equal(at.state.ended, 'tape failed', name)
      assert.doesNotMatch(at.client.heard().toString('latin1'), new RegExp(BEGUN), name)
      assert.match(at.client.heard().toString('latin1'), /recording failed/, name)
      at.alarms.advance(100)
      await settle()
    }
  })
})
