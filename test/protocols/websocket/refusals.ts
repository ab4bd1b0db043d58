// What a WebSocket peer may not send, each with the rule that refuses it. Shared by the tests of our machine and by the
// comparison with another one.

import { frameBytes, type KEY } from './frames.ts'

export interface BadStream {
  readonly what: string
  /** As a client would send it if `key` is given, as a server otherwise. */
  bytes(key: typeof KEY | undefined): Buffer
  readonly rule: string
  readonly code: number
}

function bad(rule: string, code: number, what: string, bytes: (key: typeof KEY | undefined) => Buffer[]): BadStream {
  return { what, rule, code, bytes: (key) => Buffer.concat(bytes(key)) }
}

function one(key: typeof KEY | undefined, first: number, payload: readonly number[] = []): Buffer {
  const bytes = Uint8Array.from(payload)
  return frameBytes({ first, payload: bytes, ...(key === undefined ? {} : { key }) })
}

function lengths(key: typeof KEY | undefined, first: number, length: number | bigint, form: 0 | 2 | 8): Buffer {
  return frameBytes({ first, length, form, ...(key === undefined ? {} : { key }) })
}

const reserved = [0x10, 0x20, 0x40].map((bit) =>
  bad('websocket.frame.reserved_bits', 1002, `RSV bit ${bit.toString(16)}`, (key) => [one(key, 0x82 | bit, [1])]),
)
const opcodes = [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf].map((opcode) =>
  bad('websocket.frame.opcode', 1002, `opcode ${opcode}`, (key) => [one(key, 0x80 | opcode)]),
)
const codes = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535].map((code) =>
  bad('websocket.close.code', 1002, `close code ${code}`, (key) => [one(key, 0x88, [code >> 8, code & 0xff])]),
)
/** RFC 3629: what is no UTF-8, from a lone continuation octet to a code point past the last. */
const notUtf8 = [
  [0x80],
  [0xbf, 0x41],
  [0xc0, 0x80],
  [0xc1, 0xbf],
  [0xe0, 0x9f, 0xbf],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x8f, 0xbf, 0xbf],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf5, 0x80, 0x80, 0x80],
  [0xff],
  [0xc3, 0x28],
  [0xe2, 0x82, 0x28],
  [0x41, 0xc3],
  [0xe2, 0x82],
  [0xf0, 0x9f, 0x98],
]
const texts = notUtf8.map((octets) =>
  bad('websocket.text.not_utf8', 1007, `text ${Buffer.from(octets).toString('hex')}`, (key) => [
    one(key, 0x01, [0x61]),
    one(key, 0x80, octets),
  ]),
)
const reasons = notUtf8.map((octets) =>
  bad('websocket.close.reason', 1007, `close reason ${Buffer.from(octets).toString('hex')}`, (key) => [
    one(key, 0x88, [0x03, 0xe8, ...octets]),
  ]),
)

export const BAD_STREAMS: readonly BadStream[] = [
  ...reserved,
  ...opcodes,
  ...codes,
  ...texts,
  ...reasons,
  bad('websocket.text.not_utf8', 1007, 'a text whose last frame is empty and leaves a character cut', (key) => [
    one(key, 0x01, [0xe2, 0x82]),
    one(key, 0x80),
  ]),
  bad('websocket.close.length', 1002, 'half a close code', (key) => [one(key, 0x88, [0x03])]),
  bad('websocket.close.length', 1002, 'a header that announces half a close code', (key) => [lengths(key, 0x88, 1, 0)]),
  bad('websocket.control.fragmented', 1002, 'a ping that goes on', (key) => [one(key, 0x09)]),
  bad('websocket.control.fragmented', 1002, 'a close that goes on', (key) => [one(key, 0x08)]),
  bad('websocket.control.too_long', 1002, 'a ping of 126 octets', (key) => [lengths(key, 0x89, 126, 2)]),
  bad('websocket.control.too_long', 1002, 'a close of 65,536 octets', (key) => [lengths(key, 0x88, 65_536, 8)]),
  bad('websocket.frame.length_sign', 1002, 'a length with its highest bit', (key) => [
    lengths(key, 0x82, 1n << 63n, 8),
  ]),
  bad('websocket.frame.too_long', 1009, 'a frame of 2^62 octets', (key) => [lengths(key, 0x82, 1n << 62n, 8)]),
  bad('websocket.frame.too_long', 1009, 'a frame of one octet over the limit', (key) => [
    lengths(key, 0x82, 33_554_433n, 8),
  ]),
  bad('websocket.message.nothing_to_continue', 1002, 'a continuation of nothing', (key) => [one(key, 0x80, [1])]),
  bad('websocket.message.nothing_to_continue', 1002, 'a continuation of a message that is over', (key) => [
    one(key, 0x02, [1]),
    one(key, 0x80, [2]),
    one(key, 0x80, [3]),
  ]),
  bad('websocket.message.interleaved', 1002, 'a message within another', (key) => [one(key, 0x02), one(key, 0x82)]),
  bad('websocket.message.interleaved', 1002, 'a text within a binary message', (key) => [
    one(key, 0x02),
    one(key, 0x89),
    one(key, 0x01),
  ]),
]

/** Refused by us and let through by ws: we hold a sender to the shortest form (RFC 6455 section 5.2). */
export const LONG_FORMS: readonly BadStream[] = [
  bad('websocket.frame.length_form', 1002, 'a length of 125 in 16 bits', (key) => [lengths(key, 0x82, 125, 2)]),
  bad('websocket.frame.length_form', 1002, 'a length of 0 in 16 bits', (key) => [lengths(key, 0x82, 0, 2)]),
  bad('websocket.frame.length_form_64', 1002, 'a length of 65,535 in 64 bits', (key) => [
    lengths(key, 0x82, 65_535, 8),
  ]),
  bad('websocket.frame.length_form_64', 1002, 'a length of 0 in 64 bits', (key) => [lengths(key, 0x82, 0, 8)]),
]

/** Frames before each fault, which both must have heard. */
export function prelude(key: typeof KEY | undefined): Buffer {
  return Buffer.concat([one(key, 0x82, [1, 2, 3]), one(key, 0x89, [4])])
}
