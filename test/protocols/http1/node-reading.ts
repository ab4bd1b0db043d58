// What Node's own HTTP/1.1 parser (llhttp, strict) reads in bytes, in both roles, over a stream in memory.

import http from 'node:http'
import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'

/** A message as both readers can name it. Bytes are latin1 text. */
export interface ReadMessage {
  /** Method and target, or status and reason. */
  readonly start: readonly [string | number, string]
  readonly minor: number
  readonly fields: readonly string[]
  readonly body: string
  readonly trailers: readonly string[]
}

export interface NodeReading {
  /** Whole messages, in order. */
  readonly messages: readonly ReadMessage[]
  /** Node reported a fault. */
  readonly isRefused: boolean
  /** What followed an upgrade, or undefined where there was none. */
  readonly trailing: string | undefined
}

/** A place for a message that is not yet whole. */
type Slot = ReadMessage | undefined

/** The far end of a connection: what is pushed is read by Node, and what Node writes goes nowhere. */
class Wire extends Duplex {
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done()
  }
}

/** Reads a client's bytes with node:http's server, which answers each request 204. */
export async function readRequests(input: Uint8Array): Promise<NodeReading> {
  const reading = { messages: [] as Slot[], isRefused: false, trailing: undefined as string | undefined }
  const server = http.createServer({ insecureHTTPParser: false }, (request, response) => {
    collect(request, [request.method ?? '', request.url ?? ''], reading.messages)
    request.on('end', () => response.writeHead(204).end())
  })
  server.on('clientError', (_error, socket) => {
    reading.isRefused = true
    socket.destroy()
  })
  server.on('upgrade', (request, _socket, head) => {
    reading.messages.push(describe(request, [request.method ?? '', request.url ?? ''], ''))
    reading.trailing = head.toString('latin1')
  })
  const wire = new Wire()
  server.emit('connection', wire)
  wire.push(input)
  await settle()
  wire.push(null)
  await settle()
  wire.destroy()
  return { ...reading, messages: reading.messages.filter((slot) => slot !== undefined) }
}

/** Reads a server's bytes with node:http's client, as the answer to a GET. */
export async function readResponse(input: Uint8Array): Promise<NodeReading> {
  const reading = { messages: [] as Slot[], isRefused: false, trailing: undefined as string | undefined }
  const wire = new Wire()
  const request = http.request({ createConnection: () => wire, insecureHTTPParser: false, host: 'cluster' })
  const refuse = (): void => {
    reading.isRefused = true
  }
  request.on('error', refuse)
  request.on('response', (response) => {
    response.on('error', refuse)
    collect(response, [response.statusCode ?? 0, response.statusMessage ?? ''], reading.messages)
  })
  request.end()
  await settle()
  wire.push(input)
  wire.push(null)
  await settle()
  wire.destroy()
  return { ...reading, messages: reading.messages.filter((slot) => slot !== undefined) }
}

/** Adds a message once it is whole, in its place: Node hands out a head before the bodies before it. */
function collect(message: http.IncomingMessage, start: ReadMessage['start'], into: Slot[]): void {
  const pieces: Buffer[] = []
  const place = into.push(undefined) - 1
  message.on('data', (piece: Buffer) => pieces.push(piece))
  message.on('end', () => {
    if (message.complete) into[place] = describe(message, start, Buffer.concat(pieces).toString('latin1'))
  })
}

function describe(message: http.IncomingMessage, start: ReadMessage['start'], body: string): ReadMessage {
  const { httpVersionMinor: minor, rawHeaders: fields, rawTrailers: trailers } = message
  return { start, minor, fields, body, trailers }
}

/** Nothing of this waits for a socket or a timer, so a few turns of the event loop see it through. */
async function settle(): Promise<void> {
  for (let at = 0; at < 4; at++) await turn()
}
