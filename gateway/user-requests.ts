// Requests under way by user, so that one caller cannot have all of the gateway's memory and the cluster's patience.

import { limits } from '../protocols/limits.ts'

export class UserRequests {
  readonly #underway = new Map<string, number>()

  /** False: the user has as many as one may have. Each true is followed by one `end`. */
  begin(user: string): boolean {
    const count = this.#underway.get(user) ?? 0
    if (count >= limits.gateway.userRequests) return false
    this.#underway.set(user, count + 1)
    return true
  }

  end(user: string): void {
    const count = this.#underway.get(user) ?? 0
    if (count <= 1) this.#underway.delete(user)
    else this.#underway.set(user, count - 1)
  }
}
