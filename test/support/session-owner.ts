// What stands behind a client's session in tests: keeps its requests and what it is told, and answers only when the test
// does. The work on a request ends at once, or with `settle` where `holds` is set.

import type { Exchange } from '../../gateway/exchange.ts'
import { BodyBudget } from '../../gateway/request-body.ts'
import type { SessionOwner } from '../../gateway/session.ts'

export class RecordingOwner implements SessionOwner {
  readonly exchanges: Exchange[] = []
  readonly malformedRules: string[] = []
  readonly endings: string[] = []
  readonly done: Exchange[] = []
  readonly bodies = new BodyBudget()
  holds = false
  readonly #settle = new Map<Exchange, () => void>()

  async request(exchange: Exchange): Promise<void> {
    this.exchanges.push(exchange)
    if (!this.holds) return
    await new Promise<void>((resolve) => this.#settle.set(exchange, resolve))
  }

  /** The work on a request that was held is done. */
  settle(exchange: Exchange): void {
    this.#settle.get(exchange)?.()
  }

  finished(exchange: Exchange): void {
    this.done.push(exchange)
  }

  malformed(error: { readonly rule: string }): { status: number; fields: string[]; body: Uint8Array } {
    this.malformedRules.push(error.rule)
    return { status: 400, fields: ['Content-Type', 'text/plain'], body: Buffer.from('no') }
  }

  ended(reason: string): void {
    this.endings.push(reason)
  }
}
