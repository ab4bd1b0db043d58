// What the machines refuse, as data: a name, the bytes, the rule. One row at least for every rule in protocols/http1.

import { limits } from '../../../protocols/limits.ts'
import { message, request } from './messages.ts'

export interface Refused {
  readonly name: string
  readonly bytes: string
  readonly rule: string
  /** 400 unless given. */
  readonly code?: number
}

const GET = 'GET /api HTTP/1.1'
const POST = 'POST /api HTTP/1.1'
const CHUNKED = 'Transfer-Encoding: chunked'
const UPGRADE = 'Connection: Upgrade'
const many = (count: number, make: (at: number) => string): string[] =>
  Array.from({ length: count }, (_, at) => make(at))
const chunked = (body: string): string => request(POST, [CHUNKED], body)
const field = (line: string): string => request(GET, [line])

export const refusedRequests: readonly Refused[] = [
  // Request line
  { name: 'an empty line first', bytes: `\r\n${request(GET)}`, rule: 'http1.request_line.empty' },
  { name: 'a space first', bytes: request(` ${GET}`), rule: 'http1.request_line.method' },
  { name: 'a tab after the method', bytes: request('GET\t/api HTTP/1.1'), rule: 'http1.request_line.method' },
  { name: 'TLS to a plain parser', bytes: '\x16\x03\x01\x02\x00\x01\x00\r\n', rule: 'http1.request_line.method' },
  { name: 'HTTP/0.9', bytes: 'GET /api\r\n', rule: 'http1.version.missing' },
  { name: 'two spaces', bytes: request('GET  /api HTTP/1.1'), rule: 'http1.request_line.spaces' },
  { name: 'a space in the target', bytes: request('GET /a b HTTP/1.1'), rule: 'http1.version.form' },
  { name: 'a space behind the version', bytes: request(`${GET} `), rule: 'http1.version.form' },
  { name: 'a lower-case version', bytes: request('GET / http/1.1'), rule: 'http1.version.form' },
  { name: 'a longer version', bytes: request('GET / HTTP/1.10'), rule: 'http1.version.form' },
  { name: 'HTTP/2.0', bytes: request('GET / HTTP/2.0'), rule: 'http1.version.unsupported', code: 505 },
  { name: 'HTTP/0.9 by name', bytes: request('GET / HTTP/0.9'), rule: 'http1.version.unsupported', code: 505 },
  { name: 'HTTP/1.2', bytes: request('GET / HTTP/1.2'), rule: 'http1.version.unsupported', code: 505 },
  {
    name: 'the HTTP/2 preface',
    bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    rule: 'http1.version.http2_preface',
    code: 505,
  },
  { name: 'CONNECT', bytes: request('CONNECT a:443 HTTP/1.1'), rule: 'http1.method.unknown', code: 501 },
  { name: 'TRACE', bytes: request('TRACE / HTTP/1.1'), rule: 'http1.method.unknown', code: 501 },
  { name: 'a lower-case method', bytes: request('get / HTTP/1.1'), rule: 'http1.method.unknown', code: 501 },
  { name: 'asterisk-form', bytes: request('OPTIONS * HTTP/1.1'), rule: 'http1.target.asterisk' },
  { name: 'absolute-form', bytes: request('GET https://cluster/api HTTP/1.1'), rule: 'http1.target.absolute' },
  { name: 'authority-form', bytes: request('GET cluster:443 HTTP/1.1'), rule: 'http1.target.authority' },
  { name: 'a fragment', bytes: request('GET /api#x HTTP/1.1'), rule: 'http1.target.character' },
  { name: 'a fragment behind a query', bytes: request('GET /api?a#x HTTP/1.1'), rule: 'http1.target.character' },
  { name: 'a backslash in the path', bytes: request('GET /api\\v1 HTTP/1.1'), rule: 'http1.target.character' },
  { name: 'UTF-8 in the path', bytes: request('GET /\xc3\xa4 HTTP/1.1'), rule: 'http1.target.character' },
  { name: 'a NUL in the query', bytes: request('GET /?\x00 HTTP/1.1'), rule: 'http1.target.character' },
  { name: 'a CR in the target', bytes: request('GET /\rx HTTP/1.1'), rule: 'http1.target.character' },
  {
    name: 'a long target',
    bytes: request(`GET /${'a'.repeat(limits.http1.startLine)} HTTP/1.1`),
    rule: 'http1.start_line.too_long',
    code: 431,
  },
  // Field lines
  { name: 'LF line ends', bytes: 'GET / HTTP/1.1\nHost: a\n\n', rule: 'http1.field.bare_lf' },
  { name: 'an LF behind one field', bytes: request(GET, ['A: b\nX: c']), rule: 'http1.field.bare_lf' },
  { name: 'an LF as the empty line', bytes: `${GET}\r\nHost: a\r\n\n`, rule: 'http1.field.bare_lf' },
  { name: 'a CR in a value', bytes: field('A: b\rX: c'), rule: 'http1.field.bare_cr' },
  { name: 'a CR before CR LF', bytes: field('A: b\r'), rule: 'http1.field.bare_cr' },
  { name: 'a folded field', bytes: request(GET, ['A: b', ' c']), rule: 'http1.field.obs_fold' },
  { name: 'a fold by a tab', bytes: request(GET, ['A: b', '\tc']), rule: 'http1.field.obs_fold' },
  { name: 'a fold before the first field', bytes: `${GET}\r\n Host: a\r\n\r\n`, rule: 'http1.field.obs_fold' },
  { name: 'a space before the colon', bytes: field('A : b'), rule: 'http1.field.space_before_colon' },
  { name: 'a tab before the colon', bytes: field('A\t: b'), rule: 'http1.field.space_before_colon' },
  { name: 'a field without a colon', bytes: field('A'), rule: 'http1.field.name' },
  { name: 'an empty field name', bytes: field(': b'), rule: 'http1.field.name' },
  { name: 'a control in a field name', bytes: field('A\x01: b'), rule: 'http1.field.name' },
  { name: 'UTF-8 in a field name', bytes: field('\xc3\xa4: b'), rule: 'http1.field.name' },
  { name: 'a NUL in a value', bytes: field('A: \x00'), rule: 'http1.field.control' },
  {
    name: 'a vertical tab before a value',
    bytes: request(POST, ['Transfer-Encoding: \x0bchunked']),
    rule: 'http1.field.control',
  },
  { name: 'a DEL in a value', bytes: field('A: \x7f'), rule: 'http1.field.control' },
  { name: 'an underscore alias', bytes: field('Impersonate_User: admin'), rule: 'http1.field.underscore' },
  {
    name: 'long fields',
    bytes: request(GET, [`A: ${'b'.repeat(limits.http1.fieldBytes)}`]),
    rule: 'http1.field.too_large',
    code: 431,
  },
  {
    name: 'many fields',
    bytes: request(
      GET,
      many(limits.http1.fieldCount, (at) => `A${at}: b`),
    ),
    rule: 'http1.field.too_many',
    code: 431,
  },
  // Host
  { name: 'no Host', bytes: message([GET]), rule: 'http1.host.missing' },
  { name: 'two Hosts', bytes: field('Host: cluster'), rule: 'http1.host.repeated' },
  { name: 'two Hosts in HTTP/1.0', bytes: request('GET / HTTP/1.0', ['host: b']), rule: 'http1.host.repeated' },
  { name: 'an empty Host', bytes: message([GET, 'Host:']), rule: 'http1.host.form' },
  { name: 'a user in Host', bytes: message([GET, 'Host: a@b']), rule: 'http1.host.form' },
  { name: 'a list in Host', bytes: message([GET, 'Host: a, b']), rule: 'http1.host.form' },
  { name: 'a path in Host', bytes: message([GET, 'Host: a/b']), rule: 'http1.host.form' },
  // Content-Length
  ...['+5', '-1', '0x5', '5,5', '5, 6', '5 6', '5;', '1e3', '5.0', '٥'].map((value) => ({
    name: `Content-Length: ${value}`,
    bytes: Buffer.from(request(POST, [`Content-Length: ${value}`], 'aaaaa')).toString('latin1'),
    rule: 'http1.content_length.character',
  })),
  { name: 'an empty Content-Length', bytes: request(POST, ['Content-Length:']), rule: 'http1.content_length.form' },
  { name: 'a leading zero', bytes: request(POST, ['Content-Length: 05'], 'aaaaa'), rule: 'http1.content_length.form' },
  {
    name: 'a Content-Length with a space behind it',
    bytes: request(POST, ['Content-Length: 5 '], 'aaaaa'),
    rule: 'http1.field.trailing_space',
  },
  ...['18446744073709551616', '18446744073709551621', '9007199254740992'].map((value) => ({
    name: `Content-Length: ${value}`,
    bytes: request(POST, [`Content-Length: ${value}`], 'aaaaa'),
    rule: 'http1.content_length.overflow',
  })),
  ...['5', '6'].map((second) => ({
    name: `Content-Length 5 and ${second}`,
    bytes: request(POST, ['Content-Length: 5', `content-length: ${second}`], 'aaaaa'),
    rule: 'http1.content_length.repeated',
  })),
  { name: 'CL.TE', bytes: request(POST, ['Content-Length: 6', CHUNKED], '0\r\n\r\nG'), rule: 'http1.framing.both' },
  { name: 'TE.CL', bytes: request(POST, [CHUNKED, 'Content-Length: 4'], '5c\r\n'), rule: 'http1.framing.both' },
  {
    name: 'CL 0 and TE',
    bytes: request(POST, ['Content-Length: 0', CHUNKED], '0\r\n\r\n'),
    rule: 'http1.framing.both',
  },
  // Transfer-Encoding
  ...[
    'xchunked',
    'chunked, identity',
    'identity',
    'gzip, chunked',
    'chunked, chunked',
    '"chunked"',
    'chunked;q=1',
    '',
  ].map((value) => ({
    name: `Transfer-Encoding: ${value}`,
    bytes: request(POST, [`Transfer-Encoding: ${value}`], '0\r\n\r\n'),
    rule: 'http1.transfer_encoding.unknown',
  })),
  {
    name: 'Transfer-Encoding with a space behind it',
    bytes: request(POST, ['Transfer-Encoding: chunked ']),
    rule: 'http1.field.trailing_space',
  },
  { name: 'TE.TE', bytes: request(POST, [CHUNKED, CHUNKED]), rule: 'http1.transfer_encoding.repeated' },
  {
    name: 'TE.TE of which one is unknown',
    bytes: request(POST, [CHUNKED, 'Transfer-encoding: cow']),
    rule: 'http1.transfer_encoding.repeated',
  },
  { name: 'chunks in HTTP/1.0', bytes: request('POST / HTTP/1.0', [CHUNKED]), rule: 'http1.transfer_encoding.http10' },
  // Connection, Upgrade, Expect
  ...[
    'Authorization',
    'Impersonate-User, Impersonate-Group',
    'close, Host',
    'keep-alive,\tcontent-length',
    'TE',
    '',
  ].map((value) => ({
    name: `Connection: ${value}`,
    bytes: field(`Connection: ${value}`),
    rule: 'http1.connection.option',
  })),
  {
    name: 'a Connection option in a second line',
    bytes: request(GET, ['Connection: close', 'cOnNeCtIoN: X-Remote-User']),
    rule: 'http1.connection.option',
  },
  { name: 'a no-break space around an option', bytes: field('Connection: \xa0close'), rule: 'http1.connection.option' },
  {
    name: 'a word that contains upgrade',
    bytes: request(GET, ['Connection: noupgrade', 'Upgrade: websocket']),
    rule: 'http1.connection.option',
  },
  {
    name: 'h2c by curl',
    bytes: request(GET, ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c']),
    rule: 'http1.connection.option',
  },
  { name: 'h2c', bytes: request(GET, [UPGRADE, 'Upgrade: H2C']), rule: 'http1.upgrade.h2c' },
  { name: 'Upgrade without the option', bytes: field('Upgrade: websocket'), rule: 'http1.upgrade.option_missing' },
  { name: 'the option without Upgrade', bytes: field(UPGRADE), rule: 'http1.upgrade.field_missing' },
  {
    name: 'two Upgrade lines',
    bytes: request(GET, [UPGRADE, 'Upgrade: websocket', 'Upgrade: h2c']),
    rule: 'http1.upgrade.repeated',
  },
  {
    name: 'a list of protocols',
    bytes: request(GET, [UPGRADE, 'Upgrade: websocket, h2c']),
    rule: 'http1.upgrade.protocol',
  },
  { name: 'an empty Upgrade', bytes: request(GET, [UPGRADE, 'Upgrade:']), rule: 'http1.upgrade.protocol' },
  {
    name: 'an upgrade with a body',
    bytes: request(POST, [UPGRADE, 'Upgrade: SPDY/3.1', 'Content-Length: 5'], 'aaaaa'),
    rule: 'http1.upgrade.body',
  },
  {
    name: 'an upgrade with chunks',
    bytes: request(POST, [UPGRADE, 'Upgrade: SPDY/3.1', CHUNKED], '0\r\n\r\n'),
    rule: 'http1.upgrade.body',
  },
  {
    name: 'an upgrade in HTTP/1.0',
    bytes: request('GET / HTTP/1.0', [UPGRADE, 'Upgrade: websocket']),
    rule: 'http1.upgrade.http10',
  },
  {
    name: 'another expectation',
    bytes: request(POST, ['Expect: 200-ok', 'Content-Length: 1'], 'a'),
    rule: 'http1.expect.unknown',
    code: 417,
  },
  {
    name: 'two expectations',
    bytes: request(POST, ['Expect: 100-continue', 'Expect: 100-continue', 'Content-Length: 1'], 'a'),
    rule: 'http1.expect.repeated',
    code: 417,
  },
  { name: '0.CL with Expect', bytes: request(GET, ['Expect: 100-continue']), rule: 'http1.expect.bodiless', code: 417 },
  {
    name: 'Expect in HTTP/1.0',
    bytes: request('POST / HTTP/1.0', ['Expect: 100-continue', 'Content-Length: 1'], 'a'),
    rule: 'http1.expect.bodiless',
    code: 417,
  },
  // Chunks and trailers
  ...['+5', '-5', '0x5', ' 5', '5 ', '', 'g', '\t5', '5_0'].map((size) => ({
    name: `chunk size "${size}"`,
    bytes: chunked(`${size}\r\naaaaa\r\n0\r\n\r\n`),
    rule: 'http1.chunk.size',
  })),
  { name: 'an LF behind a chunk size', bytes: chunked('5\naaaaa\r\n0\r\n\r\n'), rule: 'http1.chunk.size' },
  { name: 'a CR behind a chunk size', bytes: chunked('5\raaaaa\r\n0\r\n\r\n'), rule: 'http1.chunk.size_end' },
  { name: 'a chunk extension', bytes: chunked('5;a=b\r\naaaaa\r\n0\r\n\r\n'), rule: 'http1.chunk.extension' },
  { name: 'an LF in a chunk extension', bytes: chunked('2;\nxx\r\n4c\r\n0\r\n\r\n'), rule: 'http1.chunk.extension' },
  { name: 'an extension of the last chunk', bytes: chunked('0;a\r\n\r\n'), rule: 'http1.chunk.extension' },
  { name: 'a chunk of 2^64', bytes: chunked('10000000000000005\r\naaaaa'), rule: 'http1.chunk.size_overflow' },
  { name: 'a chunk size of many zeros', bytes: chunked(`${'0'.repeat(17)}\r\n\r\n`), rule: 'http1.chunk.size_digits' },
  { name: 'a chunk of 2^53', bytes: chunked('20000000000000\r\naaaaa'), rule: 'http1.chunk.size_overflow' },
  { name: 'a chunk longer than its size', bytes: chunked('5\r\naaaaaa\r\n0\r\n\r\n'), rule: 'http1.chunk.end' },
  { name: 'an LF behind a chunk', bytes: chunked('5\r\naaaaa\n0\r\n\r\n'), rule: 'http1.chunk.end' },
  { name: 'a CR behind a chunk', bytes: chunked('5\r\naaaaa\r0\r\n\r\n'), rule: 'http1.chunk.end' },
  ...[
    'Content-Length: 5',
    CHUNKED,
    'Host: b',
    'authorization: x',
    'Impersonate-User: a',
    'X-Remote-Group: a',
    UPGRADE,
  ].map((line) => ({ name: `trailer ${line}`, bytes: chunked(`0\r\n${line}\r\n\r\n`), rule: 'http1.trailer.field' })),
  { name: 'an underscore in a trailer', bytes: chunked('0\r\nA_b: c\r\n\r\n'), rule: 'http1.field.underscore' },
  { name: 'an LF in the trailers', bytes: chunked('0\r\nA: b\n\r\n'), rule: 'http1.field.bare_lf' },
  { name: 'a folded trailer', bytes: chunked('0\r\nA: b\r\n c\r\n\r\n'), rule: 'http1.field.obs_fold' },
  {
    name: 'long trailers',
    bytes: chunked(`0\r\nA: ${'b'.repeat(limits.http1.trailerBytes)}\r\n\r\n`),
    rule: 'http1.field.too_large',
    code: 431,
  },
]

/** Refused when the connection ends behind these bytes. */
export const refusedRequestEnds: readonly Refused[] = [
  { name: 'within a request line', bytes: 'GET', rule: 'http1.request.cut_head' },
  { name: 'before the empty line', bytes: `${GET}\r\nHost: a\r\n`, rule: 'http1.request.cut_head' },
  {
    name: 'within a body by length',
    bytes: request(POST, ['Content-Length: 5'], 'aaaa'),
    rule: 'http1.request.cut_body',
  },
  { name: 'before the last chunk', bytes: chunked('5\r\naaaaa\r\n'), rule: 'http1.request.cut_body' },
  { name: 'within the trailers', bytes: chunked('0\r\nA: b\r\n'), rule: 'http1.request.cut_body' },
]

const OK = 'HTTP/1.1 200 OK'
const NO_BODY = 'Content-Length: 0'

/** Answers to a GET that asked for no upgrade. */
export const refusedResponses: readonly Refused[] = [
  { name: 'HTTP/0.9', bytes: 'hello\r\n', rule: 'http1.status_line.version', code: 505 },
  { name: 'HTTP/2', bytes: message(['HTTP/2.0 200 OK']), rule: 'http1.status_line.version', code: 505 },
  { name: 'an empty line first', bytes: `\r\n${message([OK])}`, rule: 'http1.status_line.version', code: 505 },
  ...['20', '2000', '2 0', '600', '099', '+20', '20a'].map((status) => ({
    name: `status ${status}`,
    bytes: message([`HTTP/1.1 ${status} OK`]),
    rule: status === '2000' ? 'http1.status_line.spaces' : 'http1.status_line.status',
  })),
  { name: 'no space behind the status', bytes: message(['HTTP/1.1 200']), rule: 'http1.status_line.spaces' },
  { name: 'a control in the reason', bytes: message([`${OK}\x00`]), rule: 'http1.status_line.reason' },
  { name: 'an LF behind the status line', bytes: `${OK}\n${NO_BODY}\r\n\r\n`, rule: 'http1.field.bare_lf' },
  { name: 'a folded field', bytes: message([OK, NO_BODY, ' x']), rule: 'http1.field.obs_fold' },
  { name: 'CL and TE', bytes: message([OK, 'Content-Length: 4', CHUNKED], '0\r\n\r\n'), rule: 'http1.framing.both' },
  { name: 'two lengths', bytes: message([OK, NO_BODY, NO_BODY]), rule: 'http1.content_length.repeated' },
  {
    name: 'another coding',
    bytes: message([OK, 'Transfer-Encoding: gzip, chunked']),
    rule: 'http1.transfer_encoding.unknown',
  },
  { name: 'chunks in HTTP/1.0', bytes: message(['HTTP/1.0 200 OK', CHUNKED]), rule: 'http1.response.chunked_http10' },
  { name: 'a Connection option', bytes: message([OK, NO_BODY, 'Connection: X']), rule: 'http1.connection.option' },
  {
    name: 'a body for 204',
    bytes: message(['HTTP/1.1 204 No Content', 'Content-Length: 1'], 'a'),
    rule: 'http1.response.framed_bodiless',
  },
  {
    name: 'chunks for 204',
    bytes: message(['HTTP/1.1 204 No Content', CHUNKED]),
    rule: 'http1.response.framed_bodiless',
  },
  {
    name: 'a body for 103',
    bytes: message(['HTTP/1.1 103 Early Hints', 'Content-Length: 5']),
    rule: 'http1.response.framed_bodiless',
  },
  {
    name: 'a flood of 1xx',
    bytes: message(['HTTP/1.1 103 Early Hints']).repeat(limits.http1.informational + 1),
    rule: 'http1.response.informational',
  },
  {
    name: 'a 101 that was not asked for',
    bytes: message(['HTTP/1.1 101 Switching Protocols', UPGRADE, 'Upgrade: websocket']),
    rule: 'http1.switch.unasked',
  },
  { name: 'a chunk extension', bytes: message([OK, CHUNKED], '1;a\r\n'), rule: 'http1.chunk.extension' },
  {
    name: 'a cookie as trailer',
    bytes: message([OK, CHUNKED], '0\r\nSet-Cookie: a\r\n\r\n'),
    rule: 'http1.trailer.field',
  },
  { name: 'bytes behind the answer', bytes: message([OK, NO_BODY], 'H'), rule: 'http1.response.unasked' },
  { name: 'a second answer', bytes: message([OK, NO_BODY]).repeat(2), rule: 'http1.response.unasked' },
]

export const refusedResponseEnds: readonly Refused[] = [
  { name: 'before the answer', bytes: '', rule: 'http1.response.missing' },
  { name: 'behind a 1xx', bytes: message(['HTTP/1.1 103 Early Hints']), rule: 'http1.response.missing' },
  { name: 'within a status line', bytes: 'HTTP/1.1 200 OK', rule: 'http1.response.cut_head' },
  {
    name: 'within a body by length',
    bytes: message([OK, 'Content-Length: 5'], 'aaaa'),
    rule: 'http1.response.cut_body',
  },
  { name: 'before the last chunk', bytes: message([OK, CHUNKED], '5\r\naaaaa\r\n'), rule: 'http1.response.cut_body' },
]

/** Answers to a request that asked for an upgrade. */
export const refusedSwitches: readonly Refused[] = [
  { name: 'no Upgrade', bytes: message(['HTTP/1.1 101 Switching Protocols', UPGRADE]), rule: 'http1.switch.fields' },
  {
    name: 'no Connection',
    bytes: message(['HTTP/1.1 101 Switching Protocols', 'Upgrade: a']),
    rule: 'http1.switch.fields',
  },
  {
    name: 'a body',
    bytes: message(['HTTP/1.1 101 Switching Protocols', UPGRADE, 'Upgrade: a', CHUNKED]),
    rule: 'http1.response.framed_bodiless',
  },
]
