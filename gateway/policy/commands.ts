// One command that a rule names: exact words, and a trailing "..." for any rest. It compares argv word by word, as the
// container gets it; what a shell would make of a word is not looked into.

const REST = '...'

export class CommandPattern {
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
