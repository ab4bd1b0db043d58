// The approvals, kept in a journal: what is asked, answered and used is appended, and on disk, in the journal and in the
// ledger, before anybody hears of it. State changes with the append, so that nothing is used or answered twice while a write
// is under way; a write of the journal that fails takes the whole state back to what is on disk.

import { MisuseError } from '../../protocols/errors.ts'
import { limits } from '../../protocols/limits.ts'
import { type Refusal, refuse } from '../decision.ts'
import { answered, revoked } from './approval-answer.ts'
import { type Asked, bindingOf, crowded, requestOf, unexplained } from './approval-request.ts'
import { ApprovalShelf } from './approval-shelf.ts'
import { after, isOpen, isPast, stands } from './approval-state.ts'
import type {
  Answer,
  Approval,
  ApprovalEvent,
  ApprovalListener,
  Approvals,
  Asking,
  Target,
  WaitOutcome,
} from './approvals.ts'
import type { GrantScope } from './grant-scope.ts'
import { type Book, type Journal, JournalFailed } from './journal.ts'
import { type Ledger, LedgerFailed } from './ledger.ts'
import { approvalNote } from './notes.ts'
import { notGood, unrecorded } from './refusals.ts'
import { Waiters } from './waiters.ts'

export interface ApprovalBookOptions {
  readonly journal: Journal
  /** Gets each transition before it is appended. */
  readonly ledger: Ledger
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Unguessable and never the same: an approval's name for people and webhooks. */
  readonly newId: () => string
}

/** What a grant is asked for with; its terms' `validForMillis` is how long it is for. */
export type GrantAsking = Asked & { readonly scope: GrantScope }

/** A transition on its way to the disk. */
interface Settling {
  readonly event: ApprovalEvent
  readonly approval: Approval
}

export class ApprovalBook implements Approvals, Book {
  readonly topic = 'approvals'
  readonly #options: ApprovalBookOptions
  readonly #journal: Journal
  readonly #shelf = new ApprovalShelf()
  /** How many transitions of an approval are not yet on disk. */
  readonly #unsettled = new Map<string, number>()
  /** Uses that the cluster has not taken, until when the same call may still go on by them. */
  readonly #spare = new Map<string, { readonly id: string; readonly until: number }>()
  readonly #waiters = new Waiters()
  readonly #listeners = new Set<ApprovalListener>()
  /** Transitions on disk in the journal, of which the ledger has not said so: nobody has heard of them. */
  readonly #late: Settling[] = []
  #isCatchingUp = false

  /** Called with each transition as it is appended: what is appended there is on disk with it. */
  onAppend: ApprovalListener = () => undefined

  constructor(options: ApprovalBookOptions) {
    this.#options = options
    this.#journal = options.journal
    this.#journal.register(this)
  }

  ask(asking: Asking): Promise<Approval | Refusal> {
    return this.#ask(asking, { kind: 'call', digest: asking.digest })
  }

  /** As `ask`, for a standing grant. */
  askGrant(asking: GrantAsking): Promise<Approval | Refusal> {
    return this.#ask(asking, { kind: 'grant', scope: asking.scope })
  }

  standing({ terms, digest }: Pick<Asking, 'terms' | 'digest'>): Approval | undefined {
    const found = this.#shelf.find({ kind: 'call', digest }, terms)
    return found !== undefined && (isOpen(found) || stands(found, this.#options.now())) ? found : undefined
  }

  wait(id: string, told: (outcome: WaitOutcome, approval: Approval) => void, bytes = 0): () => void {
    const approval = this.#shelf.get(id)
    if (approval === undefined) throw new MisuseError('a wait for an approval that is not there')
    const now = this.#options.now()
    const remove = this.#waiters.add(id, { now, millis: approval.terms.waitMillis, bytes }, (outcome) => {
      const current = this.#shelf.get(id) ?? approval
      const isAnswered = outcome === 'timeout' && !isOpen(current) && this.isSettled(id)
      told(isAnswered ? 'answered' : outcome, current)
    })
    if (this.#journal.failed !== undefined) this.#waiters.tell(id, 'failed')
    else if (!isOpen(approval) && this.isSettled(id)) this.#waiters.tell(id, 'answered')
    return () => {
      if (!remove() || this.#waiters.count(id) > 0 || this.#shelf.get(id)?.state !== 'requested') return
      this.#commitUnheard({ kind: 'cancel', id, at: this.#options.now() })
    }
  }

  async use({ terms, digest }: Pick<Asking, 'terms' | 'digest'>): Promise<Approval | Refusal> {
    this.look()
    const found = this.#shelf.find({ kind: 'call', digest }, terms)
    if (found === undefined)
      return refuse(403, 'Forbidden', 'approvals.none', 'nobody has been asked to allow this call')
    if (found.state !== 'approved') return notGood(found)
    const at = this.#options.now()
    return this.#commit({ kind: 'use', id: found.id, at, used: found.used + 1 })
  }

  unspent(id: string): void {
    const approval = this.#shelf.get(id)
    if (approval === undefined || approval.target.kind !== 'call') return
    this.#spare.set(bindingOf(approval.target, approval.terms), {
      id,
      until: this.#options.now() + limits.approvals.fallbackMillis,
    })
  }

  spare({ terms, digest }: Pick<Asking, 'terms' | 'digest'>): Approval | undefined {
    const binding = bindingOf({ kind: 'call', digest }, terms)
    const spare = this.#spare.get(binding)
    this.#spare.delete(binding)
    return spare === undefined || this.#options.now() >= spare.until ? undefined : this.#shelf.get(spare.id)
  }

  async answer(answer: Answer): Promise<Approval | Refusal> {
    this.look()
    const event = answered(this.#shelf.get(answer.id), answer, this.#options.now())
    return 'status' in event ? event : this.#commit(event)
  }

  async revoke(revocation: Omit<Answer, 'answer' | 'cluster'>): Promise<Approval | Refusal> {
    this.look()
    const event = revoked(this.#shelf.get(revocation.id), revocation, this.#options.now())
    return 'status' in event ? event : this.#commit(event)
  }

  get(id: string): Approval | undefined {
    return this.#shelf.get(id)
  }

  list(): readonly Approval[] {
    return this.#shelf.list()
  }

  /** Those that can still change, by when they were asked for. */
  live(): Iterable<Approval> {
    return this.#shelf.live()
  }

  /** Whether its state is on disk. */
  isSettled(id: string): boolean {
    return this.#journal.failed === undefined && !this.#unsettled.has(id)
  }

  waiting(id: string): number {
    return this.#waiters.count(id)
  }

  /** Calls that wait for an answer. */
  get parked(): number {
    return this.#waiters.parked
  }

  /** Requests that can still be answered. */
  get pending(): number {
    let pending = 0
    for (const approval of this.live()) if (isOpen(approval)) pending++
    return pending
  }

  onEvent(listener: ApprovalListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Ends what is past its time, waits first, and forgets what has been over for long. */
  look(): void {
    const now = this.#options.now()
    this.#waiters.look(now)
    for (const [binding, { until }] of this.#spare) if (now >= until) this.#spare.delete(binding)
    if (this.#journal.failed !== undefined) return
    void this.#catchUp()
    for (const approval of this.live()) {
      if (isPast(approval, now)) this.#commitUnheard({ kind: 'expire', id: approval.id, at: now })
    }
    for (const id of this.#shelf.outlived(now)) this.#forget(id)
  }

  reset(): void {
    this.#late.length = 0
    this.#shelf.clear()
    this.#unsettled.clear()
    this.#spare.clear()
  }

  replay(record: unknown, number: number): void {
    this.#shelf.apply(record as ApprovalEvent, number)
  }

  restored(): void {
    this.look()
  }

  failed(): void {
    this.#waiters.tellAll('failed')
  }

  async #ask(asked: Asked, target: Target): Promise<Approval | Refusal> {
    this.look()
    const unsaid = unexplained(asked)
    if (unsaid !== undefined) return unsaid
    const at = this.#options.now()
    const found = this.#shelf.find(target, asked.terms)
    if (found?.state === 'cancelled') return this.#commit({ kind: 'return', id: found.id, at })
    if (found !== undefined && stands(found, at)) return this.#settled(found.id)
    const crowd = crowded(this.live(), asked.requester.user)
    if (crowd !== undefined) return crowd
    return this.#commit(requestOf(asked, target, this.#options.newId(), at))
  }

  /** Its state, once that is on disk. */
  async #settled(id: string): Promise<Approval | Refusal> {
    try {
      if (!this.isSettled(id)) await Promise.all([this.#journal.durable(), this.#options.ledger.durable()])
    } catch (error) {
      return unrecorded(error)
    }
    return this.#shelf.get(id) as Approval
  }

  /** Appends, applies, and when it is on disk tells. Returns the approval after it. */
  async #commit(event: ApprovalEvent): Promise<Approval | Refusal> {
    const { id } = event
    try {
      if (this.#journal.failed !== undefined) throw this.#journal.failed
      this.#options.ledger.append(approvalNote(event, after(this.#shelf.get(id), event)))
      const number = this.#journal.append(this, event, this.#shelf.replacedBy(event))
      const approval = this.#shelf.apply(event, number)
      this.onAppend(event, approval)
      this.#unsettled.set(id, (this.#unsettled.get(id) ?? 0) + 1)
      // Both at once; the journal's answer comes first.
      const recorded = this.#options.ledger.durable().catch((error: unknown) => error)
      await this.#journal.durable()
      const fault = await recorded
      if (fault !== undefined) this.#late.push({ event, approval })
      if (fault !== undefined) throw fault
      this.#settle({ event, approval })
      return approval
    } catch (error) {
      return unrecorded(error)
    }
  }

  /** It is on disk: now it counts, and is told. */
  #settle({ event, approval }: Settling): void {
    const { id } = event
    const left = (this.#unsettled.get(id) ?? 0) - 1
    if (left > 0) this.#unsettled.set(id, left)
    else this.#unsettled.delete(id)
    for (const listener of this.#listeners) listener(event, approval)
    if (!isOpen(approval)) this.#waiters.tell(id, 'answered')
  }

  /** The ledger may be back. */
  async #catchUp(): Promise<void> {
    if (this.#late.length === 0 || this.#isCatchingUp) return
    this.#isCatchingUp = true
    try {
      const late = [...this.#late]
      await this.#options.ledger.durable()
      for (const settling of late) {
        const at = this.#late.indexOf(settling)
        if (at !== -1) this.#settle(this.#late.splice(at, 1)[0] as Settling)
      }
    } catch (error) {
      if (!(error instanceof LedgerFailed)) throw error
    } finally {
      this.#isCatchingUp = false
    }
  }

  /** For what nobody waits for. A failure has been told by the journal. */
  #commitUnheard(event: ApprovalEvent): void {
    void this.#commit(event)
  }

  #forget(id: string): void {
    try {
      this.#journal.remove(this.#shelf.numbersOf(id))
    } catch (error) {
      if (error instanceof JournalFailed) return
      throw error
    }
    this.#shelf.forget(id)
  }
}
