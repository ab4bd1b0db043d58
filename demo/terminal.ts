// What the tour says -> the terminal: numbered steps, commands, what they printed, all indented alike and wrapped to the
// terminal's width. What comes from a cluster or a tape is made printable here; colour only where it is wanted.

import { coloured } from '../cli/table.ts'
import { columns, printable } from '../replay/printable.ts'

export interface TerminalOptions {
  write(text: string): void
  readonly colours: boolean
  /** Columns of the terminal, undefined if it is none. */
  readonly width: number | undefined
}

/** Lines shown of one answer: what an approver sees is one. */
const LINES = 16
/** Prose is no wider, whatever the terminal. */
const WIDEST = 100
const NARROWEST = 40

type Colour = Parameters<typeof coloured>[1]

export class Terminal {
  readonly #options: TerminalOptions
  readonly #width: number
  #step = 0

  constructor(options: TerminalOptions) {
    this.#options = options
    this.#width = Math.max(NARROWEST, Math.min(WIDEST, options.width ?? WIDEST))
  }

  title(text: string): void {
    this.blank()
    this.#paragraph(text, '', 'bold')
  }

  blank(): void {
    this.#options.write('\n')
  }

  step(name: string, explanation: string): void {
    this.#step++
    this.title(`${this.#step}  ${name}`)
    this.#paragraph(explanation, '   ', 'dim')
    this.blank()
  }

  /** On one line, however long, so that it can be copied. */
  command(text: string): void {
    this.#line(`$ ${printable(text)}`, '   ', 'bold')
  }

  /** Lines for the user to copy. */
  lines(...texts: readonly string[]): void {
    for (const text of texts) this.#line(printable(text), '   ')
  }

  /** What a command printed; cut where it is long. */
  output(text: string, colour?: Colour): void {
    const lines = text.trimEnd().split(/\r?\n/)
    for (const line of lines.slice(0, LINES)) this.#paragraph(line, '     ', colour)
    if (lines.length > LINES) this.#line(`… ${lines.length - LINES} more lines`, '     ', 'dim')
  }

  /** What the gateway has on its tape about it. */
  recorded(text: string): void {
    this.#paragraph(`on tape: ${text}`, '   ', 'yellow')
  }

  note(text: string): void {
    this.#paragraph(text, '   ')
  }

  facts(facts: readonly (readonly [name: string, value: string])[]): void {
    const width = Math.max(...facts.map(([name]) => name.length))
    for (const [name, value] of facts) {
      this.#options.write(`   ${coloured(name.padEnd(width), 'dim', this.#options.colours)}  ${printable(value)}\n`)
    }
  }

  #paragraph(text: string, indent: string, colour?: Colour): void {
    for (const line of wrapped(printable(text), this.#width - indent.length)) this.#line(line, indent, colour)
  }

  #line(text: string, indent: string, colour?: Colour): void {
    const shown = colour === undefined ? text : coloured(text, colour, this.#options.colours)
    this.#options.write(text === '' ? '\n' : `${indent}${shown}\n`)
  }
}

/** Breaks at spaces; what fits keeps its spaces, as a table needs it, and a word that is too long stays whole. */
function wrapped(text: string, width: number): string[] {
  if (columns(text) <= width) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && columns(line) + 1 + columns(word) > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
