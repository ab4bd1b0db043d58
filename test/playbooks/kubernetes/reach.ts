// What lies behind the gateway and beside it: a cluster that is somebody else, bodies made to be large once read, and the
// tapes, which no caller may read.

import type { GatewayPlay, Playbook } from '../playbook.ts'
import { answered, CREATE, message, refusedByGateway, request } from '../scenes.ts'

const BOMB = Array.from({ length: 9 }, (_, at) => `a${at + 1}: &a${at + 1} [${`*a${at}, `.repeat(9)}]`).join('\n')
const YAML = `a0: &a0 ["lol"]\n${BOMB}\n`
const JSON_BOMB = '['.repeat(100_000)

/** What cannot be searched for masked values is not passed on, and of a kind that may hold some the tape does not keep it. */
function unread(name: string, type: string, body: string): GatewayPlay {
  const rule = 'mask.unreadable_body'
  const bytes = request(CREATE, [`Content-Type: ${type}`, `Content-Length: ${body.length}`], body)
  const kinds = ['open', 'request', 'masked', 'requestBody', 'decision', 'response', 'responseBody', 'seal'] as const
  return refusedByGateway(name, bytes, [{ answer: 400, rule }], { kinds, decisions: [rule], seal: 'closed' })
}

/** The admin API to somebody whose token is good, and who is nobody's operator: known, and not let in. */
function notForCallers(target: string, method = 'GET', status = 403): GatewayPlay {
  return {
    against: 'gateway',
    name: `${method} ${target}`,
    client: [{ connect: { admin: true } }, request(`${method} ${target} HTTP/1.1`, ['Connection: close'])],
    expect: { client: [{ answer: status }], cluster: 'nothing', tape: [] },
  }
}

const TAPE = '01KAQ9V2Y8J4M6T3S5R7W9X0ZA'

export const reach: readonly Playbook[] = [
  {
    name: 'a name that leads to another machine',
    sources: ['CVE-2020-8562', 'kubernetes/kubernetes#101493'],
    why: 'An address that was checked and is resolved again sends the credential to whoever answers the second time.',
    plays: [
      {
        against: 'gateway',
        name: 'whoever answers without the configured authority’s certificate hears nothing',
        client: [request('GET /clusters/elsewhere/api/v1/pods HTTP/1.1')],
        expect: {
          client: [{ answer: 502, rule: 'upstream.certificate' }],
          cluster: 'nothing',
          tape: [answered('admins')],
        },
      },
      refusedByGateway(
        'the target names another host: a path of this cluster, or nothing',
        request('GET /clusters/169.254.169.254/latest/meta-data HTTP/1.1'),
        [{ answer: 404, rule: 'route.unknown_cluster' }],
        answered('route.unknown_cluster'),
      ),
    ],
  },
  {
    name: 'bodies that grow when read',
    sources: ['CVE-2019-11253'],
    why: 'YAML aliases or deep JSON make who parses them hold a million times what was sent.',
    plays: [
      unread('aliases of aliases are refused before they are followed', 'application/yaml', YAML),
      unread('100,000 brackets are refused', 'application/json', JSON_BOMB),
      refusedByGateway(
        'more than the API server would take, by its length alone',
        request(CREATE, ['Content-Length: 3145729']),
        [{ answer: 413, rule: 'request.body.too_large' }],
        answered('request.body.too_large'),
      ),
      refusedByGateway(
        'more than the API server would take, in chunks',
        request(CREATE, ['Transfer-Encoding: chunked'], `300001\r\n${'a'.repeat(0x30_0001)}\r\n0\r\n\r\n`),
        [{ answer: 413, rule: 'request.body.too_large' }],
        answered('request.body.too_large'),
      ),
    ],
  },
  {
    name: 'recordings by those who are recorded',
    sources: ['gravitational/teleport 18.7.6', 'CVE-2025-49825'],
    why: 'Who can read tapes sees what others saw, and who can write them decides what he did.',
    plays: [
      notForCallers('/v1/tapes'),
      notForCallers(`/v1/tapes/${TAPE}`),
      notForCallers('/v1/log/leaves'),
      notForCallers('/v1/log/checkpoint'),
      notForCallers(`/v1/tapes/${TAPE}`, 'PUT', 405),
      notForCallers(`/v1/tapes/${TAPE}`, 'DELETE'),
      {
        against: 'gateway',
        name: 'without a token',
        client: [
          { connect: { admin: true } },
          message(['GET /v1/tapes HTTP/1.1', 'Host: gateway', 'Connection: close']),
        ],
        expect: { client: [{ answer: 401 }], cluster: 'nothing', tape: [] },
      },
    ],
  },
]
