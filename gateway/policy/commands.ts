// One command that a rule names: exact words with a trailing "..." for any rest, or an RE2 pattern over argv written as a
// line of shell. It judges argv as the container gets it; what a shell would make of a word is not looked into.

import { RE2JS, RE2JSException } from 're2js'

const REST = '...'

/** Exact words. */
export class CommandWords {
  readonly #words: readonly string[]
  readonly #anyRest: boolean

  /** `argv` is not empty; "..." stands at most at its end. */
  constructor(argv: readonly string[]) {
    this.#anyRest = argv[argv.length - 1] === REST
    this.#words = this.#anyRest ? argv.slice(0, -1) : argv
  }

  matches(command: readonly string[]): boolean {
    const words = this.#words
    if (this.#anyRest ? command.length < words.length : command.length !== words.length) return false
    for (let at = 0; at < words.length; at += 1) if (words[at] !== command[at]) return false
    return true
  }
}

/**
 * A pattern in RE2's syntax, matched in time linear in the line. For an allow it must match the whole line, and "." is
 * no line break; for a denial or an approval it is enough that it is found in it.
 */
export class CommandPattern {
  readonly #pattern: RE2JS
  readonly #whole: boolean

  /** Throws PatternError. */
  constructor(pattern: string, whole: boolean) {
    this.#pattern = linearPattern(pattern, whole ? 0 : RE2JS.DOTALL)
    this.#whole = whole
  }

  /** `line`: what shellLine makes of argv. */
  matches(line: string): boolean {
    return this.#whole ? this.#pattern.testExact(line) : this.#pattern.test(line)
  }
}

export class PatternError extends Error {}

/** Throws PatternError, with what is wrong, for what RE2 does not take: back-references and look-around among it. */
export function linearPattern(pattern: string, flags = 0): RE2JS {
  try {
    return RE2JS.compile(pattern, flags)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    throw new PatternError(`not a pattern of RE2: ${error.message.replace(/^error parsing regexp: /, '')}`)
  }
}

/** Words that a shell takes as they are. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/

/** argv as a line that a POSIX shell would split into the same words: quoted, where need be, in single quotes. */
export function shellLine(command: readonly string[]): string {
  return command.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ')
}
