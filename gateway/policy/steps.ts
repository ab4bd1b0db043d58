// What the conditions and patterns of one decision have cost so far. It stops what a hostile body could make slow.

import { limits } from '../../protocols/limits.ts'

/** A condition or a pattern could not be followed to its end: a denial meets, an allow does not hold. */
export class TooManySteps extends Error {}

/** Made once: it is thrown in loops, and its stack says nothing. */
const TOO_MANY = new TooManySteps('the conditions of the policy take too long on this request')

export class Steps {
  #left = limits.policy.steps

  /** Throws TooManySteps once all are taken. */
  take(count: number): void {
    this.#left -= count
    if (this.#left < 0) throw TOO_MANY
  }
}
