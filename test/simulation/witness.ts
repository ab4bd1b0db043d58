// A tape store that tells what it was given, and what of that is durable, as it happens: the judge of what may pass.

import type { Tape, TapeOpening, TapeStore } from '../../gateway/tape/tape.ts'
import type { RequestBody } from '../../protocols/tape/entry.ts'

/** What a tape has taken of one thing: a body, or a channel. */
export class Taken {
  bytes = Buffer.alloc(0)
  durable = 0

  add(bytes: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes, bytes])
  }
}

export class WitnessedTape implements Tape {
  readonly #tape: Tape
  readonly #witness: Witness
  readonly bodies = new Map<number, Taken>()
  readonly channels = new Map<number, Taken>()
  seals = 0

  constructor(tape: Tape, witness: Witness) {
    this.#tape = tape
    this.#witness = witness
  }

  get id(): string {
    return this.#tape.id
  }

  get size(): number {
    return this.#tape.size
  }

  get openedAt(): number {
    return this.#tape.openedAt
  }

  append: Tape['append'] = (kind, body) => {
    this.#tape.append(kind, body)
    if (kind === 'request') this.#witness.requested(body as RequestBody, this)
    if (kind === 'responseBody') {
      const { exchange, bytes } = body as { exchange: number; bytes: Uint8Array }
      taken(this.bodies, exchange).add(bytes)
    }
  }

  stream(channel: number, bytes: Uint8Array): void {
    this.#tape.stream(channel, bytes)
    taken(this.channels, channel).add(bytes)
  }

  body(exchange: number, bytes: Uint8Array): void {
    this.#tape.body(exchange, bytes)
    taken(this.bodies, exchange).add(bytes)
  }

  bodyEnd: Tape['bodyEnd'] = (exchange, end) => this.#tape.bodyEnd(exchange, end)

  async durable(): Promise<void> {
    const lengths = [...this.bodies.values(), ...this.channels.values()].map((one) => [one, one.bytes.length] as const)
    await this.#tape.durable()
    for (const [one, length] of lengths) one.durable = Math.max(one.durable, length)
  }

  seal(reason: string): void {
    this.seals += 1
    this.#tape.seal(reason)
  }
}

/** Where a request was taped. */
export interface Place {
  readonly tape: WitnessedTape
  readonly exchange: number
}

export class Witness implements TapeStore {
  readonly #store: TapeStore
  readonly tapes: WitnessedTape[] = []
  /** By the marker in the request's path. */
  readonly places = new Map<string, Place>()

  constructor(store: TapeStore) {
    this.#store = store
  }

  get failed(): Error | undefined {
    return this.#store.failed
  }

  get congested(): boolean {
    return this.#store.congested
  }

  open(opening: TapeOpening): Tape {
    const tape = new WitnessedTape(this.#store.open(opening), this)
    this.tapes.push(tape)
    return tape
  }

  onChange(listener: () => void): () => void {
    return this.#store.onChange(listener)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  requested(body: RequestBody, tape: WitnessedTape): void {
    const marker = markerOf(body.target)
    if (marker !== undefined) this.places.set(marker, { tape, exchange: body.exchange })
  }
}

/** Requests are told apart by the name that they ask for, or the command that they run: "m12". */
export function markerOf(target: string): string | undefined {
  return /[/=](m\d+)(?:[/?&]|$)/.exec(target)?.[1]
}

function taken<K>(map: Map<K, Taken>, key: K): Taken {
  let one = map.get(key)
  if (one === undefined) {
    one = new Taken()
    map.set(key, one)
  }
  return one
}
