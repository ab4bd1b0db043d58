// The callers of a run: each has a user, and connections over HTTP/1.1 or HTTP/2 on which it reads, writes, watches and
// runs commands; it may stop reading, give up, or go away at any time. All that it hears goes to the judge.

import { drive, flush } from '../../gateway/drive.ts'
import { Http1Client } from '../../protocols/http1/client.ts'
import { Http2Client } from '../../protocols/http2/client.ts'
import { ERROR_CODE } from '../../protocols/http2/errors.ts'
import { limits } from '../../protocols/limits.ts'
import { WebSocketConnection } from '../../protocols/websocket/connection.ts'
import { OPCODE } from '../../protocols/websocket/events.ts'
import type { Random } from './random.ts'
import type { End } from './wire.ts'

export interface Ask {
  readonly marker: string
  readonly user: string
  readonly method: 'GET' | 'POST'
  readonly target: string
  readonly body: Buffer
  readonly isWatch: boolean
  status: number
  /** The answer's body so far. */
  heard: Buffer
  /** "", or how it ended: "whole", "broken". */
  end: '' | 'whole' | 'broken'
}

export interface ClientJudge {
  /** The answer's head, or a piece of its body, or its end has come; `ask` says what has been heard. */
  heard(ask: Ask): void
  /** So much of an exec's stdout has come. */
  stdout(ask: Ask, bytes: Uint8Array): void
}

export interface SimulatedClient {
  readonly user: string
  readonly end: End
  /** It may ask something now. */
  readonly isFree: boolean
  ask(ask: Ask, token: string): void
  /** Gives one of its requests up, in the way of its protocol. */
  giveUp(random: Random): void
}

function fieldsOf(ask: Ask, token: string): string[] {
  return ['authorization', `Bearer ${token}`, 'accept', 'application/json', 'x-marker', ask.marker]
}

function finish(ask: Ask, end: 'whole' | 'broken', judge: ClientJudge): void {
  if (ask.end !== '') return
  ask.end = end
  judge.heard(ask)
}

export class Http1Caller implements SimulatedClient {
  readonly user: string
  readonly end: End
  readonly #machine = new Http1Client(limits.http1)
  readonly #judge: ClientJudge
  readonly #release: () => void
  #asked: Ask | undefined
  #socket: WebSocketConnection | undefined
  #channel = -1

  constructor(user: string, end: End, judge: ClientJudge) {
    this.user = user
    this.end = end
    this.#judge = judge
    this.#release = drive(end, this.#machine, {
      event: (event) => {
        const ask = this.#asked
        if (ask === undefined) return
        if (event.type === 'response') {
          ask.status = event.head.status
          judge.heard(ask)
        } else if (event.type === 'data') {
          ask.heard = Buffer.concat([ask.heard, event.bytes])
          judge.heard(ask)
        } else if (event.type === 'end') {
          this.#asked = undefined
          if (!event.reusable) end.end()
          finish(ask, 'whole', judge)
        } else if (event.type === 'switched') this.#switched(ask)
        else if (event.type === 'failed') finish(ask, 'broken', judge)
      },
      closed: () => {
        if (this.#asked !== undefined) finish(this.#asked, 'broken', judge)
      },
    })
  }

  get isFree(): boolean {
    return this.#asked === undefined && !this.end.destroyed && this.end.writable && this.end.readable
  }

  /** It runs a command: stdin may be sent. */
  get isExec(): boolean {
    return this.#socket !== undefined && !this.end.destroyed && this.end.writable
  }

  ask(ask: Ask, token: string): void {
    this.#asked = ask
    const fields = ['Host', 'gateway', ...fieldsOf(ask, token)]
    const framing = ask.body.length
    this.#machine.send({ type: 'request', method: ask.method, target: ask.target, fields, framing })
    if (framing > 0) this.#machine.send({ type: 'data', bytes: ask.body })
    this.#machine.send({ type: 'end' })
    flush(this.end, this.#machine)
  }

  exec(ask: Ask, token: string): void {
    this.#asked = ask
    const fields = [
      ...['Host', 'gateway', ...fieldsOf(ask, token), 'Upgrade', 'websocket', 'Sec-WebSocket-Version', '13'],
      ...['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Protocol', 'v5.channel.k8s.io'],
    ]
    const { method, target } = ask
    this.#machine.send({ type: 'request', method, target, fields, framing: 0, upgrade: true })
    this.#machine.send({ type: 'end' })
    flush(this.end, this.#machine)
  }

  /** Sends stdin of the command. */
  type(bytes: Uint8Array): void {
    const payload = Buffer.concat([Buffer.from([0]), bytes])
    this.#socket?.send({ type: 'frame', opcode: OPCODE.BINARY, payload })
    if (this.#socket !== undefined) flush(this.end, this.#socket)
  }

  giveUp(random: Random): void {
    if (random.once(2)) this.end.destroy()
    else this.end.end()
  }

  #switched(ask: Ask): void {
    ask.status = 101
    this.#release()
    const socket = new WebSocketConnection('client', limits.websocket, () => 0x1234_5678)
    this.#socket = socket
    drive(
      this.end,
      socket,
      {
        event: (event) => {
          if (event.type !== 'frame' || event.opcode >= OPCODE.CLOSE) return
          if (event.start) this.#channel = -1
          if (event.payload.length === 0) return
          const bytes = this.#channel === -1 ? event.payload.subarray(1) : event.payload
          if (this.#channel === -1) this.#channel = event.payload[0] as number
          if (this.#channel === 1) this.#judge.stdout(ask, bytes)
        },
        closed: () => finish(ask, 'broken', this.#judge),
      },
      this.#machine.takeTrailing().slice(),
    )
  }
}

export class Http2Caller implements SimulatedClient {
  readonly user: string
  readonly end: End
  readonly #machine = new Http2Client(limits)
  readonly #asked = new Map<number, Ask>()
  /** Does not give credit back: its answers stall. */
  isStalled = false

  constructor(user: string, end: End, judge: ClientJudge) {
    this.user = user
    this.end = end
    drive(end, this.#machine, {
      event: (event) => {
        if (!('stream' in event)) return
        const ask = this.#asked.get(event.stream)
        if (ask === undefined) return
        if (event.type === 'response') {
          ask.status = event.head.status
          judge.heard(ask)
          if (event.end) this.#over(event.stream, ask, 'whole', judge)
        } else if (event.type === 'data') {
          ask.heard = Buffer.concat([ask.heard, event.bytes])
          judge.heard(ask)
          if (!this.isStalled) {
            this.#machine.send({ type: 'consumed', stream: event.stream, bytes: event.bytes.length })
          }
        } else if (event.type === 'end') this.#over(event.stream, ask, 'whole', judge)
        else if (event.type === 'reset') this.#over(event.stream, ask, 'broken', judge)
      },
      closed: () => {
        for (const [stream, ask] of this.#asked) this.#over(stream, ask, 'broken', judge)
      },
    })
    flush(end, this.#machine)
  }

  get isFree(): boolean {
    return this.#machine.room > 0 && !this.end.destroyed && this.end.writable && this.end.readable
  }

  ask(ask: Ask, token: string): void {
    const stream = this.#machine.nextStream
    this.#asked.set(stream, ask)
    const isWhole = ask.body.length === 0
    const { method, target: path } = ask
    const fields = isWhole ? fieldsOf(ask, token) : [...fieldsOf(ask, token), 'content-length', String(ask.body.length)]
    this.#machine.send({ type: 'request', method, path, authority: 'gateway', fields, end: isWhole })
    if (!isWhole) this.#machine.send({ type: 'data', stream, bytes: ask.body, end: true })
    flush(this.end, this.#machine)
  }

  giveUp(random: Random): void {
    const streams = [...this.#asked.keys()]
    if (streams.length === 0 || random.once(8)) {
      this.end.destroy()
      return
    }
    const stream = random.pick(streams)
    this.#asked.delete(stream)
    this.#machine.send({ type: 'reset', stream, code: ERROR_CODE.CANCEL })
    flush(this.end, this.#machine)
  }

  #over(stream: number, ask: Ask, end: 'whole' | 'broken', judge: ClientJudge): void {
    this.#asked.delete(stream)
    finish(ask, end, judge)
  }
}
