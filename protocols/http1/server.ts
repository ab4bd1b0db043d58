// The gateway's side of a client connection: bytes become requests, one at a time, and answers become bytes (RFC 9112).
// While a request is being answered, what follows it is held unparsed; behind an upgrade it is never parsed as HTTP.

import type { Connection } from '../connection.ts'
import { MisuseError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import { HeldBytes } from '../held-bytes.ts'
import type { Limits } from '../limits.ts'
import { BodyReader } from './body.ts'
import { BodyWriter } from './body-writer.ts'
import { Http1Error } from './errors.ts'
import type { Http1ServerCommand, Http1ServerEvent } from './events.ts'
import { requestMeaning } from './framing.ts'
import { HeadReader } from './head.ts'
import { CONTINUE, headBytes, responseLines } from './serialise.ts'
import { parseRequestLine, type RequestLine } from './start-line.ts'

// What the next byte from the client is.
const HEAD = 0
const BODY = 1
/** Held: the request is whole, and its answer is not. */
const BEHIND = 2
/** Held: HTTP has ended with a 101. */
const TRAILING = 3
/** Dropped: the connection is over, or will be once the answer is out. */
const OVER = 4

type ResponseCommand = Http1ServerCommand & { type: 'response' }

const NO_FIELDS: Fields = []

export class Http1Server implements Connection<Http1ServerEvent, Http1ServerCommand> {
  readonly #heldLimit: number
  readonly #head: HeadReader<RequestLine>
  readonly #body: BodyReader
  readonly #held = new HeldBytes()
  readonly #answer = new BodyWriter()
  #reading = HEAD
  #events: Http1ServerEvent[] = []
  #output: Uint8Array[] = []
  // Of the request that is being answered.
  #awaitsResponse = false
  #awaitsContinue = false
  #method = ''
  #minor: 0 | 1 = 1
  #upgrade = false
  #closing = false

  constructor(limits: Limits['http1']) {
    this.#heldLimit = limits.heldBytes
    this.#head = new HeadReader(limits, parseRequestLine)
    this.#body = new BodyReader(limits, true)
  }

  /** False: enough is held; read no more of the socket until the answer is out. One more chunk is taken if it comes. */
  get wantsInput(): boolean {
    return this.#held.length < this.#heldLimit
  }

  /** The connection ends behind the present answer, or has ended: close the socket once the output is written. */
  get isClosing(): boolean {
    return this.#closing
  }

  receive(bytes: Uint8Array): readonly Http1ServerEvent[] {
    try {
      this.#receive(bytes)
    } catch (error) {
      this.#fail(error)
    }
    return this.#takeEvents()
  }

  receiveEnd(): readonly Http1ServerEvent[] {
    // An answer under way may still be written, but nothing comes behind it.
    this.#closing = true
    if (this.#reading === BODY) {
      this.#fail(new Http1Error(400, 'http1.request.cut_body', 'the connection ended within a request body'))
    } else if (this.#reading === HEAD && this.#head.isBegun) {
      this.#fail(new Http1Error(400, 'http1.request.cut_head', 'the connection ended within a request head'))
    } else if (this.#reading === HEAD) {
      this.#reading = OVER
    }
    return this.#takeEvents()
  }

  send(command: Http1ServerCommand): void {
    switch (command.type) {
      case 'continue':
        if (!this.#awaitsContinue) throw new MisuseError('100 Continue was not waited for')
        this.#awaitsContinue = false
        this.#output.push(CONTINUE)
        return
      case 'response':
        this.#respond(command)
        return
      case 'data':
        this.#answer.data(command.bytes, this.#output)
        return
      case 'end':
        this.#answer.end(command.trailers ?? NO_FIELDS, this.#output)
        this.#next()
        return
      case 'switch':
        this.#switch(command.fields)
        return
    }
  }

  takeOutput(): readonly Uint8Array[] {
    const output = this.#output
    this.#output = []
    return output
  }

  /** After `switch`: what the client has sent behind its request. The caller's to keep; a second call gives what came since. */
  takeTrailing(): Uint8Array {
    if (this.#reading !== TRAILING) throw new MisuseError('there is no trailing data before a switch')
    return this.#held.take()
  }

  #receive(bytes: Uint8Array): void {
    if (this.#reading === BEHIND || this.#reading === TRAILING) {
      this.#held.add(bytes, 0)
      return
    }
    if (this.#held.length === 0) {
      const at = this.#read(bytes)
      if (this.#reading === BEHIND && at < bytes.length) this.#held.add(bytes, at)
      return
    }
    this.#held.add(bytes, 0)
    const held = this.#held.take()
    const at = this.#read(held)
    if (this.#reading === BEHIND) this.#held.putBack(held.subarray(at))
  }

  /** Reads until the end of the chunk or of a request, and returns where it stopped. */
  #read(chunk: Uint8Array): number {
    let at = 0
    if (this.#reading === HEAD) {
      at = this.#head.read(chunk, at)
      if (this.#head.isComplete) this.#request(this.#head.start!)
    }
    if (this.#reading === BODY) {
      at = this.#body.read(chunk, at, this.#events)
      if (this.#body.isDone) {
        this.#events.push({ type: 'end', trailers: this.#body.trailers })
        this.#reading = BEHIND
      }
    }
    return at
  }

  #request(line: RequestLine): void {
    const fields = this.#head.fields
    this.#method = line.method
    this.#minor = line.minor
    const { framing, expectContinue, keepAlive, upgrade } = requestMeaning(line, fields)
    this.#head.reset()
    this.#awaitsResponse = true
    this.#awaitsContinue = expectContinue
    this.#upgrade = upgrade !== undefined
    this.#closing = !keepAlive
    this.#body.open(framing)
    this.#reading = BODY
    const { method, target, minor } = line
    const head = { method, target, minor, fields }
    this.#events.push({ type: 'request', head, framing, expectContinue, keepAlive, upgrade })
  }

  #respond(command: ResponseCommand): void {
    if (!this.#awaitsResponse) throw new MisuseError('there is no request to answer')
    if (command.status < 200) throw new MisuseError('an interim answer is sent by continue or switch')
    const lines = responseLines(command.status, command.reason, command.fields)
    // Before the request is whole, where it would have ended is in doubt (0.CL with Expect); behind an upgrade that was
    // not taken, the client may already speak the other protocol (CVE-2018-1002105).
    this.#closing ||= this.#reading === BODY || this.#upgrade || command.close === true
    const own = this.#answer.openResponse(command.status, command.framing, this.#method, this.#minor)
    // Behind a body without a length of its own the connection must end.
    this.#closing ||= this.#answer.isUntilClose
    const connection = this.#closing ? 'Connection: close\r\n' : ''
    this.#output.push(headBytes(lines, own + connection))
    this.#awaitsResponse = false
    this.#awaitsContinue = false
  }

  /** The answer is out: the next request may be read, or the connection is over. */
  #next(): void {
    this.#reading = this.#closing ? OVER : HEAD
    if (this.#closing) this.#held.clear()
    // A fault in the next head is answered as what it is: not to this request.
    this.#method = ''
    this.#minor = 1
    this.#upgrade = false
  }

  #switch(fields: Fields): void {
    if (!this.#awaitsResponse || !this.#upgrade || this.#reading !== BEHIND) {
      throw new MisuseError('there is no upgrade to take')
    }
    this.#output.push(headBytes(responseLines(101, 'Switching Protocols', fields), 'Connection: Upgrade\r\n'))
    this.#awaitsResponse = false
    this.#reading = TRAILING
  }

  /** The last event. An answer not yet begun may be sent, and one begun may be finished; nothing more is read. */
  #fail(error: unknown): void {
    if (!(error instanceof Http1Error)) throw error
    this.#events.push({ type: 'failed', error })
    // A fault in a head: the request is answered although it was never announced.
    if (this.#reading === HEAD) this.#awaitsResponse = true
    this.#closing = true
    this.#reading = OVER
    this.#held.clear()
  }

  #takeEvents(): readonly Http1ServerEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }
}
