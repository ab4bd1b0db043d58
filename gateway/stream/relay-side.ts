// One side of an upgraded connection: a socket with its machine, and in `strict` the output that waits for the disk. Turns of
// output are written in order or not at all: what is not on disk when the recording fails is forgotten.

import type { Duplex } from 'node:stream'
import type { Connection } from '../../protocols/connection.ts'
import { limits } from '../../protocols/limits.ts'
import { type Driven, drive, write } from '../drive.ts'
import type { Tape } from '../tape/tape.ts'

/** What a side tells; synchronous. */
export interface SideOwner<E extends { readonly type: string }, C> {
  /** The side's machine as its socket sees it. */
  metered(side: Side<E, C>): Connection<E, C>
  event(side: Side<E, C>, event: E): void
  /** After all events of one chunk. */
  turn(side: Side<E, C>): void
  /** The socket takes bytes again, or a held turn has been written. */
  released(side: Side<E, C>): void
  /** What is held cannot come onto the disk. */
  tapeFailed(): void
  closed(side: Side<E, C>): void
}

export class Side<E extends { readonly type: string }, C> implements Driven<E> {
  readonly #owner: SideOwner<E, C>
  readonly socket: Duplex
  readonly machine: Connection<E, C>
  /** Set right after construction, before any event. */
  other!: Side<E, C>
  heldBytes = 0
  #held: { readonly pieces: readonly Uint8Array[]; readonly length: number }[] = []
  #dropped = false

  constructor(owner: SideOwner<E, C>, socket: Duplex, machine: Connection<E, C>) {
    this.#owner = owner
    this.socket = socket
    this.machine = machine
  }

  start(trailing: Uint8Array): void {
    this.socket.on('drain', () => this.#owner.released(this))
    drive(this.socket, this.#owner.metered(this), this, trailing)
    this.socket.resume()
  }

  event(event: E): void {
    this.#owner.event(this, event)
  }

  turn(): void {
    this.#owner.turn(this)
  }

  closed(): void {
    this.#owner.closed(this)
  }

  /** `strict`: output waits until all that is on the tape by now is on disk. Turns are released in order. */
  hold(pieces: readonly Uint8Array[], tape: Tape): void {
    let length = 0
    for (const piece of pieces) length += piece.length
    this.heldBytes += length
    this.#held.push({ pieces, length })
    tape.durable().then(
      () => this.#release(),
      () => this.#owner.tapeFailed(),
    )
  }

  #release(): void {
    const turn = this.#held.shift()
    if (turn === undefined || this.#dropped) return
    this.heldBytes -= turn.length
    write(this.socket, turn.pieces)
    this.#owner.released(this)
  }

  /** Under `strict`: forgets what waits for the disk. True if there was any. */
  drop(strict: boolean): boolean {
    if (!strict) return false
    const some = this.#held.length > 0 || this.machine.takeOutput().length > 0
    this.#dropped = true
    this.#held = []
    return some
  }

  /** Writes the last words and ends the socket, in `strict` once all before them is on disk. */
  finish(alive: boolean, tape: Tape): void {
    if (!alive) {
      this.socket.destroy()
      return
    }
    if (this.#held.length === 0) {
      this.#last()
      return
    }
    tape.durable().then(
      () => this.#last(),
      () => this.socket.destroy(),
    )
  }

  #last(): void {
    for (const turn of this.#held) write(this.socket, turn.pieces)
    this.#held = []
    write(this.socket, this.machine.takeOutput())
    this.socket.end()
    const timer = setTimeout(() => this.socket.destroy(), limits.gateway.closeMillis)
    timer.unref()
    this.socket.once('close', () => clearTimeout(timer))
    // Bytes that still come are read and dropped, so that the peer's FIN is seen.
    this.socket.resume()
  }
}
