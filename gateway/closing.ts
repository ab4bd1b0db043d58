// Ends a socket for good: our side at once, and the rest when the peer has ended its own or has had time to. A peer that
// never closes would otherwise keep its place for ever.

import type { Duplex } from 'node:stream'
import { limits } from '../protocols/limits.ts'
import type { Deadlines, Waiting } from './deadlines.ts'

class Closing implements Waiting {
  readonly deadline: number
  readonly #socket: Duplex

  constructor(socket: Duplex, deadlines: Deadlines, millis: number) {
    this.#socket = socket
    this.deadline = deadlines.now() + millis
    deadlines.watch(this)
    socket.once('close', () => deadlines.forget(this))
  }

  expired(): void {
    this.#socket.destroy()
  }
}

/** Behind all that is due: what still comes is read, so that the peer's end is seen. */
export function closeSoon(socket: Duplex, deadlines: Deadlines): void {
  close(socket, deadlines, limits.gateway.closeMillis)
}

/**
 * After a fault: what still comes is not even read, or a flood would go on costing what it cost. The peer has just long
 * enough to read why; longer, and who comes back at once would pile up connections.
 */
export function closeDeaf(socket: Duplex, deadlines: Deadlines): void {
  socket.pause()
  close(socket, deadlines, limits.gateway.faultMillis)
}

function close(socket: Duplex, deadlines: Deadlines, millis: number): void {
  if (socket.destroyed || socket.writableEnded) return
  socket.end()
  new Closing(socket, deadlines, millis)
}
