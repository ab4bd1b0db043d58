// HTTP/2 frames and field blocks as bytes, written by hand and without the checks of the code under test, and read again as
// short lines; machines that are past their first SETTINGS.

import { Http2Client } from '../../../protocols/http2/client.ts'
import type { Http2ClientEvent, Http2ServerEvent } from '../../../protocols/http2/events.ts'
import { Http2Server } from '../../../protocols/http2/server.ts'
import { type Limits, limits } from '../../../protocols/limits.ts'

export const TYPE = {
  ...{ DATA: 0, HEADERS: 1, PRIORITY: 2, RST_STREAM: 3, SETTINGS: 4, PUSH_PROMISE: 5, PING: 6, GOAWAY: 7 },
  ...{ WINDOW_UPDATE: 8, CONTINUATION: 9, UNKNOWN: 0x42 },
} as const
export const END_STREAM = 0x01
export const ACK = 0x01
export const END_HEADERS = 0x04
export const PADDED = 0x08
export const PRIORITISED = 0x20
/** A head that is whole, with a body behind it or without. */
export const HEAD = END_HEADERS
export const ALL = END_HEADERS | END_STREAM

export const CODE = {
  ...{ NO_ERROR: 0, PROTOCOL_ERROR: 1, INTERNAL_ERROR: 2, FLOW_CONTROL_ERROR: 3, STREAM_CLOSED: 5 },
  ...{ FRAME_SIZE_ERROR: 6, REFUSED_STREAM: 7, CANCEL: 8, COMPRESSION_ERROR: 9, ENHANCE_YOUR_CALM: 11 },
} as const

type Lines = readonly (readonly [name: string, value: string])[]

export function frame(type: number, flags: number, stream: number, payload: Uint8Array | string = ''): Buffer {
  const bytes = Buffer.from(payload as string, 'latin1')
  return Buffer.concat([header(type, flags, stream, bytes.length), bytes])
}

/** A header that may say anything. */
export function header(type: number, flags: number, stream: number, length: number): Buffer {
  const bytes = Buffer.alloc(9)
  bytes.writeUIntBE(length, 0, 3)
  bytes[3] = type
  bytes[4] = flags
  bytes.writeUInt32BE(stream, 5)
  return bytes
}

/** 32-bit numbers, one behind the other. */
export function words(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length)
  numbers.forEach((number, at) => {
    bytes.writeUInt32BE(number, 4 * at)
  })
  return bytes
}

/** Literals that no table takes up, without Huffman coding (RFC 7541 section 6.2.2). */
export function block(...lines: Lines): Buffer {
  return Buffer.concat(lines.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]))
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  if (bytes.length < 0x7f) return Buffer.concat([Buffer.of(bytes.length), bytes])
  const octets = [0x7f]
  let left = bytes.length - 0x7f
  for (; left >= 128; left >>>= 7) octets.push(0x80 | (left & 0x7f))
  return Buffer.concat([Buffer.from([...octets, left]), bytes])
}

export function settings(...entries: readonly (readonly [id: number, value: number])[]): Buffer {
  return frame(
    TYPE.SETTINGS,
    0,
    0,
    Buffer.concat(entries.map(([id, value]) => Buffer.concat([Buffer.of(0, id), words(value)]))),
  )
}

export const headers = (stream: number, flags: number, ...lines: Lines): Buffer =>
  frame(TYPE.HEADERS, flags, stream, block(...lines))
export const data = (stream: number, bytes: Uint8Array | string, flags = 0): Buffer =>
  frame(TYPE.DATA, flags, stream, bytes)
export const rst = (stream: number, code: number): Buffer => frame(TYPE.RST_STREAM, 0, stream, words(code))
export const windowUpdate = (stream: number, more: number): Buffer => frame(TYPE.WINDOW_UPDATE, 0, stream, words(more))
export const ping = (flags = 0): Buffer => frame(TYPE.PING, flags, 0, Buffer.alloc(8, 7))
export const goaway = (lastStream: number, code: number): Buffer => frame(TYPE.GOAWAY, 0, 0, words(lastStream, code))

export const REQUEST: Lines = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'cluster'],
  [':path', '/api'],
]
export const get = (stream: number, ...more: Lines): Buffer => headers(stream, ALL, ...REQUEST, ...more)
/** A request whose body is still to come. */
export const post = (stream: number, ...more: Lines): Buffer => headers(stream, HEAD, ...REQUEST, ...more)

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
/** What a client begins with. */
export const OPENING = Buffer.concat([PREFACE, settings()])

type Changes = Partial<Limits['http2']>

function limitsWith(http2: Changes): Limits {
  return { ...limits, http2: { ...limits.http2, ...http2 } }
}

/** A server that has said nothing and heard nothing. */
export function freshServer(changes: Changes = {}): Http2Server {
  return new Http2Server(limitsWith(changes))
}

/** A server that has read a client's opening; its own is taken. */
export function server(changes: Changes = {}): Http2Server {
  const machine = freshServer(changes)
  machine.receive(OPENING)
  machine.takeOutput()
  return machine
}

/** A client that has read a server's SETTINGS; its own opening is taken. */
export function client(changes: Changes = {}, peer: Uint8Array = settings()): Http2Client {
  const machine = new Http2Client(limitsWith(changes))
  machine.receive(peer)
  machine.takeOutput()
  return machine
}

/** A client that has asked for something on streams 1, 3, …; with bodies still to come where the method has one. */
export function asking(...methods: readonly string[]): Http2Client {
  const machine = client()
  for (const method of methods) {
    machine.send({ type: 'request', method, path: '/api', authority: 'cluster', fields: [], end: method !== 'POST' })
  }
  machine.takeOutput()
  return machine
}

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** All that is in the output, which must be whole frames. */
export function readFrames(pieces: readonly Uint8Array[]): Frame[] {
  const bytes = Buffer.concat(pieces)
  const frames: Frame[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3)
    const payload = bytes.subarray(at + 9, end)
    frames.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, stream: bytes.readUInt32BE(at + 5), payload })
    at = end
  }
  return frames
}

const NAMES: readonly string[] = Object.keys(TYPE)

/** The output as lines: "RST_STREAM 1: 8", "DATA 3 end: 5 octets", "WINDOW_UPDATE 0: 32768", "HEADERS 1 end". */
export function said(machine: { takeOutput(): readonly Uint8Array[] }): string[] {
  return readFrames(machine.takeOutput()).map(({ type, flags, stream, payload }) => {
    const name = NAMES[type]
    if (type === TYPE.DATA) return `DATA ${stream}${flags & END_STREAM ? ' end' : ''}: ${payload.length} octets`
    if (type === TYPE.HEADERS) return `HEADERS ${stream}${flags & END_STREAM ? ' end' : ''}`
    if (type === TYPE.SETTINGS || type === TYPE.PING) return `${name}${flags & ACK ? ' ACK' : ''}`
    if (type === TYPE.GOAWAY) return `GOAWAY ${payload.readUInt32BE(0)}: ${payload.readUInt32BE(4)}`
    return `${name} ${stream}: ${payload.readUInt32BE(0)}`
  })
}

/** Joins data of one stream, which only a cut can have parted. */
export function joinData<Event extends Http2ServerEvent | Http2ClientEvent>(
  earlier: Event,
  later: Event,
): Event | undefined {
  if (earlier.type !== 'data' || later.type !== 'data' || earlier.stream !== later.stream) return undefined
  return { ...earlier, bytes: new Uint8Array(Buffer.concat([earlier.bytes, later.bytes])) }
}

/** An event as a line: "data 1: abc", "reset 1: 8 http2.x", "failed: 1 http2.y", "request 1 end". */
export function nameOf(event: Http2ServerEvent | Http2ClientEvent): string {
  switch (event.type) {
    case 'data':
      return `data ${event.stream}: ${Buffer.from(event.bytes).toString('latin1')}`
    case 'reset':
      return `reset ${event.stream}: ${event.code}${event.error ? ` ${event.error.rule}` : ''}`
    case 'failed':
      return `failed: ${event.error.code} ${event.error.rule}`
    case 'request':
    case 'response':
      return `${event.type} ${event.stream}${event.end ? ' end' : ''}`
    case 'goaway':
      return `goaway ${event.lastStream}: ${event.code}`
    case 'pong':
      return 'pong'
    default:
      return `${event.type} ${event.stream}`
  }
}

/** The events of these bytes, as lines. */
export function tells(
  machine: { receive(bytes: Uint8Array): readonly (Http2ServerEvent | Http2ClientEvent)[] },
  ...bytes: readonly Uint8Array[]
): string[] {
  return machine.receive(Buffer.concat(bytes)).map(nameOf)
}
