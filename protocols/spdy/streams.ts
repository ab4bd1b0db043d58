// The streams of one connection as both ends see them: which ids may come, who may still send, how many are open.
// Says what is wrong as a fault; the caller knows who is to blame, the peer or our own code.

import { type SpdyError, STATUS } from './errors.ts'

/** Which end sent a frame. */
export const PEER = 0
export const US = 1
export type End = typeof PEER | typeof US

export type StreamFault = readonly [code: SpdyError['code'], rule: string, explanation: string]

// State of an open stream: who has ended its direction (bit 0: the peer, bit 1: we), and whether it was replied to.
const FIN_BY: readonly number[] = [1, 2]
const FIN_BY_BOTH = 3
const REPLIED = 4

/**
 * A stream is kept from SYN_STREAM until both directions ended or either end reset it. A frame that arrives for a
 * stream that is gone may have crossed a reset on its way; a frame for one that never was is a fault.
 */
export class Streams {
  readonly #limit: number
  /** The parity of the ids that each end opens: odd the client, even the server (SPDY draft 3.1, section 2.3.2). */
  readonly #parity: readonly [peer: number, us: number]
  readonly #last: [peer: number, us: number] = [0, 0]
  readonly #open = new Map<number, number>()

  constructor(role: 'client' | 'server', limit: number) {
    this.#limit = limit
    this.#parity = role === 'client' ? [0, 1] : [1, 0]
  }

  isOpen(streamId: number): boolean {
    return this.#open.has(streamId)
  }

  /** True if `end` may send data on the stream now. */
  maySend(end: End, streamId: number): boolean {
    const state = this.#open.get(streamId)
    return state !== undefined && (state & REPLIED) !== 0 && (state & FIN_BY[end]!) === 0
  }

  /** The highest id that an end has opened, for GOAWAY. */
  last(end: End): number {
    return this.#last[end]
  }

  open(end: End, streamId: number, fin: boolean, unidirectional: boolean): StreamFault | undefined {
    if (streamId === 0 || (streamId & 1) !== this.#parity[end]) return WRONG_PARITY
    if (streamId <= this.#last[end]) return NOT_INCREASING
    if (this.#open.size >= this.#limit) return TOO_MANY
    this.#last[end] = streamId
    let state = fin ? FIN_BY[end]! : 0
    // Nobody answers a unidirectional stream.
    if (unidirectional) state |= FIN_BY[1 - end]! | REPLIED
    this.#keep(streamId, state)
    return undefined
  }

  reply(end: End, streamId: number, fin: boolean): StreamFault | undefined {
    if (streamId === 0 || (streamId & 1) === this.#parity[end]) return REPLY_TO_OWN
    const state = this.#open.get(streamId)
    if (state === undefined) return this.#wasOpened(streamId) ? undefined : REPLY_UNKNOWN
    if ((state & REPLIED) !== 0) return REPLY_TWICE
    this.#keep(streamId, state | REPLIED | (fin ? FIN_BY[end]! : 0))
    return undefined
  }

  headers(end: End, streamId: number, fin: boolean): StreamFault | undefined {
    const state = this.#open.get(streamId)
    if (state === undefined) return this.#wasOpened(streamId) ? undefined : HEADERS_UNKNOWN
    if ((state & REPLIED) === 0) return HEADERS_EARLY
    if ((state & FIN_BY[end]!) !== 0) return HEADERS_AFTER_FIN
    if (fin) this.fin(end, streamId)
    return undefined
  }

  /**
   * A data frame begins. No peer sends before SYN_REPLY: client-go waits for it, a server says it first, and
   * spdystream drops such data without a word, so that a recording of it would be of bytes that nobody read.
   */
  data(end: End, streamId: number): StreamFault | undefined {
    const state = this.#open.get(streamId)
    if (state === undefined) return this.#wasOpened(streamId) ? undefined : DATA_UNKNOWN
    if ((state & REPLIED) === 0) return DATA_EARLY
    if ((state & FIN_BY[end]!) !== 0) return DATA_AFTER_FIN
    return undefined
  }

  /** An end has sent its last. */
  fin(end: End, streamId: number): void {
    const state = this.#open.get(streamId)
    if (state !== undefined) this.#keep(streamId, state | FIN_BY[end]!)
  }

  reset(streamId: number): StreamFault | undefined {
    if (!this.#wasOpened(streamId)) return RESET_UNKNOWN
    this.#open.delete(streamId)
    return undefined
  }

  #keep(streamId: number, state: number): void {
    if ((state & FIN_BY_BOTH) === FIN_BY_BOTH) this.#open.delete(streamId)
    else this.#open.set(streamId, state)
  }

  #wasOpened(streamId: number): boolean {
    const opener = (streamId & 1) === this.#parity[PEER] ? PEER : US
    return streamId !== 0 && streamId <= this.#last[opener]
  }
}

const WRONG_PARITY: StreamFault = [
  STATUS.PROTOCOL_ERROR,
  'spdy.stream.parity',
  'a client opens streams with odd ids, a server with even ones',
]
const NOT_INCREASING: StreamFault = [
  STATUS.STREAM_IN_USE,
  'spdy.stream.id_not_increasing',
  'a stream id is used again or is lower than one before',
]
const TOO_MANY: StreamFault = [STATUS.REFUSED_STREAM, 'spdy.stream.too_many', 'more streams are open than allowed']
const REPLY_TO_OWN: StreamFault = [
  STATUS.PROTOCOL_ERROR,
  'spdy.reply.own_stream',
  'SYN_REPLY to a stream that its sender would have opened',
]
const REPLY_UNKNOWN: StreamFault = [
  STATUS.INVALID_STREAM,
  'spdy.reply.unknown_stream',
  'SYN_REPLY to a stream that was never opened',
]
const REPLY_TWICE: StreamFault = [
  STATUS.STREAM_IN_USE,
  'spdy.reply.twice',
  'a second SYN_REPLY, or one to a unidirectional stream',
]
const HEADERS_UNKNOWN: StreamFault = [
  STATUS.INVALID_STREAM,
  'spdy.headers.unknown_stream',
  'HEADERS on a stream that was never opened',
]
const HEADERS_EARLY: StreamFault = [STATUS.PROTOCOL_ERROR, 'spdy.headers.before_reply', 'HEADERS before SYN_REPLY']
const HEADERS_AFTER_FIN: StreamFault = [
  STATUS.STREAM_ALREADY_CLOSED,
  'spdy.headers.after_fin',
  'HEADERS behind the FIN of their sender',
]
const DATA_UNKNOWN: StreamFault = [
  STATUS.INVALID_STREAM,
  'spdy.data.unknown_stream',
  'data on a stream that was never opened',
]
const DATA_EARLY: StreamFault = [STATUS.PROTOCOL_ERROR, 'spdy.data.before_reply', 'data on a stream before SYN_REPLY']
const DATA_AFTER_FIN: StreamFault = [
  STATUS.STREAM_ALREADY_CLOSED,
  'spdy.data.after_fin',
  'data behind the FIN of its sender',
]
const RESET_UNKNOWN: StreamFault = [
  STATUS.INVALID_STREAM,
  'spdy.reset.unknown_stream',
  'RST_STREAM for a stream that was never opened',
]
