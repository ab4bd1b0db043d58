// What masks text as it streams by (protocols/detect), asked by whoever moves bytes: answers, logs, exec, port-forward. A
// mask is as long as what it stands for, so that lengths around it stay true: Content-Length, tar, protobuf, terminals.

/** Bytes that may pass now. Borrowed until the next call. */
export interface Shown {
  /** As they came. */
  readonly original: Uint8Array
  /** As tapes hold them, and whoever is not exempt sees them: of the same length. The same view where nothing in it is masked. */
  readonly masked: Uint8Array
}

/** Counts by detector since it was asked last; undefined if nothing was masked. Never a value. */
export interface TextMasked {
  /** "jwt, learned". */
  readonly rules: string
  readonly count: number
}

/** One stream of bytes. What is given out, all calls together, is what was given in, of the same length and in the same order. */
export interface TextMasker {
  /** Takes borrowed bytes. Holds back at most the longest beginning of something that may have to be masked. */
  receive(bytes: Uint8Array): Shown
  /** Nothing more has come for a while: gives out what is held. What goes on behind it is still recognised. */
  flush(): Shown
  /** Nothing more will come. */
  end(): Shown
  /** Bytes held back now. */
  readonly held: number
  taken(): TextMasked | undefined
}

export interface MaskerOptions {
  /** A terminal's output: escape sequences and line ends inside a value do not hide it. */
  readonly terminal: boolean
  /** A log with the kubelet's timestamps before its lines: they do not hide a value of several lines. Not in a terminal. */
  readonly timestamps?: boolean
}

/** Makes maskers that share what they look for: detectors, patterns, learned values. */
export interface TextMaskers {
  masker(options: MaskerOptions): TextMasker
}
