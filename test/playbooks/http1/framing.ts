// Requests whose end two readers see in different places (RFC 9112 sections 6 and 7): lengths, codings and chunks. All of
// them end at the gateway; a front end that guesses hands the attacker the next caller's request.

import type { Playbook } from '../playbook.ts'
import { CREATE, refusedByBoth, request } from '../scenes.ts'

const CHUNKED = 'Transfer-Encoding: chunked'
const SMUGGLED = 'GET /api/v1/secrets HTTP/1.1\r\nHost: gateway\r\n\r\n'
const BODY = { told: ['request'] }
const PIECE = { told: ['request', 'data'] }

const withLines = (lines: readonly string[], body = ''): string => request(CREATE, lines, body)
const chunks = (body: string): string => request(CREATE, [CHUNKED], body)

export const framing: readonly Playbook[] = [
  {
    name: 'CL.TE and TE.CL',
    sources: ['RFC 9112 section 6.1', 'cloudflare/pingora#945', 'arXiv:2405.17737'],
    why: 'One reader ends the body by Content-Length and the next by chunks, so that its tail becomes a request of its own.',
    plays: [
      ...refusedByBoth(
        'a length before chunks',
        withLines(['Content-Length: 5', CHUNKED], `0\r\n\r\n${SMUGGLED}`),
        'http1.framing.both',
      ),
      ...refusedByBoth(
        'chunks before a length',
        withLines([CHUNKED, 'Content-Length: 4'], `2c\r\n${SMUGGLED}\r\n0\r\n\r\n`),
        'http1.framing.both',
      ),
      ...refusedByBoth(
        'a length of nothing and chunks',
        withLines(['Content-Length: 0', CHUNKED], SMUGGLED),
        'http1.framing.both',
      ),
    ],
  },
  {
    name: 'TE.TE',
    sources: ['RFC 9112 section 6.1', 'arXiv:2405.17737'],
    why: 'A coding that one reader takes for chunked and another for unknown makes the two end the body apart.',
    plays: [
      ...['xchunked', 'chunked, identity', 'identity, chunked', 'identity', 'gzip, chunked', 'chunked;q=1', ''].flatMap(
        (value) =>
          refusedByBoth(
            `"${value}"`,
            withLines([`Transfer-Encoding: ${value}`], `0\r\n\r\n${SMUGGLED}`),
            'http1.transfer_encoding.unknown',
          ),
      ),
      ...refusedByBoth(
        'a vertical tab before it',
        withLines(['Transfer-Encoding: \x0bchunked'], `0\r\n\r\n${SMUGGLED}`),
        'http1.field.control',
      ),
      ...refusedByBoth(
        'a blank behind it',
        withLines(['Transfer-Encoding: chunked '], `0\r\n\r\n${SMUGGLED}`),
        'http1.field.trailing_space',
      ),
      ...refusedByBoth(
        'two lines',
        withLines([CHUNKED, CHUNKED], `0\r\n\r\n${SMUGGLED}`),
        'http1.transfer_encoding.repeated',
      ),
      ...refusedByBoth(
        'two lines, one of them unknown',
        withLines([CHUNKED, 'Transfer-encoding: cow'], `0\r\n\r\n${SMUGGLED}`),
        'http1.transfer_encoding.repeated',
      ),
      ...refusedByBoth(
        'in HTTP/1.0',
        request(CREATE.replace('1.1', '1.0'), [CHUNKED], `0\r\n\r\n${SMUGGLED}`),
        'http1.transfer_encoding.http10',
      ),
    ],
  },
  {
    name: 'CL.CL and lengths of another form',
    sources: ['RFC 9110 section 8.6', 'RFC 9112 section 6.3', 'arXiv:2405.17737'],
    why: 'A length that one reader refuses, cuts, rounds or takes from the other line ends the body elsewhere for the next.',
    plays: [
      ...refusedByBoth(
        'two that differ',
        withLines(['Content-Length: 5', 'Content-Length: 6'], 'aaaaaG'),
        'http1.content_length.repeated',
      ),
      ...refusedByBoth(
        'two that agree',
        withLines(['Content-Length: 5', 'content-length: 5'], 'aaaaa'),
        'http1.content_length.repeated',
      ),
      ...['5, 5', '5,6', '+5', '-5', '0x5', '5;', '5.0', '1e1', '5 5'].flatMap((value) =>
        refusedByBoth(`"${value}"`, withLines([`Content-Length: ${value}`], 'aaaaa'), 'http1.content_length.character'),
      ),
      ...['', '05'].flatMap((value) =>
        refusedByBoth(`"${value}"`, withLines([`Content-Length: ${value}`], 'aaaaa'), 'http1.content_length.form'),
      ),
      ...refusedByBoth('"5 "', withLines(['Content-Length: 5 '], 'aaaaa'), 'http1.field.trailing_space'),
      ...['18446744073709551616', '18446744073709551621', '9007199254740992'].flatMap((value) =>
        refusedByBoth(`"${value}"`, withLines([`Content-Length: ${value}`], 'aaaaa'), 'http1.content_length.overflow'),
      ),
    ],
  },
  {
    name: '0.CL and CL.0 by Expect',
    sources: ['Kettle 2025, HTTP/1.1 must die', 'RFC 9110 section 10.1.1'],
    why: 'An expectation that one reader waits for and another ignores leaves a body where the next request is read.',
    plays: [
      ...refusedByBoth(
        'an expectation without a body',
        request('GET /api/v1/pods HTTP/1.1', ['Expect: 100-continue'], SMUGGLED),
        'http1.expect.bodiless',
        { code: 417 },
      ),
      ...refusedByBoth(
        'with a length of nothing',
        withLines(['Content-Length: 0', 'Expect: 100-continue'], SMUGGLED),
        'http1.expect.bodiless',
        { code: 417 },
      ),
      ...refusedByBoth(
        'in HTTP/1.0',
        request(CREATE.replace('1.1', '1.0'), ['Expect: 100-continue', 'Content-Length: 5'], 'aaaaa'),
        'http1.expect.bodiless',
        { code: 417 },
      ),
      ...['y 100-continue', '100-continue, 100-continue', 'x', '100-continue; a'].flatMap((value) =>
        refusedByBoth(
          `"${value}"`,
          withLines([`Expect: ${value}`, 'Content-Length: 5'], 'aaaaa'),
          'http1.expect.unknown',
          { code: 417 },
        ),
      ),
      ...refusedByBoth(
        'two lines',
        withLines(['Expect: 100-continue', 'Expect: 100-continue', 'Content-Length: 5'], 'aaaaa'),
        'http1.expect.repeated',
        { code: 417 },
      ),
    ],
  },
  {
    name: 'chunk sizes',
    sources: ['RFC 9112 section 7.1', 'arXiv:2405.17737'],
    why: 'A size that overflows, has a sign or a prefix is one number to one reader and another to the next.',
    plays: [
      ...['+5', '-5', '0x5', ' 5', '5 ', '', 'g', '\t5', '5_0'].flatMap((size) =>
        refusedByBoth(JSON.stringify(size), chunks(`${size}\r\naaaaa\r\n0\r\n\r\n`), 'http1.chunk.size', BODY),
      ),
      ...['10000000000000005', '20000000000000', 'ffffffffffffffff', '8000000000000000'].flatMap((size) =>
        refusedByBoth(size, chunks(`${size}\r\naaaaa`), 'http1.chunk.size_overflow', BODY),
      ),
      ...refusedByBoth('many zeros', chunks(`${'0'.repeat(17)}\r\n\r\n`), 'http1.chunk.size_digits', BODY),
    ],
  },
  {
    name: 'chunk extensions and the ends of chunk lines',
    sources: ['CVE-2025-55315', 'CVE-2025-22871', 'CVE-2025-43859', 'CVE-2025-58056', 'valyala/fasthttp#1899'],
    why: 'A line end that only one reader takes for one, in an extension or behind a chunk, hides a request in the body.',
    plays: [
      ...refusedByBoth('an extension', chunks('5;a=b\r\naaaaa\r\n0\r\n\r\n'), 'http1.chunk.extension', BODY),
      ...refusedByBoth(
        'LF within an extension',
        chunks(`2;\nxx\r\n4c\r\n0\r\n\r\n${SMUGGLED}`),
        'http1.chunk.extension',
        BODY,
      ),
      ...refusedByBoth('CR within an extension', chunks('2;\rxx\r\nxx\r\n0\r\n\r\n'), 'http1.chunk.extension', BODY),
      ...refusedByBoth(
        'an extension of the last chunk',
        chunks(`0;a\r\n\r\n${SMUGGLED}`),
        'http1.chunk.extension',
        BODY,
      ),
      ...refusedByBoth('LF behind a size', chunks('5\naaaaa\r\n0\r\n\r\n'), 'http1.chunk.size', BODY),
      ...refusedByBoth('CR behind a size', chunks('5\raaaaa\r\n0\r\n\r\n'), 'http1.chunk.size_end', BODY),
      ...refusedByBoth('any two bytes behind a chunk', chunks('5\r\naaaaaXX0\r\n\r\n'), 'http1.chunk.end', PIECE),
      ...refusedByBoth('LF behind a chunk', chunks('5\r\naaaaa\n0\r\n\r\n'), 'http1.chunk.end', PIECE),
      ...refusedByBoth('CR behind a chunk', chunks('5\r\naaaaa\r0\r\n\r\n'), 'http1.chunk.end', PIECE),
      ...refusedByBoth('a chunk longer than its size', chunks('5\r\naaaaaa\r\n0\r\n\r\n'), 'http1.chunk.end', PIECE),
      ...refusedByBoth('LF behind the last chunk', chunks(`0\n\r\n${SMUGGLED}`), 'http1.chunk.size', BODY),
    ],
  },
  {
    name: 'trailers that are framing or identity',
    sources: ['RFC 9110 section 6.5.1', 'arXiv:2405.17737', 'open-cluster-management-io/cluster-proxy#329'],
    why: 'A reader that merges trailers into the head lets the end of a body change who asks, and where the body ended.',
    plays: [
      ...[
        'Content-Length: 5',
        CHUNKED,
        'Host: other',
        'Authorization: Bearer x',
        'Impersonate-User: admin',
        'Impersonate-Group: system:masters',
        'X-Remote-Group: system:masters',
        'Connection: upgrade',
      ].flatMap((line) =>
        refusedByBoth(line, chunks(`5\r\naaaaa\r\n0\r\n${line}\r\n\r\n`), 'http1.trailer.field', PIECE),
      ),
      ...refusedByBoth(
        'an alias of one',
        chunks('5\r\naaaaa\r\n0\r\nImpersonate_User: admin\r\n\r\n'),
        'http1.field.underscore',
        PIECE,
      ),
      ...refusedByBoth('a folded one', chunks('0\r\nA: b\r\n c\r\n\r\n'), 'http1.field.obs_fold', BODY),
      ...refusedByBoth('an LF in them', chunks('0\r\nA: b\n\r\n'), 'http1.field.bare_lf', BODY),
    ],
  },
]
