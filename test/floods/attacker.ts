// One flood, in a process of its own: keeps its connections busy, opens a new one at once for each that is cut off, and
// tells its parent at the end what it sent and how it was stopped. Started by main.ts, which sends it an Order.

import { connect, type TLSSocket } from 'node:tls'
import { ATTACKS, type Attack, wireOf } from './attacks.ts'
import { FrameWalk } from './frame-walk.ts'

export interface Order {
  readonly name: string
  readonly port: number
  readonly ca: string
  readonly token: string
  readonly seconds: number
}

export interface Tally {
  connections: number
  /** Connections that did not come as far as the end of TLS, or of the upgrade. */
  failed: number
  /** Frames written; of HTTP/1.1, messages. */
  frames: number
  bytes: number
  /** Why connections ended, by the last word that was heard on each. */
  readonly endings: Record<string, number>
  /** RST_STREAM frames that came, by code. */
  readonly resets: Record<string, number>
}

/** A connection that could not be made is tried again after this: the machine has only so many ports. */
const RETRY_MILLIS = 20
/** Many connections are not opened in one burst: what is measured is not the listener's queue. */
const STAGGER_MILLIS = 2

process.once('message', (order: Order) => {
  const attack = ATTACKS[order.name] as Attack
  const tally: Tally = { connections: 0, failed: 0, frames: 0, bytes: 0, endings: {}, resets: {} }
  const until = performance.now() + order.seconds * 1000
  for (let count = 0; count < attack.connections; count++) {
    setTimeout(() => attackOnce(order, attack, tally, until), count * STAGGER_MILLIS)
  }
  setTimeout(() => process.send?.(tally, () => process.exit(0)), order.seconds * 1000)
})

function attackOnce(order: Order, attack: Attack, tally: Tally, until: number): void {
  if (performance.now() >= until) return
  const socket = connect({
    ...{ host: '127.0.0.1', port: order.port, servername: 'localhost', ca: order.ca },
    ...(attack.protocol === 'h2' ? { ALPNProtocols: ['h2'] } : {}),
  })
  socket.setNoDelay(true)
  let ending = 'closed'
  let isOpen = false
  const hear = (what: string): void => {
    if (what.startsWith('RST')) tally.resets[what] = (tally.resets[what] ?? 0) + 1
    else ending = what
  }
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (ending === 'closed') ending = error.code ?? 'error'
  })
  socket.once('close', () => {
    if (!isOpen) tally.failed += 1
    tally.endings[ending] = (tally.endings[ending] ?? 0) + 1
    setTimeout(() => attackOnce(order, attack, tally, until), isOpen ? 0 : RETRY_MILLIS)
  })
  const begin = (): void => {
    isOpen = true
    tally.connections += 1
    if (attack.isDeaf === true) socket.pause()
    else {
      const heard = new FrameWalk(wireOf(attack), hear)
      socket.on('data', (chunk: Buffer) => heard.read(chunk))
      socket.resume()
    }
    flood(socket, attack, order.token, tally)
  }
  socket.once('secureConnect', () => {
    if (attack.upgrade === undefined) begin()
    else upgrade(socket, attack.upgrade, order.token, hear, begin)
  })
}

function upgrade(
  socket: TLSSocket,
  [line, ...fields]: readonly string[],
  token: string,
  hear: (what: string) => void,
  then: () => void,
): void {
  socket.write([line, 'Host: localhost', `Authorization: Bearer ${token}`, ...fields, '', ''].join('\r\n'))
  socket.once('data', (chunk: Buffer) => {
    const head = chunk.toString('latin1')
    if (!head.startsWith('HTTP/1.1 101')) {
      hear(`HTTP ${head.slice(9, 12)}`)
      socket.destroy()
      return
    }
    socket.pause()
    socket.unshift(chunk.subarray(head.indexOf('\r\n\r\n') + 4))
    then()
  })
}

function flood(socket: TLSSocket, attack: Attack, token: string, tally: Tally): void {
  const { first, next } = attack.open(token)
  const sent = new FrameWalk(wireOf(attack), () => undefined)
  const more = (): void => {
    if (!socket.writable) return
    const message = next()
    tally.bytes += message.length
    const before = sent.frames
    if (attack.isDripping !== true) sent.read(message)
    tally.frames += sent.frames - before
    if (!socket.write(message)) socket.once('drain', more)
    else if (attack.paceMillis === undefined) setImmediate(more)
    else setTimeout(more, attack.paceMillis)
  }
  if (first.length > 0) socket.write(first)
  more()
}
