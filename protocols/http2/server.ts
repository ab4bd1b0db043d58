// The gateway's side of a client's HTTP/2 connection: streams become requests, and answers become frames (RFC 9113). A
// stream's place is free again only when the work on its request is done, so that resetting streams gains nobody anything.

import type { Fields } from '../fields.ts'
import type { Http2Limits } from './endpoint.ts'
import { ERROR_CODE, Http2Error, wrong } from './errors.ts'
import type { Http2Command, Http2ServerCommand, Http2ServerEvent } from './events.ts'
import { requestMeaning } from './fields.ts'
import { PREFACE, SETTING, writeSettings } from './frames.ts'
import { Http2Machine } from './machine.ts'
import type { Stream } from './stream.ts'

type ResponseCommand = Http2ServerCommand & { type: 'response' }

export class Http2Server extends Http2Machine<Http2ServerEvent, Http2ServerCommand> {
  /** The highest stream that the client has opened. */
  protected lastStream = 0
  /** Octets of the preface that have come. */
  #prefaceRead = 0
  /** Requests on which work goes on; a stream that has closed meanwhile still counts. */
  readonly #unreleased = new Set<number>()
  #lingering = 0

  constructor(limits: Http2Limits) {
    super(limits, { isServer: true, streamWindow: limits.http2.streamWindow, maxFrame: limits.http2.frame })
    const { http2, hpack } = limits
    writeSettings(this.outgoing.output, [
      ...[SETTING.HEADER_TABLE_SIZE, hpack.tableSize, SETTING.MAX_CONCURRENT_STREAMS, http2.streams],
      ...[SETTING.INITIAL_WINDOW_SIZE, http2.streamWindow, SETTING.MAX_FRAME_SIZE, http2.frame],
      ...[SETTING.MAX_HEADER_LIST_SIZE, hpack.fieldBytes],
    ])
  }

  protected act(command: Http2ServerCommand): void {
    switch (command.type) {
      case 'response':
        this.#respond(command)
        return
      case 'continue':
        if (this.streams.get(command.stream)?.isHeadSent === false) this.outgoing.block(command.stream, CONTINUE, false)
        return
      case 'release':
        this.#release(command.stream)
        return
      case 'widen':
        this.raiseWindow(this.limits.http2.connectionWindow)
        return
      default:
        this.common(command as Http2Command)
    }
  }

  protected begin(bytes: Uint8Array): number {
    let at = 0
    while (at < bytes.length && this.#prefaceRead < PREFACE.length) {
      if (bytes[at++] !== PREFACE[this.#prefaceRead++]) {
        throw wrong('http2.preface', 'bytes that are not the preface of HTTP/2')
      }
    }
    return at
  }

  protected isIdle(stream: number): boolean {
    return (stream & 1) === 0 || stream > this.lastStream
  }

  protected head(id: number, fields: Fields | undefined, end: boolean): void {
    if (!this.isIdle(id) || (id & 1) === 0) {
      throw wrong('http2.headers.order', 'a stream with a number that is not its turn')
    }
    this.lastStream = id
    if (this.goingAway || this.streams.size + this.#lingering >= this.limits.http2.streams) {
      this.fault(id, new Http2Error(ERROR_CODE.REFUSED_STREAM, 'http2.streams.too_many', 'more streams than are taken'))
      return
    }
    const stream = this.open(id)
    if (fields === undefined) {
      this.#refuseTooLarge(stream)
      return
    }
    try {
      const { head, length } = requestMeaning(fields, this.limits.http1.startLine)
      if (!this.expectBody(stream, length, end)) {
        throw wrong('http2.length.no_body', 'a Content-Length without a body')
      }
      stream.isHeadRead = true
      stream.isHead = head.method === 'HEAD'
      this.#unreleased.add(id)
      this.emit({ type: 'request', stream: id, head, end, length })
      if (end) this.remoteEnd(stream)
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error
      this.fault(id, error)
    }
  }

  protected closed(stream: Stream): void {
    if (this.#unreleased.has(stream.id)) this.#lingering += 1
  }

  #release(id: number): void {
    if (this.#unreleased.delete(id) && !this.streams.has(id)) this.#lingering -= 1
  }

  #respond({ stream: id, status, fields, end }: ResponseCommand): void {
    const stream = this.streams.get(id)
    if (stream === undefined || stream.isHeadSent) return
    this.outgoing.block(id, [':status', String(status), ...fields], end)
    stream.isHeadSent = true
    if (end) this.localEnd(stream)
  }

  /**
   * 431, which clients understand; the tables are in step, so the connection goes on. NO_ERROR: any other code would let
   * a client that is still sending throw the answer away (RFC 9113 section 8.1).
   */
  #refuseTooLarge(stream: Stream): void {
    this.outgoing.block(stream.id, TOO_LARGE, true)
    stream.isLocalClosed = true
    this.fault(stream.id, new Http2Error(ERROR_CODE.NO_ERROR, 'http2.fields.too_large', 'more fields than are taken'))
  }
}

const CONTINUE: Fields = [':status', '100']
const TOO_LARGE: Fields = [':status', '431', 'content-length', '0']
