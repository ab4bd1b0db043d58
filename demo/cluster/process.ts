// An argv -> a real process on this machine, with pipes or, where util-linux' script(1) is at hand, a terminal. It gets a
// bare environment, and it and its children end together. No shell comes between, except that script(1) takes a command
// line: there each word is quoted.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import type { Readable } from 'node:stream'

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

export interface ProcessOptions {
  readonly argv: readonly string[]
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  /** The terminal's first size; undefined runs with pipes. */
  readonly terminal: TerminalSize | undefined
}

/** How it ended: an exit code (128 and the signal's number if killed), or why it could not be started. */
export type Exit = { readonly code: number } | { readonly failed: string }

export interface ProcessListener {
  output(stream: 'stdout' | 'stderr', bytes: Uint8Array): void
  /** More input may be written. */
  drained?(): void
  /** After all output. Called once. */
  exited(exit: Exit): void
}

/** Signal numbers that matter for exit codes (POSIX). */
const SIGNALS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGPIPE: 13, SIGTERM: 15 }

let terminals: boolean | undefined

/** Whether this machine can give a process a terminal. BSD's script(1) needs one of its own, so only util-linux' will do. */
export function hasTerminals(): boolean {
  terminals ??= /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '')
  return terminals
}

export class LocalProcess {
  readonly #child: ChildProcess
  readonly #terminal: boolean
  /** The terminal's device, once it is known; and the size to give it then. */
  #device = ''
  #size: TerminalSize | undefined
  #ended = false

  constructor(options: ProcessOptions, listener: ProcessListener) {
    this.#terminal = options.terminal !== undefined && hasTerminals()
    const [program, ...words] = this.#terminal ? terminalCommand(options) : options.argv
    this.#child = spawn(program ?? '', words, {
      cwd: options.directory,
      env: { ...options.environment, SHELL: '/bin/sh', ...(this.#terminal ? { TERM: 'xterm-256color' } : {}) },
      // A process group of its own, so that its children can be ended with it.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    })
    const { stdin, stdout, stderr } = this.#child
    stdin?.on('error', () => {}) // it closed its input: what is written then goes nowhere, as in a pipe
    stdin?.on('drain', () => listener.drained?.())
    stdout?.on('data', (bytes: Uint8Array) => listener.output('stdout', bytes))
    stderr?.on('data', (bytes: Uint8Array) => listener.output('stderr', bytes))
    this.#readDevice(this.#child.stdio[3] as Readable)
    let failed: string | undefined
    this.#child.on('error', (error: NodeJS.ErrnoException) => {
      failed =
        error.code === 'ENOENT'
          ? `exec: "${options.argv[0] ?? ''}": executable file not found in $PATH`
          : 'the process could not be started'
      // Without a process there is no 'close'.
      if (this.#child.pid === undefined) this.#exit(listener, { failed })
    })
    this.#child.on('close', (code, signal) => {
      this.#exit(listener, failed === undefined ? { code: code ?? 128 + (SIGNALS[signal ?? ''] ?? 0) } : { failed })
    })
  }

  /** False: wait for `drained`. The bytes are kept until they are written. */
  write(bytes: Uint8Array): boolean {
    return this.#child.stdin?.write(bytes) ?? true
  }

  /** The input ends; a terminal gets its end-of-file character. */
  endInput(): void {
    this.#child.stdin?.end()
  }

  resize(size: TerminalSize): void {
    if (!this.#terminal || this.#ended) return
    this.#size = size
    if (this.#device === '') return
    spawn('stty', ['-F', this.#device, 'rows', String(size.rows), 'cols', String(size.columns)], {
      stdio: 'ignore',
    }).on('error', () => {})
  }

  pause(): void {
    this.#child.stdout?.pause()
    this.#child.stderr?.pause()
  }

  resume(): void {
    this.#child.stdout?.resume()
    this.#child.stderr?.resume()
  }

  /** Ends it and its children at once. */
  kill(): void {
    const { pid } = this.#child
    if (this.#ended || pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // Gone already.
    }
    // A child that left the group may hold the pipes open.
    this.#child.stdout?.destroy()
    this.#child.stderr?.destroy()
  }

  #readDevice(stream: Readable): void {
    stream.on('error', () => {})
    stream.on('data', (bytes: Uint8Array) => {
      this.#device += Buffer.from(bytes).toString('latin1').trim()
      if (this.#size !== undefined) this.resize(this.#size)
    })
  }

  #exit(listener: ProcessListener, exit: Exit): void {
    if (this.#ended) return
    this.#ended = true
    listener.exited(exit)
  }
}

/**
 * script(1) makes the terminal and passes the exit status on. The command first says on descriptor 3 which device it
 * got, for later changes of size, and sets it up: script leaves echo off where its own input is no terminal.
 */
function terminalCommand({ argv, terminal }: ProcessOptions): string[] {
  const size = terminal === undefined ? '' : ` rows ${terminal.rows} cols ${terminal.columns}`
  const line = `tty >&3; exec 3>&-; stty sane echo${size}; exec ${argv.map(quoted).join(' ')}`
  return ['script', '-qefc', line, '/dev/null']
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
