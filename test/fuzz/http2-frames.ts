// Short records -> HTTP/2 frames of a peer that keeps to the framing, so that a changed input still reaches what lies behind
// it. A record is type, flags, stream and length, an octet each, and its payload; field blocks are written as text.

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const DATA_TYPES = 10
const HEADERS = 1
const SETTINGS = 4
const CONTINUATION = 9
const PADDED_OR_PRIORITY = 0x28

/** Bits of an input's first octet: what its rest is. */
export const HTTP2_FORM = { RAW: 1, PLAYED: 2 } as const

/** The input's bytes on the wire; `isClient`: behind a preface. */
export function http2Bytes(form: number, input: Uint8Array, isClient: boolean): Buffer {
  const preface = Buffer.from(isClient ? PREFACE : '', 'latin1')
  if ((form & HTTP2_FORM.RAW) !== 0) return Buffer.concat([preface, frame(SETTINGS, 0, 0, Buffer.alloc(0)), input])
  const frames: Buffer[] = [preface, frame(SETTINGS, 0, 0, Buffer.alloc(0))]
  const bytes = Buffer.from(input)
  for (let at = 0; at + 4 <= bytes.length; ) {
    const [type, flags, stream, length] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!]
    const payload = bytes.subarray(at + 4, at + 4 + length)
    at += 4 + length
    const isText = (type % DATA_TYPES === HEADERS && (flags & PADDED_OR_PRIORITY) === 0) || type === CONTINUATION
    frames.push(frame(type, flags, stream, isText ? fieldBlock(payload) : payload))
  }
  return Buffer.concat(frames)
}

/** Lines of "name=value" as literals that no table takes up; what is no such line stands for itself. */
export function fieldBlock(text: Uint8Array): Buffer {
  const lines = Buffer.from(text).toString('latin1').split('\n')
  const pieces = lines.map((line) => {
    const equals = line.indexOf('=', 1)
    if (equals === -1) return Buffer.from(line, 'latin1')
    return Buffer.concat([Buffer.of(0), literal(line.slice(0, equals)), literal(line.slice(equals + 1))])
  })
  return Buffer.concat(pieces)
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header[3] = type
  header[4] = flags
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

/** A record for a seed or a word. */
export function record(type: number, flags: number, stream: number, payload: string | Uint8Array = ''): Buffer {
  const bytes = Buffer.from(payload as string, 'latin1')
  return Buffer.concat([Buffer.of(type, flags, stream, bytes.length), bytes])
}

const GET = ':method=GET\n:scheme=https\n:path=/a\n:authority=b'
const POST = ':method=POST\n:scheme=https\n:path=/a\n:authority=b'

/** Records of every type. */
export const HTTP2_RECORDS: readonly Buffer[] = [
  record(1, 5, 1, GET),
  record(1, 4, 1, POST),
  record(1, 4, 3, POST),
  record(1, 0, 1, GET),
  record(9, 4, 1, 'a=b'),
  record(9, 0, 1, ''),
  record(0, 0, 1, 'hello'),
  record(0, 1, 1, ''),
  record(0, 9, 1, '\x01a\0'),
  record(1, 5, 1, 'trailer=a'),
  record(2, 0, 1, Buffer.from('0000000310', 'hex')),
  record(3, 0, 1, Buffer.from('00000008', 'hex')),
  record(4, 0, 0, Buffer.from('000400000010', 'hex')),
  record(4, 0, 0, Buffer.from('000100000000', 'hex')),
  record(4, 1, 0),
  record(6, 0, 0, 'pingpong'),
  record(6, 1, 0, 'pingpong'),
  record(7, 0, 0, Buffer.from('0000000100000000', 'hex')),
  record(8, 0, 0, Buffer.from('00000100', 'hex')),
  record(8, 0, 1, Buffer.from('7fffffff', 'hex')),
  record(1, 4, 1, ':status=200'),
  record(1, 5, 1, ':status=204'),
  record(1, 4, 1, ':status=103'),
  record(10, 0, 0, 'unknown'),
]

/** Words of field blocks, as text and as they are compressed. */
export const HTTP2_FIELDS: readonly (string | Uint8Array)[] = [
  '\n',
  '=',
  ':method=',
  ':path=/',
  ':scheme=http',
  ':authority=b',
  ':status=',
  'HEAD',
  'PUT',
  'DELETE',
  'content-length=5',
  'content-length=0',
  'cookie=a',
  'host=b',
  'te=trailers',
  'connection=close',
  'transfer-encoding=chunked',
  'expect=100-continue',
  'Upper=a',
  'a_b=c',
  'a= b',
  Buffer.from('82', 'hex'),
  Buffer.from('be', 'hex'),
  Buffer.from('4001610162', 'hex'),
  Buffer.from('1001610162', 'hex'),
  Buffer.from('20', 'hex'),
  Buffer.from('3fe11f', 'hex'),
]

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  if (bytes.length < 0x7f) return Buffer.concat([Buffer.of(bytes.length), bytes])
  const rest = bytes.length - 0x7f
  return Buffer.concat([Buffer.of(0x7f, 0x80 | (rest & 0x7f), rest >> 7), bytes])
}
