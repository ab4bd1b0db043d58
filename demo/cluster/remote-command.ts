// An exec or attach, whatever carries its channels: input to a local process, its output back, and at the end the Status
// with its exit code. A slow reader pauses the process, a slow process pauses the reader.

import { CHANNEL } from '../../protocols/kube/channels.ts'
import { exitStatus, failureStatus } from '../../protocols/kube/status.ts'
import { at } from './object.ts'
import type { Container, Pods } from './pods.ts'
import type { Exit, LocalProcess, ProcessListener, TerminalSize } from './process.ts'

/** The way to the client. */
export interface Channels {
  /** False: wait for `Session.drained`. The bytes are taken in any case, and may be changed afterwards. */
  write(channel: number, bytes: Uint8Array): boolean
  /** Sends the Status and ends the session. */
  finish(status: Uint8Array): void
  /** Takes no more from the client for now. */
  pause(): void
  resume(): void
}

/** What the client does. */
export interface Session {
  /** On STDIN or RESIZE. Bytes are borrowed. */
  input(channel: number, bytes: Uint8Array): void
  inputEnd(channel: number): void
  drained(): void
  /** The client has gone. */
  closed(): void
}

/** The query of exec and attach (`PodExecOptions`). */
export interface RemoteOptions {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

/** kubectl sends a terminal's size right after it has connected; a program that asks at once must get the right one. */
const FIRST_SIZE_MILLIS = 250
const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 }

export interface ExecTarget {
  readonly namespace: string
  readonly pod: string
  readonly container: string
}

/** Runs a command for the session. */
export function execSession(
  pods: Pods,
  target: ExecTarget,
  argv: readonly string[],
  options: RemoteOptions,
  channels: Channels,
): Session {
  const resizes = new Resizes()
  let held: Uint8Array[] = []
  let inputEnded = !options.stdin
  let process: LocalProcess | undefined
  let gone = false
  const start = (size: TerminalSize | undefined): void => {
    clearTimeout(wait)
    if (process !== undefined || gone) return
    process = pods.execute(
      target,
      argv,
      size,
      outputTo(channels, options, () => process),
    )
    for (const bytes of held) process.write(bytes)
    held = []
    if (inputEnded) process.endInput()
  }
  const wait = setTimeout(() => start(DEFAULT_SIZE), FIRST_SIZE_MILLIS)
  if (!options.tty) start(undefined)
  return {
    input(channel, bytes) {
      if (channel === CHANNEL.RESIZE) {
        for (const size of resizes.take(bytes)) {
          if (process === undefined) start(size)
          else process.resize(size)
        }
      } else if (process === undefined) held.push(bytes.slice())
      else if (!process.write(bytes.slice())) channels.pause()
    },
    inputEnd(channel) {
      if (channel !== CHANNEL.STDIN) return
      inputEnded = true
      process?.endInput()
    },
    drained: () => process?.resume(),
    closed() {
      gone = true
      clearTimeout(wait)
      process?.kill()
    },
  }
}

/** Joins the container's own process. `once`: its input ends with this session's (`stdinOnce`). */
export function attachSession(
  container: Container,
  once: boolean,
  options: RemoteOptions,
  channels: Channels,
): Session {
  const resizes = new Resizes()
  const { process } = container
  // Output is not held back for one slow viewer: the container has its own life, and the log keeps what it wrote.
  const listener = outputTo(channels, options, () => undefined)
  container.attached.add(listener)
  // After the transport has been set up: its owner gets this session first.
  if (container.exit !== undefined) setImmediate(listener.exited, container.exit)
  return {
    input(channel, bytes) {
      if (channel === CHANNEL.RESIZE) for (const size of resizes.take(bytes)) process?.resize(size)
      else if (container.stdin && process !== undefined && !process.write(bytes.slice())) channels.pause()
    },
    inputEnd(channel) {
      if (channel === CHANNEL.STDIN && once) process?.endInput()
    },
    drained() {},
    closed: () => container.attached.delete(listener),
  }
}

function outputTo(
  channels: Channels,
  options: RemoteOptions,
  process: () => LocalProcess | undefined,
): ProcessListener {
  return {
    output(stream, bytes) {
      if (!(stream === 'stdout' ? options.stdout : options.stderr)) return
      if (!channels.write(stream === 'stdout' ? CHANNEL.STDOUT : CHANNEL.STDERR, bytes)) process()?.pause()
    },
    drained: () => channels.resume(),
    exited: (exit) => channels.finish(statusOf(exit)),
  }
}

/** The Status on the error channel, as the kubelet's. */
function statusOf(exit: Exit): Uint8Array {
  return 'failed' in exit ? failureStatus(exit.failed) : exitStatus(exit.code)
}

/** The bytes of the resize channel -> sizes. They are JSON values one after another, cut and joined at will. */
class Resizes {
  #text = ''

  take(bytes: Uint8Array): TerminalSize[] {
    // A size is below 40 characters: what has no end after a thousand is none.
    this.#text = (this.#text + Buffer.from(bytes).toString('latin1')).slice(-1_024)
    const sizes: TerminalSize[] = []
    for (let end = this.#text.indexOf('}'); end !== -1; end = this.#text.indexOf('}')) {
      const size = sizeOf(this.#text.slice(0, end + 1))
      if (size !== undefined) sizes.push(size)
      this.#text = this.#text.slice(end + 1)
    }
    return sizes
  }
}

function sizeOf(text: string): TerminalSize | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const columns = at(value, 'Width')
    const rows = at(value, 'Height')
    return isSize(columns) && isSize(rows) ? { columns, rows } : undefined
  } catch {
    return undefined
  }
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536
}
