// SPDY inside WebSocket messages, from a client or from a cluster: either the messages are the input, or the SPDY in them.

import { SpdyTunnel, type TunnelEvent } from '../../../protocols/kube/spdy-tunnel.ts'
import { limits } from '../../../protocols/limits.ts'
import { joinData, PeerDeflater } from '../../protocols/spdy/frames.ts'
import { frameBytes, KEY } from '../../protocols/websocket/frames.ts'
import { cut } from '../../support/cut.ts'
import { checkMachine, choice, lengths } from '../machine.ts'
import { withBlocks } from '../spdy-blocks.ts'
import type { Target } from '../target.ts'
import { MASKED_FRAMES, PLAIN_FRAMES, SPDY_FRAMES } from '../words.ts'

const FACING_CLUSTER = 1
const FRAMED_HERE = 2
/** What a peer's ping costs us: our pong is as long. */
const OUTPUT_RATIO = 1

const target: Target = {
  words: [...MASKED_FRAMES, ...PLAIN_FRAMES, ...SPDY_FRAMES, 'streamtype', 'data', 'requestid'],
  run: (input) => {
    const [form, rest] = choice(input)
    const role = (form & FACING_CLUSTER) === 0 ? 'server' : 'client'
    const bytes = (form & FRAMED_HERE) === 0 ? rest : framed(rest, role === 'server')
    const make = (): SpdyTunnel => new SpdyTunnel(role, limits, () => 0)
    return checkMachine(make, bytes, { join: joinPieces, end: true, outputRatio: OUTPUT_RATIO })
  },
}

export default target

/** Binary messages, cut anywhere, with a ping behind each second one. */
function framed(input: Uint8Array, isMasked: boolean): Buffer {
  const deflater = new PeerDeflater()
  const spdy = withBlocks(input, (block) => deflater.deflate(block))
  const key = isMasked ? { key: KEY } : {}
  const messages = cut(spdy, lengths(input)).map((payload, at) => {
    const message = frameBytes({ first: 0x82, payload, ...key })
    return at % 2 === 0 ? message : Buffer.concat([message, frameBytes({ first: 0x89, ...key })])
  })
  return Buffer.concat(messages)
}

function joinPieces(a: TunnelEvent, b: TunnelEvent): TunnelEvent | undefined {
  if (a.type === 'failed' || b.type === 'failed' || a.type === 'closed' || b.type === 'closed') return undefined
  return joinData(a, b)
}
