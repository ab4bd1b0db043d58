// The resize channel: JSON objects {"Width":120,"Height":40} one behind the other, cut anywhere (client-go
// tools/remotecommand/resize.go) -> terminal sizes. Refuses what is not such an object, and one over the limit.

import type { Limits } from '../limits.ts'
import { ChannelError } from './channel-error.ts'

export interface TerminalSize {
  /** 0 to 65,535: the format's own uint16. */
  readonly columns: number
  readonly rows: number
}

const BRACE_OPEN = 0x7b
const BRACE_CLOSE = 0x7d
const QUOTE = 0x22
const BACKSLASH = 0x5c

export class ResizeReader {
  readonly #object: Uint8Array
  #length = 0
  #depth = 0
  #inString = false
  #escaped = false
  #fault: ChannelError | undefined

  constructor(limits: Limits['kubernetes']) {
    this.#object = new Uint8Array(limits.resize)
  }

  /** Appends the sizes that `piece` completes. Returns the fault, which ends the reading, behind all before it. */
  read(piece: Uint8Array, sizes: TerminalSize[]): ChannelError | undefined {
    for (let at = 0; at < piece.length && this.#fault === undefined; at++) this.#take(piece[at]!, sizes)
    return this.#fault
  }

  #take(octet: number, sizes: TerminalSize[]): void {
    if (this.#depth === 0 && octet !== BRACE_OPEN) {
      if (!isSpace(octet))
        this.#fault = new ChannelError('kube.resize.not_object', 'a resize message is no JSON object')
      return
    }
    if (this.#length === this.#object.length) {
      this.#fault = new ChannelError('kube.resize.too_long', 'a resize message over the limit')
      return
    }
    this.#object[this.#length++] = octet
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false
      else if (octet === BACKSLASH) this.#escaped = true
      else if (octet === QUOTE) this.#inString = false
    } else if (octet === QUOTE) {
      this.#inString = true
    } else if (octet === BRACE_OPEN) {
      this.#depth += 1
    } else if (octet === BRACE_CLOSE) {
      this.#depth -= 1
      if (this.#depth === 0) this.#complete(sizes)
    }
  }

  #complete(sizes: TerminalSize[]): void {
    const size = parse(this.#object.subarray(0, this.#length))
    this.#length = 0
    if (size === undefined) this.#fault = new ChannelError('kube.resize.size', 'a resize message has no such size')
    else sizes.push(size)
  }
}

function parse(object: Uint8Array): TerminalSize | undefined {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(object))
  } catch {
    return undefined
  }
  const { Width: columns, Height: rows } = value as { readonly Width?: unknown; readonly Height?: unknown }
  return isUint16(columns) && isUint16(rows) ? { columns, rows } : undefined
}

function isUint16(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff
}

function isSpace(octet: number): boolean {
  return octet === 0x20 || octet === 0x0a || octet === 0x0d || octet === 0x09
}
