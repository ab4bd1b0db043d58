// Machines with streams open, for tests to begin with.

import { limits } from '../../../protocols/limits.ts'
import { SpdyConnection } from '../../../protocols/spdy/connection.ts'
import type { SpdyEvent } from '../../../protocols/spdy/events.ts'
import { block, control, PeerDeflater, synStream } from './frames.ts'

export interface Session {
  readonly machine: SpdyConnection
  /** The peer's header blocks from here on. */
  readonly peer: PeerDeflater
}

/** Faces a client that has opened streams 1, 3 and 5; they are replied to. */
export function facingClient(spdy = limits.spdy): Session {
  const machine = new SpdyConnection('server', spdy)
  const peer = new PeerDeflater()
  for (const [streamId, label] of [
    [1, 'error'],
    [3, 'stdin'],
    [5, 'stdout'],
  ] as const) {
    machine.receive(synStream(streamId, peer.deflate(block(['streamtype', label]))))
    machine.send({ type: 'synReply', streamId, headers: [] })
  }
  machine.takeOutput()
  return { machine, peer }
}

/** Faces a cluster to which streams 1, 3 and 5 were opened; it has replied to 1 and 3. */
export function facingCluster(spdy = limits.spdy): Session {
  const machine = new SpdyConnection('client', spdy)
  const peer = new PeerDeflater()
  for (const streamId of [1, 3, 5]) machine.send({ type: 'synStream', streamId, headers: ['streamtype', 'x'] })
  for (const streamId of [1, 3]) machine.receive(control(2, 0, streamId, peer.deflate(block())))
  machine.takeOutput()
  return { machine, peer }
}

/** The rule that the last event fails with. */
export function ruleOf(events: readonly SpdyEvent[]): string | undefined {
  const last = events.at(-1)
  return last?.type === 'failed' ? last.error.rule : undefined
}
