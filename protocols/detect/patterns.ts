// Custom patterns from the configuration, as matchers: found by the literal that each begins with, then tried there by a
// linear-time engine, on one line and so many bytes. Refuses a pattern that cannot be found so: all text would have to go through it.

import { RE2JS } from 're2js'
import { limits } from '../limits.ts'
import { type Found, type Matcher, NONE, type Outcome, type Window } from './match.ts'

export interface CustomPattern {
  /** As it stands on tapes. */
  readonly name: string
  /**
   * RE2 syntax, over bytes. It is tried where a keyword stands, which it begins with. All that it matches is masked, or its
   * first group if it has one.
   */
  readonly pattern: string
  /** One of these, in any case, is how everything begins that the pattern matches. Absent: the pattern's own first characters. */
  readonly keywords?: readonly string[] | undefined
}

/** A pattern that cannot be looked for; the text says why, and what to write. */
export class PatternError extends Error {}

const LF = 0x0a
const SHORTEST_KEYWORD = 4
/** A flag in front, then characters that stand for themselves, also behind a backslash. */
const BEGINNING = /^(\(\?[a-z]+\))?((?:[^\\^$.|?*+()[\]{}]|\\[^A-Za-z0-9])*)/

/** Throws PatternError. */
export function patternMatcher({ name, pattern, keywords }: CustomPattern): Matcher {
  const compiled = compile(name, asBytes(pattern))
  const own = keywords ?? literalBeginning(pattern)
  if (own.length === 0 || own.some((keyword) => asBytes(keyword).length < SHORTEST_KEYWORD)) {
    throw new PatternError(
      `pattern "${name}" does not begin with ${SHORTEST_KEYWORD} or more fixed characters, by which it is found: ` +
        'begin it with them, or name under "keywords" those that its matches begin with',
    )
  }
  const shortest = Math.min(...own.map((keyword) => asBytes(keyword).length))
  return {
    detector: name,
    anchors: own.map((keyword) => ({ literal: asBytes(keyword), anyCase: true, isMasked: true })),
    match: (window, at, found) => match(compiled, shortest, window, at, found),
  }
}

function compile(name: string, pattern: string): RE2JS {
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(pattern)
  } catch (error) {
    throw new PatternError(`pattern "${name}" cannot be read: ${error instanceof Error ? error.message : 'not RE2'}`)
  }
  if (compiled.matches('')) throw new PatternError(`pattern "${name}" also matches where nothing stands`)
  return compiled
}

/** What every match begins with, as far as that can be seen; nothing where there are alternatives. */
function literalBeginning(pattern: string): string[] {
  const [whole = '', , beginning = ''] = BEGINNING.exec(pattern) ?? []
  const rest = pattern.slice(whole.length)
  if (hasAlternatives(rest)) return []
  // What is counted may be missing.
  const isCounted = /^[?*{]/.test(rest)
  return [(isCounted ? beginning.replace(/\\?.$/, '') : beginning).replaceAll(/\\(.)/g, '$1')]
}

/** A bar that stands in no group and no class. */
function hasAlternatives(pattern: string): boolean {
  let depth = 0
  for (const part of pattern.match(/\\.|\[\^?\]?(?:\\.|[^\]])*\]|./gs) ?? []) {
    if (part === '(') depth += 1
    else if (part === ')') depth -= 1
    else if (part === '|' && depth === 0) return true
  }
  return false
}

/** Text as what its UTF-8 is in latin1: the engine sees bytes as characters. */
function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function match(compiled: RE2JS, keyword: number, { text, end, isFinal }: Window, at: number, found: Found): Outcome {
  const most = Math.min(end, at + limits.detect.patternWindow)
  const lineEnd = text.subarray(at, most).indexOf(LF)
  if (lineEnd === -1 && most === end && !isFinal && end < at + limits.detect.patternWindow) {
    return found.live(at, end - at > keyword)
  }
  const to = lineEnd === -1 ? most : at + lineEnd
  const matcher = compiled.matcher(Buffer.from(text.subarray(at, to)).toString('latin1'))
  if (!matcher.lookingAt()) return NONE
  const group = matcher.groupCount() > 0 && matcher.start(1) >= 0 ? 1 : 0
  return found.mask(at + matcher.start(group), at + matcher.end(group))
}
