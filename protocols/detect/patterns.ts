// Custom patterns from the configuration, as matchers: found by a literal that each must have, then tried by a linear-time
// engine on the text around it. Refuses a pattern in which no such literal can be seen.

import { RE2JS } from 're2js'
import { limits } from '../limits.ts'
import { type Found, type Matcher, NONE, type Outcome, type Window } from './match.ts'

export interface CustomPattern {
  /** As it stands on tapes. */
  readonly name: string
  /** RE2 syntax. It is tried where a keyword stands, which it begins with. All that it matches is masked, or its first group. */
  readonly pattern: string
  /** One of these, in any case, is how everything begins that the pattern matches. */
  readonly keywords?: readonly string[] | undefined
}

/** A pattern that cannot be looked for; the text says why, and what to write. */
const LF = 0x0a

export class PatternError extends Error {}

export function patternMatcher({ name, pattern, keywords }: CustomPattern): Matcher {
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(pattern)
  } catch (error) {
    throw new PatternError(`pattern "${name}": ${error instanceof Error ? error.message : 'it cannot be read'}`)
  }
  if (compiled.matches('')) throw new PatternError(`pattern "${name}" matches nothing at all, so it would mask nothing`)
  const literals = keywords ?? []
  if (literals.length === 0 || literals.some((literal) => literal.length < 4)) {
    throw new PatternError(
      `pattern "${name}" needs keywords of at least four characters, with one of which every match begins`,
    )
  }
  return {
    detector: name,
    anchors: literals.map((literal) => ({ literal, anyCase: true, isMasked: true })),
    match: (window, at, found) => match(compiled, window, at, found),
  }
}

/** A match begins with its keyword and ends on the same line. */
function match(compiled: RE2JS, { text, end, isFinal }: Window, at: number, found: Found): Outcome {
  const most = limits.detect.patternWindow
  let to = text.subarray(at, Math.min(end, at + most)).indexOf(LF)
  if (to !== -1) to += at
  else if (end >= at + most || isFinal) to = Math.min(end, at + most)
  else return found.live(at, false)
  const matcher = compiled.matcher(Buffer.from(text.subarray(at, to)).toString('latin1'))
  if (!matcher.lookingAt()) return NONE
  const group = matcher.groupCount() > 0 && matcher.start(1) >= 0 ? 1 : 0
  return found.mask(at + matcher.start(group), at + matcher.end(group))
}
