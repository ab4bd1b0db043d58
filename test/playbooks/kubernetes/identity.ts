// Who asks is for the gateway to say: fields by which a client names itself, or by which it would take the gateway's own
// away, and requests of two people on shared connections.

import { raceRequest } from '../gateway-player.ts'
import type { GatewayPlay, Playbook } from '../playbook.ts'
import { answer, answered, forwarded, LIST, refusedByBoth, refusedByGateway, request } from '../scenes.ts'

/** 403 with the same Status for each of these lines, on a connection that stays. */
function notYours(line: string): GatewayPlay {
  const sights = [{ answer: 403, rule: 'identity.client_header' }]
  return refusedByGateway(line, request(LIST, [line]), sights, answered('identity.client_header'))
}

/** The line ends here; the request goes on without it. */
function dropped(name: string, lines: readonly string[]): GatewayPlay {
  return {
    against: 'gateway',
    name,
    client: [request(LIST, lines)],
    cluster: [{ answer: answer('200 OK', [], 'ok') }],
    expect: { client: [{ answer: 200, body: 'ok' }], cluster: [forwarded(LIST)], tape: [answered('admins')] },
  }
}

const RACERS = ['alice', 'bob']
const REQUESTS = 504

export const identity: readonly Playbook[] = [
  {
    name: 'Connection that names the proxy’s own fields',
    sources: [
      'CVE-2021-31999',
      'projectcapsule/capsule-proxy#188',
      'CVE-2025-48865',
      'CVE-2021-32813',
      'CVE-2024-45410',
      'RFC 9110 section 7.6.1',
    ],
    why: 'A proxy that drops what Connection names after it has said who asks sends the request as itself.',
    plays: [
      ...[
        'Connection: Impersonate-User, Impersonate-Group',
        'Connection: close, Impersonate-User',
        'connection: authorization',
        'CONNECTION: Host',
        'Connection: keep-alive,\tContent-Length',
        'Connection: X-Forwarded-For',
        'Connection: Audit-ID',
        'Connection: TE',
        'Connection: \xa0close',
        'Connection:',
      ].flatMap((line) => refusedByBoth(JSON.stringify(line), request(LIST, [line]), 'http1.connection.option')),
      ...refusedByBoth(
        'in a second line',
        request(LIST, ['Connection: close', 'cOnNeCtIoN: Impersonate-User']),
        'http1.connection.option',
      ),
      dropped('Keep-Alive, TE and Proxy-Connection are of this hop, named or not', [
        'Connection: keep-alive',
        'Keep-Alive: timeout=5',
        'TE: trailers',
        'Proxy-Connection: Impersonate-User',
      ]),
    ],
  },
  {
    name: 'Impersonate-* from the client',
    sources: ['open-cluster-management-io/cluster-proxy#329', 'open-cluster-management-io/cluster-proxy#335'],
    why: 'What the client adds to the gateway’s own impersonation makes it a member of any group, or somebody else.',
    plays: [
      notYours('Impersonate-User: admin'),
      notYours('Impersonate-Group: system:masters'),
      notYours('Impersonate-Uid: 0'),
      notYours('Impersonate-Extra-scopes: all'),
      notYours('iMPERSONATE-gROUP: system:masters'),
      notYours('Impersonate-User:'),
      notYours('Impersonate-Anything: x'),
      {
        against: 'gateway',
        name: 'in an interim answer of the cluster: nobody’s business',
        client: [request(LIST)],
        cluster: [
          { answer: `HTTP/1.1 103 Early Hints\r\nImpersonate-User: admin\r\n\r\n${answer('200 OK', [], 'ok')}` },
        ],
        expect: { client: [{ answer: 200, body: 'ok' }], cluster: [forwarded(LIST)], tape: [answered('admins')] },
      },
      {
        against: 'gateway',
        name: 'beside the token of somebody without rights: nothing changes',
        client: [request('DELETE /api/v1/namespaces/prod/pods/p HTTP/1.1', ['Impersonate-User: admin'], '', 'reader')],
        expect: {
          client: [{ answer: 403, rule: 'identity.client_header' }],
          cluster: 'nothing',
          tape: [answered('identity.client_header')],
        },
      },
    ],
  },
  {
    name: 'underscores for hyphens',
    sources: ['CVE-2025-64484', 'traefik X_Forwarded', 'Envoy edge guide: headers_with_underscores_action'],
    why: 'Servers behind a proxy read Impersonate_User as Impersonate-User, and the proxy’s filter does not.',
    plays: [
      'Impersonate_User: admin',
      'X_Remote_User: admin',
      'X_Forwarded_For: 10.0.0.1',
      'Content_Length: 5',
      'anything_at_all: x',
    ].flatMap((line) => refusedByBoth(line, request(LIST, [line]), 'http1.field.underscore')),
  },
  {
    name: 'X-Remote-* of the front proxy',
    sources: ['NCC-E003660-YVU', 'kubernetes/kubernetes#119631', 'kube-rbac-proxy/kube-rbac-proxy#443'],
    why: 'An API server that trusts the gateway’s certificate as its front proxy’s believes these fields.',
    plays: [
      notYours('X-Remote-User: admin'),
      notYours('X-Remote-Group: system:masters'),
      notYours('x-remote-extra-scopes: all'),
      notYours('X-Remote-Uid: 0'),
    ],
  },
  {
    name: 'addresses and paths by the client’s word',
    sources: ['CVE-2026-40575'],
    why: 'Policy that reads the path from a field judges one request while another one is served.',
    plays: [
      ...['X-Forwarded-Uri: /api/v1/pods', 'X-Original-URL: /api/v1/pods', 'X-Rewrite-URL: /api/v1/pods'].map(
        (line): GatewayPlay => ({
          against: 'gateway',
          name: line,
          client: [
            request('DELETE /api/v1/namespaces/prod/pods/p HTTP/1.1', [line, 'X-Forwarded-Method: GET'], '', 'reader'),
          ],
          expect: { client: [{ answer: 403, rule: 'default' }], cluster: 'nothing', tape: [answered('default')] },
        }),
      ),
      dropped('what states an address or an audit id does not reach the cluster', [
        'X-Forwarded-Uri: /api/v1/secrets',
        'X-Forwarded-For: 10.0.0.1',
        'X-Forwarded-Host: evil',
        'Forwarded: for=10.0.0.1',
        'X-Real-IP: 10.0.0.1',
        'Audit-ID: chosen',
        'Cookie: session=1',
        'Proxy-Authorization: Basic YTpi',
      ]),
    ],
  },
  {
    name: 'two callers on shared connections',
    sources: ['gravitational/teleport#67788', 'CVE-2023-33189'],
    why: 'An identity kept with the connection instead of the request sends one person’s request as another.',
    plays: [
      {
        against: 'gateway',
        name: `${RACERS.length * REQUESTS} interleaved requests: each with its own name alone, each answer to who asked`,
        client: [{ race: RACERS, requests: REQUESTS, lanes: 8 }],
        cluster: [{ echo: true }],
        expect: {
          client: [],
          cluster: RACERS.flatMap((user) =>
            Array.from({ length: REQUESTS }, (_, at) =>
              forwarded(raceRequest(user, at).split('\r\n')[0] as string, [], '', user),
            ),
          ),
          tape: Array.from({ length: RACERS.length * 8 }, () =>
            answered(...Array.from({ length: REQUESTS / 8 }, () => 'admins')),
          ),
        },
      },
      {
        against: 'gateway',
        name: 'one connection, one request of each: judged by the token of the request',
        client: [
          request(LIST),
          { answer: 200, body: 'ok' },
          request('DELETE /api/v1/namespaces/prod/pods/p HTTP/1.1', [], '', 'reader'),
          { answer: 403, rule: 'default' },
          request(LIST, [], '', 'bob'),
        ],
        cluster: [{ answer: answer('200 OK', [], 'ok') }, { answer: answer('200 OK', [], 'ok') }],
        expect: {
          client: [{ answer: 200, body: 'ok' }],
          cluster: [forwarded(LIST), forwarded(LIST, [], '', 'bob')],
          tape: [answered('admins', 'default', 'admins')],
        },
      },
    ],
  },
]
