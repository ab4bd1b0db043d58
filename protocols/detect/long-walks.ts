// The places of a text from which a learned value was followed far, as far back as they matter: there are no more than a few
// in a row. Else values that are one another's ends would all be followed to their own from every place.

/** So many bytes followed are far; and so many places in a row have no more than MOST long walks. */
export const LONG_WALK = 64
/** Documents in documents, each in more than one encoding, are fewer. */
const MOST = 6
/** What begins with a repetition this long or shorter could be followed far from more than two places in LONG_WALK. */
const LONGEST_PERIOD = LONG_WALK / 2

export class LongWalks {
  /** A ring, the oldest at #next. */
  readonly #places = new Int32Array(MOST).fill(-LONG_WALK)
  #next = 0

  /** Whether there are as many before `place` as may be. */
  isFull(place: number): boolean {
    return place - this.#places[this.#next]! < LONG_WALK
  }

  add(place: number): void {
    this.#places[this.#next] = place
    this.#next = (this.#next + 1) % MOST
  }

  /** Becomes what `other` is. */
  set(other: LongWalks): void {
    this.#places.set(other.#places)
    this.#next = other.#next
  }

  /** Counts places from `origin` on. */
  moveTo(origin: number): void {
    for (let slot = 0; slot < MOST; slot++) this.#places[slot] = Math.max(-LONG_WALK, this.#places[slot]! - origin)
  }
}

/** Whether the first LONG_WALK bytes repeat themselves ("abcd" over and over): such a value may be followed no further. */
export function isRepetitive(sequence: Uint8Array): boolean {
  if (sequence.length <= LONG_WALK) return false
  for (let period = 1; period <= LONGEST_PERIOD; period++) {
    let at = period
    while (at < LONG_WALK && sequence[at] === sequence[at - period]) at += 1
    if (at === LONG_WALK) return true
  }
  return false
}
