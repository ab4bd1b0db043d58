// Answers of a cluster, or of a pod behind it, that two readers end in different places. The caller is told 502, and the
// connection never carries another request.

import { limits } from '../../../protocols/limits.ts'
import type { GatewayPlay, Play, Playbook } from '../playbook.ts'
import { answer, answered, CREATE, forwarded, LIST, machine, message, request } from '../scenes.ts'

const OK = 'HTTP/1.1 200 OK'
const CHUNKED = 'Transfer-Encoding: chunked'
const FACING = 'http1 facing a cluster'
const SECRET = answer('200 OK', [], 'for somebody else')

/** Before any of the answer has passed: the machine's rule, 502 to the caller, and the end of the connection. */
function refused(name: string, bytes: string, rule: string, code = 400): readonly Play[] {
  return [machine(`${name}: machine`, FACING, bytes, rule, code), gateway(name, bytes)]
}

function gateway(name: string, bytes: string): GatewayPlay {
  return {
    against: 'gateway',
    name: `${name}: gateway`,
    client: [request(LIST)],
    cluster: [{ answer: bytes }, { closed: true }],
    expect: {
      client: [{ answer: 502, rule: 'upstream.protocol' }],
      cluster: [forwarded(LIST)],
      tape: [answered('admins')],
    },
  }
}

/** In the middle of an answer: what was sound has passed, and it never looks complete. */
function broken(name: string, bytes: string, rule: string, told: readonly string[]): readonly Play[] {
  return [
    machine(`${name}: machine`, FACING, bytes, rule, 400, told),
    {
      against: 'gateway',
      name: `${name}: gateway`,
      client: [request(LIST)],
      cluster: [{ answer: bytes }, { closed: true }],
      expect: {
        client: [{ brokenOff: true }],
        cluster: [forwarded(LIST)],
        tape: [
          {
            kinds: ['open', 'request', 'decision', 'response', 'responseBody', 'note', 'seal'],
            decisions: ['admins'],
            notes: ['answer.broken'],
            seal: 'closed',
          },
        ],
      },
    },
  ]
}

/** JSON of 3,000,000 bytes. */
const LONG_TEXT = `"${'a'.repeat(2_999_998)}"`

export const responses: readonly Playbook[] = [
  {
    name: 'answers framed twice',
    sources: ['RFC 9112 section 6.3', 'arXiv:2405.17737'],
    why: 'A pod behind a proxy subresource chooses the bytes of an answer, and with them the next caller’s.',
    plays: [
      ...refused(
        'a length and chunks',
        message([OK, 'Content-Length: 4', CHUNKED], `0\r\n\r\n${SECRET}`),
        'http1.framing.both',
      ),
      ...refused(
        'two lengths',
        message([OK, 'Content-Length: 0', 'Content-Length: 17']),
        'http1.content_length.repeated',
      ),
      ...refused(
        'another coding',
        message([OK, 'Transfer-Encoding: gzip, chunked']),
        'http1.transfer_encoding.unknown',
      ),
      ...refused('chunks in HTTP/1.0', message(['HTTP/1.0 200 OK', CHUNKED]), 'http1.response.chunked_http10'),
      ...refused(
        'a body for 204',
        message(['HTTP/1.1 204 No Content', 'Content-Length: 17'], 'x'),
        'http1.response.framed_bodiless',
      ),
      ...refused('a folded field', message([OK, 'Content-Length: 0', ' x']), 'http1.field.obs_fold'),
      ...refused('LF line ends', `${OK}\nContent-Length: 0\n\n`, 'http1.field.bare_lf'),
      ...refused(
        'fields to drop',
        message([OK, 'Connection: Content-Length', 'Content-Length: 0']),
        'http1.connection.option',
      ),
      ...refused('HTTP/2', message(['HTTP/2.0 200 OK']), 'http1.status_line.version', 505),
      ...refused('a status of four digits', message(['HTTP/1.1 2000 OK']), 'http1.status_line.spaces'),
    ],
  },
  {
    name: 'answers that break off or go wrong in the middle',
    sources: ['CVE-2025-55315', 'CVE-2025-22871', 'RFC 9112 section 8'],
    why: 'Half a list that looks whole makes a controller delete what it does not see.',
    plays: [
      ...broken('a chunk extension', message([OK, CHUNKED], '5\r\naaaaa\r\n1;a\r\n'), 'http1.chunk.extension', [
        'response',
        'data',
      ]),
      ...broken('LF behind a chunk', message([OK, CHUNKED], '5\r\naaaaa\n0\r\n\r\n'), 'http1.chunk.end', [
        'response',
        'data',
      ]),
      ...broken(
        'a cookie as trailer',
        message([OK, CHUNKED], '5\r\naaaaa\r\n0\r\nSet-Cookie: a=b\r\n\r\n'),
        'http1.trailer.field',
        ['response', 'data'],
      ),
      {
        against: 'gateway',
        name: 'fewer bytes than its length',
        client: [request(LIST)],
        cluster: [{ answer: message([OK, 'Content-Length: 9'], 'half'), last: 'end' }, { closed: true }],
        expect: {
          client: [{ brokenOff: true }],
          cluster: [forwarded(LIST)],
          tape: [
            {
              kinds: ['open', 'request', 'decision', 'response', 'responseBody', 'note', 'seal'],
              decisions: ['admins'],
              notes: ['answer.broken'],
              seal: 'closed',
            },
          ],
        },
      },
    ],
  },
  {
    name: 'floods of 1xx',
    sources: ['RFC 9110 section 15.2'],
    why: 'Interim answers without end hold a request, and what collects their fields grows with them.',
    plays: [
      machine(
        'one more than are taken: machine',
        FACING,
        message(['HTTP/1.1 103 Early Hints', 'Link: a']).repeat(limits.http1.informational + 1),
        'http1.response.informational',
        400,
        ['informational'],
      ),
      gateway(
        'one more than are taken',
        message(['HTTP/1.1 103 Early Hints', 'Link: a']).repeat(limits.http1.informational + 1),
      ),
      ...refused(
        'with a body',
        message(['HTTP/1.1 103 Early Hints', 'Content-Length: 5']),
        'http1.response.framed_bodiless',
      ),
      {
        against: 'gateway',
        name: 'a few are not for the caller',
        client: [request(LIST)],
        cluster: [{ answer: message(['HTTP/1.1 103 Early Hints', 'Link: a']) + answer('200 OK', [], 'ok') }],
        expect: { client: [{ answer: 200, body: 'ok' }], cluster: [forwarded(LIST)], tape: [answered('admins')] },
      },
    ],
  },
  {
    name: 'a 101 that nobody asked for',
    sources: ['RFC 9110 section 15.2.2', 'CVE-2018-1002105'],
    why: 'A proxy that believes it turns a pooled connection into a tunnel between two strangers.',
    plays: refused(
      'to a list',
      message(['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket'], SECRET),
      'http1.switch.unasked',
    ),
  },
  {
    name: 'response-queue poisoning',
    sources: ['CVE-2026-48931', 'Kettle 2021, HTTP/2: the sequel is always worse'],
    why: 'A second answer waits on a kept connection and becomes the answer to whoever asks next.',
    plays: [
      machine('two answers: machine', FACING, SECRET + SECRET, 'http1.response.unasked', 400, ['response', 'data']),
      {
        against: 'gateway',
        name: 'two answers at once: the second is nobody’s',
        client: [request(LIST), { answer: 200, body: 'for alice' }, { connect: {} }, request(LIST, [], '', 'bob')],
        cluster: [
          { answer: answer('200 OK', [], 'for alice') + SECRET },
          { closed: true },
          { answer: answer('200 OK', [], 'for bob') },
        ],
        expect: {
          client: [{ answer: 200, body: 'for bob' }],
          cluster: [forwarded(LIST), forwarded(LIST, [], '', 'bob')],
          tape: [answered('admins'), answered('admins')],
        },
      },
      {
        against: 'gateway',
        name: 'a second answer later, on an idle connection',
        client: [request(LIST), { answer: 200, body: 'for alice' }, { after: 3 }, request(LIST)],
        cluster: [
          { answer: answer('200 OK', [], 'for alice') },
          { send: SECRET },
          { closed: true },
          { answer: answer('200 OK', [], 'for her again') },
        ],
        expect: {
          client: [{ answer: 200, body: 'for her again' }],
          cluster: [forwarded(LIST), forwarded(LIST)],
          tape: [answered('admins', 'admins')],
        },
      },
      {
        against: 'gateway',
        name: 'bytes behind an answer without a body',
        client: [request(LIST.replace('GET', 'HEAD')), { head: 200 }],
        cluster: [{ answer: SECRET }, { closed: true }],
        expect: {
          client: [],
          cluster: [forwarded(LIST.replace('GET', 'HEAD'))],
          tape: [answered('admins')],
        },
      },
    ],
  },
  {
    name: 'an answer that overtakes its request',
    sources: ['Kettle 2025, HTTP/1.1 must die', 'RFC 9112 section 9.3'],
    why: 'What is left of a request that was answered early is read as the next request on the same connection.',
    plays: [
      {
        against: 'gateway',
        name: 'before the body has been read',
        client: [request(CREATE, ['Content-Length: 3000000'], LONG_TEXT)],
        cluster: [{ early: answer('413 Payload Too Large', [], 'no') }],
        expect: {
          client: [{ answer: 413, body: 'no' }],
          cluster: [forwarded(CREATE, ['Accept: application/json'], LONG_TEXT).slice(0, -LONG_TEXT.length)],
          tape: [
            {
              kinds: ['open', 'request', 'requestBody', 'decision', 'response', 'responseBody', 'seal'],
              decisions: ['admins'],
              seal: 'closed',
            },
          ],
        },
      },
    ],
  },
]
