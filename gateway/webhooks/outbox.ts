// Notifications that must reach webhooks: kept in the journal with what they tell of, sent once that is on disk, tried again
// with longer and longer waits, and forgotten when they have been taken or are too old. At least once: whoever takes one twice
// knows it by its id. Refuses more than it may hold, and says so.

import { limits } from '../../protocols/limits.ts'
import { type Book, type Journal, JournalFailed } from '../approvals/journal.ts'
import type { Timers } from '../approvals/timers.ts'
import type { Caller } from '../https-call.ts'
import type { Notification } from './notification.ts'
import { send, type Webhook } from './webhook.ts'

export interface OutboxOptions {
  readonly journal: Journal
  readonly timers: Timers
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Unguessable and never the same. */
  readonly newId: () => string
  readonly call: Caller
  /** Resolves when all that was appended so far, anywhere, is on disk. */
  durable(): Promise<unknown>
  /** A notification will never arrive, and why. Does not throw. */
  lost(webhook: string, notification: Notification, why: string): void
  /** A try has failed. Does not throw. */
  failed(webhook: string, why: string): void
}

interface Message {
  readonly id: string
  readonly webhook: string
  readonly notification: Notification
}

interface Waiting {
  readonly message: Message
  number: number
  tries: number
  /** Milliseconds since 1970; not before. */
  dueAt: number
}

export class Outbox implements Book {
  readonly topic = 'outbox'
  readonly #options: OutboxOptions
  #webhooks: ReadonlyMap<string, Webhook> = new Map()
  /** By id, oldest first. */
  readonly #waiting = new Map<string, Waiting>()
  /** Webhooks with a message under way: one at a time, so that a slow one holds up nobody else. */
  readonly #sending = new Set<string>()
  #closing = new AbortController()
  #cancelTimer: (() => void) | undefined

  constructor(options: OutboxOptions) {
    this.#options = options
    options.journal.register(this)
  }

  /** From now on; what waits for one that is gone is forgotten. */
  configure(webhooks: readonly Webhook[]): void {
    this.#webhooks = new Map(webhooks.map((webhook) => [webhook.name, webhook]))
    for (const { message } of this.#waiting.values()) {
      if (!this.#webhooks.has(message.webhook)) this.#lose(message, 'the webhook is no longer configured')
    }
    this.#pump()
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size
  }

  /** For every webhook that is to hear of it; on disk with whatever else is appended in this turn. */
  put(notification: Notification): void {
    for (const webhook of this.#webhooks.values()) {
      if (!webhook.types.has(notification.type)) continue
      if (this.#held(webhook.name) >= this.#roomFor(notification)) {
        this.#options.lost(webhook.name, notification, 'too many messages wait to be sent')
        continue
      }
      this.#append({ id: `msg_${this.#options.newId()}`, webhook: webhook.name, notification })
    }
  }

  #held(webhook: string): number {
    let held = 0
    for (const { message } of this.#waiting.values()) if (message.webhook === webhook) held += 1
    return held
  }

  /** A webhook's share, so that one that hangs takes nobody else's; half of it for what callers can bring about at will. */
  #roomFor({ type }: Notification): number {
    const share = Math.floor(limits.approvals.outbox / this.#webhooks.size)
    return type === 'budget.exceeded' ? Math.floor(share / 2) : share
  }

  /** Gives up what is under way; it is sent again after the next start. */
  close(): void {
    this.#cancelTimer?.()
    this.#closing.abort()
  }

  reset(): void {
    this.#waiting.clear()
  }

  replay(record: unknown, number: number): void {
    const message = record as Message
    this.#waiting.set(message.id, { message, number, tries: 0, dueAt: 0 })
  }

  restored(): void {
    this.#pump()
  }

  failed(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  #append(message: Message): void {
    const { journal } = this.#options
    try {
      const number = journal.append(this, message)
      this.#waiting.set(message.id, { message, number, tries: 0, dueAt: Number.POSITIVE_INFINITY })
      this.#releaseLater(message.id)
    } catch (error) {
      if (!(error instanceof JournalFailed)) throw error
      this.#options.lost(message.webhook, message.notification, 'it could not be written')
    }
  }

  /** Nobody is told of what may not have come about. */
  #releaseLater(id: string): void {
    const { durable, timers, journal } = this.#options
    durable().then(
      () => this.#release(id),
      () => {
        // The journal's failure is told to the book; a ledger that has failed comes back by itself.
        if (journal.failed === undefined && !this.#closing.signal.aborted)
          timers.after(limits.approvals.retryMillis, () => this.#releaseLater(id))
      },
    )
  }

  #release(id: string): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined || waiting.dueAt !== Number.POSITIVE_INFINITY) return
    waiting.dueAt = this.#options.now()
    this.#pump()
  }

  /** Sends what is due, and comes back for what is due next. */
  #pump(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (this.#closing.signal.aborted || this.#options.journal.failed !== undefined) return
    const now = this.#options.now()
    let next = Number.POSITIVE_INFINITY
    for (const waiting of this.#waiting.values()) {
      const webhook = this.#webhooks.get(waiting.message.webhook)
      if (webhook === undefined || this.#sending.has(webhook.name)) continue
      if (waiting.dueAt > now) next = Math.min(next, waiting.dueAt)
      else void this.#send(webhook, waiting)
    }
    if (next === Number.POSITIVE_INFINITY) return
    this.#cancelTimer = this.#options.timers.after(next - now, () => this.#pump())
  }

  async #send(webhook: Webhook, waiting: Waiting): Promise<void> {
    const { message } = waiting
    const { id, notification } = message
    const { call, now } = this.#options
    this.#sending.add(webhook.name)
    const why = await send(webhook, { id, notification, now: now(), call, signal: this.#closing.signal })
    this.#sending.delete(webhook.name)
    if (this.#closing.signal.aborted) return
    if (why === undefined) this.#forget(message)
    else this.#again(webhook, message, why)
    this.#pump()
  }

  #again(webhook: Webhook, message: Message, why: string): void {
    const { retryMillis, retryLongestMillis, tryMillis } = limits.approvals
    const { now, failed } = this.#options
    failed(webhook.name, why)
    if (now() - message.notification.at >= tryMillis) {
      this.#lose(message, why)
      return
    }
    // Where the journal has been read anew meanwhile it is another object.
    const waiting = this.#waiting.get(message.id)
    if (waiting === undefined) return
    waiting.dueAt = now() + Math.min(retryMillis * 2 ** waiting.tries, retryLongestMillis)
    waiting.tries += 1
  }

  #lose(message: Message, why: string): void {
    this.#options.lost(message.webhook, message.notification, why)
    this.#forget(message)
  }

  #forget({ id }: Message): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    try {
      this.#options.journal.remove([waiting.number])
    } catch (error) {
      // It is sent again once the journal has come back.
      if (!(error instanceof JournalFailed)) throw error
    }
  }
}
