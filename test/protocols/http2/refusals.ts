// What breaks RFC 9113 or our limits, as bytes behind the peer's opening, with the rule that names it, the code that goes
// on the wire, and what it ends: the connection, or one stream.

import { limits } from '../../../protocols/limits.ts'
import {
  ACK,
  ALL,
  block,
  CODE,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  get,
  goaway,
  HEAD,
  header,
  headers,
  PADDED,
  PRIORITISED,
  ping,
  post,
  type REQUEST,
  rst,
  settings,
  TYPE,
  windowUpdate,
  words,
} from './frames.ts'
import { MALFORMED_FIELDS, MALFORMED_REQUESTS } from './malformed.ts'

export interface Refusal {
  readonly what: string
  readonly rule: string
  readonly code: number
  readonly bytes: Uint8Array
  /** The stream that it ends; 0: the connection. */
  readonly stream: number
}

const { PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR } = CODE
const { COMPRESSION_ERROR, ENHANCE_YOUR_CALM, NO_ERROR } = CODE
const { http2, hpack, http1 } = limits
const LARGEST = 0x7fff_ffff

function of(stream: number) {
  return (what: string, rule: string, code: number, ...bytes: readonly Uint8Array[]): Refusal => ({
    ...{ what, rule, code, stream },
    bytes: Buffer.concat(bytes),
  })
}
const connection = of(0)
const stream1 = of(1)
const stream5 = of(5)

const times = (count: number, bytes: Uint8Array): Buffer => Buffer.concat(Array.from({ length: count }, () => bytes))
const padding = (type: number, stream: number, octets: number, rest: string): Buffer =>
  frame(type, PADDED | END_HEADERS, stream, Buffer.concat([Buffer.of(octets), Buffer.from(rest)]))

/** On either side, whose peer has a stream 1 that is open. */
export const FROM_EITHER: readonly Refusal[] = [
  connection('DATA of no stream', 'http2.data.stream', PROTOCOL_ERROR, data(0, 'x')),
  connection('DATA of a stream not opened', 'http2.data.idle', PROTOCOL_ERROR, data(9, 'x')),
  connection('DATA of an even stream', 'http2.data.idle', PROTOCOL_ERROR, data(2, 'x')),
  connection('HEADERS of no stream', 'http2.headers.stream', PROTOCOL_ERROR, headers(0, ALL)),
  connection('HEADERS with padding over all of it', 'http2.headers.padding', PROTOCOL_ERROR, padding(1, 1, 3, 'ab')),
  connection(
    'HEADERS with padding and no room for its length',
    'http2.headers.padding',
    PROTOCOL_ERROR,
    frame(TYPE.HEADERS, PADDED | END_HEADERS, 1),
  ),
  connection(
    'HEADERS with a priority that is cut',
    'http2.headers.priority',
    FRAME_SIZE_ERROR,
    frame(TYPE.HEADERS, PRIORITISED | END_HEADERS, 1, words(0)),
  ),
  connection(
    'HEADERS of a stream that depends on itself',
    'http2.headers.self_dependency',
    PROTOCOL_ERROR,
    frame(TYPE.HEADERS, PRIORITISED | END_HEADERS, 1, Buffer.concat([words(1), Buffer.of(0)])),
  ),
  connection('PRIORITY of no stream', 'http2.priority.stream', PROTOCOL_ERROR, frame(2, 0, 0, 'abcde')),
  connection('PRIORITY of four octets', 'http2.priority.length', FRAME_SIZE_ERROR, frame(2, 0, 1, 'abcd')),
  connection('PRIORITY of six octets', 'http2.priority.length', FRAME_SIZE_ERROR, frame(2, 0, 1, 'abcdef')),
  connection(
    'PRIORITY of a stream on itself',
    'http2.priority.self_dependency',
    PROTOCOL_ERROR,
    frame(TYPE.PRIORITY, 0, 1, Buffer.concat([words(1), Buffer.of(0)])),
  ),
  connection('RST_STREAM of no stream', 'http2.rst_stream.idle', PROTOCOL_ERROR, rst(0, 8)),
  connection('RST_STREAM of a stream not opened', 'http2.rst_stream.idle', PROTOCOL_ERROR, rst(9, 8)),
  connection('RST_STREAM of three octets', 'http2.rst_stream.length', FRAME_SIZE_ERROR, frame(3, 0, 1, 'abc')),
  connection('SETTINGS of a stream', 'http2.settings.stream', PROTOCOL_ERROR, frame(4, 0, 1)),
  connection('an ACK that says something', 'http2.settings.ack_length', FRAME_SIZE_ERROR, frame(4, ACK, 0, 'abcdef')),
  connection('SETTINGS of an entry that is cut', 'http2.settings.length', FRAME_SIZE_ERROR, frame(4, 0, 0, 'abc')),
  connection(
    'SETTINGS of too many entries, by its header',
    'http2.settings.count',
    ENHANCE_YOUR_CALM,
    header(TYPE.SETTINGS, 0, 0, 6 * (http2.settingsEntries + 1)),
  ),
  connection('ENABLE_PUSH of 2', 'http2.settings.push', PROTOCOL_ERROR, settings([2, 2])),
  connection('extended CONNECT of 2', 'http2.settings.switch', PROTOCOL_ERROR, settings([8, 2])),
  connection('priorities of 2', 'http2.settings.switch', PROTOCOL_ERROR, settings([9, 2])),
  connection('a window of 2^31', 'http2.settings.window', FLOW_CONTROL_ERROR, settings([4, LARGEST + 1])),
  connection('frames of 16,383 octets', 'http2.settings.frame_size', PROTOCOL_ERROR, settings([5, 16_383])),
  connection('frames of no octets (CVE-2026-33814)', 'http2.settings.frame_size', PROTOCOL_ERROR, settings([5, 0])),
  connection('frames of 2^24 octets', 'http2.settings.frame_size', PROTOCOL_ERROR, settings([5, 16_777_216])),
  connection(
    'an initial window that lifts an open one above 2^31-1',
    'http2.settings.overflow',
    FLOW_CONTROL_ERROR,
    windowUpdate(1, 1_000_000),
    settings([4, LARGEST]),
  ),
  connection('a push', 'http2.push_promise', PROTOCOL_ERROR, frame(5, END_HEADERS, 1, words(2))),
  connection('PING of seven octets', 'http2.ping.length', FRAME_SIZE_ERROR, frame(6, 0, 0, 'abcdefg')),
  connection('PING of a stream', 'http2.ping.stream', PROTOCOL_ERROR, frame(6, 0, 1, 'abcdefgh')),
  connection('GOAWAY of seven octets', 'http2.goaway.length', FRAME_SIZE_ERROR, frame(7, 0, 0, 'abcdefg')),
  connection('GOAWAY of a stream', 'http2.goaway.stream', PROTOCOL_ERROR, frame(7, 0, 1, 'abcdefgh')),
  connection('WINDOW_UPDATE of five octets', 'http2.window_update.length', FRAME_SIZE_ERROR, frame(8, 0, 1, 'abcde')),
  connection('WINDOW_UPDATE of a stream not opened', 'http2.window_update.idle', PROTOCOL_ERROR, windowUpdate(9, 1)),
  connection('WINDOW_UPDATE of nothing', 'http2.window_update.zero', PROTOCOL_ERROR, windowUpdate(0, 0)),
  connection(
    'WINDOW_UPDATE of nothing but the reserved bit',
    'http2.window_update.zero',
    PROTOCOL_ERROR,
    windowUpdate(0, LARGEST + 1),
  ),
  connection(
    "the connection's window above 2^31-1 (CVE-2026-21714)",
    'http2.window_update.overflow',
    FLOW_CONTROL_ERROR,
    windowUpdate(0, LARGEST),
  ),
  stream1('WINDOW_UPDATE of nothing', 'http2.window_update.zero_on_stream', PROTOCOL_ERROR, windowUpdate(1, 0)),
  stream1(
    'a window above 2^31-1',
    'http2.window_update.overflow_on_stream',
    FLOW_CONTROL_ERROR,
    windowUpdate(1, LARGEST),
  ),
  connection(
    'CONTINUATION of nothing',
    'http2.continuation.alone',
    PROTOCOL_ERROR,
    frame(TYPE.CONTINUATION, END_HEADERS, 1),
  ),
  connection(
    'PING within a field block',
    'http2.continuation.interrupted',
    PROTOCOL_ERROR,
    headers(9, END_STREAM),
    ping(),
  ),
  connection(
    'an unknown frame within a field block',
    'http2.continuation.interrupted',
    PROTOCOL_ERROR,
    headers(9, END_STREAM),
    frame(TYPE.UNKNOWN, 0, 9),
  ),
  connection(
    'CONTINUATION of another stream',
    'http2.continuation.interrupted',
    PROTOCOL_ERROR,
    headers(9, END_STREAM),
    frame(TYPE.CONTINUATION, END_HEADERS, 7),
  ),
  connection(
    'one CONTINUATION more than is taken',
    'http2.continuation.flood',
    ENHANCE_YOUR_CALM,
    headers(9, END_STREAM),
    times(http2.continuations + 1, frame(TYPE.CONTINUATION, 0, 9)),
  ),
  connection(
    'a field block longer than is taken',
    'http2.block.too_long',
    ENHANCE_YOUR_CALM,
    headers(9, END_STREAM),
    times(5, frame(TYPE.CONTINUATION, 0, 9, Buffer.alloc(http2.blockBytes / 4))),
  ),
  connection(
    'a field block that is not sound',
    'hpack.index.zero',
    COMPRESSION_ERROR,
    frame(1, ALL, 9, Buffer.of(0x80)),
  ),
]

/** A request on stream 9, in two frames, so that it may be longer than one. */
function inTwo(lines: typeof REQUEST): Buffer {
  const whole = block(...lines)
  const half = whole.length >> 1
  const first = frame(TYPE.HEADERS, END_STREAM, 9, whole.subarray(0, half))
  return Buffer.concat([first, frame(TYPE.CONTINUATION, END_HEADERS, 9, whole.subarray(half))])
}

const tooMany = Array.from({ length: hpack.fieldCount }, () => ['a', 'b'] as const)

/** To a server; stream 1 is open and its body has not ended, stream 3 is open and has. */
export const FROM_CLIENTS: readonly Refusal[] = [
  connection(
    'a frame longer than was allowed, by its header',
    'http2.frame.too_long',
    FRAME_SIZE_ERROR,
    header(TYPE.UNKNOWN, 0, 0, http2.frame + 1),
  ),
  connection("GOAWAY that names the client's own stream", 'http2.goaway.foreign', PROTOCOL_ERROR, goaway(3, 0)),
  connection(
    'a GOAWAY that takes back an earlier one',
    'http2.goaway.rising',
    PROTOCOL_ERROR,
    goaway(2, 0),
    goaway(4, 0),
  ),
  connection('an even stream', 'http2.headers.order', PROTOCOL_ERROR, get(10)),
  connection('a stream below the last', 'http2.headers.order', PROTOCOL_ERROR, get(9), get(7)),
  connection('DATA of a stream that the client has reset', 'http2.data.closed', STREAM_CLOSED, rst(1, 8), data(1, 'x')),
  connection(
    'HEADERS of a stream that the client has reset',
    'http2.headers.closed',
    STREAM_CLOSED,
    rst(1, 8),
    headers(1, ALL, ['a', 'b']),
  ),
  of(3)('DATA behind the end', 'http2.data.half_closed', STREAM_CLOSED, data(3, 'x')),
  of(3)('HEADERS behind the end', 'http2.headers.half_closed', STREAM_CLOSED, headers(3, ALL, ['a', 'b'])),
  stream1('trailers that are not the end', 'http2.trailers.no_end', PROTOCOL_ERROR, headers(1, HEAD, ['a', 'b'])),
  stream1(
    'a pseudo-header field in trailers',
    'http2.pseudo.in_trailers',
    PROTOCOL_ERROR,
    headers(1, ALL, [':path', '/']),
  ),
  ...['content-length', 'host', 'authorization', 'impersonate-user', 'x-remote-group'].map((name) =>
    stream1(`a trailer ${name}`, 'http2.trailers.framing', PROTOCOL_ERROR, headers(1, ALL, [name, '5'])),
  ),
  stream1(
    'more trailers than are taken',
    'http2.trailers.too_large',
    ENHANCE_YOUR_CALM,
    headers(1, ALL, ...tooMany, ['a', 'b']),
  ),
  connection('padding and no room for its length', 'http2.frame.padding', PROTOCOL_ERROR, frame(0, PADDED, 1)),
  connection('padding over all of DATA', 'http2.frame.padding', PROTOCOL_ERROR, padding(TYPE.DATA, 1, 4, 'abc')),
  stream1('less than Content-Length', 'http2.length.short', PROTOCOL_ERROR, data(1, 'abcd', END_STREAM)),
  stream1('more than Content-Length', 'http2.length.exceeded', PROTOCOL_ERROR, data(1, 'abc'), data(1, 'def')),
  of(9)('a length of no body', 'http2.length.no_body', PROTOCOL_ERROR, get(9, ['content-length', '1'])),
  of(9)('two lengths', 'http2.length.twice', PROTOCOL_ERROR, post(9, ['content-length', '1'], ['content-length', '1'])),
  ...['+1', '-1', '0x1', '1,1', '', '1'.repeat(16)].map((value) =>
    of(9)(`a length of "${value}"`, 'http2.length.form', PROTOCOL_ERROR, post(9, ['content-length', value])),
  ),
  of(9)('more fields than are taken', 'http2.fields.too_large', NO_ERROR, get(9, ...tooMany)),
  ...MALFORMED_REQUESTS.map(([what, rule, lines]) => of(9)(what, rule, PROTOCOL_ERROR, inTwo(lines))),
]

const answer = (stream: number, flags: number, ...more: typeof REQUEST): Buffer =>
  headers(stream, flags, [':status', '200'], ...more)
const status = (value: string, flags = HEAD): Buffer => headers(1, flags, [':status', value])
const ended = (stream: number): Buffer => answer(stream, ALL)

/** To a client that has asked for GET on stream 1, HEAD on 3, POST with a body still to come on 5. */
export const FROM_SERVERS: readonly Refusal[] = [
  connection(
    'a frame longer than was allowed, by its header',
    'http2.frame.too_long',
    FRAME_SIZE_ERROR,
    header(TYPE.DATA, 0, 1, http2.clusterFrame + 1),
  ),
  connection("GOAWAY that names a server's stream", 'http2.goaway.foreign', PROTOCOL_ERROR, goaway(2, 0)),
  connection(
    'a GOAWAY that takes back an earlier one',
    'http2.goaway.rising',
    PROTOCOL_ERROR,
    goaway(5, 0),
    goaway(7, 0),
  ),
  connection('permission to push', 'http2.settings.push_by_server', PROTOCOL_ERROR, settings([2, 1])),
  connection('an answer that nobody asked for', 'http2.response.idle', PROTOCOL_ERROR, answer(9, ALL)),
  connection('an answer on an even stream', 'http2.response.idle', PROTOCOL_ERROR, answer(2, ALL)),
  connection('DATA of an answer that has ended', 'http2.data.closed', STREAM_CLOSED, ended(1), data(1, 'x')),
  connection('HEADERS of an answer that has ended', 'http2.headers.closed', STREAM_CLOSED, ended(1), ended(1)),
  stream1('DATA before the answer', 'http2.data.before_head', PROTOCOL_ERROR, data(1, 'x')),
  stream1('a 1xx answer as the last', 'http2.informational.end', PROTOCOL_ERROR, status('103', ALL)),
  stream1('DATA behind a 1xx answer', 'http2.data.before_head', PROTOCOL_ERROR, status('103'), data(1, 'x')),
  stream1(
    'one 1xx answer more than are taken',
    'http2.informational.flood',
    ENHANCE_YOUR_CALM,
    times(http1.informational + 1, status('103')),
  ),
  ...['', '99', '1000', '20', '2OO', '600', '101', '099'].map((value) =>
    stream1(`a status of "${value}"`, 'http2.status.form', PROTOCOL_ERROR, status(value)),
  ),
  stream1('no status', 'http2.status.form', PROTOCOL_ERROR, headers(1, ALL, ['a', 'b'])),
  stream1(
    'two statuses',
    'http2.pseudo.twice',
    PROTOCOL_ERROR,
    headers(1, ALL, [':status', '200'], [':status', '200']),
  ),
  stream1('a path', 'http2.pseudo.unknown', PROTOCOL_ERROR, answer(1, ALL, [':path', '/'])),
  stream1(
    'a status behind a field',
    'http2.pseudo.late_in_response',
    PROTOCOL_ERROR,
    headers(1, ALL, ['a', 'b'], [':status', '200']),
  ),
  stream1('a length of no body', 'http2.response.no_body', PROTOCOL_ERROR, answer(1, ALL, ['content-length', '3'])),
  stream1('a second answer', 'http2.trailers.no_end', PROTOCOL_ERROR, answer(1, HEAD), answer(1, HEAD)),
  stream1('trailers with a status', 'http2.pseudo.in_trailers', PROTOCOL_ERROR, answer(1, HEAD), answer(1, ALL)),
  of(3)(
    'a body to HEAD',
    'http2.length.exceeded',
    PROTOCOL_ERROR,
    answer(3, HEAD, ['content-length', '3']),
    data(3, 'abc'),
  ),
  stream5('a body to 204', 'http2.length.exceeded', PROTOCOL_ERROR, headers(5, HEAD, [':status', '204']), data(5, 'a')),
  stream5('a body to 304', 'http2.length.exceeded', PROTOCOL_ERROR, headers(5, HEAD, [':status', '304']), data(5, 'a')),
  stream5(
    'more than Content-Length',
    'http2.length.exceeded',
    PROTOCOL_ERROR,
    answer(5, HEAD, ['content-length', '3']),
    data(5, 'abcd'),
  ),
  stream5(
    'less than Content-Length',
    'http2.length.short',
    PROTOCOL_ERROR,
    answer(5, HEAD, ['content-length', '3']),
    data(5, 'ab', END_STREAM),
  ),
  stream1('more fields than are taken', 'http2.response.too_large', ENHANCE_YOUR_CALM, answer(1, ALL, ...tooMany)),
  ...MALFORMED_FIELDS.map(([what, rule, name, value]) =>
    stream1(what, rule, PROTOCOL_ERROR, answer(1, ALL, [name, value])),
  ),
]

/** Behind nothing at all: what a client begins with. */
export const OPENINGS: readonly Refusal[] = [
  connection('HTTP/1.1', 'http2.preface', PROTOCOL_ERROR, Buffer.from('GET /api HTTP/1.1\r\nHost: a\r\n\r\n')),
  connection(
    'a preface with one octet changed',
    'http2.preface',
    PROTOCOL_ERROR,
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r'),
  ),
]

/** Behind the preface alone, and as a server's first frame. */
export const FIRST_FRAMES: readonly Refusal[] = [
  connection('PING first', 'http2.settings.missing', PROTOCOL_ERROR, ping()),
  connection('an ACK first', 'http2.settings.missing', PROTOCOL_ERROR, frame(TYPE.SETTINGS, ACK, 0)),
  connection('GOAWAY first', 'http2.settings.missing', PROTOCOL_ERROR, goaway(0, 0)),
]
