// The gateway's side of a cluster's HTTP/2 connection: requests become streams, and frames become answers (RFC 9113).
// Streams that the cluster says it has not processed are told apart from those that failed: they may be sent again.

import { MisuseError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import type { Http2Limits } from './endpoint.ts'
import { calm, ERROR_CODE, Http2Error, wrong } from './errors.ts'
import type { Http2ClientCommand, Http2ClientEvent, Http2Command } from './events.ts'
import { responseMeaning } from './fields.ts'
import { LARGEST_WINDOW, PREFACE, SETTING, writeSettings } from './frames.ts'
import { Http2Machine } from './machine.ts'
import type { Stream } from './stream.ts'

type RequestCommand = Http2ClientCommand & { type: 'request' }

export class Http2Client extends Http2Machine<Http2ClientEvent, Http2ClientCommand> {
  /** Servers open no streams here: pushes are forbidden. */
  protected readonly lastStream = 0
  #next = 1
  #isRefused = false

  constructor(limits: Http2Limits) {
    super(limits, {
      ...{ isServer: false, streamWindow: limits.http2.clusterStreamWindow, maxFrame: limits.http2.clusterFrame },
    })
    const { http2, hpack } = limits
    this.outgoing.output.push(PREFACE)
    writeSettings(this.outgoing.output, [
      ...[SETTING.HEADER_TABLE_SIZE, hpack.tableSize, SETTING.ENABLE_PUSH, 0],
      ...[SETTING.INITIAL_WINDOW_SIZE, http2.clusterStreamWindow, SETTING.MAX_FRAME_SIZE, http2.clusterFrame],
      ...[SETTING.MAX_HEADER_LIST_SIZE, hpack.fieldBytes],
    ])
    this.raiseWindow(http2.clusterConnectionWindow)
  }

  /** The number that the next request's stream will have. */
  get nextStream(): number {
    return this.#next
  }

  /** Streams that may be opened now. */
  get room(): number {
    if (this.isFailed || this.#isRefused || this.goingAway || this.#next > LARGEST_WINDOW) return 0
    return Math.max(0, this.peer.maxStreams - this.streams.size)
  }

  protected act(command: Http2ClientCommand): void {
    if (command.type === 'request') this.#request(command)
    else this.common(command as Http2Command)
  }

  protected begin(): number {
    return 0
  }

  protected isIdle(stream: number): boolean {
    return (stream & 1) === 0 || stream >= this.#next
  }

  protected head(id: number, fields: Fields | undefined, end: boolean): void {
    const stream = this.streams.get(id)
    if (stream === undefined) {
      throw wrong('http2.response.idle', 'an answer that nobody asked for')
    }
    try {
      this.#answer(stream, fields, end)
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error
      this.fault(id, error)
    }
  }

  protected closed(): void {}

  protected override remoteEnd(stream: Stream): void {
    super.remoteEnd(stream)
    // The whole answer has come before the whole request has gone: what is left of that is of no use to anybody.
    if (!stream.isGone) this.reset(stream, ERROR_CODE.CANCEL)
  }

  protected override peerGoaway(lastStream: number, code: number): void {
    this.#isRefused = true
    super.peerGoaway(lastStream, code)
    for (const stream of [...this.streams.values()])
      if (stream.id > lastStream) this.lost(stream, ERROR_CODE.REFUSED_STREAM)
  }

  #request({ method, path, authority, fields, end }: RequestCommand): void {
    if (this.room === 0) throw new MisuseError('there is no room for another stream')
    const pseudo = [':method', method, ':scheme', 'https', ':authority', authority, ':path', path]
    this.outgoing.block(this.#next, pseudo.concat(fields), end)
    const stream = this.open(this.#next)
    this.#next += 2
    stream.isHead = method === 'HEAD'
    stream.isHeadSent = true
    if (end) this.localEnd(stream)
  }

  #answer(stream: Stream, lines: Fields | undefined, end: boolean): void {
    if (lines === undefined) {
      throw calm('http2.response.too_large', 'an answer with too many fields')
    }
    const { head, length } = responseMeaning(lines)
    if (head.status < 200) {
      if (end) throw wrong('http2.informational.end', 'a 1xx answer as the last')
      stream.informational += 1
      if (stream.informational > this.limits.http1.informational) {
        throw calm('http2.informational.flood', '1xx answers without end')
      }
      this.emit({ type: 'informational', stream: stream.id, head })
      return
    }
    stream.isHeadRead = true
    const hasBody = !stream.isHead && head.status !== 204 && head.status !== 304
    if (hasBody && !this.expectBody(stream, length, end)) {
      throw wrong('http2.response.no_body', 'a Content-Length without a body')
    }
    if (!hasBody) stream.contentLeft = 0
    this.emit({ type: 'response', stream: stream.id, head, end, length })
    if (end) this.remoteEnd(stream)
  }
}
