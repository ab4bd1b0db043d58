// An exchange whose answer goes to the client as WebSocket messages: a watch as one text message for each event, a log as
// what came of it, in binary or base64. What is no 200 is answered by HTTP; data from the client ends the connection.

import type { Duplex } from 'node:stream'
import { MisuseError, PeerError } from '../../protocols/errors.ts'
import type { Fields } from '../../protocols/fields.ts'
import type { AnswerOffer } from '../../protocols/kube/handshake.ts'
import { WatchMessages } from '../../protocols/kube/watch-messages.ts'
import { limits } from '../../protocols/limits.ts'
import { WebSocketConnection } from '../../protocols/websocket/connection.ts'
import { CLOSE_CODE, WebSocketError } from '../../protocols/websocket/errors.ts'
import { OPCODE, type WebSocketEvent, type WebSocketFrame } from '../../protocols/websocket/events.ts'
import { closeSoon } from '../closing.ts'
import type { Deadlines } from '../deadlines.ts'
import type { Refusal } from '../decision.ts'
import { type Driven, drive, flush } from '../drive.ts'
import type { Exchange, ExchangeOwner } from '../exchange.ts'

export interface MessageExchangeOwner {
  /** The connection becomes a WebSocket. */
  switching(): void
  /** Either end sent what it may not; the answer is about to be broken off. */
  fault(error: PeerError): void
  /** Called once, last: nothing more is recorded of the exchange. */
  over(): void
}

/** How most clients leave: it is no fault. */
const LEFT = 'websocket.end.no_close'
const BROKEN_OFF = 'the answer broke off'
const NOTHING = new Uint8Array(0)

export class MessageExchange implements Exchange, ExchangeOwner, Driven<WebSocketEvent> {
  readonly #client: Exchange
  readonly #offer: AnswerOffer
  readonly #deadlines: Deadlines
  readonly #owner: MessageExchangeOwner
  readonly #machine = new WebSocketConnection('server', limits.websocket)
  readonly #events: WatchMessages | undefined
  /** Set with the 101. */
  #socket: Duplex | undefined
  owner: ExchangeOwner | undefined
  isGone = false
  #isOver = false

  constructor(client: Exchange, offer: AnswerOffer, deadlines: Deadlines, owner: MessageExchangeOwner) {
    this.#client = client
    this.#offer = offer
    this.#deadlines = deadlines
    this.#owner = owner
    this.#events = offer.kind === 'watch' ? new WatchMessages(limits.kubernetes) : undefined
    client.owner = this
  }

  get method(): string {
    return this.#client.method
  }

  get target(): string {
    return this.#client.target
  }

  get fields(): Fields {
    return this.#client.fields
  }

  get upgrade(): string | undefined {
    return this.#client.upgrade
  }

  get user(): string {
    return this.#client.user
  }

  set user(user: string) {
    this.#client.user = user
  }

  get streaming(): boolean {
    return this.#client.streaming
  }

  set streaming(streaming: boolean) {
    this.#client.streaming = streaming
  }

  readBody(limit: number): Promise<Uint8Array | Refusal | undefined> | Uint8Array | Refusal | undefined {
    return this.#client.readBody(limit)
  }

  // -- from the answer

  respond(status: number, reason: string, fields: Fields, length: number | undefined): void {
    if (this.isGone) return
    if (status !== 200) {
      this.#client.respond(status, reason, fields, length)
      return
    }
    this.#owner.switching()
    const { socket, trailing } = this.#client.switch(this.#offer.fields)
    this.#socket = socket
    socket.on('drain', this.#drained)
    // A log begins with an empty message, which tells that it is there (wsstream stream.go).
    if (this.#events === undefined) this.#send(NOTHING)
    drive(socket, this.#machine, this, trailing)
    flush(socket, this.#machine)
    // The session has stopped reading while it answered.
    socket.resume()
  }

  write(bytes: Uint8Array): boolean {
    if (this.isGone) return true
    const socket = this.#socket
    if (socket === undefined) return this.#client.write(bytes)
    if (this.#events === undefined) this.#send(bytes)
    else {
      try {
        for (const event of this.#events.receive(bytes)) this.#send(event)
      } catch (error) {
        this.#unsendable(error)
        return true
      }
    }
    return flush(socket, this.#machine)
  }

  end(trailers: Fields): void {
    if (this.isGone) return
    if (this.#socket === undefined) {
      this.#client.end(trailers)
      this.#over()
      return
    }
    try {
      this.#events?.end()
    } catch (error) {
      this.#unsendable(error)
      return
    }
    this.#close(CLOSE_CODE.NORMAL, '')
  }

  abort(): void {
    if (this.isGone) return
    if (this.#socket === undefined) {
      this.#client.abort()
      this.#over()
    } else this.#close(CLOSE_CODE.GOING_AWAY, BROKEN_OFF)
  }

  answer(status: number, fields: Fields, body: Uint8Array, close: boolean): void {
    if (this.isGone) return
    this.#client.answer(status, fields, body, close)
    this.#over()
  }

  switch(): never {
    throw new MisuseError('an answer in messages has an upgrade of its own')
  }

  // -- from the client, before the 101

  drained(): void {
    this.owner?.drained()
  }

  gone(): void {
    this.#left()
  }

  // -- from the client, behind it

  event(event: WebSocketEvent): void {
    if (this.isGone) return
    if (event.type === 'failed' && event.error.rule === LEFT) {
      this.#hangUp()
      this.#left()
    } else if (event.type === 'failed') this.#fault(event.error, event.error.code, event.error.rule)
    else if (event.opcode === OPCODE.PING) this.#answerTo(event, OPCODE.PONG)
    else if (event.opcode === OPCODE.CLOSE) {
      this.#answerTo(event, OPCODE.CLOSE)
      this.#hangUp()
      this.#left()
    } else if (event.opcode !== OPCODE.PONG) {
      const error = new WebSocketError(
        CLOSE_CODE.POLICY,
        'stream.data_to_answer',
        'nothing is sent to a watch or a log',
      )
      this.#fault(error, error.code, error.rule)
    }
  }

  turn(): void {
    // Who takes none of our frames may not make us owe more PONGs.
    if (!this.isGone && this.#socket?.writableNeedDrain === true) this.#socket.pause()
  }

  closed(): void {
    this.#left()
  }

  #drained = (): void => {
    if (this.isGone) return
    this.#socket?.resume()
    this.owner?.drained()
  }

  // -- messages and the end

  #send(bytes: Uint8Array): void {
    const isText = this.#events !== undefined || this.#offer.base64
    const payload = this.#offer.base64 ? Buffer.from(base64(bytes), 'latin1') : bytes
    this.#machine.send({ type: 'frame', opcode: isText ? OPCODE.TEXT : OPCODE.BINARY, payload })
  }

  #answerTo(event: WebSocketFrame, opcode: number): void {
    this.#machine.send({ type: 'frame', opcode, payload: new Uint8Array(event.payload) })
  }

  /** What the cluster sent makes no message. */
  #unsendable(error: unknown): void {
    if (!(error instanceof PeerError)) throw error
    this.#fault(error, CLOSE_CODE.GOING_AWAY, BROKEN_OFF)
  }

  /** Ends both sides, ours with these words. */
  #fault(error: PeerError, code: number, reason: string): void {
    this.#owner.fault(error)
    this.#machine.send({ type: 'close', code, reason })
    this.#hangUp()
    this.#left()
  }

  #close(code: number, reason: string): void {
    this.#machine.send({ type: 'close', code, reason })
    this.#hangUp()
    this.#over()
  }

  #hangUp(): void {
    const socket = this.#socket
    if (socket === undefined) return
    flush(socket, this.#machine)
    // What still comes is read and dropped, so that the client's end is seen.
    socket.resume()
    closeSoon(socket, this.#deadlines)
  }

  /** The client is no more there for the answer. */
  #left(): void {
    if (this.isGone) return
    const { owner } = this
    this.isGone = true
    owner?.gone()
    this.#over()
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.isGone = true
    this.owner = undefined
    this.#owner.over()
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}
