// The cluster of a run: takes requests over HTTP/1.1 or HTTP/2, answers them bit by bit when the run says so, turns execs
// into WebSockets that echo, and now and then breaks off, refuses streams, says GOAWAY or talks nonsense.

import { drive, flush } from '../../gateway/drive.ts'
import { type Fields, field, fieldValues } from '../../protocols/fields.ts'
import { Http1Server } from '../../protocols/http1/server.ts'
import { ERROR_CODE } from '../../protocols/http2/errors.ts'
import { Http2Server } from '../../protocols/http2/server.ts'
import { limits } from '../../protocols/limits.ts'
import { WebSocketConnection } from '../../protocols/websocket/connection.ts'
import { OPCODE } from '../../protocols/websocket/events.ts'
import { acceptKey } from '../../protocols/websocket/handshake.ts'
import { Random } from './random.ts'
import type { End } from './wire.ts'
import { markerOf } from './witness.ts'

/** What the cluster says to the run. */
export interface ClusterJudge {
  /** A whole request has come; `shared`: the connection, where it carries others as well. */
  requested(marker: string, fields: Fields, body: Uint8Array, shared: End | undefined): void
  /** So much of an exec's stdin has come in all. */
  stdin(marker: string, bytes: Uint8Array): void
}

/** An answer on its way out. */
interface Answering {
  readonly marker: string
  readonly pieces: Buffer[]
  begun: boolean
  begin(length: number | undefined): void
  piece(bytes: Uint8Array): void
  end(): void
}

/** The bytes that answer a request, which follow from its marker: what belongs to another shows. */
export function answerTo(marker: string, isWatch: boolean): Buffer[] {
  const random = new Random(Number(marker.slice(1)))
  const count = isWatch ? 1 + random.below(8) : random.below(4)
  return Array.from({ length: count }, (_, at) => {
    const line = `${marker}.${at};`
    return Buffer.from(line.repeat(1 + random.below(random.once(4) ? 6_000 : 60)))
  })
}

export class SimulatedCluster {
  readonly #judge: ClusterJudge
  readonly #random: Random
  readonly #answering = new Set<Answering>()
  readonly #http2 = new Set<{ machine: Http2Server; end: End }>()
  readonly #execs = new Set<{ socket: WebSocketConnection; end: End }>()

  constructor(judge: ClusterJudge, random: Random) {
    this.#judge = judge
    this.#random = random
  }

  get isBusy(): boolean {
    return this.#answering.size > 0
  }

  accept(end: End): void {
    if (end.alpnProtocol === 'h2') this.#acceptHttp2(end)
    else this.#acceptHttp1(end)
  }

  /** Says a little more of one answer. */
  goOn(): void {
    const all = [...this.#answering]
    if (all.length === 0) return
    const answering = this.#random.pick(all)
    if (!answering.begun) {
      answering.begun = true
      const length = answering.pieces.reduce((sum, piece) => sum + piece.length, 0)
      answering.begin(this.#random.once(2) ? length : undefined)
      return
    }
    const piece = answering.pieces.shift()
    if (piece !== undefined) answering.piece(piece)
    else {
      this.#answering.delete(answering)
      answering.end()
    }
  }

  /** Does one thing that a cluster may do at any time, or should not. */
  misbehave(): void {
    const connections = [...this.#http2].filter(({ end }) => !end.destroyed)
    if (connections.length === 0) return
    const { machine, end } = this.#random.pick(connections)
    switch (this.#random.below(4)) {
      case 0:
        machine.send({ type: 'goaway', code: ERROR_CODE.NO_ERROR })
        flush(end, machine)
        return
      case 1:
        end.destroy()
        return
      case 2:
        end.write(Buffer.from([0, 0, 0, 0x77, 0xff, 0xff, 0xff, 0xff, 0xff]))
        end.write(Buffer.from([0, 0, 0, 5, 0, 0, 0, 0, 2]))
        return
      default:
        end.end()
    }
  }

  /** Ends one exec as a container that is done ends it. */
  endExec(): void {
    const open = [...this.#execs].filter(({ end }) => !end.destroyed)
    if (open.length === 0) return
    const exec = this.#random.pick(open)
    this.#execs.delete(exec)
    const status = Buffer.from('\x03{"metadata":{},"status":"Success"}')
    exec.socket.send({ type: 'frame', opcode: OPCODE.BINARY, payload: status })
    exec.socket.send({ type: 'close', code: 1000, reason: '' })
    flush(exec.end, exec.socket)
    exec.end.end()
  }

  #acceptHttp1(end: End): void {
    const machine = new Http1Server(limits.http1)
    let head: { target: string; fields: Fields; upgrade: string | undefined } | undefined
    let body: Buffer[] = []
    let answering: Answering | undefined
    const release = drive(end, machine, {
      event: (event) => {
        if (event.type === 'request') {
          head = { target: event.head.target, fields: event.head.fields, upgrade: event.upgrade }
          body = []
        } else if (event.type === 'data') body.push(Buffer.from(event.bytes))
        else if (event.type === 'end' && head !== undefined) {
          const marker = markerOf(head.target) ?? 'none'
          this.#judge.requested(marker, head.fields, Buffer.concat(body), undefined)
          if (head.upgrade !== undefined) {
            this.#switch(end, machine, marker, head.fields, () => release())
            return
          }
          answering = this.#answer(marker, head.target.includes('watch='), {
            begin: (length) => {
              const framing = length ?? 'chunked'
              machine.send({ type: 'response', status: 200, reason: 'OK', fields: ANSWER_FIELDS, framing })
            },
            piece: (bytes) => machine.send({ type: 'data', bytes }),
            end: () => machine.send({ type: 'end' }),
            flush: () => flush(end, machine),
          })
        }
      },
      closed: () => {
        if (answering !== undefined) this.#answering.delete(answering)
      },
    })
  }

  #acceptHttp2(end: End): void {
    const machine = new Http2Server(limits)
    const streams = new Map<number, { target: string; fields: Fields; body: Buffer[]; answering?: Answering }>()
    const complete = (id: number): void => {
      const stream = streams.get(id)
      if (stream === undefined) return
      const marker = markerOf(stream.target) ?? 'none'
      this.#judge.requested(marker, stream.fields, Buffer.concat(stream.body), end)
      stream.answering = this.#answer(marker, stream.target.includes('watch='), {
        begin: (length) => {
          const fields = length === undefined ? LOWER_FIELDS : [...LOWER_FIELDS, 'content-length', String(length)]
          machine.send({ type: 'response', stream: id, status: 200, fields, end: false })
        },
        piece: (bytes) => machine.send({ type: 'data', stream: id, bytes }),
        end: () => {
          machine.send({ type: 'end', stream: id })
          machine.send({ type: 'release', stream: id })
        },
        flush: () => flush(end, machine),
      })
    }
    const gone = (id: number): void => {
      const answering = streams.get(id)?.answering
      if (answering !== undefined) this.#answering.delete(answering)
      machine.send({ type: 'release', stream: id })
    }
    const connection = { machine, end }
    this.#http2.add(connection)
    machine.send({ type: 'widen' })
    drive(end, machine, {
      event: (event) => {
        if (event.type === 'request') {
          if (this.#random.once(40)) {
            machine.send({ type: 'reset', stream: event.stream, code: ERROR_CODE.REFUSED_STREAM })
            machine.send({ type: 'release', stream: event.stream })
            return
          }
          streams.set(event.stream, { target: event.head.path, fields: event.head.fields, body: [] })
          if (event.end) complete(event.stream)
        } else if (event.type === 'data') {
          streams.get(event.stream)?.body.push(Buffer.from(event.bytes))
          machine.send({ type: 'consumed', stream: event.stream, bytes: event.bytes.length })
        } else if (event.type === 'end') complete(event.stream)
        else if (event.type === 'reset') gone(event.stream)
      },
      closed: () => {
        this.#http2.delete(connection)
        for (const id of streams.keys()) gone(id)
      },
    })
    flush(end, machine)
  }

  #answer(
    marker: string,
    isWatch: boolean,
    out: {
      begin(length: number | undefined): void
      piece(bytes: Uint8Array): void
      end(): void
      flush(): void
    },
  ): Answering {
    const then =
      <A extends unknown[]>(act: (...given: A) => void) =>
      (...given: A): void => {
        act(...given)
        out.flush()
      }
    const answering = {
      marker,
      pieces: answerTo(marker, isWatch),
      begun: false,
      begin: then(out.begin),
      piece: then(out.piece),
      end: then(out.end),
    }
    this.#answering.add(answering)
    return answering
  }

  #switch(end: End, http: Http1Server, marker: string, fields: Fields, release: () => void): void {
    const key = field(fields, 'sec-websocket-key') ?? ''
    const protocol = fieldValues(fields, 'sec-websocket-protocol')[0]?.split(',')[0]?.trim() ?? ''
    http.send({
      type: 'switch',
      fields: ['Upgrade', 'websocket', 'Sec-WebSocket-Accept', acceptKey(key), 'Sec-WebSocket-Protocol', protocol],
    })
    flush(end, http)
    release()
    const socket = new WebSocketConnection('server', limits.websocket)
    const exec = { socket, end }
    this.#execs.add(exec)
    let channel = -1
    drive(
      end,
      socket,
      {
        event: (event) => {
          if (event.type !== 'frame' || event.opcode !== OPCODE.BINARY || !this.#execs.has(exec)) return
          // A frame comes whole or in pieces, the first of which may be empty; its first octet is the channel.
          if (event.start) channel = -1
          if (event.payload.length === 0) return
          const bytes = channel === -1 ? event.payload.subarray(1) : event.payload
          if (channel === -1) channel = event.payload[0] as number
          if (channel !== 0) return
          this.#judge.stdin(marker, bytes)
          if (bytes.length === 0) return
          socket.send({ type: 'frame', opcode: OPCODE.BINARY, payload: Buffer.concat([Buffer.from([1]), bytes]) })
        },
        closed: () => this.#execs.delete(exec),
      },
      http.takeTrailing().slice(),
    )
  }
}

const ANSWER_FIELDS: Fields = ['Content-Type', 'application/json']
const LOWER_FIELDS: Fields = ['content-type', 'application/json']
