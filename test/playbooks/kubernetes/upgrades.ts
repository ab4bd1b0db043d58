// The one turn from HTTP to a stream: before the cluster's 101, and after any other answer, nothing that the client sends
// behind its request goes anywhere, and a connection that was asked to turn never carries another request.

import { masked } from '../../protocols/websocket/frames.ts'
import { EXEC, forwardedUpgrade, SWITCHING, UPGRADE, upgradeRequest } from '../exec-scenes.ts'
import type { Bytes, ClusterStep, GatewayPlay, Playbook } from '../playbook.ts'
import { answer, answered, forwarded, message, refusedByBoth, refusedByGateway, request } from '../scenes.ts'

const SMUGGLED = request('GET /api/v1/secrets HTTP/1.1')
const STDIN = masked(0x82, '\x00id\n')
/** The end of stdin: nothing in front of it is held back for its masks. */
const STDIN_ENDS = masked(0x82, Buffer.from([0xff, 0]))

/** The cluster refuses to turn; the client goes on as if it had not. */
function refusedTurn(name: string, cluster: ClusterStep, status: number, body: string): GatewayPlay {
  return {
    against: 'gateway',
    name,
    client: [upgradeRequest() + SMUGGLED],
    cluster: [cluster, { closed: true }],
    expect: {
      client: [{ answer: status, body }, { closed: true }],
      cluster: [forwardedUpgrade()],
      tape: [
        {
          kind: 'exec',
          kinds: ['open', 'request', 'decision', 'response', 'responseBody', 'seal'],
          decisions: ['admins'],
          seal: 'closed',
        },
      ],
    },
  }
}

/** A 101 that is not the answer to what was asked: 502, and nothing passes in either direction. */
function wrongTurn(name: string, cluster: string): GatewayPlay {
  return {
    against: 'gateway',
    name,
    client: [upgradeRequest(), STDIN],
    cluster: [{ answer: cluster }, { closed: true }],
    expect: {
      client: [{ answer: 502, rule: 'upstream.protocol' }, { closed: true }],
      cluster: [forwardedUpgrade()],
      tape: [
        {
          kind: 'exec',
          kinds: ['open', 'request', 'decision', 'response', 'responseBody', 'seal'],
          decisions: ['admins'],
          seal: 'cluster gone',
        },
      ],
    },
  }
}

const untilIt = (name: string, behind: Bytes): GatewayPlay => ({
  against: 'gateway',
  name,
  client: [upgradeRequest(), behind, { after: 1 }],
  cluster: [{ asked: 1 }, { keep: true }],
  expect: {
    client: [],
    cluster: [forwardedUpgrade()],
    tape: [
      { kind: 'exec', kinds: ['open', 'request', 'decision', 'seal'], decisions: ['admins'], seal: 'client gone' },
    ],
  },
})

export const upgrades: readonly Playbook[] = [
  {
    name: 'a request behind a refused upgrade',
    sources: ['CVE-2018-1002105', 'kubernetes/kubernetes#71411'],
    why: 'A proxy that keeps a refused upgrade open lets its client send any request with the proxy’s own credential.',
    plays: [
      refusedTurn('403', { answer: answer('403 Forbidden', ['Content-Type: text/plain'], 'no!') }, 403, 'no!'),
      refusedTurn(
        '200',
        { answer: answer('200 OK', ['Content-Type: text/plain'], 'not an upgrade') },
        200,
        'not an upgrade',
      ),
      refusedTurn(
        '400 without a length',
        { answer: 'HTTP/1.1 400 Bad Request\r\n\r\nclosed', last: 'end' },
        400,
        'closed',
      ),
      refusedTurn(
        'an answer, and another one behind it',
        { answer: answer('403 Forbidden', [], 'no!') + answer('200 OK', [], 'secrets') },
        403,
        'no!',
      ),
    ],
  },
  {
    name: 'a 101 that answers something else',
    sources: ['CVE-2018-1002105', 'RFC 6455 section 4.1'],
    why: 'Without a check of the 101 a cached or confused answer opens a tunnel that nobody agreed on.',
    plays: [
      wrongTurn(
        'another protocol',
        message(['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: SPDY/3.1']),
      ),
      wrongTurn('no knowledge of the key', SWITCHING.replace('{{accept}}', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=')),
      wrongTurn(
        'an extension',
        SWITCHING.replace('\r\n\r\n', '\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n'),
      ),
      wrongTurn('a subprotocol that was not offered', SWITCHING.replace('v5.channel', 'v9.channel')),
    ],
  },
  {
    name: 'bytes before the 101',
    sources: ['CVE-2026-2833', 'rustsec/advisory-db#2695'],
    why: 'A proxy that becomes a tunnel when it sees Upgrade passes what follows unread, whatever the cluster answers.',
    plays: [
      untilIt('a frame waits for the answer', STDIN),
      untilIt('a request waits for the answer', SMUGGLED),
      {
        against: 'gateway',
        name: 'and passes behind it, recorded',
        client: [upgradeRequest() + STDIN.toString('latin1') + STDIN_ENDS.toString('latin1')],
        cluster: [{ answer: SWITCHING }, { until: STDIN_ENDS }],
        expect: {
          client: [],
          cluster: [forwardedUpgrade(), Buffer.concat([STDIN, STDIN_ENDS])],
          tape: [
            {
              kind: 'exec',
              kinds: ['open', 'request', 'decision', 'response', 'stream', 'note', 'seal'],
              decisions: ['admins'],
              seal: 'client gone',
            },
          ],
        },
      },
    ],
  },
  {
    name: 'an upgrade with a body',
    sources: ['CVE-2026-58055', 'RFC 9110 section 7.8'],
    why: 'The body of an upgrade that is refused is the next request of whoever shares the connection.',
    plays: [
      ...refusedByBoth('by length', request(EXEC, [...UPGRADE, 'Content-Length: 42'], SMUGGLED), 'http1.upgrade.body'),
      ...refusedByBoth(
        'by chunks',
        request(EXEC, [...UPGRADE, 'Transfer-Encoding: chunked'], `0\r\n\r\n${SMUGGLED}`),
        'http1.upgrade.body',
      ),
      ...refusedByBoth(
        'on POST, as SPDY asks',
        request(
          EXEC.replace('GET', 'POST'),
          ['Connection: Upgrade', 'Upgrade: SPDY/3.1', 'Content-Length: 5'],
          'aaaaa',
        ),
        'http1.upgrade.body',
      ),
    ],
  },
  {
    name: 'upgrades that are not Kubernetes’',
    sources: ['CVE-2018-1002105', 'kubernetes/kubernetes#78741'],
    why: 'What the gateway cannot read frame by frame it cannot record or decide about.',
    plays: [
      refusedByGateway(
        'an unknown protocol on exec',
        request(EXEC, ['Connection: Upgrade', 'Upgrade: tcp']),
        [{ answer: 403, rule: 'kube.upgrade.unknown' }],
        answered('kube.upgrade.unknown'),
      ),
      refusedByGateway(
        'another protocol to a watch',
        request('GET /api/v1/pods?watch=1 HTTP/1.1', ['Connection: Upgrade', 'Upgrade: tcp']),
        [{ answer: 403, rule: 'stream.unknown_upgrade' }],
        answered('stream.unknown_upgrade'),
      ),
      refusedByGateway(
        'WebSocket through nodes/proxy',
        request('GET /api/v1/nodes/n/proxy/exec/prod/p/c?command=id HTTP/1.1', UPGRADE),
        [{ answer: 403, rule: 'stream.unknown_upgrade' }],
        answered('stream.unknown_upgrade'),
      ),
      refusedByGateway(
        'WebSocket through a service',
        request('GET /api/v1/namespaces/prod/services/web:80/proxy/ HTTP/1.1', UPGRADE),
        [{ answer: 403, rule: 'stream.unknown_upgrade' }],
        answered('stream.unknown_upgrade'),
      ),
    ],
  },
  {
    name: 'redirects of the cluster',
    sources: ['CVE-2022-3294', 'CVE-2020-8562', 'kubernetes/kubernetes#113757'],
    why: 'Whoever follows a redirect with the gateway’s credential carries it to the address that an attacker names.',
    plays: [
      {
        against: 'gateway',
        name: 'of an upgrade: an end, not a new dial',
        client: [upgradeRequest()],
        cluster: [
          { answer: answer('302 Found', ['Location: https://169.254.169.254/latest/meta-data/']) },
          { closed: true },
        ],
        expect: {
          client: [{ answer: 502, rule: 'upstream.redirect' }, { closed: true }],
          cluster: [forwardedUpgrade()],
          tape: [
            {
              kind: 'exec',
              kinds: ['open', 'request', 'decision', 'response', 'responseBody', 'seal'],
              decisions: ['admins'],
              seal: 'cluster gone',
            },
          ],
        },
      },
      {
        against: 'gateway',
        name: 'of a call: for the caller to see, not for the gateway to follow',
        client: [request('GET /logs HTTP/1.1')],
        cluster: [{ answer: answer('301 Moved Permanently', ['Location: /logs/']) }],
        expect: {
          client: [{ answer: 301 }],
          cluster: [forwarded('GET /logs HTTP/1.1')],
          tape: [answered('admins')],
        },
      },
    ],
  },
]
