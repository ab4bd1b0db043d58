// Heads and trailers of HTTP/2 that mean something else once they are written as HTTP/1.1 (RFC 9113 sections 8.1 to 8.3):
// each ends its stream, and the connection goes on.

import { block, END_HEADERS, END_STREAM, frame, GET, HEADERS, open, request, reset } from '../http2-scenes.ts'
import type { Playbook } from '../playbook.ts'

const PROTOCOL_ERROR = 1
const DATA = 0
const join = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts)

export const http2Heads: readonly Playbook[] = [
  {
    name: 'pseudo-header fields',
    sources: ['CVE-2026-33186', 'RFC 9113 section 8.3', 'Kettle 2021, HTTP/2: the sequel is always worse'],
    why: 'A path or method that one reader takes from the first field, and the next from the last, is judged as another request.',
    plays: (
      [
        ['twice', [...GET, [':path', '/api/v1/secrets']], 'http2.pseudo.twice'],
        ['behind a field', [GET[0], GET[1], ['a', 'b'], GET[3]], 'http2.pseudo.late'],
        ['behind a cookie', [GET[0], GET[1], ['cookie', 'b'], GET[3]], 'http2.pseudo.late'],
        ['unknown', [...GET, [':user', 'admin']], 'http2.pseudo.unknown'],
        ['of an answer', [...GET, [':status', '200']], 'http2.pseudo.unknown'],
        ['extended CONNECT, which was not offered', [...GET, [':protocol', 'websocket']], 'http2.pseudo.unknown'],
        ['CONNECT', [[':method', 'CONNECT'], GET[1], GET[2], GET[3]], 'http2.method.unknown'],
        ['no path', [GET[0], GET[1], GET[2]], 'http2.pseudo.missing'],
        ['an empty path', [GET[0], GET[1], GET[2], [':path', '']], 'http2.path.form'],
        ['a path without a slash', [GET[0], GET[1], GET[2], [':path', 'api/v1/pods']], 'http2.path.form'],
        ['an absolute path', [GET[0], GET[1], GET[2], [':path', 'https://evil/api']], 'http2.path.form'],
        ['"*"', [GET[0], GET[1], GET[2], [':path', '*']], 'http2.path.form'],
        ['a space in the path', [GET[0], GET[1], GET[2], [':path', '/api HTTP/1.1']], 'http2.path.character'],
        ['CR LF in the path', [GET[0], GET[1], GET[2], [':path', '/ HTTP/1.1\r\nA: b']], 'http2.path.character'],
        ['CR LF in the method', [[':method', 'GET / HTTP/1.1\r\n'], GET[1], GET[2], GET[3]], 'http2.method.unknown'],
        ['a method in lower case', [[':method', 'get'], GET[1], GET[2], GET[3]], 'http2.method.unknown'],
        ['another scheme', [GET[0], [':scheme', 'file'], GET[2], GET[3]], 'http2.scheme.unknown'],
        ['two hosts', [...GET, ['host', 'other']], 'http2.authority.mismatch'],
        ['Host twice', [GET[0], GET[1], GET[3], ['host', 'a'], ['host', 'a']], 'http2.host.twice'],
        ['a user in the authority', [GET[0], GET[1], [':authority', 'a@b'], GET[3]], 'http2.authority.form'],
      ] as const
    ).flatMap(([name, lines, rule]) => reset(name, request(1, lines), rule, PROTOCOL_ERROR)),
  },
  {
    name: 'fields that become others in HTTP/1.1',
    sources: ['Kettle 2021, HTTP/2: the sequel is always worse', 'CVE-2025-64484', 'RFC 9113 section 8.2'],
    why: 'A gateway that writes HTTP/2’s fields into HTTP/1.1 turns a line end in a value into fields, or into a request.',
    plays: (
      [
        ['CR LF in a value', ['a', 'b\r\nImpersonate-User: admin'], 'http2.field.control'],
        ['LF in a value', ['a', 'b\nc'], 'http2.field.control'],
        ['NUL in a value', ['a', 'b\0c'], 'http2.field.control'],
        ['CR LF in a name', ['a: b\r\nc', 'd'], 'http2.field.name'],
        ['a colon in a name', ['a:b', 'c'], 'http2.field.name'],
        ['a space in a name', ['a b', 'c'], 'http2.field.name'],
        ['capital letters', ['Impersonate-User', 'admin'], 'http2.field.uppercase'],
        ['an underscore', ['impersonate_user', 'admin'], 'http2.field.underscore'],
        ['transfer-encoding', ['transfer-encoding', 'chunked'], 'http2.field.connection'],
        ['connection', ['connection', 'impersonate-user'], 'http2.field.connection'],
        ['upgrade', ['upgrade', 'h2c'], 'http2.field.connection'],
        ['keep-alive', ['keep-alive', 'timeout=5'], 'http2.field.connection'],
        ['te of chunks', ['te', 'chunked'], 'http2.field.te'],
        ['a blank around a value', ['content-length', ' 5'], 'http2.field.space'],
        ['a length with a sign', ['content-length', '+5'], 'http2.length.form'],
        ['a length that overflows', ['content-length', '18446744073709551616'], 'http2.length.form'],
        ['a length without a body', ['content-length', '5'], 'http2.length.no_body'],
      ] as const
    ).flatMap(([name, line, rule]) => reset(name, request(1, [...GET, line]), rule, PROTOCOL_ERROR)),
  },
  {
    name: 'lengths and trailers of HTTP/2',
    sources: ['Kettle 2021, HTTP/2: the sequel is always worse', 'RFC 9113 section 8.1.1'],
    why: 'A Content-Length that HTTP/2 does not need is what the HTTP/1.1 behind it ends the body by.',
    plays: [
      ...reset(
        'two lengths',
        request(1, [...GET, ['content-length', '0'], ['content-length', '5']]),
        'http2.length.twice',
        PROTOCOL_ERROR,
      ),
      ...reset(
        'more than was said',
        join(open(1, [...GET, ['content-length', '1']]), frame(DATA, END_STREAM, 1, Buffer.from('ab'))),
        'http2.length.exceeded',
        PROTOCOL_ERROR,
        { told: ['request', 'data'] },
      ),
      ...reset(
        'less than was said',
        join(open(1, [...GET, ['content-length', '3']]), frame(DATA, END_STREAM, 1, Buffer.from('ab'))),
        'http2.length.short',
        PROTOCOL_ERROR,
        { told: ['request', 'data'] },
      ),
      ...reset(
        'a trailer that is framing',
        join(open(1), frame(HEADERS, END_HEADERS | END_STREAM, 1, block(['content-length', '5']))),
        'http2.trailers.framing',
        PROTOCOL_ERROR,
        { told: ['request'] },
      ),
      ...['impersonate-user', 'x-remote-group', 'authorization'].flatMap((name) =>
        reset(
          `a trailer ${name}`,
          join(open(1), frame(HEADERS, END_HEADERS | END_STREAM, 1, block([name, 'admin']))),
          'http2.trailers.framing',
          PROTOCOL_ERROR,
          { told: ['request'] },
        ),
      ),
      ...reset(
        'a pseudo-header field in trailers',
        join(open(1), frame(HEADERS, END_HEADERS | END_STREAM, 1, block([':path', '/api/v1/secrets']))),
        'http2.pseudo.in_trailers',
        PROTOCOL_ERROR,
        { told: ['request'] },
      ),
      ...reset(
        'trailers that are not the end',
        join(open(1), frame(HEADERS, END_HEADERS, 1, block(['a', 'b']))),
        'http2.trailers.no_end',
        PROTOCOL_ERROR,
        { told: ['request'] },
      ),
    ],
  },
]
