// One client connection, as the pipeline sees it: its address and the tapes of its API calls, one for each cluster that
// it talks to, followed by a new one after an hour or 256 MiB.

import { limits } from '../protocols/limits.ts'
import type { Tape, TapeStore } from './tape/tape.ts'

/** A tape of API calls with the number of the last request on it. */
export interface ApiTape {
  readonly tape: Tape
  exchanges: number
}

export class Client {
  /** "127.0.0.1:51234". */
  readonly address: string
  readonly #store: TapeStore
  readonly #now: () => number
  readonly #tapes = new Map<string, ApiTape>()
  /** Tells the listener that somebody was identified on this connection. Idempotent. */
  readonly identified: () => void

  constructor(address: string, store: TapeStore, now: () => number, identified: () => void) {
    this.address = address
    this.#store = store
    this.#now = now
    this.identified = identified
  }

  /** The tape for this connection's API calls to a cluster, opened or rotated as needed. Throws TapeFailed. */
  apiTape(cluster: string): ApiTape {
    const current = this.#tapes.get(cluster)
    if (current !== undefined && !this.#full(current.tape)) return current
    const opening = { kind: 'api', cluster, client: this.address } as const
    const tape = this.#store.open(current === undefined ? opening : { ...opening, previous: current.tape.id })
    current?.tape.seal('rotated')
    const opened = { tape, exchanges: 0 }
    this.#tapes.set(cluster, opened)
    return opened
  }

  seal(reason: string): void {
    for (const { tape } of this.#tapes.values()) tape.seal(reason)
    this.#tapes.clear()
  }

  #full(tape: Tape): boolean {
    if (tape.size >= limits.tape.rotateBytes) return true
    return this.#now() - tape.openedAt >= limits.tape.rotateMillis
  }
}
