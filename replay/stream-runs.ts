// The stream entries of a tape -> what passed on each channel and when, frame by frame; terminal sizes and the exit
// status read out of it. A run that does not fit its entry is refused: then the tape is damaged.

import { CHANNEL } from '../protocols/kube/channels.ts'
import { type CommandResult, readCommandStatus, STATUS_VERSION } from '../protocols/kube/status.ts'
import { limits } from '../protocols/limits.ts'
import type { StreamBody } from '../protocols/tape/entry.ts'

/** Bytes of one channel that arrived together. `bytes` is a view of the entry's. */
export interface Run {
  /** Microseconds since the tape opened. */
  readonly micros: number
  readonly channel: number
  readonly bytes: Uint8Array
}

/** A tape holds something that no gateway writes. `message` says what; it has no bytes of the tape in it. */
export class DamagedTape extends Error {}

/** The runs of one entry that was opened at `micros`. Throws DamagedTape. */
export function* runsOf(micros: number, body: StreamBody): Generator<Run> {
  const { runs, bytes } = body
  if (runs.length % 3 !== 0) throw new DamagedTape('a stream entry has an incomplete run')
  let at = 0
  for (let index = 0; index < runs.length; index += 3) {
    const offset = runs[index] as number
    const channel = runs[index + 1] as number
    const length = runs[index + 2] as number
    if (!isCount(offset) || !isCount(channel) || !isCount(length) || length > bytes.length - at) {
      throw new DamagedTape('a stream entry has a run that does not fit its bytes')
    }
    yield { micros: micros + offset, channel, bytes: bytes.subarray(at, at + length) }
    at += length
  }
  if (at !== bytes.length) throw new DamagedTape('a stream entry has bytes that belong to no run')
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** Columns and rows of a terminal, each from 1 to 9999. */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/**
 * Reads the resize channel: JSON objects `{"Width":W,"Height":H}` one after the other (client-go
 * tools/remotecommand/resize.go), cut anywhere. What is not such an object is passed over.
 */
export class TerminalSizes {
  readonly #decoder = new TextDecoder()
  #text = ''

  /** The sizes that these bytes complete. */
  take(bytes: Uint8Array): TerminalSize[] {
    this.#text += this.#decoder.decode(bytes, { stream: true })
    const sizes: TerminalSize[] = []
    for (let end = this.#text.indexOf('}'); end !== -1; end = this.#text.indexOf('}')) {
      const size = sizeOf(this.#text.slice(0, end + 1))
      if (size !== undefined) sizes.push(size)
      this.#text = this.#text.slice(end + 1)
    }
    if (this.#text.length > limits.kubernetes.resize) this.#text = ''
    return sizes
  }
}

function sizeOf(text: string): TerminalSize | undefined {
  const value = parse(text)
  if (!isRecord(value)) return undefined
  const { Width: columns, Height: rows } = value
  return isExtent(columns) && isExtent(rows) ? { columns, rows } : undefined
}

function isExtent(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 9999
}

/** How the remote command ended: 0 for success, its exit code, or undefined if it ended otherwise or is not known. */
export class ExitStatus {
  readonly #pieces: Uint8Array[] = []
  #length = 0

  /** Takes bytes of the error channel. Past limits.kubernetes.status nothing more is kept. */
  take(bytes: Uint8Array): void {
    if (this.#length + bytes.length > limits.kubernetes.status) return
    this.#length += bytes.length
    this.#pieces.push(bytes.slice())
  }

  /** The exit code of the Status, if there is one. */
  get code(): number | undefined {
    return this.#length === 0 ? undefined : this.#result?.exitCode
  }

  /** What the server said in place of an exit code ("" if nothing): the Status' message, or text before v4. */
  get message(): string {
    return this.#result?.message ?? new TextDecoder().decode(this.#whole)
  }

  /** Read as v4 and later write it; what does not read so is the text of an older version. */
  get #result(): CommandResult | undefined {
    return readCommandStatus(this.#whole, STATUS_VERSION, limits.kubernetes)
  }

  get #whole(): Uint8Array {
    return Buffer.concat(this.#pieces)
  }
}

/** True for the channels of an exec or attach that a terminal shows. */
export function isOutput(channel: number): boolean {
  return channel === CHANNEL.STDOUT || channel === CHANNEL.STDERR
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
