// Requests that are more than their method says (exec by GET, anything by a proxy subresource), and streams that outlive
// the token that opened them.

import { EXEC, forwardedUpgrade, SWITCHING, UPGRADE, upgradeRequest } from '../exec-scenes.ts'
import type { GatewayPlay, Playbook } from '../playbook.ts'
import { answer, answered, forwarded, LIST, refusedByGateway, request } from '../scenes.ts'

/** Denied to the reader, who may read everything else: by default no stream and no proxy is anybody's. */
function denied(start: string, ask: string, lines: readonly string[] = []): GatewayPlay {
  const bytes = request(start, lines, '', 'reader')
  const name = `${start}${lines.length > 0 ? ' with an upgrade' : ''} is "${ask}"`
  return refusedByGateway(name, bytes, [{ answer: 403, rule: 'default' }], {
    ...answered('default'),
    asks: [ask],
  })
}

const WATCH = 'GET /api/v1/namespaces/prod/pods?watch=1 HTTP/1.1'
const CHUNKED = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
const EVENT = '2\r\n{}\r\n'
const AS_ALICE = { short: { expiresIn: 20 } }

export const streams: readonly Playbook[] = [
  {
    name: 'exec by GET',
    sources: ['kubernetes/kubernetes#78741', 'kubernetes/website#54191'],
    why: 'A WebSocket is opened by GET: who may get pods/exec for the API server, or reads for a policy, has a shell.',
    plays: [
      denied(EXEC, 'exec pods/exec p', UPGRADE),
      denied(EXEC, 'exec pods/exec p'),
      denied(EXEC.replace('GET', 'POST'), 'exec pods/exec p'),
      denied('GET /api/v1/namespaces/prod/pods/p/attach?stdin=1 HTTP/1.1', 'attach pods/attach p', UPGRADE),
      denied('GET /api/v1/namespaces/prod/pods/p/portforward?ports=22 HTTP/1.1', 'portforward pods/portforward p'),
    ],
  },
  {
    name: 'nodes/proxy and its kin',
    sources: ['kubernetes/kubernetes#136550', 'CVE-2022-3294', 'kubernetes/kubernetes#113757'],
    why: 'Whoever may get nodes/proxy has exec in every container of the node, and any address that a node object names.',
    plays: [
      denied('GET /api/v1/nodes/n/proxy/exec/prod/p/c?command=id HTTP/1.1', 'proxy nodes/proxy n'),
      denied('GET /api/v1/nodes/n/proxy/run/prod/p/c HTTP/1.1', 'proxy nodes/proxy n'),
      denied('GET /api/v1/nodes/169.254.169.254:80/proxy/latest HTTP/1.1', 'proxy nodes/proxy 169.254.169.254:80'),
      denied('GET /api/v1/namespaces/prod/pods/p:8080/proxy/ HTTP/1.1', 'proxy pods/proxy p:8080'),
      denied(
        'GET /api/v1/namespaces/prod/services/https:web:443/proxy/ HTTP/1.1',
        'proxy services/proxy https:web:443',
      ),
      denied('GET /api/v1/namespaces/prod/services/web/proxy HTTP/1.1', 'proxy services/proxy web'),
      denied('GET /api/v1/proxy/nodes/n HTTP/1.1', 'proxy nodes n'),
      denied('POST /api/v1/nodes/n/proxy/exec/prod/p/c HTTP/1.1', 'proxy nodes/proxy n'),
    ],
  },
  {
    name: 'ephemeral containers',
    sources: ['gravitational/teleport#67788'],
    why: 'A gateway that sends such a call as itself gives every caller a container in any pod.',
    plays: [
      {
        against: 'gateway',
        name: 'sent under the caller’s name, and read back under it',
        client: [
          request(
            'PATCH /api/v1/namespaces/prod/pods/p/ephemeralcontainers HTTP/1.1',
            ['Content-Type: application/json-patch+json', 'Content-Length: 2'],
            '[]',
            'bob',
          ),
          { answer: 200, body: '{}' },
          request('GET /api/v1/namespaces/prod/pods/p/ephemeralcontainers HTTP/1.1', [], '', 'bob'),
        ],
        cluster: [{ answer: answer('200 OK', [], '{}') }, { answer: answer('200 OK', [], '{}') }],
        expect: {
          client: [{ answer: 200, body: '{}' }],
          cluster: [
            forwarded(
              'PATCH /api/v1/namespaces/prod/pods/p/ephemeralcontainers HTTP/1.1',
              ['Content-Type: application/json-patch+json'],
              '[]',
              'bob',
            ),
            forwarded('GET /api/v1/namespaces/prod/pods/p/ephemeralcontainers HTTP/1.1', [], '', 'bob'),
          ],
          tape: [
            {
              kinds: [
                'open',
                'request',
                'requestBody',
                'decision',
                'response',
                'responseBody',
                'request',
                'decision',
                'response',
                'responseBody',
                'seal',
              ],
              decisions: ['admins', 'admins'],
              seal: 'closed',
            },
          ],
        },
      },
      denied('PATCH /api/v1/namespaces/prod/pods/p/ephemeralcontainers HTTP/1.1', 'patch pods/ephemeralcontainers p'),
    ],
  },
  {
    name: 'streams that outlive their token',
    sources: ['GHSA-c45c-39f6-6gw9', 'GHSA-9ghh-mmcq-8phc', 'CVE-2021-41230'],
    why: 'A shell or a watch that is checked once stays open for whoever lost the right to it.',
    plays: [
      {
        against: 'gateway',
        name: 'a watch is broken off within a second',
        tokens: AS_ALICE,
        client: [request(WATCH, [], '', 'short'), { after: 2 }, { advance: 19_000 }, { advance: 1_000 }],
        cluster: [{ answer: CHUNKED }, { send: EVENT }, { closed: true }],
        expect: {
          client: [{ brokenOff: true, within: 1_000 }],
          cluster: [forwarded(WATCH)],
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
      {
        against: 'gateway',
        name: 'an exec is told why and closed within a second',
        tokens: AS_ALICE,
        client: [upgradeRequest('short'), { answer: 101 }, { advance: 19_000 }, { advance: 1_000 }],
        cluster: [{ answer: SWITCHING }, { closed: true }],
        expect: {
          client: [{ webSocketClose: 1008 }, { closed: true, within: 1_000 }],
          cluster: [forwardedUpgrade(), { close: 1001 }],
          tape: [
            {
              kind: 'exec',
              kinds: ['open', 'request', 'decision', 'response', 'seal'],
              decisions: ['admins'],
              seal: 'token expired',
            },
          ],
        },
      },
      {
        against: 'gateway',
        name: 'the next request on the same connection is refused',
        tokens: AS_ALICE,
        client: [request(LIST, [], '', 'short'), { answer: 200 }, { advance: 20_000 }, request(LIST, [], '', 'short')],
        cluster: [{ answer: answer('200 OK') }],
        expect: {
          client: [{ answer: 401, rule: 'authn.expired' }],
          cluster: [forwarded(LIST)],
          tape: [answered('admins', 'authn.expired')],
        },
      },
    ],
  },
]
