// What the masker asks of everything that knows credentials by their look: where one begins that has this literal in it,
// how far it goes, and whether more must come to tell. Matchers see all bytes that a verdict needs, however they were cut.

/** Nothing begins here. */
export const NONE = 0
/** `found` says what is masked. */
export const FOUND = 1
/** The text ends before it can be told; never said of a text that is at its end. */
export const LIVE = 2
export type Outcome = typeof NONE | typeof FOUND | typeof LIVE

/** What a matcher tells of a place; one object for all, so that a match costs no memory. */
export class Found {
  /** The masked bytes. */
  from = 0
  to = 0
  /** The mask is to be base64, as what it stands for. */
  isBase64 = false
  /** FOUND: all bytes behind `to` go on being masked while they are of this class. */
  run: Uint8Array | undefined = undefined
  /** LIVE: bytes from here on must not pass yet. The end of the text if none. */
  hold = 0
  /** LIVE: there is enough of it that on a flush what is held comes out masked. */
  isSure = false
  /** How many bytes learned values were followed over (effort.ts), whatever came of it. */
  effort = 0

  mask(from: number, to: number, run?: Uint8Array): Outcome {
    this.from = from
    this.to = to
    this.isBase64 = false
    this.run = run
    return FOUND
  }

  live(hold: number, isSure: boolean): Outcome {
    this.hold = hold
    this.isSure = isSure
    return LIVE
  }
}

/** The text that is looked at: what has come and is not yet decided, with some of what went before it. */
export interface Window {
  readonly text: Uint8Array
  readonly end: number
  /** Nothing comes behind `end`. */
  readonly isFinal: boolean
}

/** A literal of at least four characters that what is looked for must have. */
export interface Anchor {
  readonly literal: string
  readonly anyCase: boolean
  /** What is masked may begin with the literal: while only a part of it has come, that part is held. */
  readonly isMasked: boolean
}

export interface Matcher {
  /** The detector that it belongs to. */
  readonly detector: string
  readonly anchors: readonly Anchor[]
  /** Asked where the first four characters of an anchor stand. May look back over `lookBehind` bytes (limits), and no further. */
  match(window: Window, at: number, found: Found): Outcome
}
