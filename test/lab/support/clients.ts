// A process of cluster/cmd/clients (client-go at work): the lines that it prints, and its end.

import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { build } from './lab.ts'

/** What client-go saw: an object's change, an API call's answer, an exec's digests, or an error. */
export interface Line {
  readonly event: 'synced' | 'listed' | 'add' | 'update' | 'delete' | 'call' | 'exec' | 'error' | 'done'
  readonly error?: string
  /** Of listed (with how many there are), add, update, delete. */
  readonly resource?: string
  readonly count?: number
  readonly name?: string
  /** Of a call: the request and its answer, "HTTP/2.0" or "HTTP/1.1", and the connection's local address. */
  readonly method?: string
  readonly path?: string
  readonly query?: string
  readonly status?: number
  readonly protocol?: string
  readonly type?: string
  readonly connection?: string
  /** Of an exec: its argv in one string, and SHA-256 of what went in and came out. */
  readonly command?: string
  readonly stdin?: string
  readonly stdout?: string
  readonly stderr?: string
}

export class Clients {
  readonly lines: Line[] = []
  readonly #what: string
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #ended: Promise<number | null>
  readonly #waiting = new Set<(line: Line) => void>()
  #log = ''

  constructor(kubeconfig: string, mode: 'informer' | 'metadata' | 'writes' | 'execs', ...flags: string[]) {
    this.#what = [mode, ...flags].join(' ')
    this.#child = spawn(build('clients'), ['-kubeconfig', kubeconfig, ...flags, mode], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString()
    })
    createInterface(this.#child.stdout).on('line', (text) => {
      const line = JSON.parse(text) as Line
      this.lines.push(line)
      for (const look of this.#waiting) look(line)
    })
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve))
  }

  /** Waits for a line, also one that has come. Rejects when the process ends first: it has a time limit of its own. */
  async seen(wanted: (line: Line) => boolean): Promise<void> {
    if (this.lines.some(wanted)) return
    await new Promise<void>((resolve, reject) => {
      this.#waiting.add((line) => {
        if (wanted(line)) resolve()
      })
      void this.#ended.then(() => reject(new Error(`${this.#what} ended before it saw that\n${this.#trouble()}`)))
    })
  }

  /** Ends what watches, waits for what ends by itself, and asserts that no client had an error, not even a repaired one. */
  async end(): Promise<void> {
    this.#child.stdin.end()
    const code = await this.#ended
    assert.equal(this.#trouble(), '', this.#what)
    assert.equal(code, 0, this.#what)
    assert.equal(this.lines.at(-1)?.event, 'done', this.#what)
  }

  /** For a test that failed: nothing if it has ended. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  get calls(): Line[] {
    return this.lines.filter((line) => line.event === 'call')
  }

  /** Per object of a resource whose name begins so: its events, in their order. */
  changes(resource: string, prefix: string): Map<string, string[]> {
    const changes = new Map<string, string[]>()
    for (const line of this.lines) {
      if (line.resource !== resource || !line.name?.startsWith(prefix)) continue
      changes.set(line.name, [...(changes.get(line.name) ?? []), line.event])
    }
    return changes
  }

  #trouble(): string {
    const bad = this.lines.filter((line) => line.error !== undefined || (line.status ?? 200) >= 400)
    return bad.map((line) => `${JSON.stringify(line)}\n`).join('') + this.#log
  }
}
