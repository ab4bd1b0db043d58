// What a fuzz target is: one reader of hostile bytes, and what it promises of any bytes at all.

/** Throws if a promise is broken: that is a finding, and the input joins the corpus. */
export interface Target {
  /** Words of its grammar, which are put into inputs whole: what random octets would not hit upon. */
  readonly words: readonly (string | Uint8Array)[]
  /**
   * Reads the input and checks every promise. Returns what the input made the reader say (names of events, rules, how
   * often): an input that makes it say something new is kept, as one is that reaches new code.
   */
  run(input: Uint8Array): readonly string[] | Promise<readonly string[]>
}
