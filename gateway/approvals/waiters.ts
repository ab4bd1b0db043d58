// Parked calls, by what they wait for: each is told once, by an answer, by the clock or by a failure, unless its client
// has gone before.

import { limits } from '../../protocols/limits.ts'
import type { WaitOutcome } from './approvals.ts'

interface Waiter {
  readonly deadline: number
  readonly bytes: number
  readonly told: (outcome: WaitOutcome) => void
}

export class Waiters {
  readonly #waiters = new Map<string, Set<Waiter>>()
  /** When a wait ran out last. */
  readonly #timeouts = new Map<string, number>()
  #parked = 0
  #bytes = 0

  /** How many wait in all. */
  get parked(): number {
    return this.#parked
  }

  /** How many wait for it. */
  count(id: string): number {
    return this.#waiters.get(id)?.size ?? 0
  }

  /** `told` is called in a later turn. Returns what takes it away, and whether it was there. */
  add(
    id: string,
    { now, millis, bytes }: { readonly now: number; readonly millis: number; readonly bytes: number },
    told: (outcome: WaitOutcome) => void,
  ): () => boolean {
    const waiter: Waiter = { deadline: now + millis, bytes, told }
    const last = this.#timeouts.get(id)
    const isRepeated = last !== undefined && now - last < limits.approvals.fallbackMillis
    const waiters = this.#waiters.get(id) ?? new Set()
    this.#waiters.set(id, waiters.add(waiter))
    this.#parked++
    this.#bytes += bytes
    const isFull = this.#parked > limits.approvals.parked || this.#bytes > limits.approvals.parkedBytes
    // Not before this returns.
    if (millis <= 0 || isRepeated || isFull) {
      queueMicrotask(() => {
        if (this.#remove(id, waiter)) told('timeout')
      })
    }
    return () => this.#remove(id, waiter)
  }

  /** In a later turn, so that who hears of it can do whatever it likes. */
  tell(id: string, outcome: WaitOutcome): void {
    for (const waiter of this.#waiters.get(id) ?? []) {
      queueMicrotask(() => {
        if (this.#remove(id, waiter)) waiter.told(outcome)
      })
    }
  }

  tellAll(outcome: WaitOutcome): void {
    for (const id of this.#waiters.keys()) this.tell(id, outcome)
  }

  /** Tells those whose wait is over. */
  look(now: number): void {
    for (const [id, waiters] of this.#waiters) {
      for (const waiter of waiters) {
        if (waiter.deadline > now || !this.#remove(id, waiter)) continue
        this.#timeouts.set(id, now)
        waiter.told('timeout')
      }
    }
    for (const [id, at] of this.#timeouts) if (now - at >= limits.approvals.fallbackMillis) this.#timeouts.delete(id)
  }

  #remove(id: string, waiter: Waiter): boolean {
    const waiters = this.#waiters.get(id)
    if (waiters?.delete(waiter) !== true) return false
    this.#parked--
    this.#bytes -= waiter.bytes
    if (waiters.size === 0) this.#waiters.delete(id)
    return true
  }
}
