// The kill switch: a user, an actor, a run, a cluster or everything is locked until somebody unlocks it. A lock is in
// force at once, on disk or not; an unlock only once it is on disk.

import { limits } from '../../protocols/limits.ts'
import { type Refusal, refuse } from '../decision.ts'
import type { Person } from './approvals.ts'
import { type Book, type Journal, JournalFailed } from './journal.ts'
import { type Ledger, LedgerFailed } from './ledger.ts'
import { lockNote } from './notes.ts'
import { plainText } from './plain-text.ts'
import { unrecorded } from './refusals.ts'

/** A run is what a caller says of itself: a lock on one stops those who are honest. `all` has the name "". */
export interface LockTarget {
  readonly kind: 'user' | 'actor' | 'run' | 'cluster' | 'all'
  readonly name: string
}

export interface Lock {
  readonly id: string
  readonly target: LockTarget
  readonly reason: string
  readonly by: Person
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface LockEvent {
  readonly kind: 'lock' | 'unlock'
  readonly lock: Lock
  /** Who has done it, when, and why. */
  readonly by: Person
  readonly at: number
  readonly reason: string
}

export interface LocksOptions {
  readonly journal: Journal
  readonly ledger: Ledger
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly newId: () => string
}

export class Locks implements Book {
  readonly topic = 'locks'
  readonly #options: LocksOptions
  readonly #journal: Journal
  readonly #locks = new Map<string, Lock>()
  /** The records of those that have one. */
  readonly #numbers = new Map<string, number>()
  readonly #byTarget: Readonly<Record<LockTarget['kind'], Map<string, Lock>>> = {
    user: new Map(),
    actor: new Map(),
    run: new Map(),
    cluster: new Map(),
    all: new Map(),
  }
  readonly #listeners = new Set<(event: LockEvent) => void>()
  /** Those of which an unlock is on its way to the disk: they are in force, and no answer to somebody who locks now. */
  readonly #ending = new Set<Lock>()
  /** Those of which the ledger does not know. */
  readonly #unrecorded = new Set<Lock>()

  constructor(options: LocksOptions) {
    this.#options = options
    this.#journal = options.journal
    this.#journal.register(this)
  }

  /**
   * Locks; listeners have been told before this returns its promise. What is locked already stays as it is. `isRecorded`:
   * whether a restart would keep it; it is in force either way. Refusals: locks.name, locks.many.
   */
  async lock(
    target: LockTarget,
    by: Person,
    reason: string,
  ): Promise<{ readonly lock: Lock; readonly isRecorded: boolean } | Refusal> {
    const { kind, name } = target
    if ((kind === 'all') !== (name === '') || name.length > limits.approvals.lockName) {
      return refuse(422, 'Invalid', 'locks.name', 'name what is to be locked')
    }
    let lock = this.#byTarget[kind].get(name)
    if (lock === undefined || this.#ending.has(lock)) {
      if (kind !== 'all' && this.#locks.size >= limits.approvals.locks) {
        return refuse(
          429,
          'TooManyRequests',
          'locks.many',
          'too many locks are in force; unlock some, or lock everything',
        )
      }
      const at = this.#options.now()
      const why = plainText(reason, limits.approvals.reason)
      lock = { id: this.#options.newId(), target: { kind, name }, reason: why, by, at }
      this.#keep(lock)
      this.#unrecorded.add(lock)
      this.#tell(lockEvent(lock))
    }
    try {
      this.#note(lock)
      if (!this.#numbers.has(lock.id)) this.#numbers.set(lock.id, this.#journal.append(this, lock))
      await Promise.all([this.#journal.durable(), this.#options.ledger.durable()])
      return { lock, isRecorded: true }
    } catch (error) {
      if (error instanceof JournalFailed || error instanceof LedgerFailed) return { lock, isRecorded: false }
      throw error
    }
  }

  /** Refusals: locks.unknown, approvals.unrecorded; then the lock is still in force. */
  async unlock(id: string, by: Person, reason: string): Promise<Lock | Refusal> {
    const lock = this.#locks.get(id)
    if (lock === undefined) return UNKNOWN
    const why = plainText(reason, limits.approvals.reason)
    const event: LockEvent = { kind: 'unlock', lock, by, at: this.#options.now(), reason: why }
    this.#ending.add(lock)
    try {
      if (this.#journal.failed !== undefined) throw this.#journal.failed
      this.#options.ledger.append(lockNote(event))
      await this.#options.ledger.durable()
      const number = this.#numbers.get(id)
      if (number !== undefined) this.#journal.remove([number])
      await this.#journal.durable()
    } catch (error) {
      return unrecorded(error)
    } finally {
      this.#ending.delete(lock)
    }
    // Somebody else may have unlocked it meanwhile.
    if (!this.#locks.delete(id)) return UNKNOWN
    this.#unrecorded.delete(lock)
    this.#numbers.delete(id)
    this.#drop(lock)
    this.#tell(event)
    return lock
  }

  /** The lock that stops a call, the widest first. `run`: as the caller says, or "". */
  lockOn(principal: { readonly user: string; readonly actor: string }, run: string, cluster: string): Lock | undefined {
    if (this.#locks.size === 0) return undefined
    const { all, cluster: clusters, user, actor, run: runs } = this.#byTarget
    return (
      all.get('') ?? clusters.get(cluster) ?? user.get(principal.user) ?? actor.get(principal.actor) ?? runs.get(run)
    )
  }

  /** By when they were made. */
  list(): readonly Lock[] {
    return [...this.#locks.values()]
  }

  /** Told as soon as a lock is in force, for open streams to be cut; and of an unlock. Does not throw. Returns the remover. */
  onEvent(listener: (event: LockEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The ledger may be back: it gets what it has not. */
  look(): void {
    try {
      for (const lock of this.#unrecorded) this.#note(lock)
    } catch (error) {
      if (!(error instanceof LedgerFailed)) throw error
    }
  }

  /** What may be on no disk stays in force. */
  reset(): void {
    this.#numbers.clear()
  }

  replay(record: unknown, number: number): void {
    const lock = record as Lock
    this.#keep(lock)
    this.#numbers.set(lock.id, number)
  }

  restored(): void {
    for (const lock of this.#locks.values()) {
      if (!this.#numbers.has(lock.id)) this.#numbers.set(lock.id, this.#journal.append(this, lock))
    }
  }

  failed(): void {
    this.#numbers.clear()
  }

  #keep(lock: Lock): void {
    this.#locks.set(lock.id, lock)
    this.#byTarget[lock.target.kind].set(lock.target.name, lock)
  }

  /** Somebody may have locked the same anew while it ended, and it may be what is left of two. */
  #drop({ target: { kind, name } }: Lock): void {
    const left = this.list().find(({ target }) => target.kind === kind && target.name === name)
    if (left === undefined) this.#byTarget[kind].delete(name)
    else this.#byTarget[kind].set(name, left)
  }

  /** Throws LedgerFailed. */
  #note(lock: Lock): void {
    if (!this.#unrecorded.has(lock)) return
    this.#options.ledger.append(lockNote(lockEvent(lock)))
    this.#unrecorded.delete(lock)
  }

  #tell(event: LockEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

const UNKNOWN = refuse(404, 'NotFound', 'locks.unknown', 'there is no such lock')

function lockEvent(lock: Lock): LockEvent {
  return { kind: 'lock', lock, by: lock.by, at: lock.at, reason: lock.reason }
}

/** Whether a lock on the target stops what is this person's, run's and cluster's. */
export function stops(
  { kind, name }: LockTarget,
  of: Readonly<Record<Exclude<LockTarget['kind'], 'all'>, string>>,
): boolean {
  return kind === 'all' || of[kind] === name
}

/** locks.user, .actor, .run, .cluster or .all: what is locked, by whom and why. */
export function lockRefusal({ id, target, by, reason }: Lock): Refusal {
  const what = target.kind === 'all' ? 'the gateway' : `${target.kind} ${target.name}`
  const why = reason === '' ? '' : `: ${reason}`
  return refuse(403, 'Forbidden', `locks.${target.kind}`, `${what} is locked by ${by.user} (lock ${id})${why}`)
}
