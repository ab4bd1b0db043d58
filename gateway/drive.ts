// The only place where a socket meets a protocol machine: bytes in, events handled, output written once a turn.

import type { Duplex } from 'node:stream'
import type { Connection } from '../protocols/connection.ts'

/** What a connection's owner is told. All synchronous; none may throw for what the peer did. */
export interface Driven<Event> {
  event(event: Event): void
  /** After all events of one chunk, before output is written. */
  turn?(): void
  /** The socket is gone, with Node's error if there was one. Called once. */
  closed(error: Error | undefined): void
}

/**
 * Feeds a socket's bytes to a machine until the socket closes. `first` holds bytes that were read before. Returns what
 * takes the socket away from the machine again, for whoever drives it next: its owner then hears nothing more.
 */
export function drive<E, C>(
  socket: Duplex,
  connection: Connection<E, C>,
  owner: Driven<E>,
  first?: Uint8Array,
): () => void {
  let fault: Error | undefined
  let gone = false
  const take = (events: readonly E[]): void => {
    for (let at = 0; at < events.length; at++) owner.event(events[at] as E)
    owner.turn?.()
    // A turn may have given the socket away (an upgrade): then the output has been written by who did so.
    if (!gone) flush(socket, connection)
  }
  const onData = (chunk: Uint8Array): void => take(connection.receive(chunk))
  const onEnd = (): void => take(connection.receiveEnd())
  const onClose = (): void => {
    if (gone) return
    gone = true
    owner.closed(fault)
  }
  socket.on('data', onData)
  socket.on('end', onEnd)
  socket.on('close', onClose)
  // Stays after release: a socket without an error listener would end the process.
  socket.on('error', (error) => {
    fault = error
  })
  if (first !== undefined && first.length > 0) take(connection.receive(first))
  return () => {
    gone = true
    socket.off('data', onData)
    socket.off('end', onEnd)
    socket.off('close', onClose)
  }
}

/** Writes what a machine has to say, in one cork; adjacent views become one write. False: wait for 'drain'. */
export function flush<E, C>(socket: Duplex, connection: Connection<E, C>): boolean {
  return write(socket, connection.takeOutput())
}

/** Writes pieces in one cork, joining views that lie side by side in memory. */
export function write(socket: Duplex, pieces: readonly Uint8Array[]): boolean {
  if (pieces.length === 0 || socket.destroyed || socket.writableEnded) return !socket.writableNeedDrain
  socket.cork()
  let last = pieces[0] as Uint8Array
  for (let at = 1; at < pieces.length; at++) {
    const piece = pieces[at] as Uint8Array
    if (piece.buffer === last.buffer && piece.byteOffset === last.byteOffset + last.length) {
      last = new Uint8Array(last.buffer, last.byteOffset, last.length + piece.length)
    } else {
      if (last.length > 0) socket.write(last)
      last = piece
    }
  }
  if (last.length > 0) socket.write(last)
  socket.uncork()
  return !socket.writableNeedDrain
}
