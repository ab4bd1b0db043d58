// A machine whose bytes are counted before it reads them. A piece that has no room is as if it had never come, and nothing
// behind it comes: what the machine has passed stays whole.

import type { Connection } from '../../protocols/connection.ts'
import type { Meter } from '../budget.ts'
import type { Refusal } from '../decision.ts'

export class MeteredConnection<Event, Command> implements Connection<Event, Command> {
  readonly #machine: Connection<Event, Command>
  readonly #meter: Meter
  readonly #over: (refusal: Refusal) => void
  #isOver = false

  /** `over` is called once, in the middle of `receive`. */
  constructor(machine: Connection<Event, Command>, meter: Meter, over: (refusal: Refusal) => void) {
    this.#machine = machine
    this.#meter = meter
    this.#over = over
  }

  receive(bytes: Uint8Array): readonly Event[] {
    if (this.#isOver) return []
    const refusal = this.#meter.streams(bytes.length)
    if (refusal === undefined) return this.#machine.receive(bytes)
    this.#isOver = true
    this.#over(refusal)
    return []
  }

  receiveEnd(): readonly Event[] {
    return this.#isOver ? [] : this.#machine.receiveEnd()
  }

  send(command: Command): void {
    this.#machine.send(command)
  }

  takeOutput(): readonly Uint8Array[] {
    return this.#machine.takeOutput()
  }
}
