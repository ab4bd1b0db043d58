// HTTP/2 frames and field blocks as bytes, written by hand and without the checks of the code under test.

import { limits } from '../../protocols/limits.ts'
import type { GatewayPlay, MachinePlay, Play, Sight, TapeSight } from './playbook.ts'
import { malformed } from './scenes.ts'

export const HEADERS = 1
export const PRIORITY = 2
export const RST_STREAM = 3
export const SETTINGS = 4
export const PING = 6
export const WINDOW_UPDATE = 8
export const CONTINUATION = 9
export const END_STREAM = 1
export const END_HEADERS = 4

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header.writeUInt8(type, 3)
  header.writeUInt8(flags, 4)
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

export function number(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(Number(value))
  return bytes
}

/** Literals without indexing and without Huffman coding (RFC 7541 section 6.2.2): [name, value] for each line. */
export function block(...lines: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(lines.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]))
}

/** A text as HPACK writes it, with a length of up to 254 + 2^14. */
export function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([integer(bytes.length, 0x7f), bytes])
}

/** An integer behind a prefix of these bits, the bits above it zero. */
export function integer(value: number, prefix: number): Buffer {
  if (value < prefix) return Buffer.of(value)
  const octets = [prefix]
  let left = value - prefix
  for (; left >= 128; left >>>= 7) octets.push(0x80 | (left & 0x7f))
  return Buffer.from([...octets, left])
}

export const GET = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'gateway'],
  [':path', '/api/v1/pods'],
] as const

/** A request without a body, on a stream of its own. */
export function request(stream: number, lines: readonly (readonly [string, string])[] = GET): Buffer {
  return frame(HEADERS, END_HEADERS | END_STREAM, stream, block(...lines))
}

/** One whose body is still to come. */
export function open(stream: number, lines: readonly (readonly [string, string])[] = GET): Buffer {
  return frame(HEADERS, END_HEADERS, stream, block(...lines))
}

export function setting(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.of(0, id), number(value)])
}

/** What a client begins with. */
export const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(SETTINGS, 0, 0)])
export const HTTP2 = { connect: { alpn: ['h2'] } } as const

/** The connection ends with GOAWAY: at the machine, and where no request came before it at the gateway. */
export function goaway(
  name: string,
  bytes: Uint8Array,
  rule: string,
  code: number,
  told: readonly string[] = [],
): readonly Play[] {
  const play = againstMachine(name, bytes, { rule, code, told })
  const sights = [{ http2Goaway: code }, { closed: true }] as const
  return told.length > 0 ? [play] : [play, againstGateway(name, bytes, sights, malformed(rule))]
}

/** Stream 1 ends with RST_STREAM, unless another is named; the connection goes on. */
export function reset(
  name: string,
  bytes: Uint8Array,
  rule: string,
  code: number,
  { told = [], stream = 1 }: { readonly told?: readonly string[]; readonly stream?: number } = {},
): readonly Play[] {
  const play = againstMachine(name, bytes, { rule, code, told, stream })
  const sights = [{ http2Reset: stream, code }] as const
  const tape = { ...malformed(rule), seal: 'closed' }
  return told.length > 0 ? [play] : [play, againstGateway(name, bytes, sights, tape)]
}

/** The same on one stream after another, odd and rising, once more than is taken. */
export function flood(
  name: string,
  each: (stream: number) => Buffer,
  rule: string,
  code: number,
  told: readonly string[],
): readonly Play[] {
  const count = limits.http2.resets + 1
  const bytes = Buffer.concat(Array.from({ length: count }, (_, at) => each(2 * at + 1)))
  // What is told in a row is told once.
  const runs = told.length === 1 ? 1 : count
  return goaway(name, bytes, rule, code, Array.from({ length: runs }, () => told).flat())
}

function againstMachine(name: string, bytes: Uint8Array, expect: MachinePlay['expect']): MachinePlay {
  const whole = Buffer.concat([PREFACE, bytes])
  return { against: 'machine', name: `${name}: machine`, machine: 'http2 facing a client', bytes: whole, expect }
}

function againstGateway(name: string, bytes: Uint8Array, client: readonly Sight[], tape: TapeSight): GatewayPlay {
  return {
    against: 'gateway',
    name: `${name}: gateway`,
    client: [HTTP2, PREFACE, bytes],
    expect: { client, cluster: 'nothing', tape: [tape] },
  }
}
