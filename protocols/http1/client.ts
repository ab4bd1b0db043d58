// The gateway's side of a connection to a cluster: requests become bytes, and bytes become the answer to the one request
// that is out (RFC 9112). A connection on which anything odd was seen is never reported reusable.

import type { Connection } from '../connection.ts'
import { MisuseError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import { field, fieldValues } from '../fields.ts'
import { HeldBytes } from '../held-bytes.ts'
import type { Limits } from '../limits.ts'
import { isAll, TOKEN } from '../syntax.ts'
import { BodyReader } from './body.ts'
import { BodyWriter } from './body-writer.ts'
import { Http1Error } from './errors.ts'
import type { Http1ClientCommand, Http1ClientEvent, ResponseHead } from './events.ts'
import { responseMeaning } from './framing.ts'
import { HeadReader } from './head.ts'
import { headBytes, requestLines } from './serialise.ts'
import { checkTarget, parseStatusLine, type StatusLine } from './start-line.ts'

// What the next byte from the cluster is.
/** A fault: no request is out. */
const IDLE = 0
const HEAD = 1
const BODY = 2
/** Held: HTTP has ended with a 101. */
const TRAILING = 3
/** Dropped: the connection is over. */
const OVER = 4

type RequestCommand = Http1ClientCommand & { type: 'request' }

const NO_FIELDS: Fields = []

export class Http1Client implements Connection<Http1ClientEvent, Http1ClientCommand> {
  readonly #informationalLimit: number
  readonly #head: HeadReader<StatusLine>
  readonly #body: BodyReader
  readonly #held = new HeldBytes()
  readonly #request = new BodyWriter()
  #reading = IDLE
  #events: Http1ClientEvent[] = []
  #output: Uint8Array[] = []
  // Of the request that is out.
  #method = ''
  #upgrade = false
  #informational = 0
  #keepAlive = true

  constructor(limits: Limits['http1']) {
    this.#informationalLimit = limits.informational
    this.#head = new HeadReader(limits, parseStatusLine)
    this.#body = new BodyReader(limits, false)
  }

  receive(bytes: Uint8Array): readonly Http1ClientEvent[] {
    try {
      this.#read(bytes)
    } catch (error) {
      this.#fail(error)
    }
    return this.#takeEvents()
  }

  receiveEnd(): readonly Http1ClientEvent[] {
    const state = this.#reading
    if (state === BODY && this.#body.isUntilClose) {
      this.#end(NO_FIELDS, false)
    } else if (state === BODY) {
      this.#fail(new Http1Error(400, 'http1.response.cut_body', 'the connection ended within a response body'))
    } else if (state === HEAD && this.#head.isBegun) {
      this.#fail(new Http1Error(400, 'http1.response.cut_head', 'the connection ended within a response head'))
    } else if (state === HEAD) {
      this.#fail(new Http1Error(400, 'http1.response.missing', 'the connection ended before the response'))
    }
    if (state !== TRAILING) this.#reading = OVER
    return this.#takeEvents()
  }

  send(command: Http1ClientCommand): void {
    switch (command.type) {
      case 'request':
        this.#send(command)
        return
      case 'data':
        this.#request.data(command.bytes, this.#output)
        return
      case 'end':
        this.#request.end(NO_FIELDS, this.#output)
        return
    }
  }

  takeOutput(): readonly Uint8Array[] {
    const output = this.#output
    this.#output = []
    return output
  }

  /** After `switched`: what the cluster has sent behind its 101. The caller's to keep; a second call gives what came since. */
  takeTrailing(): Uint8Array {
    if (this.#reading !== TRAILING) throw new MisuseError('there is no trailing data before a switch')
    return this.#held.take()
  }

  #send(command: RequestCommand): void {
    const { method, target, fields } = command
    if (this.#reading !== IDLE)
      throw new MisuseError('the connection is over, or waits for the answer to another request')
    if (!isAll(method, TOKEN)) throw new MisuseError('a method that is not a token')
    checkOwnRequest(target, fields, command.upgrade === true)
    const lines = requestLines(method, target, fields)
    const own = this.#request.openRequest(method, command.framing)
    const connection = command.upgrade === true ? 'Connection: Upgrade\r\n' : ''
    this.#output.push(headBytes(lines, own + connection))
    this.#method = method
    this.#upgrade = command.upgrade === true
    this.#informational = 0
    this.#reading = HEAD
  }

  #read(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      switch (this.#reading) {
        case IDLE:
          throw new Http1Error(400, 'http1.response.unasked', 'bytes that answer no request')
        case HEAD:
          at = this.#head.read(chunk, at)
          if (this.#head.isComplete) this.#response(this.#head.start!, at < chunk.length)
          break
        case BODY:
          at = this.#body.read(chunk, at, this.#events)
          if (this.#body.isDone) this.#end(this.#body.trailers, at < chunk.length)
          break
        case TRAILING:
          this.#held.add(chunk, at)
          return
        default:
          return
      }
    }
  }

  /** A whole head. `isFollowed`: more bytes came in the same chunk. */
  #response(line: StatusLine, isFollowed: boolean): void {
    const fields = this.#head.fields
    const { framing, keepAlive } = responseMeaning(line, fields, this.#method)
    this.#head.reset()
    const head = { status: line.status, reason: line.reason, minor: line.minor, fields }
    if (line.status < 200) {
      this.#interim(head)
      return
    }
    this.#keepAlive = keepAlive
    this.#events.push({ type: 'response', head, framing })
    this.#body.open(framing)
    this.#reading = BODY
    if (framing === 0) this.#end(NO_FIELDS, isFollowed)
  }

  #interim(head: ResponseHead): void {
    if (head.status === 101) {
      if (!this.#upgrade) throw new Http1Error(400, 'http1.switch.unasked', 'a 101 that was not asked for')
      if (!this.#request.isClosed) throw new Http1Error(400, 'http1.switch.early', 'a 101 before the request was whole')
      this.#events.push({ type: 'switched', head })
      this.#reading = TRAILING
      return
    }
    this.#informational++
    if (this.#informational > this.#informationalLimit) {
      throw new Http1Error(400, 'http1.response.informational', 'more 1xx answers than are taken')
    }
    this.#events.push({ type: 'informational', head })
  }

  /**
   * The answer is complete. Bytes already behind it answer nothing, and would become the answer to the next request if
   * the connection were used again in this turn (CVE-2026-48931): it is not reusable then, and the fault follows.
   */
  #end(trailers: Fields, isFollowed: boolean): void {
    const isWhole = this.#keepAlive && this.#request.isClosed && !this.#upgrade
    this.#events.push({ type: 'end', trailers, reusable: isWhole && !isFollowed })
    this.#reading = isWhole ? IDLE : OVER
  }

  #fail(error: unknown): void {
    if (!(error instanceof Http1Error)) throw error
    this.#events.push({ type: 'failed', error })
    this.#reading = OVER
  }

  #takeEvents(): readonly Http1ClientEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }
}

/** Holds our own requests to what is demanded of others. */
function checkOwnRequest(target: string, fields: Fields, upgrade: boolean): void {
  try {
    checkTarget(target)
  } catch (cause) {
    throw new MisuseError('a target that is not in origin-form', { cause })
  }
  if (fieldValues(fields, 'host').length !== 1) throw new MisuseError('a request has one Host')
  if ((field(fields, 'upgrade') !== undefined) !== upgrade) throw new MisuseError('Upgrade goes with an upgrade only')
}
