// What node:http2 (nghttp2) makes of a peer's bytes, in both roles, over a stream in memory: heads, bodies, and which
// streams and connections it refuses, by the frames that it writes.

import assert from 'node:assert/strict'
import http2 from 'node:http2'
import type { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { ERROR_CODE } from '../../protocols/http2/errors.ts'
import type { Http2ClientEvent, Http2ServerEvent } from '../../protocols/http2/events.ts'
import { duplexPair } from '../support/duplex-pair.ts'

export interface ReadStream {
  /** Names and values in order, pseudo-header fields too. */
  readonly fields: readonly string[]
  body: string
  trailers: readonly string[]
  isEnded: boolean
}

export interface NodeHttp2Reading {
  readonly streams: Map<number, ReadStream>
  /** Streams that it reset, with the code. */
  readonly resets: Map<number, number>
  /** The code of its GOAWAY; INTERNAL_ERROR where it breaks off without one (a PING ACK unasked); 0 without a fault. */
  goaway: number
}

/** Codes of RFC 9113 section 7 that a strict reading gives; others are of Node's own affairs. */
const STRICT: ReadonlySet<number> = new Set([
  ERROR_CODE.PROTOCOL_ERROR,
  ERROR_CODE.FLOW_CONTROL_ERROR,
  ERROR_CODE.STREAM_CLOSED,
  ERROR_CODE.FRAME_SIZE_ERROR,
  ERROR_CODE.COMPRESSION_ERROR,
])

const RST_STREAM = 3
const GOAWAY = 7
const TURNS = 12
const NONE: readonly string[] = []

/** Reads a client's bytes. Nothing is answered. */
export async function readStreams(input: Uint8Array): Promise<NodeHttp2Reading> {
  const server = http2.createServer()
  const reading = begin()
  server.on('sessionError', () => breakOff(reading))
  server.on('stream', (stream, _headers, flags, fields) => {
    collect(stream, fields as unknown as string[], (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0, reading)
  })
  const [near, far] = duplexPair()
  server.emit('connection', far)
  await exchange(near, input, reading)
  return reading
}

/** Reads a server's bytes, as the answers to requests of these methods on streams 1, 3, …; those with bodies do not end. */
export async function readAnswers(input: Uint8Array, methods: readonly string[]): Promise<NodeHttp2Reading> {
  const [near, far] = duplexPair()
  const reading = begin()
  const session = http2.connect('http://b', { createConnection: () => far })
  session.on('error', () => breakOff(reading))
  for (const method of methods) {
    const stream = session.request({ ':method': method, ':path': '/a' }, { endStream: method !== 'POST' })
    stream.on('response', (_headers, flags, fields?: readonly string[]) => {
      collect(stream, fields ?? NONE, (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0, reading)
    })
    stream.on('error', () => {})
  }
  // Its requests go out a little later.
  for (let at = 0; at < TURNS; at++) await turn()
  await exchange(near, input, reading)
  return reading
}

/**
 * Throws if Node refuses what we take, or reads a stream otherwise that we did not refuse. What we refuse on its stream
 * alone, Node may refuse with the connection, and then nothing of it can be compared.
 */
export function compareStreams(
  events: readonly (Http2ServerEvent | Http2ClientEvent)[],
  streams: ReadonlyMap<number, ReadStream>,
  node: NodeHttp2Reading,
): void {
  const isRefused = events.some((event) => event.type === 'failed' || (event.type === 'reset' && event.error))
  assert.ok(isRefused || !STRICT.has(node.goaway), `Node refuses the connection (${node.goaway})`)
  if (node.goaway !== 0 || events.some((event) => event.type === 'failed' || event.type === 'goaway')) return
  const reset = new Set(events.map((event) => (event.type === 'reset' ? event.stream : 0)))
  for (const [id, stream] of streams) {
    if (reset.has(id)) continue
    assert.equal(node.resets.get(id), undefined, 'Node refuses the stream')
    assert.deepEqual(normalised(node.streams.get(id)), normalised(stream))
  }
}

/** In one form: cookie crumbs joined, Host for :authority, and without the scheme, which says nothing behind TLS. */
function normalised(read: ReadStream | undefined): unknown {
  if (read === undefined) return undefined
  const fields = new Map<string, string[]>()
  for (let at = 0; at < read.fields.length; at += 2) {
    const name = read.fields[at] === 'host' ? ':authority' : read.fields[at]!
    if (name === ':scheme') continue
    fields.set(name, [...(fields.get(name) ?? []), read.fields[at + 1]!])
  }
  const cookies = fields.get('cookie')
  if (cookies !== undefined) fields.set('cookie', [cookies.join('; ')])
  const authority = fields.get(':authority')
  if (authority !== undefined) fields.set(':authority', authority.slice(0, 1))
  return { ...read, fields: Object.fromEntries([...fields].sort()) }
}

function begin(): NodeHttp2Reading {
  return { streams: new Map(), resets: new Map(), goaway: 0 }
}

function breakOff(reading: NodeHttp2Reading): void {
  if (reading.goaway === 0) reading.goaway = ERROR_CODE.INTERNAL_ERROR
}

function collect(
  stream: http2.Http2Stream,
  fields: readonly string[],
  isEnded: boolean,
  reading: NodeHttp2Reading,
): void {
  const read: ReadStream = { fields: [...fields], body: '', trailers: NONE, isEnded }
  reading.streams.set(stream.id ?? 0, read)
  stream.on('error', () => {})
  stream.on('data', (piece: Buffer) => {
    read.body += piece.toString('latin1')
  })
  stream.on('trailers', (_headers, _flags, raw?: readonly string[]) => {
    read.trailers = [...(raw ?? NONE)]
  })
  stream.on('end', () => {
    read.isEnded = true
  })
}

/** Hands over the input, waits until nothing moves any more, and takes down what was written. */
async function exchange(near: Duplex, input: Uint8Array, reading: NodeHttp2Reading): Promise<void> {
  const written: Buffer[] = []
  near.on('data', (piece: Buffer) => written.push(piece))
  near.on('error', () => {})
  near.write(Buffer.from(input))
  for (let at = 0; at < TURNS; at++) await turn()
  refusals(Buffer.concat(written), reading)
  near.destroy()
  await turn()
}

function refusals(written: Buffer, reading: NodeHttp2Reading): void {
  const preface = written.subarray(0, 3).toString('latin1') === 'PRI' ? 24 : 0
  for (let at = preface; at + 9 <= written.length; at += 9 + written.readUIntBE(at, 3)) {
    const type = written[at + 3]
    if (type === RST_STREAM) reading.resets.set(written.readUInt32BE(at + 5), written.readUInt32BE(at + 9))
    if (type === GOAWAY && written.readUInt32BE(at + 13) !== 0) reading.goaway = written.readUInt32BE(at + 13)
  }
}
