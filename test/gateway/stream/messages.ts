// What a peer reads of Kubernetes' channels on a WebSocket: for tests of what a gateway writes.

import { ChannelReader, remoteCommandAllows } from '../../../protocols/kube/websocket-channels.ts'
import { limits } from '../../../protocols/limits.ts'
import { WebSocketConnection } from '../../../protocols/websocket/connection.ts'
import { OPCODE } from '../../../protocols/websocket/events.ts'

export interface Form {
  readonly version: number
  readonly base64: boolean
}

export const V5: Form = { version: 5, base64: false }

export type Heard = [channel: number | string, text: string]

/** What a peer reads, in order; neighbours on a channel joined, empty messages and controls as they are. */
export function read(
  bytes: Buffer,
  form: Form = V5,
  isClient = true,
  allows = remoteCommandAllows(!isClient),
): Heard[] {
  const peer = new WebSocketConnection(isClient ? 'client' : 'server', limits.websocket, () => 0)
  const reader = new ChannelReader({ fromClient: !isClient, base64: form.base64, closes: form.version === 5, allows })
  const heard: Heard[] = []
  const sink = {
    bytes: (channel: number, piece: Uint8Array) => {
      const last = heard.at(-1)
      if (last?.[0] === channel && last[1] !== '') last[1] += Buffer.from(piece).toString('latin1')
      else heard.push([channel, Buffer.from(piece).toString('latin1')])
    },
    ended: (channel: number, isEmpty: boolean) => {
      if (isEmpty) heard.push([channel, ''])
    },
    closed: (channel: number) => heard.push(['closed', String(channel)]),
  }
  for (const event of peer.receive(bytes)) {
    if (event.type === 'failed') throw event.error
    if (event.opcode >= OPCODE.CLOSE) heard.push([event.opcode === OPCODE.CLOSE ? 'close' : 'ping', ''])
    else {
      const fault = reader.read(event, sink)
      if (fault !== undefined) throw fault
    }
  }
  return heard
}
