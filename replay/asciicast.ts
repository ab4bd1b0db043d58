// The entries of an exec or attach tape -> an asciicast, version 2 or 3, line by line (docs.asciinema.org/manual/asciicast).
// Escapes are filtered as for playing: a cast is made to be shown on terminals and in pages. Other tapes are refused.

import { CHANNEL } from '../protocols/kube/channels.ts'
import { commandLine, wantsTerminal } from '../protocols/kube/command-line.ts'
import type { Entry, OpenBody } from '../protocols/tape/entry.ts'
import { NotPlayable } from './player.ts'
import { printable, printableJson } from './printable.ts'
import { ExitStatus, isOutput, type Run, runsOf, type TerminalSize, TerminalSizes } from './stream-runs.ts'
import { TerminalFilter } from './terminal-filter.ts'

export interface CastOptions {
  readonly version: 2 | 3
  /** Includes what was typed, as "i" events. */
  readonly stdin: boolean
}

/** What a terminal has before it has told its size. */
const UNKNOWN_SIZE: TerminalSize = { columns: 80, rows: 24 }

/** The lines of the cast, each with its line end. Throws NotPlayable, DamagedTape. */
export async function* asciicast(entries: AsyncIterable<Entry>, options: CastOptions): AsyncGenerator<string> {
  const cast = new Cast(options)
  for await (const entry of entries) yield* cast.take(entry)
  yield* cast.end()
}

/** Event codes: output, input, resize, marker, and in version 3 the exit status. */
type Code = 'o' | 'i' | 'r' | 'm' | 'x'

class Cast {
  readonly #options: CastOptions
  readonly #sizes = new TerminalSizes()
  readonly #exit = new ExitStatus()
  readonly #filters = new Map<number, TerminalFilter>()
  #open: OpenBody | undefined
  #line = ''
  #terminal = false
  #size = UNKNOWN_SIZE
  /** The header waits for the first event, because the size comes with the first resize. */
  #started = false
  #micros = 0

  constructor(options: CastOptions) {
    this.#options = options
  }

  *take(entry: Entry): Generator<string> {
    switch (entry.kind) {
      case 'open':
        if (entry.body.kind !== 'exec' && entry.body.kind !== 'attach') throw new NotPlayable(entry.body.kind)
        this.#open = entry.body
        return
      case 'request':
        this.#line = commandLine(entry.body)
        this.#terminal = wantsTerminal(entry.body)
        return
      case 'stream':
        for (const run of runsOf(entry.micros, entry.body)) yield* this.#run(run)
        return
      case 'note':
      case 'masked':
        yield* this.#event(entry.micros, 'm', printable(entry.body.code))
        return
      case 'seal':
        for (const filter of this.#filters.values()) yield* this.#text(entry.micros, 'o', filter.end())
        this.#filters.clear()
        if (this.#options.version === 3 && this.#exit.code !== undefined) {
          yield* this.#event(entry.micros, 'x', String(this.#exit.code))
        }
        return
      default:
        return
    }
  }

  *end(): Generator<string> {
    if (!this.#started) yield this.#header()
  }

  *#run(run: Run): Generator<string> {
    if (run.channel === CHANNEL.ERROR) this.#exit.take(run.bytes)
    if (run.channel === CHANNEL.RESIZE) {
      for (const size of this.#sizes.take(run.bytes)) {
        this.#size = size
        if (this.#started) yield* this.#event(run.micros, 'r', `${size.columns}x${size.rows}`)
      }
    }
    const code = isOutput(run.channel) ? 'o' : run.channel === CHANNEL.STDIN && this.#options.stdin ? 'i' : undefined
    if (code === undefined) return
    let filter = this.#filters.get(run.channel)
    if (filter === undefined) {
      filter = new TerminalFilter()
      this.#filters.set(run.channel, filter)
    }
    yield* this.#text(run.micros, code, filter.filter(run.bytes))
  }

  *#text(micros: number, code: Code, text: string): Generator<string> {
    if (text === '') return
    // Without a terminal on the far side nobody has turned line feeds into new lines.
    yield* this.#event(micros, code, code === 'o' && !this.#terminal ? text.replace(/\r?\n/g, '\r\n') : text)
  }

  *#event(micros: number, code: Code, data: string): Generator<string> {
    if (!this.#started) yield this.#header()
    const at = Math.max(micros, this.#micros)
    const seconds = (this.#options.version === 3 ? at - this.#micros : at) / 1e6
    this.#micros = at
    yield `${printableJson([seconds, code, data])}\n`
  }

  #header(): string {
    this.#started = true
    const { columns, rows } = this.#size
    const open = this.#open
    const about = {
      ...(open === undefined ? {} : { timestamp: Math.floor(open.openedAt / 1e6) }),
      ...(this.#line === '' ? {} : { command: `kubectl ${this.#line}` }),
      ...(open === undefined ? {} : { title: `${printable(open.cluster)} ${open.tape}` }),
    }
    const header =
      this.#options.version === 3
        ? { version: 3, term: { cols: columns, rows, type: 'xterm-256color' }, ...about }
        : { version: 2, width: columns, height: rows, ...about, env: { TERM: 'xterm-256color' } }
    return `${printableJson(header)}\n`
  }
}
