// Transitions -> the approvals as they are, found by what they are for and forgotten when they have been over for long. Made of
// the journal's records and of nothing else; it judges nothing and writes nothing.

import { limits } from '../../protocols/limits.ts'
import type { ApprovalTerms } from '../decision.ts'
import { bindingOf } from './approval-request.ts'
import { after, slot } from './approval-state.ts'
import type { Approval, ApprovalEvent, Target } from './approvals.ts'

export class ApprovalShelf {
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

  get(id: string): Approval | undefined {
    return this.#approvals.get(id)
  }

  /** By when they were asked for. */
  list(): readonly Approval[] {
    return [...this.#approvals.values()]
  }

  /** Those that can still change, by when they were asked for. */
  *live(): Iterable<Approval> {
    for (const id of this.#live) yield this.#approvals.get(id) as Approval
  }

  /** The last that was asked for it under these terms. */
  find(target: Target, terms: ApprovalTerms): Approval | undefined {
    const id = this.#latest.get(bindingOf(target, terms))
    return id === undefined ? undefined : this.#approvals.get(id)
  }

  /** The numbers of the records that a record of this transition makes needless. */
  replacedBy(event: ApprovalEvent): readonly number[] {
    const replaced = this.#numbers.get(event.id)?.get(slot(event))
    return replaced === undefined ? [] : [replaced]
  }

  /** The numbers of all its records. */
  numbersOf(id: string): readonly number[] {
    return [...(this.#numbers.get(id) as Map<string, number>).values()]
  }

  /** `number`: of the transition's record. Returns the approval after it. */
  apply(event: ApprovalEvent, number: number): Approval {
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

  /** Those that are kept no longer, oldest first: whether the next is one of them is asked when this one has been forgotten. */
  *outlived(now: number): Iterable<string> {
    for (const id of this.#over) {
      const { overAt } = this.#approvals.get(id) as Approval
      const isOld = now - (overAt as number) >= limits.approvals.keptMillis
      const isCrowded = this.#over.size > limits.approvals.kept || this.#overText > limits.approvals.keptText
      if (!isOld && !isCrowded) return
      yield id
    }
  }

  /** One of those that are over. */
  forget(id: string): void {
    const approval = this.#approvals.get(id) as Approval
    const binding = bindingOf(approval.target, approval.terms)
    if (this.#latest.get(binding) === id) this.#latest.delete(binding)
    this.#approvals.delete(id)
    this.#numbers.delete(id)
    this.#over.delete(id)
    this.#overText -= textOf(approval)
  }

  clear(): void {
    this.#overText = 0
    for (const kept of [this.#approvals, this.#latest, this.#live, this.#over, this.#numbers]) kept.clear()
  }
}

/** Nearly all that an approval holds, and the same for as long as it lives. */
function textOf({ summary: { command, diff, note } }: Approval): number {
  return command.length + diff.length + note.length
}
