// What looking for learned values may cost: so many bytes followed for each byte of text, and some saved. Else values that are
// one another's ends, in every form at once, would all be followed to their own from every place. It counts by places of the
// text alone, so that a cut changes nothing.

/** Documents in documents, each in more than one form, are fewer than so many at one place. */
const PER_BYTE = 16
/** Saved up at most: a document of a kilobyte in three forms. */
const MOST = 4_096

export class Effort {
  #left = MOST
  /** The place up to which #left was counted. */
  #place = 0

  /** Whether nothing may be followed far from `place` on. */
  isSpent(place: number): boolean {
    return this.#at(place) <= 0
  }

  /** `bytes` were followed from `place` on. */
  spend(place: number, bytes: number): void {
    this.#left = this.#at(place) - bytes
    this.#place = place
  }

  /** Becomes what `other` is. */
  set(other: Effort): void {
    this.#left = other.#left
    this.#place = other.#place
  }

  /** Counts places from `origin` on. */
  moveTo(origin: number): void {
    this.#place -= origin
  }

  #at(place: number): number {
    return Math.min(MOST, this.#left + (place - this.#place) * PER_BYTE)
  }
}
