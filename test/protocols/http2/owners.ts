// The least that an owner of either machine does over a socket: a server that echoes, and a client that collects answers;
// both give credit as they read, and write on when a stream has drained.

import type { Duplex } from 'node:stream'
import { type Driven, drive, flush } from '../../../gateway/drive.ts'
import type { Fields } from '../../../protocols/fields.ts'
import { Http2Client } from '../../../protocols/http2/client.ts'
import type { Http2ClientEvent, Http2ServerEvent } from '../../../protocols/http2/events.ts'
import { Http2Server } from '../../../protocols/http2/server.ts'
import { limits } from '../../../protocols/limits.ts'

/** Answers each request with its own body, in pieces, and its own trailers; one for `/never` it does not answer. */
export class EchoServer implements Driven<Http2ServerEvent> {
  readonly machine = new Http2Server(limits)
  /** Rules of the streams and connections that it refused, and codes of those that the client reset. */
  readonly faults: (string | number)[] = []
  readonly #socket: Duplex
  readonly #bodies = new Map<number, Uint8Array[]>()
  /** What is still to be written, with the trailers behind it. */
  readonly #left = new Map<number, { bytes: Uint8Array; trailers: Fields }>()

  constructor(socket: Duplex) {
    this.#socket = socket
    drive(socket, this.machine, this)
    this.machine.send({ type: 'widen' })
    flush(socket, this.machine)
  }

  goaway(): void {
    this.machine.send({ type: 'goaway', code: 0 })
    flush(this.#socket, this.machine)
  }

  event(event: Http2ServerEvent): void {
    switch (event.type) {
      case 'request':
        this.#request(event.stream, event.head.path, event.end)
        return
      case 'data':
        this.#bodies.get(event.stream)?.push(new Uint8Array(event.bytes))
        this.machine.send({ type: 'consumed', stream: event.stream, bytes: event.bytes.length })
        return
      case 'end': {
        const pieces = this.#bodies.get(event.stream)
        if (pieces === undefined) return
        this.#left.set(event.stream, { bytes: Buffer.concat(pieces), trailers: event.trailers })
        this.#goOn(event.stream)
        return
      }
      case 'drained':
        this.#goOn(event.stream)
        return
      case 'reset':
        this.faults.push(event.error?.rule ?? event.code)
        this.#left.delete(event.stream)
        this.machine.send({ type: 'release', stream: event.stream })
        return
      case 'failed':
        this.faults.push(event.error.rule)
        return
    }
  }

  closed(): void {}

  #request(stream: number, path: string, end: boolean): void {
    if (path === '/never') return
    this.#bodies.set(stream, [])
    this.machine.send({ type: 'response', stream, status: 200, fields: ['path', path], end })
    if (end) this.machine.send({ type: 'release', stream })
  }

  #goOn(stream: number): void {
    const left = this.#left.get(stream)
    if (left === undefined) return
    while (left.bytes.length > 0) {
      if (this.machine.blocked(stream)) return
      this.machine.send({ type: 'data', stream, bytes: left.bytes.subarray(0, PIECE) })
      left.bytes = left.bytes.subarray(PIECE)
    }
    this.#left.delete(stream)
    this.machine.send({ type: 'end', stream, trailers: left.trailers })
    this.machine.send({ type: 'release', stream })
  }
}

const PIECE = 30_000

export interface Answer {
  status: number
  /** Statuses of the 1xx answers before it. */
  readonly informational: number[]
  fields: Fields
  body: Buffer
  trailers: Fields
  /** The code that the stream was reset with. */
  reset: number | undefined
}

/** Asks, and keeps what is answered. */
export class Asker implements Driven<Http2ClientEvent> {
  readonly machine = new Http2Client(limits)
  readonly faults: string[] = []
  readonly #socket: Duplex
  readonly #answers = new Map<number, { readonly answer: Answer; readonly done: (answer: Answer) => void }>()
  #onTurn: (() => void) | undefined

  constructor(socket: Duplex) {
    this.#socket = socket
    drive(socket, this.machine, this)
    flush(socket, this.machine)
  }

  /** Resolves once the condition holds; it is looked at after each chunk of the peer's. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#onTurn = resolve
      })
    }
  }

  /** With a body, `content-length` is said. */
  ask(method: string, path: string, body?: Uint8Array, trailers?: Fields): Promise<Answer> {
    const stream = this.machine.nextStream
    const fields = body === undefined ? [] : ['content-length', String(body.length)]
    const end = body === undefined
    this.machine.send({ type: 'request', method, path, authority: 'localhost', fields, end })
    if (body !== undefined) {
      this.machine.send({ type: 'data', stream, bytes: body, end: trailers === undefined })
      if (trailers !== undefined) this.machine.send({ type: 'end', stream, trailers })
    }
    flush(this.#socket, this.machine)
    const answer: Answer = {
      ...{ status: 0, informational: [], fields: [], body: Buffer.alloc(0), trailers: [], reset: undefined },
    }
    return new Promise((done) => this.#answers.set(stream, { answer, done }))
  }

  reset(stream: number): void {
    this.machine.send({ type: 'reset', stream, code: 8 })
    this.#answers.delete(stream)
    flush(this.#socket, this.machine)
  }

  event(event: Http2ClientEvent): void {
    if (event.type === 'failed') this.faults.push(event.error.rule)
    if (!('stream' in event)) return
    const { stream } = event
    const { answer, done } = this.#answers.get(stream) ?? {}
    if (event.type === 'data') this.machine.send({ type: 'consumed', stream, bytes: event.bytes.length })
    if (answer === undefined || done === undefined) return
    switch (event.type) {
      case 'informational':
        answer.informational.push(event.head.status)
        return
      case 'response':
        answer.status = event.head.status
        answer.fields = event.head.fields
        if (event.end) done(answer)
        return
      case 'data':
        answer.body = Buffer.concat([answer.body, event.bytes])
        return
      case 'end':
        answer.trailers = event.trailers
        done(answer)
        return
      case 'reset':
        answer.reset = event.code
        if (event.error !== undefined) this.faults.push(event.error.rule)
        done(answer)
    }
  }

  turn(): void {
    const onTurn = this.#onTurn
    this.#onTurn = undefined
    onTurn?.()
  }

  closed(): void {}
}
