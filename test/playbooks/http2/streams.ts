// HTTP/2 against the whole gateway: who asks and what is asked, as over HTTP/1.1, and streams that are opened to be reset or
// never read.

import { limits } from '../../../protocols/limits.ts'
import { frame, GET, HTTP2, number, PREFACE, RST_STREAM, request, SETTINGS, setting } from '../http2-scenes.ts'
import type { GatewayPlay, Playbook } from '../playbook.ts'
import { answer, answered, forwarded } from '../scenes.ts'
import { USER_REQUESTS } from '../stage.ts'

const ENHANCE_YOUR_CALM = 11
const WATCH = '/api/v1/pods?watch=1'
const RESETS = Buffer.concat(
  Array.from({ length: limits.http2.resets + 1 }, (_, at) =>
    Buffer.concat([request(2 * at + 1), frame(RST_STREAM, 0, 2 * at + 1, number(8))]),
  ),
)

const TOKEN = ['authorization', 'Bearer {{alice}}'] as const
const PODS = 'GET /api/v1/pods HTTP/1.1'
type Lines = readonly (readonly [string, string])[]

function refused(name: string, lines: Lines, rule: string): GatewayPlay {
  return {
    against: 'gateway',
    name,
    client: [HTTP2, PREFACE, { http2: lines, stream: 1 }],
    expect: { client: [{ http2Body: 1, rule }], cluster: 'nothing', tape: [answered(rule)] },
  }
}

const withField = (name: string, value: string): Lines => [...GET, TOKEN, [name, value]]
const withPath = (path: string): Lines => [GET[0], GET[1], GET[2], [':path', path], TOKEN]

export const http2Streams: readonly Playbook[] = [
  {
    name: 'Impersonate-* and X-Remote-* over HTTP/2',
    sources: ['open-cluster-management-io/cluster-proxy#329', 'NCC-E003660-YVU'],
    why: 'A filter that was written for HTTP/1.1 heads alone lets the same fields in by the other door.',
    plays: [
      ...['impersonate-user', 'impersonate-group', 'impersonate-uid', 'impersonate-extra-x', 'x-remote-user'].map(
        (name) => refused(name, withField(name, 'admin'), 'identity.client_header'),
      ),
      refused('a path of two readings', withPath('/api/v1/namespaces/prod%2fsecrets%2fdb'), 'path.encoded_slash'),
      refused('nobody', GET, 'authn.missing'),
      {
        against: 'gateway',
        name: 'two callers on one connection, each under her own name',
        client: [
          HTTP2,
          PREFACE,
          { http2: [...GET, TOKEN], stream: 1 },
          { http2Body: 1, body: 'oidc:alice' },
          { http2: [...GET, ['authorization', 'Bearer {{bob}}']], stream: 3 },
        ],
        cluster: [{ echo: true }],
        expect: {
          client: [{ http2Body: 3, body: 'oidc:bob' }],
          cluster: [forwarded(PODS), forwarded(PODS, [], '', 'bob')],
          tape: [answered('admins', 'admins')],
        },
      },
      {
        against: 'gateway',
        name: 'what is of one hop, or states an address, does not reach the cluster',
        client: [
          HTTP2,
          PREFACE,
          {
            http2: [
              ...GET,
              TOKEN,
              ['te', 'trailers'],
              ['x-forwarded-for', '10.0.0.1'],
              ['cookie', 'a=b'],
              ['audit-id', 'x'],
            ],
            stream: 1,
          },
        ],
        cluster: [{ answer: answer('200 OK', [], 'ok') }],
        expect: { client: [{ http2Body: 1, body: 'ok' }], cluster: [forwarded(PODS)], tape: [answered('admins')] },
      },
    ],
  },
  {
    name: 'Rapid Reset against the gateway',
    sources: ['CVE-2023-44487'],
    why: 'What the protocol machine refuses must not have reached policy, the tapes or the cluster a hundred times before.',
    plays: [
      {
        against: 'gateway',
        name: 'by nobody: the connection ends, and nobody was asked anything',
        client: [HTTP2, PREFACE, RESETS],
        expect: {
          client: [{ http2Goaway: ENHANCE_YOUR_CALM }, { closed: true }],
          cluster: 'nothing',
          tape: [{ kinds: ['open', 'note', 'seal'], notes: ['http2.flood.resets'], seal: 'fault' }],
        },
      },
    ],
  },
  {
    name: 'more than one user’s share',
    sources: ['CVE-2023-44487', 'CVE-2018-12122'],
    why: 'One caller with as many watches as connections allow leaves nothing for the others.',
    plays: [
      {
        against: 'gateway',
        name: 'one request more than a user may have under way',
        client: [
          HTTP2,
          PREFACE,
          ...Array.from({ length: USER_REQUESTS }, (_, at) => ({ http2: withPath(WATCH), stream: 2 * at + 1 })),
          { after: 1 },
          { http2: withPath(WATCH), stream: 2 * USER_REQUESTS + 1 },
        ],
        cluster: [{ asked: USER_REQUESTS }, { keep: true }],
        expect: {
          client: [{ http2Body: 2 * USER_REQUESTS + 1, rule: 'gateway.user_requests' }],
          cluster: Array.from({ length: USER_REQUESTS }, () => forwarded(`GET ${WATCH} HTTP/1.1`)),
          tape: [
            {
              kinds: [
                'open',
                ...Array.from({ length: USER_REQUESTS + 1 }, () => ['request', 'decision'] as const).flat(),
                'response',
                // What the client leaves behind: each of its watches is broken off.
                ...Array.from({ length: USER_REQUESTS }, () => ['responseBody', 'note'] as const).flat(),
                'seal',
              ],
              decisions: [...Array.from({ length: USER_REQUESTS }, () => 'admins'), 'gateway.user_requests'],
              seal: 'closed',
            },
          ],
        },
      },
    ],
  },
  {
    name: 'windows held at zero',
    sources: ['CVE-2019-9511', 'CVE-2019-9517', 'CVE-2026-49975', 'CVE-2026-47774'],
    why: 'A client that never opens its window makes the server hold every answer it asked for.',
    plays: [
      {
        against: 'gateway',
        name: 'an answer that is not taken is reset in the end',
        client: [
          HTTP2,
          PREFACE,
          frame(SETTINGS, 0, 0, setting(4, 0)),
          { http2: [...GET, TOKEN], stream: 1 },
          { after: 1 },
          { advance: limits.http2.intervalMillis },
          { advance: limits.gateway.stalledMillis },
        ],
        cluster: [{ answer: answer('200 OK', [], 'x'.repeat(1_000)) }],
        expect: {
          client: [{ http2Reset: 1, code: ENHANCE_YOUR_CALM }],
          cluster: [forwarded(PODS)],
          tape: [answered('admins')],
        },
      },
    ],
  },
]
