// The old port-forward on WebSocket channels (cri-streaming portforward/websocket.go): port i of the list has data channel
// 2i and error channel 2i+1, and the server's first two bytes on each are the port, little-endian. Tells each piece's
// channel on the tape and refuses what deviates.

import { ChannelError } from './channel-error.ts'
import { FORWARD, forwardChannel } from './channels.ts'

/** Two channels each, numbered in one byte, would allow 128; nobody forwards half as many in one session. */
const PORTS = 64
const PORT_BYTES = 2
/** No sign, no leading zero, no space: Go would read "080" as well, another server might not. */
const PORT = /^[1-9]\d{0,4}$/

/** The ports of a `ports` query parameter (repeated, comma-separated), or undefined if they are not ports. */
export function parsePorts(values: readonly string[]): number[] | undefined {
  const ports: number[] = []
  for (const value of values) {
    for (const text of value.split(',')) {
      const port = PORT.test(text) ? Number(text) : 0
      if (port === 0 || port > 65_535 || ports.length === PORTS) return undefined
      ports.push(port)
    }
  }
  return ports.length > 0 ? ports : undefined
}

export class LegacyPortForward {
  readonly ports: readonly number[]
  /** For each channel from the server: bytes of the port that have come. */
  readonly #announced: Uint8Array

  constructor(ports: readonly number[]) {
    this.ports = ports
    this.#announced = new Uint8Array(2 * ports.length)
  }

  /** A client writes to data channels alone. */
  allows(channel: number, fromClient: boolean): boolean {
    if (channel >= 2 * this.ports.length) return false
    return !fromClient || channel % 2 === 0
  }

  /** The channel on the tape: port i is connection i. */
  tapeChannel(channel: number, fromClient: boolean): number {
    const part = channel % 2 === 1 ? FORWARD.ERROR_FROM_POD : fromClient ? FORWARD.TO_POD : FORWARD.FROM_POD
    return forwardChannel(channel >> 1, part)
  }

  /** How many bytes at the beginning of a server's piece still belong to the port's announcement. */
  announcement(channel: number, piece: Uint8Array): number | ChannelError {
    const port = this.ports[channel >> 1]!
    let at = 0
    while (at < piece.length && this.#announced[channel]! < PORT_BYTES) {
      const expected = (port >> (8 * this.#announced[channel]!)) & 0xff
      if (piece[at] !== expected)
        return new ChannelError('kube.forward.announcement', 'a channel announces another port')
      this.#announced[channel]! += 1
      at += 1
    }
    return at
  }

  /** The port that a channel has announced, once all of it has come. */
  announced(channel: number): Uint8Array | undefined {
    return this.#announced[channel] === PORT_BYTES ? announcedPort(this.ports[channel >> 1]!) : undefined
  }
}

/** What a server says first on each channel of a port. */
export function announcedPort(port: number): Uint8Array {
  return Uint8Array.of(port & 0xff, port >> 8)
}
