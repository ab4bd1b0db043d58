// The approvals, kept in a journal: what is asked, answered and used is judged here, appended, and on disk, in the journal
// and in the ledger, before anybody hears of it. State changes with the append, so that nothing is used or answered twice
// while a write is under way; a write of the journal that fails takes the whole state back to what is on disk.

import { createHash } from 'node:crypto'
import { MisuseError } from '../../protocols/errors.ts'
import { limits } from '../../protocols/limits.ts'
import { type ApprovalTerms, type Refusal, refuse } from '../decision.ts'
import { after, isOpen, isPast, slot } from './approval-state.ts'
import type {
  Answer,
  Approval,
  ApprovalEvent,
  ApprovalListener,
  Approvals,
  Asking,
  Summary,
  Target,
  WaitOutcome,
} from './approvals.ts'
import type { GrantScope } from './grant-scope.ts'
import { type Book, type Journal, JournalFailed } from './journal.ts'
import { type Ledger, LedgerFailed } from './ledger.ts'
import { approvalNote } from './notes.ts'
import { plainText } from './plain-text.ts'
import { isMet, personOf, quorumsOf } from './quorum.ts'
import { alreadyOver, notGood, unrecorded } from './refusals.ts'
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
export type GrantAsking = Omit<Asking, 'digest'> & { readonly scope: GrantScope }

/** A transition on its way to the disk. */
interface Settling {
  readonly event: ApprovalEvent
  readonly approval: Approval
}

export class ApprovalBook implements Approvals, Book {
  readonly topic = 'approvals'
  readonly #options: ApprovalBookOptions
  readonly #journal: Journal
  readonly #approvals = new Map<string, Approval>()
  /** The last approval for the same thing under the same terms. */
  readonly #latest = new Map<string, string>()
  /** Those that can still change. */
  readonly #live = new Set<string>()
  /** Those that cannot, oldest first. */
  readonly #over = new Set<string>()
  /** Characters that those hold. */
  #overText = 0
  /** An approval's records, by their slot. */
  readonly #numbers = new Map<string, Map<string, number>>()
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
    const found = this.#find({ kind: 'call', digest }, terms)
    return found !== undefined && (isOpen(found) || stands(found, this.#options.now())) ? found : undefined
  }

  wait(id: string, told: (outcome: WaitOutcome, approval: Approval) => void, bytes = 0): () => void {
    const approval = this.#approvals.get(id)
    if (approval === undefined) throw new MisuseError('a wait for an approval that is not there')
    const now = this.#options.now()
    const remove = this.#waiters.add(id, { now, millis: approval.terms.waitMillis, bytes }, (outcome) => {
      const current = this.#approvals.get(id) ?? approval
      const isAnswered = outcome === 'timeout' && !isOpen(current) && this.isSettled(id)
      told(isAnswered ? 'answered' : outcome, current)
    })
    if (this.#journal.failed !== undefined) this.#waiters.tell(id, 'failed')
    else if (!isOpen(approval) && this.isSettled(id)) this.#waiters.tell(id, 'answered')
    return () => {
      if (!remove() || this.#waiters.count(id) > 0 || this.#approvals.get(id)?.state !== 'requested') return
      this.#commitUnheard({ kind: 'cancel', id, at: this.#options.now() })
    }
  }

  async use({ terms, digest }: Pick<Asking, 'terms' | 'digest'>): Promise<Approval | Refusal> {
    this.look()
    const found = this.#find({ kind: 'call', digest }, terms)
    if (found === undefined)
      return refuse(403, 'Forbidden', 'approvals.none', 'nobody has been asked to allow this call')
    if (found.state !== 'approved') return notGood(found)
    const at = this.#options.now()
    return this.#commit({ kind: 'use', id: found.id, at, used: found.used + 1 })
  }

  unspent(id: string): void {
    const approval = this.#approvals.get(id)
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
    return spare === undefined || this.#options.now() >= spare.until ? undefined : this.#approvals.get(spare.id)
  }

  async answer(answer: Answer): Promise<Approval | Refusal> {
    this.look()
    const { id, approver, via, cluster } = answer
    const found = this.#approvals.get(id)
    if (found === undefined) return UNKNOWN
    if (cluster !== undefined && cluster !== found.summary.cluster) {
      return refuse(403, 'Forbidden', 'approvals.cluster', 'this approval is for another cluster')
    }
    const counts = quorumsOf(found, approver)
    if ('status' in counts) return counts
    if (!isOpen(found)) return alreadyOver(found)
    const by = personOf(approver)
    const at = this.#options.now()
    const reason = plainText(answer.reason, limits.approvals.reason)
    const ticket = plainText(answer.ticket, limits.approvals.reason)
    if (answer.answer === 'no') return this.#commit({ kind: 'deny', id, at, by, reason, ticket, via })
    if (found.yeses.some((yes) => yes.by.user === by.user)) {
      return refuse(403, 'Forbidden', 'approvals.twice', 'you have said yes to this already')
    }
    const { terms } = found
    if (terms.ticketRequired && ![ticket, found.ticket, ...found.yeses.map((yes) => yes.ticket)].some(saysSomething)) {
      return refuse(422, 'Invalid', 'approvals.ticket_required', 'name the ticket that this is for')
    }
    const validUntil = isMet(terms, [...found.yeses, { by, counts }]) ? at + terms.validForMillis : null
    return this.#commit({ kind: 'approve', id, at, by, reason, ticket, via, counts, validUntil })
  }

  async revoke(revocation: Omit<Answer, 'answer' | 'cluster'>): Promise<Approval | Refusal> {
    this.look()
    const { id, approver, via } = revocation
    const found = this.#approvals.get(id)
    if (found === undefined) return UNKNOWN
    const counts = approver.actor === '' && approver.user === found.requester.user ? [] : quorumsOf(found, approver)
    if ('status' in counts) return counts
    if (found.state !== 'approved') {
      const message = `there is no yes to take back: it is ${found.state}`
      return refuse(403, 'Forbidden', 'approvals.not_approved', message)
    }
    const reason = plainText(revocation.reason, limits.approvals.reason)
    const ticket = plainText(revocation.ticket, limits.approvals.reason)
    return this.#commit({ kind: 'revoke', id, at: this.#options.now(), by: personOf(approver), reason, ticket, via })
  }

  get(id: string): Approval | undefined {
    return this.#approvals.get(id)
  }

  list(): readonly Approval[] {
    return [...this.#approvals.values()]
  }

  /** Those that can still change, by when they were asked for. */
  *live(): Iterable<Approval> {
    for (const id of this.#live) yield this.#approvals.get(id) as Approval
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
    for (const id of this.#over) {
      const { overAt } = this.#approvals.get(id) as Approval
      const isOld = now - (overAt as number) >= limits.approvals.keptMillis
      const isCrowded = this.#over.size > limits.approvals.kept || this.#overText > limits.approvals.keptText
      if (!isOld && !isCrowded) break
      this.#forget(id)
    }
  }

  reset(): void {
    this.#late.length = 0
    this.#overText = 0
    for (const kept of [
      this.#approvals,
      this.#latest,
      this.#live,
      this.#over,
      this.#numbers,
      this.#unsettled,
      this.#spare,
    ])
      kept.clear()
  }

  replay(record: unknown, number: number): void {
    this.#apply(record as ApprovalEvent, number)
  }

  restored(): void {
    this.look()
  }

  failed(): void {
    this.#waiters.tellAll('failed')
  }

  async #ask(asking: Omit<Asking, 'digest'>, target: Target): Promise<Approval | Refusal> {
    this.look()
    const { terms } = asking
    const reason = plainText(asking.reason, limits.approvals.reason)
    if (terms.reasonRequired && !saysSomething(reason)) {
      const message = 'the rule wants to know why: say so in a Sallyport-Intent header and repeat the call'
      return refuse(403, 'Forbidden', 'approvals.reason_required', message)
    }
    const at = this.#options.now()
    const found = this.#find(target, terms)
    if (found?.state === 'cancelled') return this.#commit({ kind: 'return', id: found.id, at })
    if (found !== undefined && stands(found, at)) return this.#settled(found.id)
    const crowd = this.#crowd(asking.requester.user)
    if (crowd !== undefined) return crowd
    return this.#commit({
      kind: 'request',
      id: this.#options.newId(),
      at,
      target,
      terms,
      requester: personOf(asking.requester),
      summary: plainSummary(asking.summary),
      reason,
      ticket: plainText(asking.ticket, limits.approvals.reason),
      answerBy: at + Math.max(terms.waitMillis, limits.approvals.pendingMillis),
    })
  }

  #crowd(user: string): Refusal | undefined {
    let pending = 0
    let users = 0
    for (const approval of this.live()) {
      if (!isOpen(approval)) continue
      pending++
      if (approval.requester.user === user) users++
    }
    if (users >= limits.approvals.userPending) {
      const message = `${users} of your requests wait for an answer already; have them answered first`
      return refuse(429, 'TooManyRequests', 'approvals.user_pending', message)
    }
    if (pending < limits.approvals.pending) return undefined
    const message = 'too many requests wait for an answer already; try again when some have been answered'
    return refuse(429, 'TooManyRequests', 'approvals.pending', message)
  }

  #find(target: Target, terms: ApprovalTerms): Approval | undefined {
    const id = this.#latest.get(bindingOf(target, terms))
    return id === undefined ? undefined : this.#approvals.get(id)
  }

  /** Its state, once that is on disk. */
  async #settled(id: string): Promise<Approval | Refusal> {
    try {
      if (!this.isSettled(id)) await Promise.all([this.#journal.durable(), this.#options.ledger.durable()])
    } catch (error) {
      return unrecorded(error)
    }
    return this.#approvals.get(id) as Approval
  }

  /** Appends, applies, and when it is on disk tells. Returns the approval after it. */
  async #commit(event: ApprovalEvent): Promise<Approval | Refusal> {
    const { id } = event
    try {
      if (this.#journal.failed !== undefined) throw this.#journal.failed
      this.#options.ledger.append(approvalNote(event, after(this.#approvals.get(id), event)))
      const replaced = this.#numbers.get(id)?.get(slot(event))
      const number = this.#journal.append(this, event, replaced === undefined ? [] : [replaced])
      const approval = this.#apply(event, number)
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

  #apply(event: ApprovalEvent, number: number): Approval {
    const { id } = event
    const approval = after(this.#approvals.get(id), event)
    this.#approvals.set(id, approval)
    const numbers = this.#numbers.get(id) ?? new Map<string, number>()
    this.#numbers.set(id, numbers.set(slot(event), number))
    if (event.kind === 'request') {
      this.#latest.set(bindingOf(approval.target, approval.terms), id)
      this.#live.add(id)
    }
    if (approval.overAt !== null) {
      this.#live.delete(id)
      if (!this.#over.has(id)) this.#overText += textOf(approval)
      this.#over.add(id)
    }
    return approval
  }

  #forget(id: string): void {
    const approval = this.#approvals.get(id) as Approval
    const { target, terms } = approval
    const numbers = this.#numbers.get(id) as Map<string, number>
    try {
      this.#journal.remove([...numbers.values()])
    } catch (error) {
      if (error instanceof JournalFailed) return
      throw error
    }
    const binding = bindingOf(target, terms)
    if (this.#latest.get(binding) === id) this.#latest.delete(binding)
    this.#approvals.delete(id)
    this.#numbers.delete(id)
    this.#over.delete(id)
    this.#overText -= textOf(approval)
  }
}

/** Nearly all that an approval holds, and the same for as long as it lives. */
function textOf({ summary: { command, diff, note } }: Approval): number {
  return command.length + diff.length + note.length
}

const UNKNOWN = refuse(404, 'NotFound', 'approvals.unknown', 'there is no such approval')

/** A letter or a digit, of whatever script: blanks and controls are no reason and no ticket. */
function saysSomething(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text)
}

/** Whether the same call has nothing new to ask. */
function stands({ state, overAt }: Approval, now: number): boolean {
  if (state === 'requested' || state === 'approved') return true
  const isNo = state === 'denied' || state === 'revoked'
  return isNo && now - (overAt as number) < limits.approvals.denialMillis
}

/** A yes holds for what was asked under the terms that were in force: a policy that asks for more is not met by it. */
function bindingOf(target: Target, terms: ApprovalTerms): string {
  const { quorums, waitMillis, validForMillis, uses, reasonRequired, ticketRequired } = terms
  const rules = quorums.map(({ rule, approvers, quorum }) => [rule, quorum, approvers])
  const text = JSON.stringify([target, rules, waitMillis, validForMillis, uses, reasonRequired, ticketRequired])
  return createHash('sha256').update(text).digest('base64')
}

function plainSummary(summary: Summary): Summary {
  const text = (value: string): string => plainText(value, limits.approvals.text)
  const cut = [
    summary.command.length > limits.approvals.text ? 'the end of the command is NOT shown' : '',
    summary.diff.length > limits.approvals.diff ? 'the end of the changes is NOT shown' : '',
  ]
  return {
    cluster: text(summary.cluster),
    run: text(summary.run),
    command: text(summary.command),
    verb: text(summary.verb),
    resource: text(summary.resource),
    namespace: text(summary.namespace),
    name: text(summary.name),
    diff: plainText(summary.diff, limits.approvals.diff, true),
    // What is hidden comes first, or a long note would hide that too.
    note: text([...cut, summary.note].filter((note) => note !== '').join('; ')),
    objects: summary.objects,
  }
}
