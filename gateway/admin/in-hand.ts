// Requests of the admin API that are in hand for each caller, so that nobody can take up all of its connections' work. A
// stream keeps its place until it ends.

import { limits } from '../../protocols/limits.ts'

export interface Held {
  /** The place stays taken when the request has been answered, until the returned function is called. */
  keep(): () => void
  /** The request has been answered. */
  answered(): void
}

export class InHand {
  readonly #counts = new Map<string, number>()

  /** Undefined if the caller has as many as one may have. */
  begin(user: string): Held | undefined {
    const count = this.#counts.get(user) ?? 0
    if (count >= limits.admin.userRequests) return undefined
    this.#counts.set(user, count + 1)
    let isKept = false
    let isOver = false
    const end = (): void => {
      if (isOver) return
      isOver = true
      const left = (this.#counts.get(user) as number) - 1
      if (left > 0) this.#counts.set(user, left)
      else this.#counts.delete(user)
    }
    return {
      keep() {
        isKept = true
        return end
      },
      answered() {
        if (!isKept) end()
      },
    }
  }
}
